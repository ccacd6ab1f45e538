"""Blame: since when each sentence of a version is present, and which article had it first."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from itertools import islice

from sqlalchemy import Connection, bindparam, select

from storage.database.rows import cursor, place, stream
from storage.database.tables import ARTICLE, DERIVATION, VERSION, WORDING
from storage.database.unit import rows_in
from storage.diff.blame import Blamed, Stand, blame, find_removed_sentences, lives_in
from storage.language.sentences import sentence_keys, sentences
from storage.language.tokens import Query, Word, parse_query, rarest_run
from storage.read.answers import Blame
from storage.read.find import FoundVersion
from storage.read.lists import Part
from storage.read.same_extractor import one_reader_of
from storage.read.search import HOLDING_KEYED, holding, holding_each, holding_keyed, indexed_up_to
from storage.read.texts import shown, versions_shown
from storage.values.digest import canonical_all
from storage.values.draft import TEXT_ROLES, paragraphs_in
from storage.values.errors import RedactedError

PHRASE_LENGTH = 400
"""Letters of a sentence with which the index is queried; matching texts are then read."""
SENTENCES_AT_ONCE = 128
MOST_HOLDING = 64
"""Maximum number of candidate wordings; above it, the query uses the complete sentence."""

_REMEMBERED_TEXTS = 256
_REMEMBERED_SENTENCES = 50_000


@dataclass
class _Held:
    """A sentence, and the indexed wordings that contain its words, up to one number."""

    canon: str
    languages: Sequence[str]
    up_to: int = 0
    wordings: frozenset[int] = frozenset()

    @cached_property
    def keys(self) -> str:
        """Return the keys by which SQLite finds the sentence; empty if it has none."""
        return " ".join(sentence_keys([self.canon]))

    @cached_property
    def phrase(self) -> Query:
        return _phrase(self.canon, self.languages)


@dataclass(slots=True)
class SentenceMemory:
    """Caches which wordings contain the words of sentences; it queries only new wordings."""

    languages: Sequence[str]
    held: dict[str, _Held] = field(default_factory=dict)

    def of(self, connection: Connection, canons: Sequence[str], most: int) -> list[_Held]:
        """Return the candidates of each sentence; incomplete if there are at least `most`."""
        if len(self.held) > _REMEMBERED_SENTENCES:
            self.held.clear()
        asked = [
            self.held.get(canon) or self.held.setdefault(canon, _Held(canon, self.languages))
            for canon in canons
        ]
        newest = indexed_up_to(connection)
        behind = [each for each in asked if each.up_to < newest and len(each.wordings) < most]
        for each, numbers in _held_by(connection, behind, most):
            each.wordings |= frozenset(numbers)
        for each in behind:
            if len(each.wordings) < most:
                each.up_to = newest
        return asked


def _held_by(
    connection: Connection, sought: Sequence[_Held], most: int
) -> Iterator[tuple[_Held, Sequence[int]]]:
    """Yield sentences with the wordings that the index finds by their keys, otherwise by words."""
    has_keys = connection.dialect.name == "sqlite"
    by_keys = [each for each in sought if has_keys and each.keys]
    by_words = [each for each in sought if not (has_keys and each.keys)]
    words = [(rarest_run(each.phrase), each.phrase, each.up_to) for each in by_words]
    keys = [(each.keys, each.up_to) for each in by_keys]
    yield from zip(by_words, holding_each(connection, words, most), strict=True)
    yield from zip(by_keys, holding_keyed(connection, keys, most), strict=True)


def standing(
    connection: Connection, found: FoundVersion, memory: SentenceMemory, part: Part
) -> Iterator[Blame]:
    """Yield each sentence of a version in its order.

    Raises: CursorError, RedactedError.
    """
    stands = _stands(connection, found)
    yield from _answers(
        connection, found, stands, blame([each.stand for each in stands]), memory, part
    )


def gone(
    connection: Connection, found: FoundVersion, memory: SentenceMemory, part: Part
) -> Iterator[Blame]:
    """Yield each sentence of earlier versions that this one lacks, in the order of deletion.

    Raises: CursorError.
    """
    stands = _stands(connection, found)
    yield from _answers(
        connection,
        found,
        stands,
        find_removed_sentences([each.stand for each in stands]),
        memory,
        part,
    )


def both(
    connection: Connection, found: FoundVersion, memory: SentenceMemory
) -> tuple[list[Blame], list[Blame]]:
    """Return the results of `standing` and `gone` with fewer queries than two separate calls.

    Raises: RedactedError.
    """
    stands = _stands(connection, found)
    plain = [each.stand for each in stands]
    lives = lives_in(plain)
    told = [*blame(plain, lives), *find_removed_sentences(plain, lives)]
    rows = list(_answers(connection, found, stands, told, memory, Part()))
    here = sum(each.at == len(stands) - 1 for each in told)
    gone = enumerate(rows[here:], 1)
    return rows[:here], [replace(each, cursor=cursor("blame", n)) for n, each in gone]


@dataclass(frozen=True, slots=True)
class _StandingVersion:
    """A version of the blamed history, and the derivation that supplies its text."""

    derivation_id: int
    stand: Stand


def _stands(connection: Connection, found: FoundVersion) -> list[_StandingVersion]:
    """Return the versions up to `found` whose text is available, which excludes redacted ones.

    A change after a redacted version may have come with it: its interval begins where that of
    the redacted version does. Texts are taken from the extractor of `found` where the archive has
    such readings. A wording that differs from the version's main wording follows that one.

    Raises: RedactedError if the text of `found` is not available.
    """
    article = found.article.row_id
    versions = versions_shown(connection, article, last=found.number)
    last = versions[-1] if found.wording_id is None else shown(connection, found)
    by_one_reader = one_reader_of(connection, article, versions, last.reader)
    held = [(by_one_reader.get(each.number, each.derivation_id), each) for each in versions]
    if found.wording_id is not None:
        held.append((last.derivation_id, last))
    texts = _texts(connection, [derivation for derivation, _each in held])
    if held[-1][0] not in texts:
        raise RedactedError("the text of", found.rev)
    stands: list[_StandingVersion] = []
    begin: datetime | None = None
    is_after_redacted = False
    for number, each in held:
        begin = begin if is_after_redacted else each.changed_after
        is_after_redacted = number not in texts
        if not is_after_redacted:
            stand = Stand(each.number, begin, each.changed_by, texts[number])
            stands.append(_StandingVersion(number, stand))
    return stands


def _texts(connection: Connection, derivations: Iterable[int]) -> dict[int, tuple[str, ...]]:
    """Return the paragraphs of each derivation that has a wording."""
    rows = rows_in(connection, _TEXT, DERIVATION.c.id, derivations)
    return {number: tuple(text.split("\n\n")) for number, text in rows if text is not None}


_TEXT = select(DERIVATION.c.id, WORDING.c.text).join(
    WORDING, WORDING.c.id == DERIVATION.c.wording_id
)


def _answers(
    connection: Connection,
    found: FoundVersion,
    stands: Sequence[_StandingVersion],
    sentences: Sequence[Blamed],
    memory: SentenceMemory,
    part: Part,
) -> Iterator[Blame]:
    begin = 0 if part.after is None else place("blame", part.after, int)[0]
    end = None if part.limit is None else begin + max(part.limit, 0)
    wanted = list(islice(enumerate(sentences, 1), begin, end))
    layouts = _layouts(connection, {stands[each.at].derivation_id for _, each in wanted})
    snapshots = _FirstSnapshots(connection, found.article.row_id, len(stands), memory)
    for start in range(0, len(wanted), SENTENCES_AT_ONCE):
        some = wanted[start : start + SENTENCES_AT_ONCE]
        firsts = snapshots.articles([each for _number, each in some])
        for (number, each), first in zip(some, firsts, strict=True):
            layout = layouts[stands[each.at].derivation_id]
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

_SEEN = select(
    VERSION.c.changed_by, VERSION.c.id, VERSION.c.wording_id, ARTICLE.c.public_id
).join(ARTICLE, ARTICLE.c.id == VERSION.c.article_id).where(
    VERSION.c.article_id != bindparam("own")
)  # fmt: skip
_WORDED = select(WORDING.c.id, WORDING.c.text)
_HOLDING = """
SELECT v.changed_by AS changed_by, v.id AS id, v.wording_id AS wording_id, a.public_id AS article
FROM ({holding}) m
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
        self, connection: Connection, own: int, versions: int, memory: SentenceMemory
    ) -> None:
        self._connection = connection
        self._own = own
        self._most = versions + MOST_HOLDING
        self._memory = memory
        self._paragraphs: dict[int, list[str]] = {}
        self._split: dict[str, Collection[str]] = {}

    def articles(self, asked: Sequence[Blamed]) -> list[str | None]:
        """Return, for each sentence, the article with the earliest snapshot of it before its
        own.
        """
        held = self._memory.of(self._connection, [each.canon for each in asked], self._most)
        seen = self._seen(frozenset().union(*(each.wordings for each in held)))
        sights = [
            sorted(s for number in each.wordings for s in seen[number] if s[0] < before)
            for each, before in zip(held, [each.first.changed_by for each in asked], strict=True)
        ]
        self._read(found[0][2] for found in sights if found)
        return [
            self._first(each, found if len(of.wordings) < self._most else self._holding(of, each))
            for each, of, found in zip(asked, held, sights, strict=True)
        ]

    def _seen(self, wordings: Collection[int]) -> dict[int, list[_Snapshot]]:
        """Return the versions of other articles that have any of these wordings."""
        found: dict[int, list[_Snapshot]] = {each: [] for each in wordings}
        seen = rows_in(self._connection, _SEEN, VERSION.c.wording_id, wordings, own=self._own)
        for row in seen:
            found[row.wording_id].append(tuple(row))
        return found

    def _holding(self, held: _Held, sentence: Blamed) -> Iterator[_Snapshot]:
        """Yield the versions of other articles that may contain a sentence, the earliest first."""
        if held.keys and self._connection.dialect.name == "sqlite":
            asked = HOLDING_KEYED, {"match": held.keys}
        elif (by_words := holding(self._connection.dialect.name, held.phrase)) is not None:
            asked = by_words
        else:
            return
        values = {**asked[1], "own": self._own, "before": sentence.first.changed_by}
        rows = stream(self._connection, _HOLDING.format(holding=asked[0]), values)
        yield from ((r["changed_by"], r["id"], r["wording_id"], r["article"]) for r in rows)

    def _first(self, sentence: Blamed, snapshots: Iterable[_Snapshot]) -> str | None:
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
        if len(self._paragraphs) > _REMEMBERED_TEXTS:
            self._paragraphs.clear()
            self._split.clear()
        new = {each for each in wording_ids if each not in self._paragraphs}
        for number, text in rows_in(self._connection, _WORDED, WORDING.c.id, new):
            self._paragraphs[number] = canonical_all((text or "").split("\n\n"))


def _growing(snapshots: Iterator[_Snapshot]) -> Iterator[list[_Snapshot]]:
    """Yield snapshots in growing batches: mostly the first one matches."""
    size = 4
    while chunk := list(islice(snapshots, size)):
        yield chunk
        size = min(4 * size, _REMEMBERED_TEXTS)


def _phrase(canon: str, languages: Sequence[str]) -> Query:
    """Return the beginning of a sentence as a phrase; None for a sentence of a single word."""
    plain = " ".join(canon.replace('"', " ").split())
    if len(plain) > PHRASE_LENGTH:
        plain = plain[:PHRASE_LENGTH].rpartition(" ")[0]
    query = parse_query(f'"{plain}"', languages)
    return Query(tuple(term for term in query.terms if not isinstance(term, Word)))
