"""Load captures to read, and captures to extract again."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import accumulate
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, case, select

from storage.database.compression import DamagedBytesError
from storage.database.tables import (
    CAPTURE,
    DERIVATION,
    OBSERVATION,
    ORIGIN,
    SNAPSHOT,
    VERDICT,
    WORDING,
)
from storage.database.unit import rows_in
from storage.record.reading import CapturedItem, ReExtraction, parse_captured
from storage.values.draft import (
    Draft,
    Extractor,
    Notice,
    entries_in,
    field_in,
    paragraphs_in,
    quotes_in,
)
from storage.values.refusals import refuse

if TYPE_CHECKING:
    from storage.database.capture_store import OpenArchive


def load_drafts(connection: Connection, captures: Iterable[int]) -> dict[int, tuple[Draft, str]]:
    """Return the newest reading of each of these captures, with its context."""
    query = (
        select(DERIVATION, WORDING.c.title, WORDING.c.text)
        .join(WORDING, WORDING.c.id == DERIVATION.c.wording_id)
        .where(WORDING.c.text.is_not(None), DERIVATION.c.detail.is_not(None))
    )
    rows = sorted(rows_in(connection, query, DERIVATION.c.capture_id, captures), key=lambda r: r.id)
    return {row.capture_id: (_draft(row), row.context) for row in rows}


def _draft(row: Any) -> Draft:
    detail: Mapping[str, Any] = row.detail
    paragraphs = paragraphs_in(detail, row.text)
    return Draft(
        title=row.title,
        paragraphs=paragraphs,
        extractor=Extractor(row.extractor, row.extractor_version, row.config),
        fields={name: field_in(each) for name, each in detail["fields"].items()},
        flags=tuple(detail["flags"]),
        quotes=quotes_in(detail, paragraphs),
        indirect_quotes=quotes_in(detail, paragraphs, "indirect"),
        notices=tuple(Notice(**each) for each in detail.get("notices") or ()),
        address=detail.get("address"),
        entries=entries_in(detail),
        signs=tuple(detail["signs"]) if "signs" in detail else None,
    )


MOST_UNREAD_BYTES = 64 * 1024 * 1024
"""Maximum size of the documents that a worker reads together, in bytes."""

_CAPTURED = (
    OBSERVATION.c.id, OBSERVATION.c.capture_id, OBSERVATION.c.source_id, OBSERVATION.c.locator_id,
    ORIGIN.c.origin, OBSERVATION.c.observed_at, OBSERVATION.c.hints,
    CAPTURE.c.digest, CAPTURE.c.encoding, CAPTURE.c.data,
)  # fmt: skip
"""The columns of `CapturedItem` in their order; the last three are `StoredBytes`."""

KeptDrafts = Mapping[int, tuple[Draft, str]]


def load_unread_rows(
    connection: Connection, items: Sequence[int]
) -> tuple[list[Any], KeptDrafts, bool]:
    """Return the rows of observations without a verdict, and whether these are all of them.

    Their total size is at most `MOST_UNREAD_BYTES`, except for a single one. Captures whose bytes
    were deleted are included with their earlier extraction.
    """
    sizes = (
        select(OBSERVATION.c.id, case((CAPTURE.c.data.is_(None), 0), else_=CAPTURE.c.size))
        .join(CAPTURE, CAPTURE.c.id == OBSERVATION.c.capture_id)
        .outerjoin(VERDICT, VERDICT.c.observation_id == OBSERVATION.c.id)
        .where(VERDICT.c.id.is_(None))
    )
    query = (
        select(*_CAPTURED)
        .join(CAPTURE, CAPTURE.c.id == OBSERVATION.c.capture_id)
        .join(ORIGIN, ORIGIN.c.id == OBSERVATION.c.locator_id)
    )
    waiting = sorted((n, size) for n, size in rows_in(connection, sizes, OBSERVATION.c.id, items))
    total = accumulate(size for _, size in waiting)
    fits = sum(size <= MOST_UNREAD_BYTES for size in total) or 1
    chosen = [number for number, _ in waiting[:fits]]
    found = sorted(rows_in(connection, query, OBSERVATION.c.id, chosen), key=itemgetter(0))
    known = load_drafts(connection, [row.capture_id for row in found if row.data is None])
    return found, known, fits >= len(waiting)


def captures_in(
    archive: "OpenArchive", rows: Sequence[Any], known: KeptDrafts
) -> list[CapturedItem]:
    """Return the captures to read with their bytes, in the order of the observations.

    Raises: DamagedBytesError, CapturesAwayError, CapturesUnsetError.
    """
    stored = [row for row in rows if row.data is not None]
    whole = [_with_bytes(each) for each in parse_captured(archive, stored)]
    bare = [_bare(row, known.get(row.capture_id)) for row in rows if row.data is None]
    return sorted([*whole, *bare], key=attrgetter("observation_id"))


def rows_read_before(connection: Connection, derivations: Mapping[int, int]) -> list[Any]:
    """Return the rows of captures that were read before, by derivation and article.

    They have the context of the first reading: later observations of the same bytes have less.
    """
    query = (
        select(*_CAPTURED, DERIVATION.c.context, DERIVATION.c.id)
        .select_from(OBSERVATION)
        .join(SNAPSHOT, SNAPSHOT.c.observation_id == OBSERVATION.c.id)
        .join(DERIVATION, DERIVATION.c.id == SNAPSHOT.c.derivation_id)
        .join(CAPTURE, CAPTURE.c.id == OBSERVATION.c.capture_id)
        .join(ORIGIN, ORIGIN.c.id == OBSERVATION.c.locator_id)
        .where(
            OBSERVATION.c.outcome == "captured",
            CAPTURE.c.id == DERIVATION.c.capture_id,
            CAPTURE.c.data.is_not(None),
            DERIVATION.c.id.in_(list(derivations)),
        )
        .order_by(OBSERVATION.c.id.desc())
    )
    rows = rows_in(connection, query, SNAPSHOT.c.article_id, derivations.values())
    return list({row[-1]: row for row in rows}.values())


def re_extractions_in(archive: "OpenArchive", rows: Collection[Any]) -> list[ReExtraction]:
    """Return captures to extract again, with the context of their first reading."""
    found = parse_captured(archive, (row[:-2] for row in rows))
    return [
        ReExtraction(captured, row[-2])
        for row, captured in zip(rows, found, strict=True)
        if isinstance(captured, CapturedItem)  # `verify captures` reports the others
    ]


def _bare(row: Any, known: tuple[Draft, str] | None) -> CapturedItem:
    """Return a capture without bytes: the earlier extraction."""
    draft, context = known or (refuse("redacted"), None)
    number, capture, source, locator_id, locator, observed_at, hints = row[:7]
    return CapturedItem(
        number, capture, source, locator_id, locator, observed_at, hints or {}, b"", draft, context
    )


def _with_bytes(captured: CapturedItem | DamagedBytesError) -> CapturedItem:
    if isinstance(captured, DamagedBytesError):
        raise captured
    return captured
