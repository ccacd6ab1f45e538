"""Sessions of PostgreSQL: advisory locks and notifications of new jobs."""

from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, text

from storage.database.engine import DatabaseError
from storage.database.servers.pooler import require_sessions
from storage.database.unit import JOBS_CHANNEL
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    import psycopg
else:
    psycopg = LazyModule("psycopg")


class _Session:
    """A separate session until it is closed.

    Raises: ArchivePoolerError behind a pooler that shares sessions.
    """

    def __init__(self, engine: Engine) -> None:
        require_sessions(engine)
        self._engine = engine
        self._connection: Connection | None = None

    def close(self) -> None:
        """End the session with its locks."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.invalidate()
            connection.close()

    def _open_connection(self) -> Connection:
        return self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")


class SessionLock(_Session):
    """A PostgreSQL advisory lock that ends with its session."""

    def holds(self) -> bool:
        """Check whether this session has the lock; take it if it is free."""
        if self._connection is None:
            connection = self._open_connection()
            taken = connection.execute(
                text("SELECT pg_try_advisory_lock(hashtext('lesart scheduler'))")
            ).scalar_one()
            if not taken:
                connection.close()
                return False
            self._connection = connection
        try:
            self._connection.execute(text("SELECT 1"))
        except DatabaseError:
            self.close()
            raise
        return True


class JobListener(_Session):
    """Receives notifications of new jobs in a separate session."""

    def heard(self, seconds: float) -> bool:
        """Wait up to `seconds` for a unit with new jobs; return whether there was one.

        Raises: DatabaseError; the next call reconnects.
        """
        if self._connection is None:
            self._connection = self._listening()
        raw = self._connection.connection.driver_connection
        assert raw is not None
        try:
            return any(True for _ in raw.notifies(timeout=seconds, stop_after=1))
        except psycopg.Error as error:
            self.close()
            raise DatabaseError("LISTEN", None, error) from error

    def _listening(self) -> Connection:
        connection = self._open_connection()
        connection.execute(text(f"LISTEN {JOBS_CHANNEL}"))
        return connection
