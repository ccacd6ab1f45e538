"""One complete version: from its rows to the record that `show` and `export` return."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from storage.capabilities import load_parts, parts_of
from storage.database.rows import Row, cursor, fetch, fetch_row, place, stream
from storage.database.view_queries.sql_words import open_alone
from storage.database.views import COLUMNS, view_query
from storage.read.answers import (
    Digests,
    ObservationSpan,
    Raw,
    VersionText,
)
from storage.read.filters import Conditions
from storage.read.find import VersionRef, count_restricted, is_restricted
from storage.read.lists import parse_date
from storage.values.digest import wording_name
from storage.values.draft import (
    TEXT_ROLES,
    CleaningStep,
    Extractor,
    Field,
    Notice,
    Paragraph,
    entries_in,
    field_in,
    paragraphs_in,
    quotes_in,
)
from storage.values.errors import ExpiredError, RedactedError, WithheldError
from storage.values.lazy import LazyModule
from storage.values.messages import message_text
from storage.values.redaction import is_expiry

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from storage.database import capture_store
    from storage.diff import word_diff
    from storage.history import corrected_times
    from storage.history.runs import ExtractorKey
    from storage.read import cite
    from storage.record.contents import restricted
else:
    capture_store = LazyModule("storage.database.capture_store")
    word_diff = LazyModule("storage.diff.word_diff")
    cite = LazyModule("storage.read.cite")
    corrected_times = LazyModule("storage.history.corrected_times")
    restricted = LazyModule("storage.record.contents.restricted")

ARTICLE_COLUMNS = ("origin", "origins", "source")
"""The article columns of a flat version row."""
UNSAFE_IN_NAMES = frozenset('\\/:*?"<>|#\0')


def version_text(connection: "Connection", version: VersionRef) -> VersionText:
    criteria = (
        Conditions()
        .with_clause("x.article_id = :article", article=version.article.row_id)
        .with_clause("x.version = :version", version=version.number)
    )
    row = fetch_row(connection, *_versions_query(connection, _COLUMNS, criteria))
    if version.wording_id is not None and not is_restricted(connection, version.article):
        row = {**row, **_wording_fields(connection, get_reading(connection, version))}
    withheld = find_restricted_texts(connection)
    text = _version_text(row, certain=version.certain, withheld=withheld)
    return _without_speakers(text, _load_speakers(connection))


def version_wordings(connection: "Connection", version: VersionRef) -> list[int]:
    """Return the wordings in which a version was seen, including those that differ by noise."""
    if version.wording_id is not None:
        return [version.wording_id]
    query = (
        "SELECT DISTINCT wording_id FROM snapshot WHERE article_id = :article "
        "AND version = :version AND wording_id IS NOT NULL ORDER BY wording_id"
    )
    values = {"article": version.article.row_id, "version": version.number}
    return [row["wording_id"] for row in fetch(connection, query, values)]


@dataclass(frozen=True, slots=True)
class VersionReading:
    """The displayed reading of a version: one capture, and the snapshots between which it
    appeared.
    """

    number: int
    derivation_id: int
    observation_id: int
    reader: "ExtractorKey"
    changed_after: datetime | None
    changed_by: datetime
    last_seen: datetime


def get_reading(connection: "Connection", version: VersionRef) -> VersionReading:
    """Return the displayed reading of a version, in the requested wording."""
    if version.wording_id is None:
        (one,) = version_readings(
            connection, version.article.row_id, version.number, version.number
        )
        return one
    values = {
        "article": version.article.row_id,
        "version": version.number,
        "wording": version.wording_id,
    }
    rows = fetch(connection, _WORDING_READINGS, values)
    first, last = rows[0], rows[-1]
    article, start, end = values["article"], first["observed_at"], last["observed_at"]
    found = fetch(connection, _WORDING_BEFORE, {"article": article, "start": start})
    before = found[0] if found else None
    is_replaced = fetch(connection, _WORDING_AFTER, {"article": article, "end": end})
    ended = _last_sight(connection, last) if is_replaced else end
    return _reading_from_row(
        {
            **first,
            "changed_after": None if before is None else _last_sight(connection, before),
            "changed_by": start,
            "last_seen": max(start, ended),
        }
    )


def _last_sight(connection: "Connection", row: Row) -> datetime:
    """Return the earliest time at which the wording of a snapshot was seen before another one."""
    moment: datetime = row["observed_at"]
    if row["is_foreign"]:
        return moment
    return corrected_times.last_sight(corrected_times.clock_corrections(connection), moment)


def versions_with_passage(
    connection: "Connection", article: str, version: int, passage: str
) -> list[int]:
    """Return the numbers of versions that contain a passage, in order.

    Those closest to `version` are searched first, for `_MAX_VERSIONS` and in `_MAX_LETTERS`.
    """
    found: list[int] = []
    letters = 0
    for row in stream(connection, _TEXTS_BY_DISTANCE, {"article": article, "version": version}):
        if cite.find_passages(row["text"], passage):
            found.append(row["number"])
        letters += len(row["text"])
        if len(found) == _MAX_VERSIONS or letters > _MAX_LETTERS:
            break
    return sorted(found)


_TEXTS_BY_DISTANCE = """
SELECT v.number AS number, w.text AS text
FROM article a JOIN version v ON v.article_id = a.id
JOIN derivation d ON d.id = v.derivation_id JOIN wording w ON w.id = d.wording_id
WHERE a.public_id = :article AND w.text IS NOT NULL
ORDER BY abs(v.number - :version), v.number"""
_MAX_VERSIONS = 5
_MAX_LETTERS = 2_000_000
"""About one second of search."""


def reading_pair(
    connection: "Connection", a: VersionRef, b: VersionRef
) -> tuple[VersionReading, VersionReading]:
    """Return the displayed readings of two versions, in one query for both of one article."""
    sides = (a, b)
    numbers: dict[int, set[int]] = {}
    for each in sides:
        if each.wording_id is None:
            numbers.setdefault(each.article.row_id, set()).add(each.number)
    readings = {
        (article, row["number"]): _reading_from_row(row)
        for article, values in numbers.items()
        for row in fetch(
            connection, _NUMBERED_READINGS, {"article": article, "numbers": sorted(values)}
        )
    }
    one, other = (
        readings[each.article.row_id, each.number]
        if each.wording_id is None
        else get_reading(connection, each)
        for each in sides
    )
    return one, other


def version_readings(
    connection: "Connection", article_id: int, first: int = 1, last: int | None = None
) -> list[VersionReading]:
    """Return the displayed readings of an article's versions from `first` to `last`."""
    values = {"article": article_id, "first": first, "last": _ANY if last is None else last}
    return [_reading_from_row(row) for row in fetch(connection, _READINGS, values)]


_EXTRACTOR = (
    "d.extractor AS extractor, d.extractor_version AS extractor_version, d.config AS config"
)
_ALL_READINGS = f"""
SELECT v.number AS number, v.derivation_id AS derivation_id, v.observation_id AS observation_id,
    v.changed_after AS changed_after, v.changed_by AS changed_by, v.last_seen AS last_seen,
    {_EXTRACTOR}
FROM version v JOIN derivation d ON d.id = v.derivation_id
WHERE v.article_id = :article"""
_READINGS = f"{_ALL_READINGS} AND v.number BETWEEN :first AND :last ORDER BY v.number"
_NUMBERED_READINGS = f"{_ALL_READINGS} AND v.number IN :numbers"
_WORDING_READINGS = f"""
SELECT s.version AS number, s.derivation_id AS derivation_id, s.observation_id AS observation_id,
    s.observed_at AS observed_at, s.is_foreign AS is_foreign, {_EXTRACTOR}
FROM snapshot s JOIN derivation d ON d.id = s.derivation_id
WHERE s.article_id = :article AND s.version = :version AND s.wording_id = :wording
ORDER BY s.observed_at, s.observation_id
"""
_WORDED = """
SELECT s.observed_at AS observed_at, s.is_foreign AS is_foreign FROM snapshot s
WHERE s.article_id = :article AND s.wording_id IS NOT NULL"""
_WORDING_BEFORE = f"{_WORDED} AND s.observed_at < :start ORDER BY s.observed_at DESC LIMIT 1"
_WORDING_AFTER = f"{_WORDED} AND s.observed_at > :end LIMIT 1"
_ANY = 2**31 - 1


def _reading_from_row(row: Row) -> VersionReading:
    extractor = (row["extractor"], row["extractor_version"], row["config"])
    span = (row["changed_after"], row["changed_by"], row["last_seen"])
    return VersionReading(
        row["number"], row["derivation_id"], row["observation_id"], extractor, *span
    )


def version_texts(
    connection: "Connection",
    criteria: Conditions,
    limit: int | None = None,
    *,
    as_of: datetime | None = None,
) -> Iterator[VersionText]:
    """Yield versions (`x`) of articles (`q`) in the order of articles, then of versions.

    The version that was current at `as_of` is certain up to its last snapshot.
    """
    withheld, speakers = find_restricted_texts(connection), _load_speakers(connection)
    for row in stream(connection, *_versions_query(connection, _COLUMNS, criteria, limit)):
        is_seen = as_of is None or row["version"] < row["versions"] or as_of <= row["last_seen"]
        text = _version_text(row, certain=is_seen, withheld=withheld)
        yield _without_speakers(text, speakers)


def _load_speakers(connection: "Connection") -> list[Any]:
    """Return the names of speakers that orders leave out."""
    return [part.load_hidden(connection) for part in load_parts("speakers")]


def _without_speakers(text: VersionText, speakers: Iterable[Any]) -> VersionText:
    for each in speakers:
        quotes, indirect = (
            tuple(map(each.hide_in, those)) for those in (text.quotes, text.indirect_quotes)
        )
        text = replace(text, quotes=quotes, indirect_quotes=indirect)
    return text


def find_restricted_texts(connection: "Connection") -> "restricted.RestrictedTexts | None":
    """Return the texts of restricted articles, None if no article is restricted."""
    return restricted.RestrictedTexts(connection) if count_restricted(connection) else None


def add_statements(
    connection: "Connection", versions: Iterable[VersionText]
) -> Iterator[VersionText]:
    """Yield versions with what capabilities state about them."""
    rest = iter(versions)
    while some := tuple(islice(rest, _STATEMENTS_CHUNK)):
        names = {"articles": sorted({version.article for version in some})}
        ids = [row["id"] for row in fetch(connection, _ARTICLE_IDS, names)]
        beside = {
            own.name: part.facts_of_versions(connection, ids, some)
            for own, part in parts_of("version_facts")
        }
        for number, version in enumerate(some):
            facts = {name: of_versions[number] for name, of_versions in beside.items()}
            yield replace(version, **facts)


_STATEMENTS_CHUNK = 200
_ARTICLE_IDS = "SELECT id FROM article WHERE public_id IN :articles"
_COLUMNS = (
    "x.*, q.origin AS origin, q.origins AS origins, q.source AS source, "
    "q.state AS state, q.versions AS versions, "
    f"{open_alone('d.detail', 'x.article_id')} AS detail, "
    "d.extractor AS extractor, d.extractor_version AS extractor_version, "
    "d.config AS config"
)


def _wording_fields(connection: "Connection", reading: VersionReading) -> dict[str, Any]:
    """Return the fields of a version in one of its wordings, and when that was seen."""
    query = f"""
SELECT d.detail AS detail, d.language AS language, d.publisher AS publisher,
    d.word_count AS word_count, d.published_from AS published_from,
    d.published_to AS published_to, {_EXTRACTOR}, w.digest AS digest, w.title AS title,
    w.text AS text, c.digest AS raw
FROM derivation d JOIN wording w ON w.id = d.wording_id JOIN capture c ON c.id = d.capture_id
WHERE d.id = :derivation"""
    row = fetch_row(connection, query, {"derivation": reading.derivation_id})
    own = (
        "detail", "title", "text", "language", "publisher", "word_count", "published_from",
        "published_to",
    )  # fmt: skip
    return {
        **{name: row[name] for name in (*own, "extractor", "extractor_version", "config")},
        "wording": wording_name(bytes(row["digest"])),
        "raw_digest": bytes(row["raw"]).hex(),
        "flags": (row["detail"] or {}).get("flags") or [],
        "changed_after": reading.changed_after,
        "changed_by": reading.changed_by,
        "last_seen": reading.last_seen,
    }


def version_rows(
    connection: "Connection", criteria: Conditions, limit: int | None = None
) -> Iterator[Row]:
    """Yield versions as flat rows: the view `versions`, `ARTICLE_COLUMNS`, and a cursor."""
    of_version = [f"x.{each}" for each in (*COLUMNS["versions"], "article_id", "version_id")]
    selected = [*of_version, *(f"q.{each}" for each in ARTICLE_COLUMNS)]
    columns = ", ".join(f"{each} AS {each[2:]}" for each in selected)
    for row in stream(connection, *_versions_query(connection, columns, criteria, limit)):
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


def _versions_query(
    connection: "Connection", columns: str, criteria: Conditions, limit: int | None = None
) -> tuple[str, Mapping[str, Any]]:
    query = (
        f"SELECT {columns} FROM ({view_query('versions', connection)}) x "
        f"JOIN ({view_query('articles', connection)}) q ON q.article_id = x.article_id "
        f"JOIN derivation d ON d.id = x.derivation_id{criteria.sql_where} "
        "ORDER BY q.article_id, x.version"
    )
    values = criteria.values
    if limit is not None:
        query, values = f"{query} LIMIT :rows", {**values, "rows": max(limit, 0)}
    return query, values


def _cursor(row: Row) -> str:
    return cursor("export", row["article_id"], row["version"])


def raw(connection: "Connection", version: VersionRef) -> Raw:
    """Return the bytes from which a version was read.

    Raises: RedactedError, ExpiredError, WithheldError, DamagedBytesError.
    """
    reading = get_reading(connection, version)
    query = """
SELECT c.id AS capture_id, c.encoding AS encoding, c.data AS data, c.digest AS digest,
    o.hints AS hints, r.origin AS origin
FROM observation o
JOIN derivation d ON d.id = :derivation
JOIN capture c ON c.id = d.capture_id
JOIN origin r ON r.id = o.locator_id
WHERE o.id = :observation"""
    values = {"derivation": reading.derivation_id, "observation": reading.observation_id}
    row = fetch_row(connection, query, values)
    capture = {"capture": row["capture_id"]}
    if row["data"] is None:
        if is_expiry(each["reason"] for each in fetch(connection, _REASONS, capture)):
            raise ExpiredError(version.rev)
        raise RedactedError(message_text("document_of"), version.rev)
    digest = bytes(row["digest"])
    stored = capture_store.StoredBytes(digest, row["encoding"], row["data"])
    data = capture_store.load(connection, stored)
    if restricted.RestrictedTexts(connection).are_in_capture(row["capture_id"], data):
        raise WithheldError(version.rev)
    return Raw(
        data=data,
        name=_file_name((row["hints"] or {}).get("name") or row["origin"], version.article.article),
        digest=digest.hex(),
    )


_REASONS = (
    "SELECT DISTINCT reason FROM redaction WHERE table_name = 'capture' AND row_id = :capture"
)


def text_pair(
    connection: "Connection", a: VersionReading, b: VersionReading
) -> "tuple[tuple[word_diff.Text, word_diff.Text], bool]":
    """Return the texts of two versions, each in its wording, and whether both have entries.

    Raises: RedactedError if one of them has no text any more.
    """
    ids = (a.derivation_id, b.derivation_id)
    query = (
        "SELECT d.id AS id, d.detail AS detail, w.title AS title, w.text AS text "
        "FROM derivation d JOIN wording w ON w.id = d.wording_id WHERE d.id IN :ids"
    )
    rows = {row["id"]: row for row in fetch(connection, query, {"ids": ids})}
    for each in (a, b):
        if rows[each.derivation_id]["text"] is None:
            raise RedactedError(message_text("text_of_version"), str(each.number))
    one, other = (
        word_diff.Text(
            rows[number]["title"],
            _text_paragraphs(paragraphs_in(rows[number]["detail"], rows[number]["text"])),
        )
        for number in ids
    )
    return (one, other), all(entries_in(rows[number]["detail"] or {}) for number in ids)


def _text_paragraphs(paragraphs: Iterable[Paragraph]) -> tuple[tuple[str, str], ...]:
    pairs = ((each.role, each.text) for each in paragraphs)
    return tuple(pair for pair in pairs if pair[0] in TEXT_ROLES)


def _version_text(
    row: Row, *, certain: bool, withheld: "restricted.RestrictedTexts | None"
) -> VersionText:
    detail = row["detail"] or {}
    own = f"{row['title'] or ''}\n\n{row['text'] or ''}"
    fields = {
        name: field_in(value)
        for name, value in (detail.get("fields") or {}).items()
        if withheld is None or not withheld.are_in_field([name, value], own)
    }
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
        steps=tuple(CleaningStep(**each) for each in detail.get("steps") or ()),
        indirect_quotes=quotes_in(row["detail"], paragraphs, "indirect"),
        published_from=row["published_from"],
        published_to=row["published_to"],
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
