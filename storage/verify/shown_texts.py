"""The displayed texts, with the data to derive each again from its bytes by current extractors."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, select

from storage.database.rows import cursor, place, stream
from storage.database.tables import (
    ARTICLE,
    CAPTURE,
    DERIVATION,
    OBSERVATION,
    ORIGIN,
    SNAPSHOT,
    VERDICT,
    VERSION,
    WORDING,
)
from storage.database.unit import rows_in
from storage.database.views import view_query
from storage.history.runs import ExtractorKey, is_same_extractor, is_same_way
from storage.read.filters import Filters, conditions
from storage.record.reading import CapturedItem, ReExtraction, parse_captured
from storage.values.draft import Extractor, Json, layout_in, quote_parts

PARTS = ("title", "paragraphs", "quotes", "notices", "entries", "flags")
"""Parts of a derivation besides its fields."""


@dataclass(frozen=True, slots=True)
class ShownText:
    """A text that a version displays, or that the next check will be compared with.

    `has_bytes` is true if it can be read again.
    """

    article_id: int
    derivation_id: int
    reader: ExtractorKey
    digest: bytes
    detail: Mapping[str, Json] | None
    has_bytes: bool


@dataclass(frozen=True, slots=True)
class Today:
    """The result of the current extractor for a displayed text; without a digest it found no
    text.
    """

    digest: bytes | None
    detail: Mapping[str, Json] | None


@dataclass(frozen=True, slots=True)
class DueArticle:
    """An article whose texts are to be read again."""

    article_id: int
    article: str
    origin: str

    @property
    def cursor(self) -> str:
        return cursor("rederive", self.article_id)


def select_articles(
    connection: Connection,
    filters: Filters,
    article_ids: Sequence[int] | None,
    after: str | None,
    limit: int | None,
) -> Iterator[DueArticle]:
    """Yield the selected articles in the order of their first capture.

    Raises: CursorError.
    """
    begin = 0 if after is None else place("rederive", after, int)[0]
    asked = conditions(filters).with_clause("q.article_id > :begin", begin=begin)
    if article_ids is not None:
        asked = asked.with_clause("q.article_id IN :ids", ids=list(article_ids))
    articles = view_query("articles", connection)
    query = f"SELECT q.article_id, q.article, q.origin FROM ({articles}) q{asked.sql_where} "
    query, values = f"{query}ORDER BY q.article_id", asked.values
    if limit is not None:
        query, values = f"{query} LIMIT :rows", {**values, "rows": limit}
    for row in stream(connection, query, values):
        yield DueArticle(row["article_id"], row["article"], row["origin"])


def shown_texts(connection: Connection, article_ids: Sequence[int]) -> list[ShownText]:
    """Return the texts displayed by the versions of articles, and their newest snapshots, once
    each.
    """
    of_versions = select(VERSION.c.article_id, VERSION.c.derivation_id)
    newest = select(SNAPSHOT.c.article_id, SNAPSHOT.c.derivation_id).join(
        ARTICLE,
        (ARTICLE.c.id == SNAPSHOT.c.article_id) & (ARTICLE.c.content_at == SNAPSHOT.c.observed_at),
    )
    pairs = [
        *rows_in(connection, of_versions, VERSION.c.article_id, article_ids),
        *rows_in(
            connection,
            newest.where(SNAPSHOT.c.wording_id.is_not(None)),
            SNAPSHOT.c.article_id,
            article_ids,
        ),
    ]
    article_of = {derivation: article for article, derivation in pairs}
    query = (
        select(
            DERIVATION.c.id, DERIVATION.c.extractor, DERIVATION.c.extractor_version,
            DERIVATION.c.config, WORDING.c.digest, DERIVATION.c.detail,
            CAPTURE.c.data.is_not(None).label("has_bytes"),
        )
        .join(WORDING, WORDING.c.id == DERIVATION.c.wording_id)
        .join(CAPTURE, CAPTURE.c.id == DERIVATION.c.capture_id)
        .order_by(DERIVATION.c.id)
    )  # fmt: skip
    return [
        ShownText(
            article_id=article_of[row.id],
            derivation_id=row.id,
            reader=(row.extractor, row.extractor_version, row.config),
            digest=bytes(row.digest),
            detail=row.detail,
            has_bytes=bool(row.has_bytes),
        )
        for row in rows_in(connection, query, DERIVATION.c.id, article_of)
    ]


def read_today(
    connection: Connection, texts: Sequence[ShownText], readers: Sequence[ExtractorKey]
) -> dict[int, Today]:
    """Return for each displayed derivation the result of the current extractor of the same name."""
    newer = DERIVATION.alias()
    query = (
        select(
            DERIVATION.c.id, newer.c.extractor, newer.c.extractor_version, newer.c.config,
            WORDING.c.digest, newer.c.detail,
        )
        .join(
            newer,
            (newer.c.capture_id == DERIVATION.c.capture_id)
            & (newer.c.context == DERIVATION.c.context)
            & (newer.c.extractor == DERIVATION.c.extractor),
        )
        .outerjoin(WORDING, WORDING.c.id == newer.c.wording_id)
    )  # fmt: skip
    ids = [each.derivation_id for each in texts]
    return {
        row.id: Today(bytes(row.digest) if row.digest is not None else None, row.detail)
        for row in rows_in(connection, query, DERIVATION.c.id, ids)
        if (row.extractor, row.extractor_version, row.config) in readers
    }


def is_current(text: ShownText, readers: Sequence[ExtractorKey]) -> bool:
    """Check whether a text was read by a current extractor, or by one that this program does not
    have.
    """
    alike = [reader for reader in readers if is_same_way(text.reader, reader)]
    return all(is_same_extractor(text.reader, reader) for reader in alike)


def find_differences(
    before: Mapping[str, Any] | None, today: Mapping[str, Any] | None
) -> list[str]:
    """Return the differences between two derivations: names of fields and of other parts.

    >>> one = {"title": "a", "fields": {"authors": {"value": ["Ada"]}, "tags": {"value": []}}}
    >>> two = {**one, "fields": {"authors": {"value": ["Bo"]}}, "flags": ["teaser"]}
    >>> find_differences(one, two)
    ['authors', 'flags']
    """
    one, other = before or {}, today or {}
    fields = find_field_differences(one.get("fields") or {}, other.get("fields") or {})
    parts = [name for name in PARTS if _part(one, name) != _part(other, name)]
    return [*fields, *(name for name in parts if name not in fields)]


def find_field_differences(before: Mapping[str, Any], today: Mapping[str, Any]) -> list[str]:
    """Return the names of the fields with another value."""
    names = sorted({*before, *today})
    return [name for name in names if _value(before, name) != _value(today, name)]


def _value(fields: Mapping[str, Any], name: str) -> Any:
    value = (fields.get(name) or {}).get("value")
    if isinstance(value, Mapping):  # the source of a date is not part of its value
        return {key: part for key, part in value.items() if key != "found_in"}
    return None if value in ("", []) else value


def _part(detail: Mapping[str, Any], name: str) -> Any:
    """Return a part of a derivation; for paragraphs their roles, because the wording has their
    text.
    """
    part = detail.get(name) or None
    if name == "paragraphs" and part:
        return [(each["role"], each.get("text")) for each in layout_in(detail)]
    if name == "quotes" and part:
        return list(map(quote_parts, part))
    return part


STREAMED_ROWS = 50


@dataclass(frozen=True, slots=True)
class DerivedText:
    """The result of one extractor: `digest` is that of its wording.

    `fields` are its metadata in stored form, None if they were redacted.
    """

    derivation_id: int
    extractor: Extractor
    digest: bytes
    fields: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class DerivedCapture:
    """A capture with its first reading and the results of all extractors."""

    re_extraction: ReExtraction
    texts: tuple[DerivedText, ...]


def derivations(engine: Engine, begin: int = -1) -> Iterator[DerivedCapture]:
    """Yield each capture read after `begin`, once per reading.

    Captures whose bytes are missing or damaged are omitted.
    """
    query = (
        select(
            OBSERVATION.c.id, CAPTURE.c.id, OBSERVATION.c.source_id, OBSERVATION.c.locator_id,
            ORIGIN.c.origin, OBSERVATION.c.observed_at, OBSERVATION.c.hints,
            CAPTURE.c.digest, CAPTURE.c.encoding, CAPTURE.c.data, DERIVATION.c.context,
        )
        .select_from(VERDICT)
        .join(OBSERVATION, OBSERVATION.c.id == VERDICT.c.observation_id)
        .join(DERIVATION, DERIVATION.c.id == VERDICT.c.derivation_id)
        .join(CAPTURE, CAPTURE.c.id == DERIVATION.c.capture_id)
        .join(ORIGIN, ORIGIN.c.id == OBSERVATION.c.locator_id)
        .where(CAPTURE.c.data.is_not(None), VERDICT.c.id > begin)
        .order_by(VERDICT.c.id)
    )  # fmt: skip
    seen: set[tuple[int, str]] = set()
    with engine.connect() as streaming, engine.connect() as lookups:
        result = streaming.execution_options(yield_per=STREAMED_ROWS).execute(query)
        for rows in result.partitions():
            fresh = [row for row in rows if (row[1], row[-1]) not in seen]
            seen |= {(row[1], row[-1]) for row in fresh}
            texts = _load_derived_texts(lookups, [row[1] for row in fresh])
            yield from _group_derivations(engine, fresh, texts)


def _group_derivations(
    engine: Engine, rows: Sequence[Any], texts: dict[tuple[int, str], list[DerivedText]]
) -> Iterator[DerivedCapture]:
    first: dict[tuple[int, str], Any] = {}
    for row in rows:
        first.setdefault((row[1], row[-1]), row)
    for row, item in zip(first.values(), parse_captured(engine, first.values()), strict=True):
        if isinstance(item, CapturedItem):  # the check of captures reports the others
            context = row[-1]
            yield DerivedCapture(
                ReExtraction(item, context), tuple(texts[item.capture_id, context])
            )


def _load_derived_texts(
    connection: Any, captures: Sequence[int]
) -> dict[tuple[int, str], list[DerivedText]]:
    query = select(
        DERIVATION.c.id, DERIVATION.c.capture_id, DERIVATION.c.context, DERIVATION.c.extractor,
        DERIVATION.c.extractor_version, DERIVATION.c.config, DERIVATION.c.detail, WORDING.c.digest,
    ).join(WORDING, WORDING.c.id == DERIVATION.c.wording_id)  # fmt: skip
    found: defaultdict[tuple[int, str], list[DerivedText]] = defaultdict(list)
    for row in rows_in(connection, query, DERIVATION.c.capture_id, captures):
        who = Extractor(row.extractor, row.extractor_version, row.config)
        fields = None if row.detail is None else row.detail.get("fields")
        text = DerivedText(row.id, who, bytes(row.digest), fields)
        found[row.capture_id, row.context].append(text)
    return found
