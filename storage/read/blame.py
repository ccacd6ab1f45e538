"""Blame: since when each sentence of a version is present, and which article had it first."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import islice

from sqlalchemy import Connection, bindparam, select
from sqlalchemy import text as sql_text

from storage.database.rows import cursor, place, stream
from storage.database.tables import ARTICLE, DERIVATION, VERSION, WORDING
from storage.database.unit import rows_in
from storage.database.view_queries.sql_words import RESTRICTED
from storage.diff.blame import BlamedSentence, Stand, blame, find_removed_sentences
from storage.language.sentences import sentence_keys, sentences
from storage.language.tokens import Query, Word, parse_query, rarest_run
from storage.read.answers import Blame, Sentence
from storage.read.find import VersionRef
from storage.read.query.records import Part
from storage.read.same_extractor import find_same_extractor_derivations
from storage.read.search import (
    find_wordings,
    find_wordings_by_keys,
    newest_indexed_wording,
    wordings_by_keys_query,
    wordings_query,
)
from storage.read.texts import get_reading, version_readings
from storage.values.digest import canonical, canonical_all
from storage.values.draft import TEXT_ROLES, paragraphs_in
from storage.values.errors import NoSuchError, RedactedError
from storage.values.messages import message_text

PHRASE_LENGTH = 400
"""Letters of a sentence with which the index is queried; matching texts are then read."""
SENTENCE_BATCH = 128
MAX_CURRENT = 20
"""Maximum number of other articles that are listed for a sentence."""
MAX_CANDIDATES = 64
"""Maximum number of candidate wordings; above it, the query uses the complete sentence."""

_MAX_CACHED_TEXTS = 256
_MAX_CACHED_SENTENCES = 50_000


@dataclass
class _SentenceWordings:
    """A sentence, and the indexed wordings that contain its words, up to one number."""

    canon: str
    languages: Sequence[str]
    up_to: int = 0
    wordings: frozenset[int] = frozenset()

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Return the keys by which the sentence is found; none for a single word."""
        return sentence_keys([self.canon])

    @cached_property
    def phrase(self) -> Query:
        return _phrase(self.canon, self.languages)


@dataclass(slots=True)
class SentenceCache:
    """Caches which wordings contain the words of sentences; it queries only new wordings."""

    languages: Sequence[str]
    cache: dict[str, _SentenceWordings] = field(default_factory=dict)

    def find(
        self, connection: Connection, canons: Sequence[str], limit: int
    ) -> list[_SentenceWordings]:
        """Return the candidates of each sentence; incomplete if there are at least `limit`."""
        if len(self.cache) > _MAX_CACHED_SENTENCES:
            self.cache.clear()
        entries = [
            self.cache.get(canon)
            or self.cache.setdefault(canon, _SentenceWordings(canon, self.languages))
            for canon in canons
        ]
        newest = newest_indexed_wording(connection)
        behind = [
            entry for entry in entries if entry.up_to < newest and len(entry.wordings) < limit
        ]
        for entry, numbers in _find_candidates(connection, behind, limit):
            entry.wordings |= frozenset(numbers)
        for entry in behind:
            if len(entry.wordings) < limit:
                entry.up_to = newest
        return entries


def _find_candidates(
    connection: Connection, entries: Sequence[_SentenceWordings], limit: int
) -> Iterator[tuple[_SentenceWordings, Sequence[int]]]:
    """Yield sentences with the wordings that the index finds by their keys, otherwise by words."""
    by_keys = [each for each in entries if each.keys]
    by_words = [each for each in entries if not each.keys]
    words = [(rarest_run(each.phrase), each.phrase, each.up_to) for each in by_words]
    keys = [(each.keys, each.up_to) for each in by_keys]
    yield from zip(by_words, find_wordings(connection, words, limit), strict=True)
    yield from zip(by_keys, find_wordings_by_keys(connection, keys, limit), strict=True)


def blame_sentences(
    connection: Connection, version: VersionRef, cache: SentenceCache, part: Part, *, removed: bool
) -> Iterator[Blame]:
    """Yield each sentence of a version in its order.

    `removed` selects each sentence of earlier versions that this one lacks, in the order of
    deletion. Raises: CursorError, RedactedError.
    """
    history = _version_texts(connection, version)
    find = find_removed_sentences if removed else blame
    blamed = find([each.stand for each in history])
    rows = _in_part(enumerate(blamed, 1), part)
    yield from _blame_rows(connection, version, history, rows, cache)


def find_sentences(
    connection: Connection,
    version: VersionRef,
    cache: SentenceCache,
    part: Part,
    choice: int | str,
) -> Iterator[Sentence]:
    """Yield the sentence of a version with a number from 1, or those that contain a text.

    White space, the shape of quotation marks and case are ignored in the text.

    Raises: CursorError, NoSuchError, RedactedError.
    """
    history = _version_texts(connection, version)
    blamed = list(enumerate(blame([each.stand for each in history]), 1))
    if isinstance(choice, int):
        chosen = blamed[choice - 1 : choice] if choice > 0 else []
        if not chosen:
            raise NoSuchError(
                message_text("sentence"), str(choice), message_text("sentence_count", n=len(blamed))
            )
    else:
        text = canonical(choice).casefold()
        chosen = [(number, each) for number, each in blamed if text in each.canon.casefold()]
    chosen = _in_part(chosen, part)
    texts = _FirstSnapshots(connection, version.article.row_id, len(history), cache)
    rows = _blame_rows(connection, version, history, chosen, cache)
    for row, (number, each) in zip(rows, chosen, strict=True):
        (entry,) = cache.find(connection, [each.canon], MAX_CANDIDATES)
        articles = texts.current_articles(entry.wordings, each.canon)
        is_cut = len(articles) > MAX_CURRENT or len(entry.wordings) >= MAX_CANDIDATES
        yield Sentence(
            **{name: getattr(row, name) for name in Blame.names()},
            number=number,
            current_in=tuple(articles[:MAX_CURRENT]),
            is_cut=is_cut,
        )


def _in_part(
    sentences: Iterable[tuple[int, BlamedSentence]], part: Part
) -> list[tuple[int, BlamedSentence]]:
    """Return the numbered sentences of a part of a list."""
    begin = 0 if part.after is None else place("blame", part.after, int)[0]
    following = (each for each in sentences if each[0] > begin)
    return list(islice(following, None if part.limit is None else max(part.limit, 0)))


@dataclass(frozen=True, slots=True)
class _BlamedVersion:
    """A version of the blamed history, and the derivation that supplies its text."""

    derivation_id: int
    stand: Stand


def _version_texts(connection: Connection, version: VersionRef) -> list[_BlamedVersion]:
    """Return the versions up to `version` whose text is available, which excludes redacted ones.

    A change after a redacted version may have come with it: its interval begins where that of
    the redacted version does. Texts are taken from the extractor of `version` where the archive has
    such readings. A wording that differs from the version's main wording follows that one.

    Raises: RedactedError if the text of `version` is not available.
    """
    article = version.article.row_id
    versions = version_readings(connection, article, last=version.number)
    last = versions[-1] if version.wording_id is None else get_reading(connection, version)
    by_one_reader = find_same_extractor_derivations(connection, article, versions, last.reader)
    derivations = [(by_one_reader.get(each.number, each.derivation_id), each) for each in versions]
    if version.wording_id is not None:
        derivations.append((last.derivation_id, last))
    texts = _load_paragraphs(connection, [derivation for derivation, _each in derivations])
    if derivations[-1][0] not in texts:
        raise RedactedError(message_text("text_of"), version.rev)
    history: list[_BlamedVersion] = []
    begin: datetime | None = None
    is_after_redacted = False
    for number, each in derivations:
        begin = begin if is_after_redacted else each.changed_after
        is_after_redacted = number not in texts
        if not is_after_redacted:
            stand = Stand(each.number, begin, each.changed_by, texts[number])
            history.append(_BlamedVersion(number, stand))
    return history


def _load_paragraphs(
    connection: Connection, derivations: Iterable[int]
) -> dict[int, tuple[str, ...]]:
    """Return the paragraphs of each derivation that has a wording."""
    rows = rows_in(connection, _TEXT, DERIVATION.c.id, derivations)
    return {number: tuple(text.split("\n\n")) for number, text in rows if text is not None}


_TEXT = select(DERIVATION.c.id, WORDING.c.text).join(
    WORDING, WORDING.c.id == DERIVATION.c.wording_id
)


def _blame_rows(
    connection: Connection,
    version: VersionRef,
    history: Sequence[_BlamedVersion],
    selected: Sequence[tuple[int, BlamedSentence]],
    cache: SentenceCache,
) -> Iterator[Blame]:
    layouts = _layouts(connection, {history[each.at].derivation_id for _, each in selected})
    snapshots = _FirstSnapshots(connection, version.article.row_id, len(history), cache)
    for start in range(0, len(selected), SENTENCE_BATCH):
        some = selected[start : start + SENTENCE_BATCH]
        firsts = snapshots.articles([each for _number, each in some])
        for (number, each), first in zip(some, firsts, strict=True):
            layout = layouts[history[each.at].derivation_id]
            own = each.paragraph
            yield Blame(
                sentence=each.sentence,
                paragraph=layout[own] if own < len(layout) else own,
                since_version=each.since.number,
                changed_after=each.since.changed_after,
                changed_by=each.since.changed_by,
                returned=each.returned,
                first_article=first,
                version=each.version,
                cursor=cursor("blame", number),
            )


def _layouts(connection: Connection, derivations: Iterable[int]) -> dict[int, list[int]]:
    """Return, for each derivation, which of its paragraphs make its text, in order."""
    return {
        number: [
            index
            for index, each in enumerate(paragraphs_in(detail, text))
            if each.role in TEXT_ROLES
        ]
        for number, detail, text in rows_in(connection, _LAYOUT, DERIVATION.c.id, derivations)
    }


_LAYOUT = _TEXT.with_only_columns(
    DERIVATION.c.id, DERIVATION.c.detail, WORDING.c.text, maintain_column_froms=True
)


_Snapshot = tuple[datetime, int, int, str]
"""A snapshot of a version: time, commit order, wording and article."""

_SNAPSHOTS = select(
    VERSION.c.changed_by, VERSION.c.id, VERSION.c.wording_id, ARTICLE.c.public_id
).join(ARTICLE, ARTICLE.c.id == VERSION.c.article_id).where(
    VERSION.c.article_id != bindparam("own")
)  # fmt: skip
_CURRENT = _SNAPSHOTS.where(
    VERSION.c.id == ARTICLE.c.head_version_id,
    ARTICLE.c.state != "gone",
    sql_text(f"article.id NOT IN {RESTRICTED}"),
)
_WORDING_TEXTS = select(WORDING.c.id, WORDING.c.text)
_EARLIER_SNAPSHOTS = """
SELECT v.changed_by AS changed_by, v.id AS id, v.wording_id AS wording_id, a.public_id AS article
FROM ({wordings}) m
JOIN version v ON v.wording_id = m.wording_id
JOIN article a ON a.id = v.article_id
WHERE v.article_id <> :own AND v.changed_by < :before
ORDER BY v.changed_by, v.id
"""


class _FirstSnapshots:
    """Finds the other articles in which the archive saw sentences first.

    The index is queried once for the first words of each sentence, and matching texts are read.
    If too many match, the complete sentence is used.
    """

    def __init__(
        self, connection: Connection, article_id: int, versions: int, cache: SentenceCache
    ) -> None:
        self._connection = connection
        self._article_id = article_id
        self._limit = versions + MAX_CANDIDATES
        self._cache = cache
        self._paragraphs: dict[int, list[str]] = {}
        self._split: dict[str, Collection[str]] = {}

    def articles(self, entries: Sequence[BlamedSentence]) -> list[str | None]:
        """Return, for each sentence, the article with the earliest snapshot of it before its
        own.
        """
        cached = self._cache.find(
            self._connection, [sentence.canon for sentence in entries], self._limit
        )
        snapshots = self._snapshots(frozenset().union(*(entry.wordings for entry in cached)))
        earlier = [
            sorted(
                snapshot
                for number in entry.wordings
                for snapshot in snapshots[number]
                if snapshot[0] < sentence.first.changed_by
            )
            for entry, sentence in zip(cached, entries, strict=True)
        ]
        self._read(candidates[0][2] for candidates in earlier if candidates)
        return [
            self._first(
                sentence,
                candidates
                if len(entry.wordings) < self._limit
                else self._query_snapshots(entry, sentence),
            )
            for sentence, entry, candidates in zip(entries, cached, earlier, strict=True)
        ]

    def current_articles(self, wordings: Collection[int], canon: str) -> list[str]:
        """Return the other articles, earliest first, whose current text has the sentence."""
        rows = rows_in(
            self._connection, _CURRENT, VERSION.c.wording_id, wordings, own=self._article_id
        )
        current = sorted(tuple(row) for row in rows)
        self._read(wording for _by, _number, wording, _article in current)
        return [article for _by, _number, wording, article in current if self._has(wording, canon)]

    def _snapshots(self, wordings: Collection[int]) -> dict[int, list[_Snapshot]]:
        """Return the versions of other articles that have any of these wordings."""
        snapshots: dict[int, list[_Snapshot]] = {number: [] for number in wordings}
        for row in rows_in(
            self._connection, _SNAPSHOTS, VERSION.c.wording_id, wordings, own=self._article_id
        ):
            snapshots[row.wording_id].append(tuple(row))
        return snapshots

    def _query_snapshots(
        self, entry: _SentenceWordings, sentence: BlamedSentence
    ) -> Iterator[_Snapshot]:
        """Yield the versions of other articles that may contain a sentence, the earliest first."""
        if entry.keys:
            query = wordings_by_keys_query(self._connection, entry.keys)
        elif (by_words := wordings_query(self._connection, entry.phrase)) is not None:
            query = by_words
        else:
            return
        values = {**query[1], "own": self._article_id, "before": sentence.first.changed_by}
        rows = stream(self._connection, _EARLIER_SNAPSHOTS.format(wordings=query[0]), values)
        yield from ((r["changed_by"], r["id"], r["wording_id"], r["article"]) for r in rows)

    def _first(self, sentence: BlamedSentence, snapshots: Iterable[_Snapshot]) -> str | None:
        """Return the article of the first of `snapshots` whose text has the sentence."""
        for chunk in _growing(iter(snapshots)):
            self._read(wording for _by, _number, wording, _article in chunk)
            for _by, _number, wording, article in chunk:
                if self._has(wording, sentence.canon):
                    return article
        return None

    def _has(self, wording_id: int, canon: str) -> bool:
        return any(
            canon in paragraph and canon in self._sentences_of(paragraph)
            for paragraph in self._paragraphs[wording_id]
        )

    def _sentences_of(self, paragraph: str) -> Collection[str]:
        if paragraph not in self._split:
            self._split[paragraph] = frozenset(map(str.strip, sentences(paragraph)))
        return self._split[paragraph]

    def _read(self, wording_ids: Iterable[int]) -> None:
        """Read the texts that are not cached; the cache is emptied first if it would grow too
        large.
        """
        if len(self._paragraphs) > _MAX_CACHED_TEXTS:
            self._paragraphs.clear()
            self._split.clear()
        new = {each for each in wording_ids if each not in self._paragraphs}
        for number, text in rows_in(self._connection, _WORDING_TEXTS, WORDING.c.id, new):
            self._paragraphs[number] = canonical_all((text or "").split("\n\n"))


def _growing(snapshots: Iterator[_Snapshot]) -> Iterator[list[_Snapshot]]:
    """Yield snapshots in growing batches: mostly the first one matches."""
    size = 4
    while chunk := list(islice(snapshots, size)):
        yield chunk
        size = min(4 * size, _MAX_CACHED_TEXTS)


def _phrase(canon: str, languages: Sequence[str]) -> Query:
    """Return the beginning of a sentence as a phrase; None for a sentence of a single word."""
    plain = " ".join(canon.replace('"', " ").split())
    if len(plain) > PHRASE_LENGTH:
        plain = plain[:PHRASE_LENGTH].rpartition(" ")[0]
    query = parse_query(f'"{plain}"', languages)
    return Query(tuple(term for term in query.terms if not isinstance(term, Word)))
