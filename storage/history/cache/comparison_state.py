"""What one unit of work knows of the captures that it compares."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from storage.diff.change import CaptureContent, CapturePair
from storage.history.cache.memory import StepToCheck
from storage.history.noise.boilerplate import ChangedText
from storage.history.runs import Pair
from storage.language.paragraphs import CutParagraph
from storage.values.digest import canonical_all


class ComparedPair(CapturePair):
    """Two captures, with the paragraphs that other articles may show to be boilerplate."""

    @cached_property
    def to_check(self) -> tuple[tuple[str, ...], ChangedText | None]:
        """Return the paragraphs to check in other articles, and the rest of the text.

        Only web pages have boilerplate: an author added each paragraph of a file or record.
        """
        a, b = self.a, self.b
        candidates = _without_notices(self.boilerplate_candidates, a, b)
        own = [each for each in (*a.paragraphs, *b.paragraphs) if each.canon not in candidates]
        is_page = a.is_page and b.is_page
        has_text = is_page and bool(candidates) and _has_text(own, a, b)
        return candidates, ChangedText(own) if has_text else None


@dataclass(slots=True)
class ComparisonState:
    """The contents and comparisons of one unit of work.

    It is filled before the lock of the archive is taken, goes through `enter` when the unit has
    the lock, and ends with the unit; after the commit, `Memory` keeps `contents` and `steps`.

    `contents` are those of derivations; unwritten ones have negative numbers. `drafts` are the
    contents that were read, by observation. `sites` are those of articles.
    """

    contents: dict[int, CaptureContent] = field(default_factory=dict)
    drafts: dict[int, CaptureContent] = field(default_factory=dict)
    steps: dict[Pair, StepToCheck] = field(default_factory=dict)
    sites: dict[int, str] = field(default_factory=dict)
    _pairs: dict[tuple[CaptureContent, CaptureContent], ComparedPair] = field(default_factory=dict)

    def pair(self, a: CaptureContent, b: CaptureContent) -> ComparedPair:
        """Return two captures with what is known of their comparison."""
        if (a, b) not in self._pairs:
            self._pairs[a, b] = ComparedPair(a, b)
        return self._pairs[a, b]

    def drop_uncertain(self) -> list[int]:
        """Drop what the lock may have changed; return the articles whose sites to load again.

        Contents and comparisons stay; unwritten derivations and sites do not.
        """
        self.contents = {number: each for number, each in self.contents.items() if number > 0}
        self.steps = {pair: step for pair, step in self.steps.items() if min(pair) > 0}
        articles = [article for article in self.sites if article > 0]
        self.sites.clear()
        return articles


def _has_text(own: Sequence[CutParagraph], a: CaptureContent, b: CaptureContent) -> bool:
    """Check whether a text contains more than titles."""
    return not {a.paragraphs[0], b.paragraphs[0]}.issuperset(own)


def _without_notices(
    boilerplate_candidates: Sequence[str], a: CaptureContent, b: CaptureContent
) -> tuple[str, ...]:
    """Return the candidates that are no notice: a notice is about the article."""
    notices = set(canonical_all([text for _kind, text in (*a.notices, *b.notices)]))
    return tuple(each for each in boilerplate_candidates if each not in notices)
