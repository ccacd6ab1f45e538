"""The kinds of columns that SQLite and PostgreSQL keep each in their own way."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect, String, TypeDecorator
from sqlalchemy.types import JSON, TIMESTAMP, TypeEngine

FIELD_BLOCK = 1024
"""Numbers of `seq` that each version takes, so that each of its fields has its own."""

SNAPSHOT_BLOCK = 2
"""Numbers of `seq` that a snapshot takes: one for itself, one for the scans that confirmed it."""


class UtcTime(TypeDecorator[datetime]):
    """An aware moment: `timestamptz` on PostgreSQL, fixed-width ISO 8601 text on SQLite."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(timezone=True))
        return dialect.type_descriptor(String(32))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "postgresql":
            return stored_time(value)
        return _aware(value).astimezone(UTC)

    def process_result_value(
        self,
        value: Any,
        dialect: Dialect,  # noqa: ARG002  # the signature is SQLAlchemy's
    ) -> datetime | None:
        if value is None:
            return None
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


class JsonText(str):
    """JSON that was made ready to be stored."""

    __slots__ = ()


class _Json(TypeDecorator[Any]):
    """JSON: text on SQLite, `jsonb` on PostgreSQL, whose types are loaded where they are used."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            from sqlalchemy.dialects.postgresql import JSONB  # noqa: PLC0415  # slow to load

            return dialect.type_descriptor(JSONB(none_as_null=True))
        return dialect.type_descriptor(JSON(none_as_null=True))


JSON_TYPE = _Json(none_as_null=True)


@lru_cache(maxsize=4096)
def iso_utc(moment: datetime) -> str:
    """Return `moment` as fixed-width text, so that order of text is order of time.

    >>> iso_utc(datetime(2024, 6, 18, 12, tzinfo=UTC))
    '2024-06-18T12:00:00.000000+00:00'
    """
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


@lru_cache(maxsize=4096)
def stored_time(moment: datetime | None) -> str | None:
    """Return a moment as the text that SQLite stores and that PostgreSQL's COPY takes.

    Remembered, as the rows of one unit name the same moments over and over.
    Raises: ValueError where it names no zone.
    """
    return None if moment is None else iso_utc(_aware(moment))


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone cannot be stored: {moment!r}")
    return moment
