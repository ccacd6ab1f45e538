"""Cache of stored texts in a process, so that each is read and split once.

Stored texts never change, except by redaction: then the whole cache is dropped. The results of a
unit of work are cached after its commit, because a rollback frees its numbers.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from storage.database.tables import REDACTION
from storage.diff.change import CaptureContent
from storage.history.runs import Pair
from storage.language.paragraphs import CutParagraph

MOST_CONTENT_LETTERS = 6_000_000
"""Maximum number of letters of captures cached with everything that comparing needs."""
MOST_LETTERS = 24_000_000
"""Maximum number of letters of cached paragraphs; one in many texts counts once."""
MOST_TEXTS = 20_000
MOST_STEPS = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class ParsedWording:
    """Title and paragraphs of a wording; `apart` caches which paragraphs are off its topic."""

    title: CutParagraph
    paragraphs: tuple[CutParagraph, ...]
    apart: dict[CutParagraph, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class StepToCheck:
    """The paragraphs of a step to check in other articles; `foreign` caches those off topic.

    None are checked if nothing else `has_text`.
    """

    paragraphs: tuple[str, ...]
    has_text: bool
    foreign: dict[str, bool]


@dataclass(slots=True)
class Memory:
    """LRU cache of captures by derivation, of wordings, and of pending steps."""

    contents: OrderedDict[int, CaptureContent] = field(default_factory=OrderedDict)
    wordings: OrderedDict[int, ParsedWording] = field(default_factory=OrderedDict)
    steps: OrderedDict[Pair, StepToCheck] = field(default_factory=OrderedDict)
    _letters: int = 0
    _redacted: int | None = None

    def check(self, connection: Connection) -> None:
        """Drop the cache if texts were redacted since."""
        newest = connection.execute(select(func.max(REDACTION.c.id))).scalar()
        if newest != self._redacted:
            self.contents.clear()
            self.wordings.clear()
            self.steps.clear()
            self._letters, self._redacted = 0, newest

    def find_content(self, derivation_id: int) -> CaptureContent | None:
        found = self.contents.get(derivation_id)
        if found is not None:
            self.contents.move_to_end(derivation_id)
        return found

    def wording(self, wording_id: int) -> ParsedWording | None:
        found = self.wordings.get(wording_id)
        if found is not None:
            self.wordings.move_to_end(wording_id)
        return found

    def step(self, pair: Pair) -> StepToCheck | None:
        found = self.steps.get(pair)
        if found is not None:
            self.steps.move_to_end(pair)
        return found

    def keep(
        self,
        contents: Mapping[int, CaptureContent],
        wordings: Mapping[int, ParsedWording],
        steps: Mapping[Pair, StepToCheck],
    ) -> None:
        """Cache committed content, within bounds."""
        for number, each in contents.items():
            if number not in self.contents:
                self.contents[number] = each
                self._letters += _letters(each)
        self.wordings.update(wordings)
        self.steps.update(steps)
        while len(self.steps) > MOST_STEPS:
            self.steps.popitem(last=False)
        while self.contents and self._letters > MOST_CONTENT_LETTERS:
            self._letters -= _letters(self.contents.popitem(last=False)[1])
        while self.wordings and (
            len(self.wordings) > MOST_TEXTS or CutParagraph.held > MOST_LETTERS
        ):
            self.wordings.popitem(last=False)


def _letters(content: CaptureContent) -> int:
    return sum(map(len, content.text.parts)) + sum(map(len, content.beside))
