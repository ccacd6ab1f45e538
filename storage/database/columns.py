"""Column types with different storage in SQLite and PostgreSQL."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import Dialect, String, TypeDecorator
from sqlalchemy.types import JSON, TIMESTAMP, TypeEngine

from storage.values.dates import require_zone, stored_time
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql
else:
    postgresql = LazyModule("sqlalchemy.dialects.postgresql")


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
        return require_zone(value).astimezone(UTC)

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
            return dialect.type_descriptor(postgresql.JSONB(none_as_null=True))
        return dialect.type_descriptor(JSON(none_as_null=True))


JSON_TYPE = _Json(none_as_null=True)


def json_text(value: Any) -> str:
    """Return JSON for storing; umlauts are not escaped, so that SQL can search for them."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # a number beyond 64 bits, or a lone surrogate
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
