"""Counts of the record, stored up to a number, so that only newer rows are counted again."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Column, Connection, func, select, text

from storage.database.tables import (
    ARCHIVE,
    CAPTURE,
    COUNTER,
    OBSERVATION,
    REDACTION,
    REFUSAL,
    WORDING,
)
from storage.values.redaction import PENDING

TOTALS = "totals"
"""Key of the stored counts in the table `archive`; another set of counts needs another key."""
NEW_OBSERVATIONS = 10_000
"""Number of newer observations from which the counts are stored again."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts of the rows of the record up to the number `up_to`.

    `redaction` is the newest redaction at that time: a later one may have removed bytes.
    """

    up_to: int = -1
    redaction: int = -1
    wordings: int = 0
    captures: int = 0
    raw_bytes: int = 0
    stored_bytes: int = 0
    observations: Mapping[str, int] = field(default_factory=dict)
    """By the id of the source."""
    refusals: Mapping[str, int] = field(default_factory=dict)
    """By code."""

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)


def current_totals(connection: Connection) -> Totals:
    """Return the counts of all rows; only rows above the stored counts are read."""
    return count_rows(connection, stored_totals(connection) or Totals())


def renewed_totals(connection: Connection) -> Totals | None:
    """Return the counts to store, or None if few rows are new or a redaction is not completed."""
    stored = stored_totals(connection) or Totals(redaction=newest_redaction(connection))
    newer = select(OBSERVATION.c.id).where(OBSERVATION.c.id > stored.up_to)
    some = select(func.count()).select_from(newer.limit(NEW_OBSERVATIONS).subquery())
    if is_redacting(connection) or connection.execute(some).scalar_one() < NEW_OBSERVATIONS:
        return None
    newest = select(COUNTER.c.value).where(COUNTER.c.name == "seq")
    return count_rows(connection, stored, connection.execute(newest).scalar_one())


def stored_totals(connection: Connection) -> Totals | None:
    """Return the stored counts unless something was redacted since."""
    value = stored_fact(connection, TOTALS)
    stored = None if value is None else Totals(**json.loads(value))
    is_valid = stored is not None and stored.redaction == newest_redaction(connection)
    return stored if is_valid else None


def is_redacting(connection: Connection) -> bool:
    """Check whether rows of an ordered redaction are not emptied yet."""
    return stored_fact(connection, PENDING) is not None


def newest_redaction(connection: Connection) -> int:
    """Return the number of the newest redaction, -1 if there is none."""
    found: int | None = connection.scalar(select(func.max(REDACTION.c.id)))
    return -1 if found is None else found


def stored_fact(connection: Connection, key: str) -> str | None:
    """Return a value of the table `archive`."""
    found: str | None = connection.scalar(select(ARCHIVE.c.value).where(ARCHIVE.c.key == key))
    return found


def store_fact(connection: Connection, key: str, value: str) -> None:
    """Insert or replace a value of the table `archive`."""
    statement = (
        "INSERT INTO archive (key, value) VALUES (:key, :value) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    )
    connection.execute(text(statement), {"key": key, "value": value})


def count_rows(connection: Connection, base: Totals, up_to: int | None = None) -> Totals:
    """Return `base` with the rows above it, up to a number or all."""

    def counted(column: Column[Any], *key: Column[Any], **sums: Any) -> list[Any]:
        query = select(*key, func.count(), *sums.values()).where(column > base.up_to)
        if up_to is not None:
            query = query.where(column <= up_to)
        return list(connection.execute(query.group_by(*key)))

    stored = func.length(CAPTURE.c.data)
    ((captures, raw, packed),) = counted(
        CAPTURE.c.id, raw=func.sum(CAPTURE.c.size), packed=func.sum(stored)
    )
    observations = {str(key): n for key, n in counted(OBSERVATION.c.id, OBSERVATION.c.source_id)}
    return Totals(
        up_to=base.up_to if up_to is None else up_to,
        redaction=base.redaction,
        wordings=base.wordings + counted(WORDING.c.id)[0][0],
        captures=base.captures + captures,
        raw_bytes=base.raw_bytes + int(raw or 0),
        stored_bytes=base.stored_bytes + int(packed or 0),
        observations=_add_counts(base.observations, observations),
        refusals=_add_counts(
            base.refusals, dict(map(tuple, counted(REFUSAL.c.id, REFUSAL.c.code)))
        ),
    )


def _add_counts(base: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted((Counter(base) + Counter(more)).items()))
