"""Ask other articles of a site whether a paragraph is part of the site and not of an article."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, tee
from typing import Any, NamedTuple

from sqlalchemy import Connection, select, text, union

from storage.database.tables import (
    ArticleOriginRow,
    ArticleRow,
    NoiseStepRow,
    OriginRow,
    SearchDueRow,
    VersionRow,
    WordingRow,
)
from storage.database.unit import rows_in, table_of
from storage.language.tokens import parse_query, to_fts5, to_tsquery
from storage.language.topic import has_topic, is_off_topic
from storage.values.digest import canonical, canonical_all
from storage.values.site import site_of

ARTICLE, ARTICLE_ORIGIN = table_of(ArticleRow), table_of(ArticleOriginRow)
NOISE, ORIGIN, VERSION = table_of(NoiseStepRow), table_of(OriginRow), table_of(VersionRow)
DUE, WORDING = table_of(SearchDueRow), table_of(WordingRow)

HOLDERS = 3
"""So many other articles of the site must have a paragraph that has nothing to do with them."""
LONGEST_BOX = 400
FEWEST_WORDS = 5
MOST_ASKED = 12
"""Paragraphs of one step that others are asked about; a text that changed more was rewritten."""

WORD = re.compile(r"[^\W\d_]{4,}")
"""
>>> WORD.findall("Der Lohe-Newsletter, 2024")
['Lohe', 'Newsletter']
"""
_WORDS_ASKED = 5
_MOST_CANDIDATES = 400
_READ_AT_ONCE = 40
_LANGUAGES = ("de", "en")


class Holding(NamedTuple):
    """A wording that has a paragraph, or has it as its title; both are canonical.

    `articles` are those of the site that had it at some time.
    """

    title: str
    paragraphs: list[str]
    articles: set[int]


@dataclass(slots=True)
class Fresh:
    """Wordings of the running unit of work, which no index knows yet, and who has them.

    `holding` is what was asked for since the last of them, by site and paragraph.
    """

    texts: dict[int, tuple[str | None, tuple[str, ...]]] = field(default_factory=dict)
    holders: dict[int, set[tuple[int, int]]] = field(default_factory=dict)
    holding: dict[tuple[str, str], Iterator[Holding]] = field(default_factory=dict)

    def add(
        self, wording_id: int, title: str | None, paragraphs: tuple[str, ...], article_id: int,
        origin_id: int,
    ) -> None:  # fmt: skip
        """Note that an article, which answers for an origin, has a wording."""
        self.holding.clear()
        self.texts[wording_id] = (title, paragraphs)
        self.holders.setdefault(wording_id, set()).add((article_id, origin_id))


def boxes(
    connection: Connection,
    fresh: Fresh,
    site: str,
    article_id: int,
    own: Sequence[str],
    asked: Iterable[str],
) -> dict[str, str]:
    """Return which of the paragraphs `asked` are noise, with the rule: `box` or `teaser`.

    `own` are the title and the paragraphs of the article, `asked` those of them, in canonical
    form, that came or went. What is told depends on all wordings that articles of the site had
    at any time, and so on nothing that came before another.
    """
    found: dict[str, str] = {}
    for paragraph in islice((p for p in asked if may_be_box(p)), MOST_ASKED):
        rule = _rule(_Asking(connection, fresh, site, article_id, paragraph), own)
        if rule is not None:
            found[paragraph] = rule
    return found


def may_be_box(canon: str) -> bool:
    """Tell whether a paragraph is one that other articles can be asked about.

    A sub-heading is not: "Hintergrund" stands in many articles, and each time somebody put it
    there. Nor is one without any capital letter, of which nobody can tell what it is about.

    >>> may_be_box("Hintergrund"), may_be_box("Jetzt unseren Newsletter am Morgen bestellen")
    (False, True)
    """
    words = canon.count(" ") + 1
    return words >= FEWEST_WORDS and len(canon) <= LONGEST_BOX and not canon.islower()


@dataclass(frozen=True, slots=True)
class _Asking:
    """One paragraph that others are asked about."""

    connection: Connection
    fresh: Fresh
    site: str
    article_id: int
    paragraph: str


def _rule(asking: _Asking, own: Sequence[str]) -> str | None:
    paragraph = asking.paragraph
    is_foreign_here = is_off_topic(paragraph, own) and has_topic(own)
    others: set[int] = set()
    for title, paragraphs, holders in _holding(asking):
        articles = holders - {asking.article_id}
        if not articles:
            continue
        if title == paragraph:
            return "teaser"
        if is_foreign_here:
            rest = [each for each in paragraphs if each != paragraph]
            if _is_of_its_own(rest, own) and is_off_topic(paragraph, [title, *rest]):
                others |= articles
            if len(others) >= HOLDERS:
                return "box"
    return None


def _is_of_its_own(rest: Sequence[str], own: Sequence[str]) -> bool:
    """Tell whether another article is a witness: more than half of its text is another one.

    Where one text was made from another, a paragraph stands in both for that reason; and one
    that is all the text there is cannot be a box.
    """
    return 2 * sum(each in own for each in rest) < len(rest)


def _holding(asking: _Asking) -> Iterator[Holding]:
    """Yield the wordings of the site that have the paragraph, as their title or in the text."""
    key = asking.site, asking.paragraph
    known = asking.fresh.holding.get(key) or _found(asking)
    asking.fresh.holding[key], again = tee(known)
    return again


def _found(asking: _Asking) -> Iterator[Holding]:
    candidates = _candidates(asking)
    while chunk := list(islice(candidates, _READ_AT_ONCE)):
        texts = _texts(asking, chunk)
        articles = _articles(asking, list(texts))
        for number, (title, paragraphs) in texts.items():
            if number in articles and asking.paragraph in {title, *paragraphs}:
                yield Holding(title, paragraphs, articles[number])


def _candidates(asking: _Asking) -> Iterator[int]:
    words = _asked_words(asking.paragraph)
    if not words:
        return
    met = set(asking.fresh.texts)
    yield from asking.fresh.texts
    for number in (*_indexed(asking.connection, words), *_not_indexed(asking.connection, words)):
        if number not in met:
            met.add(number)
            yield number


def _indexed(connection: Connection, words: Sequence[str]) -> list[int]:
    query = parse_query(" ".join(words), _LANGUAGES)
    if connection.dialect.name == "postgresql":
        asked, found = to_tsquery(query), _IN_POSTGRES
    else:
        asked, found = to_fts5(query), _IN_SQLITE
    if asked is None:
        return []
    values = {"asked": asked, "rows": _MOST_CANDIDATES}
    return list(connection.execute(text(found), values).scalars())


_IN_SQLITE = "SELECT rowid FROM search_text WHERE search_text MATCH :asked LIMIT :rows"
_IN_POSTGRES = (
    "SELECT wording_id FROM search_text WHERE tokens @@ CAST(:asked AS tsquery) LIMIT :rows"
)


def _not_indexed(connection: Connection, words: Sequence[str]) -> list[int]:
    """Return wordings that full text does not know yet and that have the longest word."""
    longest = max(words, key=len)
    query = (
        select(WORDING.c.id)
        .join(DUE, DUE.c.wording_id == WORDING.c.id)
        .where(WORDING.c.text.contains(longest, autoescape=True))
        .limit(_MOST_CANDIDATES)
    )
    return list(connection.execute(query).scalars())


def _texts(asking: _Asking, numbers: Sequence[int]) -> dict[int, tuple[str, list[str]]]:
    """Return title and paragraphs, in canonical form, of wordings that may have the paragraph."""
    texts = {
        number: asking.fresh.texts[number] for number in numbers if number in asking.fresh.texts
    }
    query = select(WORDING.c.id, WORDING.c.title, WORDING.c.text)
    others = [number for number in numbers if number not in texts]
    for number, title, body in rows_in(asking.connection, query, WORDING.c.id, others):
        texts[number] = (title, tuple((body or "").split("\n\n")))
    words = _asked_words(asking.paragraph)
    return {
        number: (canonical(title or ""), canonical_all(paragraphs))
        for number, (title, paragraphs) in texts.items()
        if any(words[0] in each for each in (title or "", *paragraphs))
    }


def _articles(asking: _Asking, numbers: Sequence[int]) -> dict[int, set[int]]:
    """Return for each wording the articles of the site that had it at some time."""
    own_origin = select(ARTICLE.c.id.label("article_id"), ARTICLE.c.origin_id).subquery()
    versions = (
        select(VERSION.c.wording_id.label("wording_id"), own_origin.c.article_id, ORIGIN.c.origin)
        .join(own_origin, own_origin.c.article_id == VERSION.c.article_id)
        .join(ORIGIN, ORIGIN.c.id == own_origin.c.origin_id)
        .where(VERSION.c.wording_id.in_(numbers))
    )
    quiet = [
        select(column.label("wording_id"), own_origin.c.article_id, ORIGIN.c.origin)
        .join(ARTICLE_ORIGIN, ARTICLE_ORIGIN.c.origin_id == NOISE.c.origin_id)
        .join(own_origin, own_origin.c.article_id == ARTICLE_ORIGIN.c.article_id)
        .join(ORIGIN, ORIGIN.c.id == own_origin.c.origin_id)
        .where(column.in_(numbers))
        for column in (NOISE.c.a_wording_id, NOISE.c.b_wording_id)
    ]
    found: dict[int, set[int]] = {}
    rows: list[Any] = list(asking.connection.execute(union(versions, *quiet)))
    rows += _fresh_rows(asking, numbers)
    for wording, article, origin in rows:
        if site_of(origin) == asking.site:
            found.setdefault(wording, set()).add(article)
    return found


def _fresh_rows(asking: _Asking, numbers: Sequence[int]) -> Iterator[tuple[int, int, str]]:
    fresh = {n: asking.fresh.holders[n] for n in numbers if n in asking.fresh.holders}
    ids = {origin for holders in fresh.values() for _article, origin in holders}
    query = select(ORIGIN.c.id, ORIGIN.c.origin)
    origins: Mapping[int, str] = dict(rows_in(asking.connection, query, ORIGIN.c.id, ids))
    for number, holders in fresh.items():
        for article, origin in holders:
            if origin in origins:
                yield number, article, origins[origin]


def _asked_words(canon: str) -> list[str]:
    """Return the longest words of a paragraph, the longest first: they are seldom elsewhere."""
    words = set(WORD.findall(canon))
    return sorted(words, key=lambda word: (-len(word), word))[:_WORDS_ASKED]
