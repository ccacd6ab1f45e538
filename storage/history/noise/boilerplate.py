"""Check in other articles of a site whether a paragraph is boilerplate of the site."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property
from itertools import islice, tee
from typing import Any

from sqlalchemy import CompoundSelect, Connection, select, text, union

from storage.database.tables import (
    ARTICLE,
    ARTICLE_ORIGIN,
    NOISE_STEP,
    ORIGIN,
    SEARCH_DUE,
    VERSION,
    WORDING,
)
from storage.database.unit import rows_in
from storage.database.view_queries.sql_words import INDEXED_TOKENS
from storage.diff.change import CaptureContent
from storage.history.memory import Memory, ParsedWording, StepToCheck
from storage.language.paragraphs import CutParagraph, paragraph_of
from storage.language.tokens import parse_query, to_fts5, to_tsquery
from storage.language.topic import are_apart, have_topic
from storage.values.digest import canonical_all
from storage.values.net.site import site_of

HOLDERS = 3
"""Minimum number of other articles of the site with a paragraph that is off their topic."""
LONGEST_BOILERPLATE = 400
FEWEST_WORDS = 5
MOST_ASKED = 12
"""Maximum number of paragraphs per step to check; a text with more changes was rewritten."""

WORD = re.compile(r"[^\W\d_]{4,}")
"""
>>> WORD.findall("Der Lohe-Newsletter, 2024")
['Lohe', 'Newsletter']
"""
_WORDS_ASKED = 5
_MOST_CANDIDATES = 400
_READ_AT_ONCE = 40
_LANGUAGES = ("de", "en")


def find_boilerplate_candidates(paragraphs: Iterable[str]) -> Iterator[str]:
    """Yield the paragraphs of a step, in canonical form, to check in other articles."""
    return islice(filter(may_be_boilerplate, paragraphs), MOST_ASKED)


def may_be_boilerplate(canon: str) -> bool:
    """Check whether a paragraph can be boilerplate.

    A sub-heading is not: "Hintergrund" occurs in many articles, each time set by an author.
    Nor is a paragraph without a capital letter, whose topic is unknown.

    >>> may_be_boilerplate("Hintergrund")
    False
    >>> may_be_boilerplate("Jetzt unseren Newsletter am Morgen bestellen")
    True
    """
    words = canon.count(" ") + 1
    return words >= FEWEST_WORDS and len(canon) <= LONGEST_BOILERPLATE and not canon.islower()


class ChangedText:
    """The text with removed or added paragraphs: both captures, title and paragraphs.

    The paragraphs to check are not part of it.
    """

    def __init__(self, paragraphs: Sequence[CutParagraph]) -> None:
        self.paragraphs = frozenset(paragraphs)
        self.foreign: dict[str, bool] = {}
        self._all = paragraphs

    @cached_property
    def has_topic(self) -> bool:
        return have_topic([each.topical for each in self._all])

    def is_foreign(self, paragraph: CutParagraph) -> bool:
        """Check whether a paragraph is off the topic of this text, if it has one."""
        known = self.foreign.get(paragraph.canon)
        if known is None:
            others = (each.topical for each in self.paragraphs)
            known = are_apart(paragraph.topical, others) and self.has_topic
            self.foreign[paragraph.canon] = known
        return known

    def is_witness(self, holding: ParsedWording, paragraph: CutParagraph) -> bool:
        """Check whether another text shows that a paragraph belongs to the site.

        More than half of the text must differ: two texts with a common source share paragraphs for
        that reason. A paragraph that is the whole text is not boilerplate.
        """
        if not _is_apart(holding, paragraph):
            return False
        rest = len(holding.paragraphs) - holding.paragraphs.count(paragraph)
        return 2 * sum(map(self.paragraphs.__contains__, holding.paragraphs)) < rest


def _is_apart(holding: ParsedWording, paragraph: CutParagraph) -> bool:
    """Check whether a paragraph is off the topic of the text that contains it."""
    if paragraph not in holding.apart:
        others = (each for each in holding.paragraphs if each is not paragraph)
        words = (each.topical for each in (holding.title, *others))
        holding.apart[paragraph] = are_apart(paragraph.topical, words)
    return holding.apart[paragraph]


def _never(_holding: ParsedWording, _paragraph: CutParagraph) -> bool:
    return False


class Boilerplate:
    """Detects boilerplate in one unit of work by the texts of other articles.

    The result depends on all wordings that articles of the site had at any time, and so is
    independent of the order of import. `since` is the highest number assigned before the unit:
    rows up to there do not change until the unit ends.
    """

    def __init__(self, connection: Connection, memory: Memory, since: int) -> None:
        self.connection = connection
        self.texts: dict[int, CaptureContent] = {}
        self.holders: dict[int, set[tuple[int, str]]] = {}
        self._memory = memory
        self._since = since
        self._read: dict[int, ParsedWording] = {}
        self._articles: dict[int, set[tuple[int, str]]] = {}
        self._stored: dict[CutParagraph, Iterator[tuple[int, ParsedWording]]] = {}
        self._brought: dict[CutParagraph, list[int]] = {}
        self._texts_seen = 0
        self._asked: set[str] = set()
        self._holding_of_content: dict[CaptureContent, ParsedWording] = {}

    def continue_under_lock(
        self, connection: Connection, since: int, moved: AbstractSet[str]
    ) -> None:
        """Continue with another connection, without the texts added so far.

        Results from stored texts remain, except for sites whose articles changed.
        """
        self.connection, self._since = connection, since
        self.texts.clear()
        self.holders.clear()
        self._brought.clear()
        self._texts_seen = 0
        if moved & self._asked:
            self._stored.clear()
            self._articles.clear()
        self._asked.clear()

    def add(self, wording_id: int, content: CaptureContent, article_id: int, site: str) -> None:
        """Add a wording of this unit of work to an article of a site."""
        self.texts.setdefault(wording_id, content)
        self.holders.setdefault(wording_id, set()).add((article_id, site))

    def rules(
        self,
        site: str,
        article_id: int,
        own: ChangedText,
        paragraphs: Iterable[str],
        keys: AbstractSet[int] | None = None,
    ) -> dict[str, str]:
        """Return the noise among `paragraphs`, with the rule: `box` or `teaser`.

        `own` is the text of the article, `paragraphs` were removed or added, in canonical form;
        with `keys`, only those with such a key are checked.
        """
        found: dict[str, str] = {}
        for paragraph in self._query_site(site, paragraphs, keys):
            is_witness = own.is_witness if own.is_foreign(paragraph) else _never
            rule = self._rule(paragraph, site, article_id, is_witness)
            if rule is not None:
                found[paragraph.canon] = rule
        return found

    def can_decide(
        self, site: str, article_id: int, step: StepToCheck, keys: AbstractSet[int]
    ) -> bool:
        """Check whether `rules` may return a rule for a text."""
        return any(
            self._rule(
                paragraph, site, article_id,
                _is_apart if step.foreign.get(paragraph.canon, True) else _never,
            )
            for paragraph in self._query_site(site, step.paragraphs, keys)
        )  # fmt: skip

    def _query_site(
        self, site: str, paragraphs: Iterable[str], keys: AbstractSet[int] | None
    ) -> Iterator[CutParagraph]:
        self._asked.add(site)
        for paragraph in map(paragraph_of, find_boilerplate_candidates(paragraphs)):
            if keys is None or paragraph.key in keys:
                yield paragraph

    def known(self) -> dict[int, ParsedWording]:
        """Return the wordings that were read, or added and examined."""
        looked_at = self._holding_of_content
        return self._read | {
            number: looked_at[content]
            for number, content in self.texts.items()
            if content in looked_at
        }

    def cut(self) -> None:
        """Split the added texts into paragraphs, if any paragraph was checked."""
        if self._asked:
            for content in self.texts.values():
                self._holding_of(content)

    def holding(self, number: int) -> ParsedWording:
        """Return the title and the paragraphs of a wording, split at first use."""
        content = self.texts.get(number)
        if content is not None:
            return self._holding_of(content)
        known = self._read.get(number) or self._memory.wording(number)
        if known is None:
            self._learn_texts([number])
            known = self._read[number]
        return known

    def _rule(
        self,
        paragraph: CutParagraph,
        site: str,
        article_id: int,
        is_witness: Callable[[ParsedWording, CutParagraph], bool],
    ) -> str | None:
        others: set[int] = set()
        for number, holding in self._candidates(paragraph):
            articles = {a for a, where in self._sites_of(number) if where == site} - {article_id}
            if not articles:
                continue
            if holding.title is paragraph:
                return "teaser"
            if not articles <= others and is_witness(holding, paragraph):
                others |= articles
                if len(others) >= HOLDERS:
                    return "box"
        return None

    def _holding_of(self, content: CaptureContent) -> ParsedWording:
        if content not in self._holding_of_content:
            parsed = ParsedWording(content.paragraphs[0], content.paragraphs[1:])
            self._holding_of_content[content] = parsed
        return self._holding_of_content[content]

    # ------------------------------------------------------------------------ wording owners

    def _candidates(self, paragraph: CutParagraph) -> Iterator[tuple[int, ParsedWording]]:
        """Yield the wordings that contain a paragraph, or as title: those of this unit first."""
        for number in self._brought_with(paragraph):
            yield number, self._holding_of(self.texts[number])
        known = self._stored.get(paragraph) or self._search_holders(paragraph)
        self._stored[paragraph], again = tee(known)
        yield from (each for each in again if each[0] not in self.texts)

    def _brought_with(self, paragraph: CutParagraph) -> Sequence[int]:
        """Return the wordings of this unit that contain a paragraph; the list grows with later
        texts.
        """
        for number, content in islice(self.texts.items(), self._texts_seen, None):
            holding = self._holding_of(content)
            for each in {holding.title, *holding.paragraphs}:
                self._brought.setdefault(each, []).append(number)
        self._texts_seen = len(self.texts)
        return self._brought.get(paragraph, ())

    def _search_holders(self, paragraph: CutParagraph) -> Iterator[tuple[int, ParsedWording]]:
        words = _longest_words(paragraph.canon)
        if not words:
            return
        found = (*_search_index(self.connection, words), *_search_backlog(self.connection, words))
        stored = iter([number for number in dict.fromkeys(found) if number <= self._since])
        while chunk := list(islice(stored, _READ_AT_ONCE)):
            self._learn_articles(chunk)
            standing = [number for number in chunk if self._articles[number]]
            self._learn_texts(standing)
            for number in standing:
                holding = self.holding(number)
                if paragraph is holding.title or paragraph in holding.paragraphs:
                    yield number, holding

    def _learn_texts(self, numbers: Sequence[int]) -> None:
        query = select(WORDING.c.id, WORDING.c.title, WORDING.c.text)
        missing = [
            number
            for number in numbers
            if number not in self._read and self._memory.wording(number) is None
        ]
        for number, title, body in rows_in(self.connection, query, WORDING.c.id, missing):
            first, *rest = map(
                paragraph_of, canonical_all([title or "", *(body or "").split("\n\n")])
            )
            self._read[number] = ParsedWording(first, tuple(rest))

    def _sites_of(self, number: int) -> set[tuple[int, str]]:
        """Return the articles that had a wording at any time, each with its site."""
        if number not in self._articles:
            known = [each for each in (number, *self.texts) if 0 < each <= self._since]
            self._learn_articles(known)
            self._articles.setdefault(number, set())
        return self._articles[number] | self.holders.get(number, set())

    def _learn_articles(self, numbers: Sequence[int]) -> None:
        missing = [number for number in numbers if number not in self._articles]
        self._articles.update({number: set() for number in missing})
        if missing:
            for wording, article, origin in self.connection.execute(_had(missing)):
                self._articles[wording].add((article, site_of(origin)))


def _had(numbers: Sequence[int]) -> CompoundSelect[Any]:
    """Select the owners of wordings at any time: article and origin of each."""
    own_origin = select(ARTICLE.c.id.label("article_id"), ARTICLE.c.origin_id).subquery()
    versions = (
        select(VERSION.c.wording_id.label("wording_id"), own_origin.c.article_id, ORIGIN.c.origin)
        .join(own_origin, own_origin.c.article_id == VERSION.c.article_id)
        .join(ORIGIN, ORIGIN.c.id == own_origin.c.origin_id)
        .where(VERSION.c.wording_id.in_(numbers))
    )
    noise = [
        select(column.label("wording_id"), own_origin.c.article_id, ORIGIN.c.origin)
        .join(ARTICLE_ORIGIN, ARTICLE_ORIGIN.c.origin_id == NOISE_STEP.c.origin_id)
        .join(own_origin, own_origin.c.article_id == ARTICLE_ORIGIN.c.article_id)
        .join(ORIGIN, ORIGIN.c.id == own_origin.c.origin_id)
        .where(column.in_(numbers))
        for column in (NOISE_STEP.c.a_wording_id, NOISE_STEP.c.b_wording_id)
    ]
    return union(versions, *noise)


def _search_index(connection: Connection, words: Sequence[str]) -> list[int]:
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
    "SELECT s.wording_id FROM search_text s "
    f"WHERE {INDEXED_TOKENS} @@ CAST(:asked AS tsquery) LIMIT :rows"
)


def _search_backlog(connection: Connection, words: Sequence[str]) -> list[int]:
    """Return wordings that are not indexed yet and contain the longest word."""
    longest = max(words, key=len)
    query = (
        select(WORDING.c.id)
        .where(WORDING.c.id.in_(select(SEARCH_DUE.c.wording_id)))
        .where(WORDING.c.text.contains(longest, autoescape=True))
        .limit(_MOST_CANDIDATES)
    )
    return list(connection.execute(query).scalars())


def _longest_words(canon: str) -> list[str]:
    """Return the longest words of a paragraph, the longest first: they are rarer elsewhere."""
    words = set(WORD.findall(canon))
    return sorted(words, key=lambda word: (-len(word), word))[:_WORDS_ASKED]
