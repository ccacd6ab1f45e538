"""Pages of one site without the marks of articles, each with a text of its own.

If several lose their marks at about the same time, that is a relaunch with other texts, not a wall.
If several addresses show a short page without marks from the beginning, that is a site whose pages
are so. Time confirms such pages, too. It is computed from the record each time, as all that
confirms a reading.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from storage.database.tables import (
    ARTICLE,
    ARTICLE_ORIGIN,
    DERIVATION,
    DOUBT,
    ORIGIN,
    SNAPSHOT,
    WORDING,
)
from storage.database.unit import rows_in
from storage.history.runs import Pair
from storage.history.unconfirmed.rule import words_in
from storage.values.net.site import site_of

PAGES = 3
"""Number of pages of a site that make a relaunch."""
SPAN = timedelta(days=1)
"""Time within which they lose their marks."""
SPAN_OF_FIRST = timedelta(days=30)
"""Time within which other short pages without marks are seen first."""
OWN_WORDS = 40
"""Number of words of four letters or more that a page of a relaunch has for itself: in none of a
wall with the beginning of its article are there more than those of the wall."""
OWN_WORDS_OF_FIRST = 8
"""The same for a short page that was seen first, and most of its words: walls of one site that
differ in a number or a headline share the others."""
MOST_PAGES = 50
MOST_ROWS = 200
"""Number of doubts about pages of a site within this time that are read, the earliest first: later
pages change nothing about what these confirm."""
_OF_WALLS = frozenset({
    "short", "same_text", "password_form", "noindex", "refresh", "site_title",
})  # fmt: skip
_OF_FIRST = frozenset({"no_marks", "short"})


@dataclass(frozen=True, slots=True)
class LostPage:
    """A page without the marks of an article: its words, and those of the text before."""

    article: int
    pair: Pair
    before: frozenset[str]
    own: frozenset[str]


def find_relaunched(pages: Sequence[LostPage]) -> list[LostPage]:
    """Return the pages with enough words of their own; none if they are fewer than three.

    Words that half of the other pages have, too, belong to the frame of the site or to a wall.

    >>> texts = [frozenset(f"word{n}{k}" for k in range(50)) for n in range(3)]
    >>> pages = [LostPage(n, (n, 9), frozenset(), text) for n, text in enumerate(texts)]
    >>> len(find_relaunched(pages)), len(find_relaunched(pages[:2]))
    (3, 0)
    >>> find_relaunched([LostPage(n, (n, 9), text, text) for n, text in enumerate(texts)])
    []
    """
    counts = Counter(word for page in pages for word in page.own)
    half = (len(pages) - 1) / 2
    found = [
        page
        for page in pages
        if _are_enough(page, sum(counts[word] - 1 < half for word in page.own - page.before))
    ]
    return found if len({page.article for page in found}) >= PAGES else []


def _are_enough(page: LostPage, own_words: int) -> bool:
    if not _is_first(page.pair):
        return own_words >= OWN_WORDS
    return own_words >= OWN_WORDS_OF_FIRST and 2 * own_words > len(page.own)


def load_relaunched(
    connection: Connection, lost: Mapping[int, Collection[Pair]]
) -> dict[int, tuple[frozenset[Pair], frozenset[int]]]:
    """Return the steps of articles that belong to a relaunch, with the articles of its pages.

    `lost` are the steps of each article at which its marks were lost, or that to a first page
    without marks.
    """
    wanted = {pair for pairs in lost.values() for pair in pairs}
    found: dict[int, tuple[frozenset[Pair], frozenset[int]]] = {}
    for own in _rows(connection, lost):
        article, pair, _site, moment = own
        if pair not in wanted:
            continue
        near = [each for each in _rows_near(connection, own) if each[0] != article]
        near.sort(key=lambda each: (abs(each[3] - moment), each[1]))
        nearest: dict[int, _Row] = {}  # one row of each article
        for each in near:
            nearest.setdefault(each[0], each)
        group = find_relaunched(_pages(connection, [own, *nearest.values()][: MOST_PAGES + 1]))
        if any(page.pair == pair for page in group):
            pairs, articles = found.get(article, (frozenset[Pair](), frozenset[int]()))
            beside = articles | {page.article for page in group}
            found[article] = pairs | {pair}, beside - {article}
    return found


_Row = tuple[int, Pair, str, datetime]
_MOMENT = func.min(SNAPSHOT.c.observed_at)
_LOST = (
    select(
        SNAPSHOT.c.article_id, DOUBT.c.a_derivation_id, DOUBT.c.b_derivation_id, ORIGIN.c.origin,
        _MOMENT.label("moment"),
    )
    .join(ARTICLE_ORIGIN, ARTICLE_ORIGIN.c.origin_id == DOUBT.c.origin_id)
    .join(
        SNAPSHOT,
        (SNAPSHOT.c.derivation_id == DOUBT.c.b_derivation_id)
        & (SNAPSHOT.c.article_id == ARTICLE_ORIGIN.c.article_id),
    )
    .join(ARTICLE, ARTICLE.c.id == SNAPSHOT.c.article_id)
    .join(ORIGIN, ORIGIN.c.id == ARTICLE.c.origin_id)
    .where(DOUBT.c.grade == "wall")
    .group_by(
        SNAPSHOT.c.article_id, DOUBT.c.a_derivation_id, DOUBT.c.b_derivation_id, ORIGIN.c.origin
    )
)  # fmt: skip
_SIGNS = select(DOUBT.c.a_derivation_id, DOUBT.c.b_derivation_id, DOUBT.c.signs)


def may_be_confirmed(signs: Collection[str]) -> bool:
    """Check whether a page with these signs may be confirmed by others of its site."""
    if "no_marks" in signs:
        return _OF_FIRST.issuperset(signs)
    return "marks_lost" in signs and _OF_WALLS.isdisjoint(signs)


def _is_first(pair: Pair) -> bool:
    return pair[0] == pair[1]


def _rows(connection: Connection, articles: Collection[int]) -> list[_Row]:
    rows = rows_in(connection, _LOST, SNAPSHOT.c.article_id, articles)
    return [(row[0], (row[1], row[2]), site_of(row[3]), row[4]) for row in rows]


def _rows_near(connection: Connection, own: _Row) -> list[_Row]:
    _article, pair, site, moment = own
    a, b = DOUBT.c.a_derivation_id, DOUBT.c.b_derivation_id
    span = SPAN_OF_FIRST if _is_first(pair) else SPAN
    near = _LOST.where(
        SNAPSHOT.c.observed_at.between(moment - span, moment + span),
        ORIGIN.c.origin.contains(site, autoescape=True), (a == b) == _is_first(pair),
    ).order_by(_MOMENT, SNAPSHOT.c.article_id).limit(MOST_ROWS)  # fmt: skip
    rows = [(r[0], (r[1], r[2]), site_of(r[3]), r[4]) for r in connection.execute(near)]
    wanted = {row[1][1] for row in rows}
    lost = {
        (a, b)
        for a, b, signs in rows_in(connection, _SIGNS, DOUBT.c.b_derivation_id, wanted)
        if may_be_confirmed(signs)
    }
    return [row for row in rows if row[1] in lost and row[2] == site]


def _pages(connection: Connection, rows: Sequence[_Row]) -> list[LostPage]:
    """Return the pages of rows; those with a text that was emptied are left out."""
    query = select(DERIVATION.c.id, WORDING.c.title, WORDING.c.text).join(
        WORDING, WORDING.c.id == DERIVATION.c.wording_id
    )
    wanted = {each for row in rows for each in row[1]}
    words = {
        number: words_in(f"{title or ''}\n{text}")
        for number, title, text in rows_in(connection, query, DERIVATION.c.id, wanted)
        if text is not None
    }
    return [
        LostPage(article, pair, frozenset() if _is_first(pair) else words[pair[0]], words[pair[1]])
        for article, pair, _site, _moment in rows
        if words.keys() >= {*pair}
    ]
