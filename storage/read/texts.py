"""One complete version: from its rows to the record that `show` and `export` return."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, tuple_

from storage.database.capture_store import StoredBytes, load
from storage.database.rows import Row, cursor, place, stream
from storage.database.tables import (
    CAPTURE,
    DERIVATION,
    OBSERVATION,
    ORIGIN,
    SNAPSHOT,
    VERSION,
    WORDING,
)
from storage.database.views import COLUMNS, open_alone, view_query
from storage.diff.word_diff import Text
from storage.history.runs import ExtractorKey
from storage.read.answers import Digests, ObservationSpan, Raw, VersionText
from storage.read.filters import Conditions
from storage.read.find import VersionRef, is_restricted
from storage.read.lists import parse_date
from storage.values.digest import wording_name
from storage.values.draft import (
    TEXT_ROLES,
    Extractor,
    Field,
    Notice,
    Paragraph,
    field_in,
    paragraphs_in,
    quotes_in,
)
from storage.values.errors import RedactedError

_READER = (DERIVATION.c.extractor, DERIVATION.c.extractor_version, DERIVATION.c.config)
ARTICLE_COLUMNS = ("origin", "origins", "source")
"""The article columns of a flat version row."""
UNSAFE_IN_NAMES = frozenset('\\/:*?"<>|#\0')


def version_text(connection: Connection, version: VersionRef) -> VersionText:
    criteria = (
        Conditions()
        .with_clause("x.article_id = :article", article=version.article.row_id)
        .with_clause("x.version = :version", version=version.number)
    )
    row = next(_versions(connection, _COLUMNS, criteria, None))
    if version.wording_id is not None and not is_restricted(connection, version.article):
        row = {**row, **_wording_fields(connection, get_reading(connection, version))}
    return _version_text(row, certain=version.certain)


def version_wordings(connection: Connection, version: VersionRef) -> list[int]:
    """Return the wordings in which a version was seen, including those that differ by noise."""
    if version.wording_id is not None:
        return [version.wording_id]
    query = select(SNAPSHOT.c.wording_id).where(
        SNAPSHOT.c.article_id == version.article.row_id,
        SNAPSHOT.c.version == version.number,
        SNAPSHOT.c.wording_id.is_not(None),
    )
    return sorted({*connection.execute(query).scalars()})


@dataclass(frozen=True, slots=True)
class VersionReading:
    """The displayed reading of a version: one capture, and the snapshots between which it
    appeared.
    """

    number: int
    derivation_id: int
    observation_id: int
    reader: ExtractorKey
    changed_after: datetime | None
    changed_by: datetime
    last_seen: datetime


def get_reading(connection: Connection, version: VersionRef) -> VersionReading:
    """Return the displayed reading of a version, in the requested wording."""
    if version.wording_id is None:
        (one,) = version_readings(
            connection, version.article.row_id, version.number, version.number
        )
        return one
    seen = SNAPSHOT.c.observed_at
    of_article = SNAPSHOT.c.article_id == version.article.row_id
    query = (
        select(
            SNAPSHOT.c.version, SNAPSHOT.c.derivation_id, SNAPSHOT.c.observation_id, *_READER, seen
        )
        .join(DERIVATION, DERIVATION.c.id == SNAPSHOT.c.derivation_id)
        .where(
            of_article,
            SNAPSHOT.c.version == version.number,
            SNAPSHOT.c.wording_id == version.wording_id,
        )
        .order_by(seen, SNAPSHOT.c.observation_id)
    )
    rows = connection.execute(query).all()
    first = rows[0]
    before = select(func.max(seen)).where(
        of_article, seen < first.observed_at, SNAPSHOT.c.wording_id.is_not(None)
    )
    changed_after = connection.execute(before).scalar()
    return VersionReading(
        *first[:3], tuple(first[3:6]), changed_after, first.observed_at, rows[-1].observed_at
    )


def reading_pair(
    connection: Connection, a: VersionRef, b: VersionRef
) -> tuple[VersionReading, VersionReading]:
    """Return the displayed readings of two versions, in one query if both have numbers."""
    sides = (a, b)
    numbers = {(each.article.row_id, each.number) for each in sides if each.wording_id is None}
    query = _READINGS.add_columns(VERSION.c.article_id).where(
        tuple_(VERSION.c.article_id, VERSION.c.number).in_(sorted(numbers))
    )
    rows = connection.execute(query) if numbers else ()
    readings = {(row[9], row[0]): _reading_from_row(row) for row in rows}
    one, other = (
        readings[each.article.row_id, each.number]
        if each.wording_id is None
        else get_reading(connection, each)
        for each in sides
    )
    return one, other


def version_readings(
    connection: Connection, article_id: int, first: int = 1, last: int | None = None
) -> list[VersionReading]:
    """Return the displayed readings of an article's versions from `first` to `last`."""
    span = {"article": article_id, "first": first, "last": _ANY if last is None else last}
    return [_reading_from_row(row) for row in connection.execute(_READINGS_OF_ARTICLE, span)]


_READINGS = select(
    VERSION.c.number, VERSION.c.derivation_id, VERSION.c.observation_id, *_READER,
    VERSION.c.changed_after, VERSION.c.changed_by, VERSION.c.last_seen,
).join(DERIVATION, DERIVATION.c.id == VERSION.c.derivation_id)  # fmt: skip
_READINGS_OF_ARTICLE = _READINGS.where(
    VERSION.c.article_id == bindparam("article"),
    VERSION.c.number.between(bindparam("first"), bindparam("last")),
).order_by(VERSION.c.number)
_ANY = 2**31 - 1


def _reading_from_row(row: Any) -> VersionReading:
    number, derivation, observation, *reader, after, by, last = row[:9]
    return VersionReading(number, derivation, observation, tuple(reader), after, by, last)


def version_texts(
    connection: Connection,
    criteria: Conditions,
    limit: int | None = None,
    *,
    as_of: datetime | None = None,
) -> Iterator[VersionText]:
    """Yield versions (`x`) of articles (`q`) in the order of articles, then of versions.

    The version that was current at `as_of` is certain up to its last snapshot.
    """
    for row in _versions(connection, _COLUMNS, criteria, limit):
        is_seen = as_of is None or row["version"] < row["versions"] or as_of <= row["last_seen"]
        yield _version_text(row, certain=is_seen)


_COLUMNS = (
    "x.*, q.origin AS origin, q.origins AS origins, q.source AS source, "
    "q.state AS state, q.versions AS versions, "
    f"{open_alone('d.detail', 'x.article_id')} AS detail, "
    "d.extractor AS extractor, d.extractor_version AS extractor_version, "
    "d.config AS config"
)


def _wording_fields(connection: Connection, reading: VersionReading) -> dict[str, Any]:
    """Return the fields of a version in one of its wordings, and when that was seen."""
    query = (
        select(
            DERIVATION, WORDING.c.digest, WORDING.c.title, WORDING.c.text,
            CAPTURE.c.digest.label("raw"),
        )
        .join(WORDING, WORDING.c.id == DERIVATION.c.wording_id)
        .join(CAPTURE, CAPTURE.c.id == DERIVATION.c.capture_id)
        .where(DERIVATION.c.id == reading.derivation_id)
    )  # fmt: skip
    row = connection.execute(query).one()
    return {
        "detail": row.detail,
        "title": row.title,
        "text": row.text,
        "wording": wording_name(bytes(row.digest)),
        "raw_digest": bytes(row.raw).hex(),
        "language": row.language,
        "publisher": row.publisher,
        "word_count": row.word_count,
        "flags": (row.detail or {}).get("flags") or [],
        "changed_after": reading.changed_after,
        "changed_by": reading.changed_by,
        "last_seen": reading.last_seen,
        "extractor": row.extractor,
        "extractor_version": row.extractor_version,
        "config": row.config,
    }


def version_rows(
    connection: Connection, criteria: Conditions, limit: int | None = None
) -> Iterator[Row]:
    """Yield versions as flat rows: the view `versions`, `ARTICLE_COLUMNS`, and a cursor."""
    of_version = [f"x.{each}" for each in (*COLUMNS["versions"], "article_id", "version_id")]
    selected = [*of_version, *(f"q.{each}" for each in ARTICLE_COLUMNS)]
    columns = ", ".join(f"{each} AS {each[2:]}" for each in selected)
    for row in _versions(connection, columns, criteria, limit):
        flat = {name: row[name] for name in (*COLUMNS["versions"], *ARTICLE_COLUMNS)}
        yield {**flat, "cursor": _cursor(row)}


def continue_after(criteria: Conditions, cursor_text: str | None) -> Conditions:
    """Return the conditions to continue after the version with that cursor.

    Raises: CursorError.
    """
    if cursor_text is None:
        return criteria
    article, version = place("export", cursor_text, int, int)
    return criteria.with_clause("(q.article_id, x.version) > (:a0, :a1)", a0=article, a1=version)


def _versions(
    connection: Connection, columns: str, criteria: Conditions, limit: int | None
) -> Iterator[Row]:
    dialect = connection.dialect.name
    query = (
        f"SELECT {columns} FROM ({view_query('versions', dialect)}) x "
        f"JOIN ({view_query('articles', dialect)}) q ON q.article_id = x.article_id "
        f"JOIN derivation d ON d.id = x.derivation_id{criteria.sql_where} "
        "ORDER BY q.article_id, x.version"
    )
    values = criteria.values
    if limit is not None:
        query, values = f"{query} LIMIT :rows", {**values, "rows": max(limit, 0)}
    yield from stream(connection, query, values)


def _cursor(row: Row) -> str:
    return cursor("export", row["article_id"], row["version"])


def raw(connection: Connection, version: VersionRef) -> Raw:
    """Return the bytes from which a version was read.

    Raises: RedactedError, DamagedBytesError.
    """
    reading = get_reading(connection, version)
    query = (
        select(
            CAPTURE.c.encoding, CAPTURE.c.data, CAPTURE.c.digest, OBSERVATION.c.hints,
            ORIGIN.c.origin,
        )
        .select_from(OBSERVATION)
        .join(DERIVATION, DERIVATION.c.id == reading.derivation_id)
        .join(CAPTURE, CAPTURE.c.id == DERIVATION.c.capture_id)
        .join(ORIGIN, ORIGIN.c.id == OBSERVATION.c.locator_id)
        .where(OBSERVATION.c.id == reading.observation_id)
    )  # fmt: skip
    row = connection.execute(query).one()
    if row.data is None:
        raise RedactedError("the captured document of", version.rev)
    name = (row.hints or {}).get("name") or row.origin
    return Raw(
        data=load(StoredBytes(bytes(row.digest), row.encoding, row.data)),
        name=_file_name(name, version.article.article),
        digest=bytes(row.digest).hex(),
    )


def text_pair(connection: Connection, a: VersionReading, b: VersionReading) -> tuple[Text, Text]:
    """Return the texts of two versions for a comparison, each in its wording.

    Raises: RedactedError if one of them has no text any more.
    """
    ids = (a.derivation_id, b.derivation_id)
    query = (
        select(DERIVATION.c.id, DERIVATION.c.detail, WORDING.c.title, WORDING.c.text)
        .join(WORDING, WORDING.c.id == DERIVATION.c.wording_id)
        .where(DERIVATION.c.id.in_(ids))
    )
    rows = connection.execute(query).all()
    redacted = {row.id for row in rows if row.text is None}
    for each in (a, b):
        if each.derivation_id in redacted:
            raise RedactedError("the text of version", str(each.number))
    texts = {
        row.id: Text(row.title, _text_paragraphs(paragraphs_in(row.detail, row.text)))
        for row in rows
    }
    return texts[ids[0]], texts[ids[1]]


def _text_paragraphs(paragraphs: Iterable[Paragraph]) -> tuple[tuple[str, str], ...]:
    pairs = ((each.role, each.text) for each in paragraphs)
    return tuple(pair for pair in pairs if pair[0] in TEXT_ROLES)


def _version_text(row: Row, *, certain: bool) -> VersionText:
    detail = row["detail"] or {}
    fields = {name: field_in(value) for name, value in (detail.get("fields") or {}).items()}
    paragraphs = paragraphs_in(row["detail"], row["text"])
    return VersionText(
        article=row["article"],
        id=row["article"],
        origin=row["origin"],
        origins=tuple(row["origins"]),
        source=row["source"],
        state=row["state"],
        version=row["version"],
        versions=row["versions"],
        wording=row["wording"],
        title=row["title"],
        lead=_lead(fields, paragraphs),
        text=row["text"],
        paragraphs=paragraphs,
        language=row["language"],
        authors=_list_value(fields, "authors"),
        publisher=row["publisher"],
        section=_value(fields, "section"),
        tags=_list_value(fields, "tags"),
        published=parse_date(_value(fields, "published")),
        modified=parse_date(_value(fields, "modified")),
        word_count=row["word_count"],
        quotes=quotes_in(row["detail"], paragraphs),
        notices=tuple(Notice(**each) for each in detail.get("notices") or ()),
        flags=tuple(row["flags"]),
        fields=fields,
        observed=ObservationSpan(
            row["changed_after"], row["changed_by"], row["last_seen"], certain
        ),
        digests=Digests(raw=row["raw_digest"], wording=row["wording"], link=None),
        extractor=Extractor(row["extractor"], row["extractor_version"], row["config"]),
        cursor=_cursor(row),
    )


def _lead(fields: Mapping[str, Field], paragraphs: Sequence[Paragraph]) -> str | None:
    """Return the lead that the document declares, otherwise the paragraph with that role."""
    lead = _value(fields, "lead")
    if isinstance(lead, str):
        return lead
    return next((each.text for each in paragraphs if each.role == "lead"), None)


def _value(fields: Mapping[str, Field], name: str) -> Any:
    return fields[name].value if name in fields else None


def _list_value(fields: Mapping[str, Field], name: str) -> tuple[Any, ...]:
    value = _value(fields, name)
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list) else (value,)


def _file_name(place: str, default: str) -> str:
    """Return a file name for any system, from the last part of a path or an address.

    >>> _file_name("seed:news/2024/sturm.jsonl#12", "35xhehswnwa6vc12")
    'sturm.jsonl_12'
    >>> _file_name("https://example.org/", "35xhehswnwa6vc12")
    '35xhehswnwa6vc12'
    """
    last = place.partition("?")[0].rpartition("/")[2]
    name = "".join("_" if each in UNSAFE_IN_NAMES or each < " " else each for each in last)
    return name.strip(". ")[:120] or default
