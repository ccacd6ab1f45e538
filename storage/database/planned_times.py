"""The stored times of the future, and the rule for all of them.

A clock that ran ahead must not delay anything for longer than it was meant to wait. So each such
column has its longest wait: a time that is further away was set by a wrong clock, and is due. When
the archive's time is corrected, the times that were set meanwhile are moved back with it.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    TIMESTAMP,
    Column,
    ColumnElement,
    Connection,
    Float,
    Interval,
    and_,
    case,
    func,
    literal,
    or_,
    type_coerce,
    update,
)

from storage.database.columns import UtcTime
from storage.database.table_facts import STATE_TABLES
from storage.database.tables.metadata import METADATA

LONGEST: dict[Column[Any], float] = {
    METADATA.tables[table.name].c[name]: seconds
    for table in STATE_TABLES
    for name, seconds in table.waits.items()
}
"""The longest wait of each stored time of the future, in seconds."""


def end_of(column: Column[Any], now: float, seconds: float) -> float:
    """Return the end of a pause of `seconds`, or of the longest one of its column."""
    return now + min(seconds, LONGEST[column])


def is_due(column: Column[Any], now: Any) -> ColumnElement[bool]:
    """Return the SQL condition that a time is past, or too far in the future to be right."""
    return or_(column <= now, column > _latest(column, now))


def is_ahead(column: Column[Any], now: Any) -> ColumnElement[bool]:
    """Return the SQL condition that a time is in the future, and may be right."""
    return and_(column > now, column <= _latest(column, now))


def still_waits(column: Column[Any], moment: datetime | None, now: datetime) -> bool:
    """Check whether a time read from `column` is in the future, and may be right."""
    return moment is not None and now < moment <= _latest(column, now)


def _latest(column: Column[Any], now: Any) -> Any:
    seconds = LONGEST[column]
    return now + timedelta(seconds=seconds) if isinstance(now, datetime) else now + seconds


def move_back(connection: Connection, since: datetime, to: datetime, by: timedelta) -> None:
    """Move the times after `since` back by the error of a clock, but not before `to`."""
    for column in LONGEST:
        limit: Any = since
        earlier, least = _earlier(connection, column, by), literal(to, UtcTime)
        if isinstance(column.type, Float):
            limit = since.timestamp()
            earlier, least = column - by.total_seconds(), literal(to.timestamp(), Float)
        moved = case((earlier > least, earlier), else_=least)
        change = update(column.table).where(column > limit)
        connection.execute(change.values({column.name: moved}))


def _earlier(connection: Connection, column: Column[Any], by: timedelta) -> ColumnElement[Any]:
    """Return the SQL expression of a time that is earlier by `by`."""
    if connection.dialect.name == "postgresql":
        moment = type_coerce(column, TIMESTAMP(timezone=True))
        return type_coerce(moment - literal(by, Interval(native=True)), UtcTime)
    seconds = f"-{by.total_seconds():.3f} seconds"
    moved = func.strftime("%Y-%m-%dT%H:%M:%f", column, seconds).concat("000+00:00")
    return type_coerce(moved, UtcTime)
