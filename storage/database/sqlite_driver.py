"""What the driver of SQLite opened or raised, as SQLAlchemy has it."""

import sqlite3
from functools import cache
from typing import Any, cast

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from storage.database.columns import json_text


def adopt_connection(raw: sqlite3.Connection) -> Connection:
    """Return a connection of SQLAlchemy on one of the driver, in its transaction."""
    known = _in_memory()
    pool = StaticPool(cast("Any", lambda: raw))
    return Engine(pool, known.dialect, known.url, hide_parameters=True).connect()


@cache
def _in_memory() -> Engine:
    """Return an engine whose dialect is initialised: that would end a transaction."""
    engine = create_engine("sqlite://", hide_parameters=True, json_serializer=json_text)
    engine.connect().close()
    return engine


def wrap_driver_error(statement: str, error: sqlite3.Error) -> BaseException:
    """Return an error of the driver as SQLAlchemy raises it."""
    return DBAPIError.instance(
        statement, None, error, sqlite3.Error, hide_parameters=True, dialect=_in_memory().dialect
    )
