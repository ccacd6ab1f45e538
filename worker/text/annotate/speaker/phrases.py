"""The names, nouns and pronouns of a German stretch of text, taken apart into words once."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from worker.text.annotate.speaker.words import (
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
_TAILS = frozenset("der des von vom für beim bei im".split())  # noqa: SIM905
_TITLES = frozenset({"Dr", "Prof", "med"})
_HEADS = frozenset(
    "Meinung Ansicht Angabe Angaben Aussage Aussagen Wort Worten Einschätzung Auffassung"  # noqa: SIM905
    " Darstellung Überzeugung Berichten Informationen".split()
)
_NO_NAMES = NO_SPEAKER | _HEADS
_JOINING = frozenset({" ", ") "})
_ENDS = frozenset(",;:–—()")
_MOST_ADJECTIVES, _LONGEST_BRACKET, _INSERTION = 3, 4, 20


class Stretch:
    """A stretch of text as words, with the gaps behind them, the clause and the kinds of each."""

    __slots__ = ("clauses", "gaps", "kinds", "parts", "words")

    def __init__(self, text: str) -> None:
        self.parts: list[str] = _GAP.split(text)
        self.words, self.gaps = self.parts[::2], self.parts[1::2]
        self.kinds = [WORD_KINDS.get(word, 0) for word in self.words]
        ends = [gap != " " and not _ENDS.isdisjoint(gap) for gap in self.gaps]
        self.clauses = list(accumulate(ends, initial=0))

    def of_clauses(self) -> list[int]:
        """Return the kinds of words that each clause has."""
        found = [0] * (self.clauses[-1] + 1)
        for clause, kinds in zip(self.clauses, self.kinds, strict=True):
            if kinds:
                found[clause] |= kinds
        return found

    def first_word(self, clause: int) -> str:
        """Return the first word of a clause in small letters."""
        at = self.clauses.index(clause)
        word = self.words[at]
        if not word and at + 1 < len(self.words) and self.clauses[at + 1] == clause:
            word = self.words[at + 1]
        return word.casefold()

    def text(self, start: int, end: int) -> str:
        """Return words as they stand in the text."""
        return "".join(self.parts[2 * start : 2 * end - 1])

    def is_joined(self, at: int) -> bool:
        """Return whether nothing but a blank stands between a word and the next one."""
        return at < len(self.gaps) and self.gaps[at] == " "

    def behind(self, end: int) -> int:
        """Return where a sentence goes on behind a name and an insertion between commas.

        >>> Stretch("Bo Lind, Chef der Wehr, sagte das").behind(2)
        5
        """
        gap = self.gaps[end - 1] if end <= len(self.gaps) else ""
        closing = "," if gap.startswith(",") else ")" if gap == " (" else ""
        if closing:
            last = min(len(self.gaps), end + _INSERTION)
            for at in range(end, last):
                if closing in self.gaps[at] and self.words[at + 1]:
                    return at + 1
        return end


@dataclass(slots=True)
class NounPhrase:
    """A pronoun or a noun with what belongs to it, by the numbers of its words.

    It begins with its article at `start`, its adjectives at `bare`, its name at `name`; that ends
    at `head`, and what belongs to it at `end`.
    """

    start: int
    bare: int
    name: int
    head: int
    end: int
    article: str = ""
    oblique: bool = False
    is_pronoun: bool = False


def phrases(stretch: Stretch) -> Iterator[NounPhrase]:
    """Yield who and what a stretch names, in its order.

    >>> said = Stretch("Nach Angaben von Bo Lind sagte er: Auch der Chef der Wehr kam.")
    >>> [said.text(each.bare, each.end) for each in phrases(said)]
    ['Bo Lind', 'er', 'Chef der Wehr']
    """
    words, end = stretch.words, 0
    for at, word in enumerate(words):
        if at < end or (word.islower() and word not in _PRONOUNS):
            continue
        if word in _PRONOUNS:
            yield NounPhrase(at, at, at, at + 1, at + 1, is_pronoun=True)
        elif word not in _NO_NAMES and _is_capital(word) and not _opens(words, at, word):
            found = _phrase(stretch, at)
            end = found.end
            yield found


def _opens(words: list[str], at: int, word: str) -> bool:
    return (not at or not words[at - 1]) and is_adverb(word)


def _is_capital(word: str) -> bool:
    first = word[:1]
    return first.isupper() or (first.isdigit() and word.partition("-")[2][:1].isupper())


def _phrase(stretch: Stretch, at: int) -> NounPhrase:
    words = stretch.words
    head, plain = _name_end(stretch, at)
    start, bare, article = _lead(stretch, at)
    small = article.casefold()
    oblique = small in OBLIQUE
    if small == "der":
        noun = words[plain - 1]
        oblique = is_feminine(noun) or (bare < at and words[at - 1].endswith("en"))
    return NounPhrase(start, bare, at, plain, _tail_end(stretch, head), small, oblique)


def _lead(stretch: Stretch, at: int) -> tuple[int, int, str]:
    """Return where the article and the adjectives before a noun begin, and the article."""
    words, left = stretch.words, at
    for _ in range(_MOST_ADJECTIVES + 1):
        if not left or not stretch.is_joined(left - 1):
            break
        word = words[left - 1]
        if word in NOMINATIVE or word in OBLIQUE or word.casefold() in _ARTICLES:
            return left - 1, left, word
        if not (word[:1].islower() and word.endswith(("e", "en", "er", "es", "em"))):
            break
        left -= 1
    return at, at, ""


_ARTICLES = NOMINATIVE | OBLIQUE


def _name_end(stretch: Stretch, at: int) -> tuple[int, int]:
    """Return where a name ends, and where its first noun does: Chef von Bremen."""
    words, gaps, end = stretch.words, stretch.gaps, at + 1
    plain = 0
    while end < len(words):
        gap = gaps[end - 1]
        if gap != " " and not (gap == ". " and _is_short(words[end - 1])):
            break
        if _is_capital(words[end]):
            end += 1
        elif words[end] in _PARTICLES and stretch.is_joined(end) and _is_capital(words[end + 1]):
            plain = plain or end
            end += 2
        else:
            break
    return end, plain or end


def _is_short(word: str) -> bool:
    return len(word) == 1 or word in _TITLES


def _tail_end(stretch: Stretch, end: int) -> int:
    """Return where ends what belongs to a name: Lind (SPD), Chef der freiwilligen Wehr."""
    words, gaps = stretch.words, stretch.gaps
    if end > len(gaps) or (gaps[end - 1] == " " and words[end] not in _TAILS):
        return end
    if gaps[end - 1] == " (":
        last = min(end + _LONGEST_BRACKET, len(gaps))
        closing = next((at for at in range(end, last) if gaps[at].startswith(")")), None)
        if closing is None or gaps[closing] != ") ":
            return end if closing is None else closing + 1
        end = closing + 1
    for _ in range(2):
        if not (end < len(words) and words[end] in _TAILS and gaps[end - 1] in _JOINING):
            break
        at = end + 1
        if at + 1 < len(words) and words[at][:1].islower() and words[at].endswith("en"):
            at += 1
        if at >= len(words) or not _is_capital(words[at]) or not stretch.is_joined(at - 1):
            break
        end, _ = _name_end(stretch, at)
    return end
