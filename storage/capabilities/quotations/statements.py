"""PURE: the same statement in several quotations: literal, shortened, or reworded."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from heapq import nlargest
from itertools import chain, pairwise
from typing import Generic, Protocol, TypeVar

from storage.capabilities.quotations.identity import orders_against
from storage.language.folded_names import fold_name

SHARED_PAIRS = 0.4
"""Minimum share of the shorter wording's pairs of words that two wordings are compared for."""
SHARED_WORDS = 0.75
"""More than this share of the shorter wording's words stand in the other one in the same order."""
SHARED_IN_ARTICLE = 0.7
"""The same for two versions of one article."""
LEAST_WORDS = 4
"""Number of words below which only the same words are the same statement."""
MOST_COMPARED = 5
MOST_WITH_PAIR = 50
"""Number of the latest wordings with a pair of words that are considered."""
_WORD = re.compile(r"\w+(?:[.,]\d+)*+")
Parted = Callable[[str], Collection[frozenset[str]]]
"""Gives by a folded name the articles in which it means different persons (`identity`)."""


class Spoken(Protocol):
    """A quotation with its speaker and article."""

    @property
    def article(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def name(self) -> str | None: ...


Q = TypeVar("Q", bound=Spoken)


@dataclass(slots=True)
class Statement(Generic[Q]):
    """Quotations of one statement in time, by the words of each wording.

    `articles` are those of the quotations with the name of the person.
    """

    person: str | None
    articles: set[str] = field(default_factory=set)
    wordings: dict[tuple[str, ...], list[Q]] = field(default_factory=dict)

    @property
    def quotations(self) -> Iterator[Q]:
        return (each for those in self.wordings.values() for each in those)


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a quotation as they are compared.

    >>> words_of("Sie kostet 3,6 Millionen!")
    ('sie', 'kostet', '3,6', 'millionen')
    """
    return tuple(_WORD.findall(text.casefold()))


def is_same_statement(a: tuple[str, ...], b: tuple[str, ...], least: float = SHARED_WORDS) -> bool:
    """Check whether two wordings state the same: most words of the shorter one, in order.

    >>> costs = words_of("Sie kostet 36 Millionen Euro")
    >>> is_same_statement(costs, words_of("Sie kostet 38 Millionen Euro"))
    True
    >>> is_same_statement(costs, words_of("Sie wird im Mai gebaut"))
    False
    """
    shorter = min(len(a), len(b))
    if a == b or shorter < LEAST_WORDS:
        return a == b
    blocks = SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) > least * shorter


def is_shortened(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """Check whether the shorter wording is a part of the other one.

    >>> is_shortened(("es", "hält"), ("es", "hält", "noch")), is_shortened(("es",), ("sie",))
    (True, False)
    """
    short, long = sorted((a, b), key=len)
    return f" {' '.join(short)} " in f" {' '.join(long)} "


class StatementGrouper(Generic[Q]):
    """Joins quotations, given in time, to statements.

    Two named persons never share a statement; a quotation without a name joins the same
    statement of a named person, unless they are of different articles and each has a figure that
    the other lacks. Articles in which a name means different persons (`parted`) do not share one
    either.
    """

    def __init__(self, parted: Parted) -> None:
        self.statements: list[Statement[Q]] = []
        self._parted = parted
        self._of_words: defaultdict[tuple[str, ...], list[Statement[Q]]] = defaultdict(list)
        self._by_pair: defaultdict[tuple[str, str], list[tuple[str, ...]]] = defaultdict(list)

    def add(self, quotation: Q) -> None:
        words, person = words_of(quotation.text), fold_name(quotation.name)
        found = self._find(words, person, quotation.article)
        if found is None:
            found = Statement(person)
            self.statements.append(found)
        found.person = found.person or person
        if person is not None:
            found.articles.add(quotation.article)
        if words not in found.wordings:
            found.wordings[words] = []
            if words not in self._of_words:
                for pair in dict.fromkeys(pairwise(words)):
                    self._by_pair[pair].append(words)
            self._of_words[words].append(found)
        found.wordings[words].append(quotation)

    def _find(
        self, words: tuple[str, ...], person: str | None, article: str
    ) -> Statement[Q] | None:
        for other in self._similar(words):
            for each in self._of_words[other]:
                if person is None or each.person is None:
                    own = any(article == its.article for its in each.quotations)
                    if own or _agree_in_figures(words, other):
                        return each
                    continue
                orders = self._parted(person)
                if each.person == person and not orders_against(article, each.articles, orders):
                    return each
        return None

    def _similar(self, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """Yield the known wordings of the same statement: first those with one of its figures."""
        if words in self._of_words:
            yield words
        pairs = [*dict.fromkeys(pairwise(words))]
        latest = (self._by_pair.get(pair, ())[-MOST_WITH_PAIR:] for pair in pairs)
        shared = Counter(chain.from_iterable(latest))
        figures = _figures(words)

        def rank(other: tuple[str, ...]) -> tuple[bool, int]:
            return not figures.isdisjoint(other), shared[other]

        for other in nlargest(MOST_COMPARED, shared, key=rank):
            is_close = shared[other] >= SHARED_PAIRS * min(len(pairs), len(other) - 1)
            if other != words and is_close and is_same_statement(words, other):
                yield other


def _agree_in_figures(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    one, two = _figures(a), _figures(b)
    return one <= two or two <= one


def _figures(words: tuple[str, ...]) -> set[str]:
    return {word for word in words if any(map(str.isdigit, word))}


def group_statements(quotations: Iterable[Q], parted: Parted) -> list[Statement[Q]]:
    """Return the statements of quotations, which are in the order of time."""
    grouper: StatementGrouper[Q] = StatementGrouper(parted)
    for each in quotations:
        grouper.add(each)
    return grouper.statements
