"""Connection poolers such as PgBouncer: whether one is in front of the server, and how it shares.

A pooler gives its clients another process number than that of the server. In transaction mode, two
open connections use the same server process in turn: what belongs to a session, such as locks,
notifications, temporary tables and time limits, is lost, or reaches another client.
"""

from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any, Literal

from sqlalchemy import Engine

from storage.database.archive_errors import ArchivePoolerError

Mode = Literal["session", "transaction"]
POOLER = "lesart_pooler"
"""The option of an engine that holds the mode of the pooler in front of its server."""
ATTEMPTS = 20
REFUSED_OPTION = "unsupported startup parameter"
"""The message of PgBouncer about options that belong to a session."""
FOLLOWING = frozenset({"timezone"})
"""Options that a pooler sets again for each transaction of a client."""
_OF_TRANSACTION = {"default_transaction_read_only": "transaction_read_only"}


def pooler_mode(connection: Any, connect: Callable[[], Any]) -> Mode | None:
    """Return the mode of the pooler to which a connection of the driver leads; None without one.

    `connect` opens another such connection.
    """
    first = {_process(connection)}
    if first == {connection.info.backend_pid}:
        return None
    with closing(connect()) as other:
        second = set()
        for _ in range(ATTEMPTS):
            second.add(_process(other))
            first.add(_process(connection))
            if first & second or len(first) > 1:
                return "transaction"
    return "session"


def prepare(connection: Any, mode: Mode, options: Mapping[str, str]) -> None:
    """Set the options of a session of the driver, as far as they stay with this client."""
    connection.prepare_threshold = None  # the pooler may not know prepared statements
    lasting = {k: v for k, v in options.items() if mode == "session" or k in FOLLOWING}
    before, connection.autocommit = connection.autocommit, True
    try:
        for statement in _settings(lasting, "SET"):
            connection.execute(statement)
    finally:
        connection.autocommit = before


def local_options(options: Mapping[str, str]) -> list[str]:
    """Return the statements that set options for one transaction."""
    return _settings({_OF_TRANSACTION.get(k, k): v for k, v in options.items()}, "SET LOCAL")


def require_sessions(engine: Engine) -> None:
    """Refuse a pooler that shares sessions, for what needs a session of its own.

    Raises: ArchivePoolerError.
    """
    if mode_of(engine) == "transaction":
        raise ArchivePoolerError(engine.url.render_as_string(hide_password=True))


def mode_of(engine: Engine) -> Mode | None:
    """Return the mode of the pooler in front of the server of an engine that was connected."""
    mode: Mode | None = engine.get_execution_options().get(POOLER, {}).get(POOLER)
    return mode


def _settings(options: Mapping[str, str], verb: str) -> list[str]:
    """Return statements, which every role may run; the role for SQL lacks `set_config`."""
    return [f"{verb} {name} = '{value}'" for name, value in options.items()]


def _process(connection: Any) -> int:
    return int(_run(connection, "SELECT pg_backend_pid()"))


def _run(connection: Any, statement: str) -> Any:
    """Run a statement in a transaction of its own; return the first value."""
    before, connection.autocommit = connection.autocommit, True
    try:
        return connection.execute(statement, prepare=False).fetchone()[0]
    finally:
        connection.autocommit = before
