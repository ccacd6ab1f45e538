"""Column types with different storage in SQLite and PostgreSQL."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect, String, TypeDecorator
from sqlalchemy.types import JSON, TIMESTAMP, TypeEngine

FIELD_BLOCK = 1024
"""Numbers of `seq` per version, so that each of its fields has its own."""

SNAPSHOT_BLOCK = 2
"""Numbers of `seq` per snapshot: one for itself, one for its confirming scans."""


class UtcTime(TypeDecorator[datetime]):
    """A time with zone: `timestamptz` on PostgreSQL, fixed-width ISO 8601 text on SQLite."""

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
    """JSON text ready to be stored."""

    __slots__ = ()


class _Json(TypeDecorator[Any]):
    """JSON: text on SQLite, `jsonb` on PostgreSQL, whose types are imported at first use."""

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
    """Return `moment` as fixed-width text, which sorts by time.

    >>> iso_utc(datetime(2024, 6, 18, 12, tzinfo=UTC))
    '2024-06-18T12:00:00.000000+00:00'
    """
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


@lru_cache(maxsize=4096)
def stored_time(moment: datetime | None) -> str | None:
    """Return a time as the text that SQLite stores and that PostgreSQL's COPY accepts.

    Cached, because the rows of one unit contain the same times repeatedly.
    Raises: ValueError if it has no zone.
    """
    return None if moment is None else iso_utc(_aware(moment))


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone cannot be stored: {moment!r}")
    return moment
