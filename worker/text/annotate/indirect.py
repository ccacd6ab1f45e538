"""Find indirect speech: statements of a person that a text repeats in its own words.

Each clause next to a verb of speech ("sagte, dass", "said that"), a source ("laut", "according to")
or in the subjunctive after another statement is a candidate; the weights that
`bench/fit/indirect.py` fitted give the probability that it is indirect speech.
"""

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice, pairwise
from math import exp

from storage.values.draft import Paragraph, Quote
from worker.text.annotate.cue import PRONOUNS, WORD
from worker.text.annotate.cues_english import CLAUSE_VERBS, SPEAKING, SURE_VERBS
from worker.text.annotate.fitted import load_weights
from worker.text.annotate.masked import mask_paragraph
from worker.text.annotate.quotes import MAX_NAMES, READ_ROLES
from worker.text.annotate.speaker.able import can_speak
from worker.text.annotate.speaker.identify import identify
from worker.text.annotate.speaker.persons import (
    MIN_NAMED,
    LastSpeaker,
    choose_person,
    person_options,
)
from worker.text.annotate.speaker.resolve import full_name, standalone_name
from worker.text.annotate.statements_english import english_statements
from worker.text.annotate.statements_german import (
    BACK,
    LONGEST_HEAD,
    MIN_CLAUSE,
    MOODS,
    OPENED,
    SOURCES,
    Around,
    Statement,
    german_statements,
    with_stops,
)

MIN_PROBABILITY = 0.65
"""The least probability of indirect speech, chosen as bench/results/measurements.md says."""
_MIN_WORDS, _MAX_LENGTH, _HISTORY = 3, 500, 8
_MAX_QUOTED = 0.85
_SURE = SURE_VERBS | {"according to", "According to", "laut", "Laut", "zufolge"}
"""Words beside which only a measure is no speaker."""
_ALONE = MOODS | SOURCES
"""Words that make a statement of a sentence without a comma, too."""
_SIGNS = {
    "de": OPENED | MOODS | SOURCES | with_stops(("so", "heißt", "hieß", "Wie", "wie")),
    "en": with_stops(CLAUSE_VERBS, SPEAKING, ("According", "according")),
}
"""Words of which a sentence with indirect speech has at least one, with their stops."""

Weigher = Callable[[Statement, str], float]
"""Returns how probable it is that a statement with these words is indirect speech."""


def probability(statement: Statement, _words: str = "") -> float:
    """Return the probability that a candidate is indirect speech."""
    return 1 / (1 + exp(-sum(map(load_weights("indirect").__getitem__, statement.features))))


def indirect_quotes(
    paragraphs: Sequence[Paragraph],
    language: str | None,
    weigher: Weigher = probability,
    direct: Sequence[Quote] = (),
) -> tuple[Quote, ...]:
    """Return the indirect quotations of a German or English text in order.

    A statement without a speaker has that of the statement before it; `direct` are the direct
    quotations of the text, of which one may stand before it in its paragraph.

    >>> text = "Die Leiterin der Wehr sagte am Montag, dass der Damm noch lange hält."
    >>> (quote,) = indirect_quotes([Paragraph("text", text)], "de")
    >>> quote.text, quote.cue, quote.speaker
    ('dass der Damm noch lange hält', 'sagte', 'Leiterin der Wehr')
    """
    if language not in {"de", "en"}:
        return ()
    return tuple(_Finder(paragraphs, language, weigher, direct).find())


class _Finder:
    """Finds the indirect quotations of one text in order."""

    def __init__(
        self,
        paragraphs: Sequence[Paragraph],
        language: str,
        weigher: Weigher,
        direct: Sequence[Quote],
    ) -> None:
        self.paragraphs, self.language, self.weigher = paragraphs, language, weigher
        self.direct = direct
        self.last: Quote | None = None
        self.names: dict[str, str] = {}
        self.full_text = "\n".join(each.text for each in paragraphs)

    def find(self) -> Iterator[Quote]:
        for index, paragraph in enumerate(self.paragraphs):
            if paragraph.role not in READ_ROLES:
                continue
            text, _, breaks = mask_paragraph(paragraph.text, self.language)
            is_english = self.language == "en"
            signs_of, told, before, start = _SIGNS[self.language].intersection, -1, 0, 0
            for end in breaks[1:]:
                signs = signs_of(text[start:end].split())
                if (
                    told == start
                    or (signs and (is_english or _may_state(text, before, start, end, signs)))
                    or (not signs and not is_english and text.startswith(BACK, end))
                ):
                    around = Around(
                        text[before:start], text[end : end + LONGEST_HEAD], told == start
                    )
                    for statement in self._statements(text[start:end], signs, around):
                        words = paragraph.text[start + statement.start : start + statement.end]
                        share = self.weigher(statement, words)
                        if share >= MIN_PROBABILITY:
                            told = end
                            yield self._quote(statement, words, start, index, share)
                            break
                before, start = start, end

    def _statements(
        self, sentence: str, signs: AbstractSet[str], around: Around
    ) -> Iterator[Statement]:
        """Yield the candidates of a sentence with these signs of speech."""
        if len(sentence) > _MAX_LENGTH:
            return
        if self.language == "en":
            found = english_statements(sentence) if signs else iter(())
        else:
            found = german_statements(sentence, signs, around)
        for each in filter(None, found):
            clause = sentence[each.start : each.end]
            is_long = len(clause) >= MIN_CLAUSE and len(WORD.findall(sentence)) > _MIN_WORDS
            if is_long and clause.count("§") <= _MAX_QUOTED * len(clause):
                yield each

    def _quote(
        self, statement: Statement, clause: str, offset: int, index: int, share: float
    ) -> Quote:
        speaker, resolved = statement.cue.speaker, None
        if speaker:
            is_sure = statement.cue.word in _SURE
            is_able = can_speak(speaker, self.full_text, self.language, is_sure=is_sure)
            speaker = speaker if is_able else None
        if speaker:
            resolved = self._full_name(speaker)
        elif statement.cue.pronoun:
            speaker, resolved = self._pronoun(statement, index, offset)
        elif "follows" in statement.features and (before := self._quotation_before(index, offset)):
            resolved = before.speaker_resolved
            is_pronoun = (before.speaker or "").casefold() in PRONOUNS
            speaker = resolved if is_pronoun and resolved else before.speaker
        is_sought = resolved and len(self.names) < MAX_NAMES
        found = identify(resolved or "", self.full_text, self.language) if is_sought else ()
        speakers = () if any(each.kind == "unknown" for each in found) else found
        quote = Quote(
            clause,
            speaker,
            statement.cue.word,
            index,
            resolved,
            "indirect",
            speakers,
            round(share, 2),
        )
        self.last = quote
        return quote

    def _quotation_before(self, index: int, offset: int) -> Quote | None:
        """Return the nearest quotation before a statement.

        It is one of the same paragraph, or an indirect one of the paragraph before.
        """
        text, last = self.paragraphs[index].text, self.last
        places: dict[int, Quote] = {
            place: each
            for each in (*self.direct, *([last] if last else ()))
            if each.paragraph == index and -1 < (place := text.find(each.text)) < offset
        }
        if places:
            return places[max(places)]
        return last if last and index - last.paragraph <= 1 else None

    def _full_name(self, name: str) -> str:
        if name not in self.names and len(self.names) < MAX_NAMES:
            self.names[name] = standalone_name(full_name(name, self.full_text), self.full_text)
        return self.names.get(name, name)

    def _pronoun(
        self, statement: Statement, index: int, offset: int
    ) -> tuple[str | None, str | None]:
        """Return the pronoun of a statement, and whom it means."""
        pronoun = next(
            (each[9:] for each in statement.features if each.startswith("pronoun: ")), ""
        )
        if pronoun not in {"he", "she", "er", "sie"}:
            return pronoun or None, None
        last = None
        if self.last and self.last.speaker_resolved:
            count = min(index - self.last.paragraph, 4)
            last = LastSpeaker(self.last.speaker_resolved, f"{count} paragraphs")
        sentences = islice(self._sentences_before(index, offset), _HISTORY)
        options = person_options(pronoun, [*sentences], last, self.language, self.full_text)
        person, share = choose_person(options)
        is_clear = bool(person.name) and share >= MIN_NAMED
        return pronoun, self._full_name(person.name) if is_clear else None

    def _sentences_before(self, index: int, offset: int) -> Iterator[str]:
        """Yield the sentences before a place in a paragraph, nearest first."""
        for at in range(index, -1, -1):
            paragraph = self.paragraphs[at]
            if paragraph.role not in READ_ROLES:
                continue
            text, _, breaks = mask_paragraph(paragraph.text, self.language)
            for start, end in reversed([*pairwise(breaks)]):
                if at < index or start < offset:
                    yield text[start:end]


def _may_state(text: str, before: int, start: int, end: int, signs: AbstractSet[str]) -> bool:
    """Check quickly whether a German sentence with these signs can be or have a statement."""
    quoted = text.find(" ", start, end) if text[start] == "§" else start
    return (
        text.find(",", quoted, end) >= 0
        or not _ALONE.isdisjoint(signs)
        or text.find(": ", quoted, end) >= 0
        or text.find("§§", before, start) >= 0
        or text.startswith(BACK, end)
    )
