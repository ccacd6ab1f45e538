"""Texts extracted earlier from captures whose bytes were deleted."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, select

from storage.database.tables import DERIVATION, WORDING
from storage.database.unit import rows_in
from storage.values.draft import (
    Draft,
    Extractor,
    Notice,
    entries_in,
    field_in,
    paragraphs_in,
    quotes_in,
)


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
        notices=tuple(Notice(**each) for each in detail.get("notices") or ()),
        address=detail.get("address"),
        entries=entries_in(detail),
    )
