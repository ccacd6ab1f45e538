"""Blame in an archive: the sentences of a version, since when, and which article had them first."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection, select

from storage.database.rows import Row, cursor, place, stream
from storage.database.tables import METADATA
from storage.database.unit import rows_in
from storage.diff.blame import Blamed, Stand, blame, removed
from storage.language.sentences import sentences
from storage.language.tokens import Query, Word, parse_query
from storage.read.answers import Blame
from storage.read.find import FoundVersion
from storage.read.lists import Part
from storage.read.same_reader import one_reader_of
from storage.read.search import holding
from storage.read.texts import shown, versions_shown
from storage.values.digest import canonical_all
from storage.values.draft import TEXT_ROLES, paragraphs_in

DERIVATION, WORDING = METADATA.tables["derivation"], METADATA.tables["wording"]
PHRASE_LENGTH = 400
"""Letters of a sentence that the index is asked for; the texts that it finds are read."""

_REMEMBERED_TEXTS = 256


def standing(
    connection: Connection, found: FoundVersion, languages: Sequence[str], part: Part
) -> Iterator[Blame]:
    """Yield each sentence of a version in its order.

    Raises: CursorError.
    """
    stands = _stands(connection, found)
    yield from _answers(
        connection, found, stands, blame([each.stand for each in stands]), languages, part
    )


def gone(
    connection: Connection, found: FoundVersion, languages: Sequence[str], part: Part
) -> Iterator[Blame]:
    """Yield each sentence that versions before this one had, those that went first at first.

    Raises: CursorError.
    """
    stands = _stands(connection, found)
    yield from _answers(
        connection, found, stands, removed([each.stand for each in stands]), languages, part
    )


@dataclass(frozen=True, slots=True)
class _StandingVersion:
    """A version that is blamed, and the derivation by which it is shown."""

    derivation_id: int
    stand: Stand


def _stands(connection: Connection, found: FoundVersion) -> list[_StandingVersion]:
    """Return the versions up to `found` whose text is there: a redacted one tells nothing.

    They are as the reader of `found` reads them, where the archive has that. A wording that no
    version is known by comes after the one that its version is known by.
    """
    article = found.article.row_id
    versions, last = (
        versions_shown(connection, article, last=found.number),
        shown(connection, found),
    )
    again = one_reader_of(connection, article, versions, last.reader)
    held = [(again.get(each.number, each.derivation_id), each) for each in versions]
    if found.wording_id is not None:
        held.append((last.derivation_id, last))
    texts = _texts(connection, [derivation for derivation, _each in held])
    return [
        _StandingVersion(
            number, Stand(each.number, each.changed_after, each.changed_by, texts[number])
        )
        for number, each in held
        if number in texts
    ]


def _texts(connection: Connection, derivations: Iterable[int]) -> dict[int, tuple[str, ...]]:
    """Return the paragraphs of the wording of each derivation that has one."""
    query = select(DERIVATION.c.id, WORDING.c.text).join(
        WORDING, WORDING.c.id == DERIVATION.c.wording_id
    )
    rows = rows_in(connection, query, DERIVATION.c.id, derivations)
    return {number: tuple(text.split("\n\n")) for number, text in rows if text is not None}


def _answers(
    connection: Connection,
    found: FoundVersion,
    stands: Sequence[_StandingVersion],
    sentences_told: Sequence[Blamed],
    languages: Sequence[str],
    part: Part,
) -> Iterator[Blame]:
    begin = 0 if part.after is None else place("blame", part.after, int)[0]
    end = None if part.limit is None else begin + max(part.limit, 0)
    wanted = list(islice(enumerate(sentences_told, 1), begin, end))
    layouts = _layouts(connection, {stands[each.at].derivation_id for _, each in wanted})
    sights = _FirstSights(connection, found.article.row_id, languages)
    for number, each in wanted:
        layout = layouts[stands[each.at].derivation_id]
        yield Blame(
            sentence=each.sentence,
            paragraph=layout[each.paragraph] if each.paragraph < len(layout) else each.paragraph,
            since_version=each.since.number,
            changed_after=each.since.changed_after,
            changed_by=each.since.changed_by,
            returned=each.returned,
            first_article=sights.article(each.canon, each.first.changed_by),
            version=each.version,
            cursor=cursor("blame", number),
        )


def _layouts(connection: Connection, derivations: Iterable[int]) -> dict[int, list[int]]:
    """Return for each derivation which of its paragraphs make its text, in order."""
    query = select(DERIVATION.c.id, DERIVATION.c.detail, WORDING.c.text).join(
        WORDING, WORDING.c.id == DERIVATION.c.wording_id
    )
    return {
        number: [
            index
            for index, each in enumerate(paragraphs_in(detail, text))
            if each.role in TEXT_ROLES
        ]
        for number, detail, text in rows_in(connection, query, DERIVATION.c.id, derivations)
    }


_CANDIDATES = """
SELECT v.wording_id AS wording_id, a.public_id AS article
FROM ({holding}) m
JOIN version v ON v.wording_id = m.wording_id
JOIN article a ON a.id = v.article_id
WHERE v.article_id <> :own AND v.changed_by < :before
ORDER BY v.changed_by, v.id
"""


class _FirstSights:
    """Finds the other article in which the archive saw a sentence first."""

    def __init__(self, connection: Connection, own: int, languages: Sequence[str]) -> None:
        self._connection = connection
        self._own = own
        self._languages = languages
        self._paragraphs: dict[int, list[str]] = {}

    def article(self, canon: str, before: datetime) -> str | None:
        """Return the article with the earliest sight of a sentence before that moment."""
        asked = holding(self._connection.dialect.name, _phrase(canon, self._languages))
        if asked is None:
            return None
        query = _CANDIDATES.format(holding=asked[0])
        rows = stream(self._connection, query, {**asked[1], "own": self._own, "before": before})
        for chunk in _growing(rows):
            self._read([row["wording_id"] for row in chunk])
            for row in chunk:
                if self._has(row["wording_id"], canon):
                    return str(row["article"])
        return None

    def _has(self, wording_id: int, canon: str) -> bool:
        return any(
            canon in paragraph and canon in map(str.strip, sentences(paragraph))
            for paragraph in self._paragraphs[wording_id]
        )

    def _read(self, wording_ids: Sequence[int]) -> None:
        """Read the texts that are not remembered; too many are forgotten first."""
        if len(self._paragraphs) > _REMEMBERED_TEXTS:
            self._paragraphs.clear()
        new = [each for each in wording_ids if each not in self._paragraphs]
        query = select(WORDING.c.id, WORDING.c.text).where(WORDING.c.id.in_(new))
        for row in self._connection.execute(query) if new else ():
            self._paragraphs[row.id] = canonical_all((row.text or "").split("\n\n"))


def _growing(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """Yield rows a few at a time, then more: mostly the first one is the one."""
    size = 4
    while chunk := list(islice(rows, size)):
        yield chunk
        size = min(4 * size, _REMEMBERED_TEXTS)


def _phrase(canon: str, languages: Sequence[str]) -> Query:
    """Return the beginning of a sentence as a phrase; nothing for one of a single word."""
    plain = " ".join(canon.replace('"', " ").split())
    if len(plain) > PHRASE_LENGTH:
        plain = plain[:PHRASE_LENGTH].rpartition(" ")[0]
    query = parse_query(f'"{plain}"', languages)
    return Query(tuple(term for term in query.terms if not isinstance(term, Word)))
