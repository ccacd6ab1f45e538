"""Data for deriving each text again from its captured bytes."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, select

from storage.database.tables import (
    CAPTURE,
    DERIVATION,
    OBSERVATION,
    ORIGIN,
    VERDICT,
    WORDING,
)
from storage.database.unit import rows_in
from storage.record.reading import CapturedItem, ReExtraction, parse_captured
from storage.values.draft import Extractor

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
            texts = _texts(lookups, [row[1] for row in fresh])
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


def _texts(connection: Any, captures: Sequence[int]) -> dict[tuple[int, str], list[DerivedText]]:
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
