"""Parse a German passage into words, names, nouns and pronouns."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from worker.text.annotate.speaker.german_words import (
    NO_SPEAKER,
    NOMINATIVE,
    OBLIQUE,
    WORD_KINDS,
    is_adverb,
    is_feminine,
)

_GAP = re.compile(r"([^\w'’-]+)")
_PRONOUNS = frozenset("er sie man wir Er Sie Man Wir".split())  # noqa: SIM905
_PARTICLES = frozenset("von van de al el bin di da del la".split())  # noqa: SIM905
_ATTRIBUTE_WORDS = frozenset("der des von vom für beim bei im".split())  # noqa: SIM905
_TITLES = frozenset({"Dr", "Prof", "med"})
_STATEMENT_NOUNS = frozenset(
    "Meinung Ansicht Angabe Angaben Aussage Aussagen Wort Worten Einschätzung Auffassung"  # noqa: SIM905
    " Darstellung Überzeugung Berichten Informationen".split()
)
_NON_NAMES = NO_SPEAKER | _STATEMENT_NOUNS
_JOINING_GAPS = frozenset({" ", ") "})
_CLAUSE_ENDS = frozenset(",;:–—()")
_MAX_ADJECTIVES, _MAX_BRACKET_WORDS, _MAX_INSERTION_WORDS = 3, 4, 20


class Passage:
    """A passage as words, with the gaps after them, and the clause and kinds of each word."""

    __slots__ = ("clauses", "gaps", "kinds", "parts", "words")

    def __init__(self, text: str) -> None:
        self.parts: list[str] = _GAP.split(text)
        self.words, self.gaps = self.parts[::2], self.parts[1::2]
        self.kinds = [WORD_KINDS.get(word, 0) for word in self.words]
        ends = [gap != " " and not _CLAUSE_ENDS.isdisjoint(gap) for gap in self.gaps]
        self.clauses = list(accumulate(ends, initial=0))

    def clause_kinds(self) -> list[int]:
        """Return the kinds of words in each clause."""
        clause_kinds = [0] * (self.clauses[-1] + 1)
        for clause, kinds in zip(self.clauses, self.kinds, strict=True):
            if kinds:
                clause_kinds[clause] |= kinds
        return clause_kinds

    def first_word(self, clause: int) -> str:
        """Return the first word of a clause in lower case."""
        position = self.clauses.index(clause)
        word = self.words[position]
        if not word and position + 1 < len(self.words) and self.clauses[position + 1] == clause:
            word = self.words[position + 1]
        return word.casefold()

    def text(self, start: int, end: int) -> str:
        """Return a range of words as written in the text."""
        return "".join(self.parts[2 * start : 2 * end - 1])

    def is_joined(self, position: int) -> bool:
        """Check whether only a blank separates a word from the next one."""
        return position < len(self.gaps) and self.gaps[position] == " "

    def skip_insertion(self, end: int) -> int:
        """Return the index of the word that follows a name and an insertion between commas.

        >>> Passage("Bo Lind, Chef der Wehr, sagte das").skip_insertion(2)
        5
        """
        gap = self.gaps[end - 1] if end <= len(self.gaps) else ""
        closing = "," if gap.startswith(",") else ")" if gap == " (" else ""
        if closing:
            last = min(len(self.gaps), end + _MAX_INSERTION_WORDS)
            for position in range(end, last):
                if closing in self.gaps[position] and self.words[position + 1]:
                    return position + 1
        return end


@dataclass(slots=True)
class NounPhrase:
    """A pronoun or a noun phrase, as indices of its words.

    The article begins at `start`, the adjectives at `bare`, the name at `name`; the name ends at
    `head`, the phrase with its attributes at `end`.
    """

    start: int
    bare: int
    name: int
    head: int
    end: int
    article: str = ""
    oblique: bool = False
    is_pronoun: bool = False


def phrases(passage: Passage) -> Iterator[NounPhrase]:
    """Yield the noun phrases and pronouns of a passage, in order.

    >>> passage = Passage("Nach Angaben von Bo Lind sagte er: Auch der Chef der Wehr kam.")
    >>> [passage.text(phrase.bare, phrase.end) for phrase in phrases(passage)]
    ['Bo Lind', 'er', 'Chef der Wehr']
    """
    words, end = passage.words, 0
    for position, word in enumerate(words):
        if position < end or (word.islower() and word not in _PRONOUNS):
            continue
        if word in _PRONOUNS:
            yield NounPhrase(
                position, position, position, position + 1, position + 1, is_pronoun=True
            )
        elif (
            word not in _NON_NAMES
            and _is_capital(word)
            and not _is_opening_adverb(words, position, word)
        ):
            phrase = _parse_phrase(passage, position)
            end = phrase.end
            yield phrase


def _is_opening_adverb(words: list[str], position: int, word: str) -> bool:
    return (not position or not words[position - 1]) and is_adverb(word)


def _is_capital(word: str) -> bool:
    first = word[:1]
    return first.isupper() or (first.isdigit() and word.partition("-")[2][:1].isupper())


def _parse_phrase(passage: Passage, position: int) -> NounPhrase:
    words = passage.words
    head, plain = _name_end(passage, position)
    start, bare, article = _find_article(passage, position)
    small = article.casefold()
    oblique = small in OBLIQUE
    if small == "der":
        noun = words[plain - 1]
        oblique = is_feminine(noun) or (bare < position and words[position - 1].endswith("en"))
    return NounPhrase(start, bare, position, plain, _attributes_end(passage, head), small, oblique)


def _find_article(passage: Passage, position: int) -> tuple[int, int, str]:
    """Return the start of the article and of the adjectives before a noun, and the article."""
    words, left = passage.words, position
    for _ in range(_MAX_ADJECTIVES + 1):
        if not left or not passage.is_joined(left - 1):
            break
        word = words[left - 1]
        if word in NOMINATIVE or word in OBLIQUE or word.casefold() in _ARTICLES:
            return left - 1, left, word
        if not (word[:1].islower() and word.endswith(("e", "en", "er", "es", "em"))):
            break
        left -= 1
    return position, position, ""


_ARTICLES = NOMINATIVE | OBLIQUE


def _name_end(passage: Passage, position: int) -> tuple[int, int]:
    """Return the end of a name, and the end of its first noun: Chef von Bremen."""
    words, gaps, end = passage.words, passage.gaps, position + 1
    plain = 0
    while end < len(words):
        gap = gaps[end - 1]
        if gap != " " and not (gap == ". " and _is_short(words[end - 1])):
            break
        if _is_capital(words[end]):
            end += 1
        elif words[end] in _PARTICLES and passage.is_joined(end) and _is_capital(words[end + 1]):
            plain = plain or end
            end += 2
        else:
            break
    return end, plain or end


def _is_short(word: str) -> bool:
    return len(word) == 1 or word in _TITLES


def _attributes_end(passage: Passage, end: int) -> int:
    """Return the end of the attributes of a name: Lind (SPD), Chef der freiwilligen Wehr."""
    words, gaps = passage.words, passage.gaps
    if end > len(gaps) or (gaps[end - 1] == " " and words[end] not in _ATTRIBUTE_WORDS):
        return end
    if gaps[end - 1] == " (":
        last = min(end + _MAX_BRACKET_WORDS, len(gaps))
        closing = next(
            (position for position in range(end, last) if gaps[position].startswith(")")), None
        )
        if closing is None or gaps[closing] != ") ":
            return end if closing is None else closing + 1
        end = closing + 1
    for _ in range(2):
        if not (
            end < len(words) and words[end] in _ATTRIBUTE_WORDS and gaps[end - 1] in _JOINING_GAPS
        ):
            break
        position = end + 1
        if (
            position + 1 < len(words)
            and words[position][:1].islower()
            and words[position].endswith("en")
        ):
            position += 1
        if (
            position >= len(words)
            or not _is_capital(words[position])
            or not passage.is_joined(position - 1)
        ):
            break
        end, _ = _name_end(passage, position)
    return end
