"""PURE: what two wordings of one statement state differently: a number, a negation, or a noun."""

import re
from difflib import SequenceMatcher
from functools import cache

from storage.capabilities.quotations.statements import is_shortened, words_of
from storage.language.facts import facts_in
from storage.language.folded_names import fold_name
from storage.language.word_lists import word_list

NEGATION = re.compile(r"\b(?:nicht|kein\w*|nie|not|no|never)\b|n['’]t\b", re.IGNORECASE)
SHORTEST = 4
"""Number of letters from which a word can be compared without its ending."""
_SHORTEST_CAPITALISED = 3
_TOKEN = re.compile(r"\w+(?:[.,]\d+)*+(?:['’]\w+)?")
_BEGINS = re.compile(r"(?:^|[.!?:…])[\s\"'„“”»«‚‘’(\[]*\Z")
_LEFT_OUT = re.compile(r"…|\.\.\.")
_MILLIONS = ((re.compile(r"\bMio\b\.?"), "Millionen"), (re.compile(r"\bMrd\b\.?"), "Milliarden"))
_POLITE = frozenset("sie ihr ihnen ihre ihrem ihren ihrer ihres".split())  # noqa: SIM905
_BEFORE_NOUN = frozenset(
    "a an the this that these those my our your his her its their of for in at on by with".split()  # noqa: SIM905
)
"""Words before an English noun. An adjective in its place is told from it by the word after it."""
_VERB = re.compile(r"\w+(?:s|ed)|(?:w|c|sh)ould|will|can|may|must|have|had|are|were")


def find_difference(a: str, b: str, language: str | None) -> str | None:
    """Return what two wordings state differently: `number`, `negation`, `noun`, or None.

    Names are nouns. What only one of them has at its beginning or end is a shortening, and what it
    marks as left out too; other words than these may differ.

    >>> bridge = "Die Brücke kostet 36 Millionen Euro"
    >>> others = ("38 Millionen", "keine 36 Millionen", "36 Mio.")
    >>> [find_difference(bridge, f"Die Brücke kostet {each} Euro", "de") for each in others]
    ['number', 'negation', None]
    >>> find_difference("We need the bridge now", "We need the ferry now", "en")
    'noun'
    """
    for short, long in _MILLIONS:
        a, b = short.sub(long, a), short.sub(long, b)
    if is_shortened(words_of(a), words_of(b)):
        return None
    one, two = [*_TOKEN.finditer(a)], [*_TOKEN.finditer(b)]
    gone, new = _Side(a, one), _Side(b, two)
    for tag, i, j, k, n in _steps(one, two):
        if not (tag == "delete" and _LEFT_OUT.search(b)):
            gone.add(i, j)
        if not (tag == "insert" and _LEFT_OUT.search(a)):
            new.add(k, n)
    if gone.numbers - new.all_numbers or new.numbers - gone.all_numbers:
        return "number"
    if gone.negations != new.negations and gone.all_negations != new.all_negations:
        return "negation"
    if gone.has_noun_without(new, language) or new.has_noun_without(gone, language):
        return "noun"
    return None


def _steps(
    one: "list[re.Match[str]]", two: "list[re.Match[str]]"
) -> list[tuple[str, int, int, int, int]]:
    """Return the steps from one to the other, without what one has more at its ends."""
    a, b = ([each[0].casefold() for each in side] for side in (one, two))
    found = SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    ends = [found[0], found[-1]]
    return [
        each for each in found if each[0] == "replace" or (each[0] != "equal" and each not in ends)
    ]


class _Side:
    """One of two wordings, with the words that the other one has not at their place."""

    def __init__(self, text: str, tokens: "list[re.Match[str]]") -> None:
        self._text, self._tokens = text, tokens
        self._own: list[int] = []
        self._facts = [each for each in facts_in(text) if each.kind != "contact"]

    def add(self, start: int, end: int) -> None:
        self._own.extend(range(start, end))

    @property
    def all_numbers(self) -> set[str]:
        return {each.value for each in self._facts}

    @property
    def numbers(self) -> set[str]:
        spans = [self._tokens[n].span() for n in self._own]
        return {
            each.value
            for each in self._facts
            if any(each.start < end and start < each.end for start, end in spans)
        }

    @property
    def all_negations(self) -> int:
        return len(NEGATION.findall(self._text))

    @property
    def negations(self) -> int:
        return sum(NEGATION.search(self._tokens[n][0]) is not None for n in self._own)

    def has_noun_without(self, other: "_Side", language: str | None) -> bool:
        """Check whether a noun here has no form in the other wording."""
        there = [each[0].casefold() for each in other._tokens]  # noqa: SLF001
        return any(
            self._is_noun(n, language)
            and not any(is_same_word(self._tokens[n][0].casefold(), each) for each in there)
            for n in self._own
        )

    def _is_noun(self, n: int, language: str | None) -> bool:
        word = self._tokens[n][0]
        if is_figure(word):
            return False
        if word[0].isupper():
            begins = _BEGINS.search(self._text[: self._tokens[n].start()]) is not None
            is_long = len(word) >= _SHORTEST_CAPITALISED or word.isupper()
            return is_long and word != "I" and not begins and word.casefold() not in _POLITE
        if language != "en" or n == 0 or not is_content(word):
            return False
        before = self._tokens[n - 1][0].casefold()
        after = self._tokens[n + 1][0].casefold() if n + 1 < len(self._tokens) else None
        is_last = after is None or not is_content(after) or _VERB.fullmatch(after) is not None
        return is_last and (before in _BEFORE_NOUN or is_figure(before))


def is_figure(word: str) -> bool:
    """Check whether a word has a digit."""
    return any(map(str.isdigit, word))


def is_content(word: str) -> bool:
    """Check whether a folded word is neither short, nor a figure, a measure or a common word."""
    is_long = len(word) >= SHORTEST and not is_figure(word)
    return is_long and not any(
        word in each or word.removesuffix("s") in each for each in _common_words()
    )


_COMMON = frozenset(
    "dass daß weil wenn that which habe hatte hätte hätten haben werde würde würden wurde wurden könne könnte kann können müsse müsste müssen solle sollen sollte wolle wollen dürfe dürfen seien wäre wären gewesen were will would could should does billion percent pound".split()  # noqa: SIM905, E501
)


@cache
def _common_words() -> tuple[frozenset[str], ...]:
    return _COMMON, word_list("of_any_topic"), word_list("measures")


def is_same_word(a: str, b: str) -> bool:
    """Check whether two words are forms of one word: they differ by their ending only.

    >>> [is_same_word(*each) for each in (("trage", "trägt"), ("bau", "baum"))]
    [True, False]
    """
    if a == b:
        return True
    a, b = fold_name(a) or a, fold_name(b) or b
    least = max(SHORTEST, min(len(a), len(b)) - 1)
    return a[:least] == b[:least] and abs(len(a) - len(b)) < SHORTEST
