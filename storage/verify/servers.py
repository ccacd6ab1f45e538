"""Check the servers of an archive on PostgreSQL, the clocks of its machines, and a log set back."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import URL, Connection, text

from storage.database.archive_errors import ArchiveError
from storage.database.engine import DatabaseError, database_url, place_of, reachable, reading_engine
from storage.database.schema_version import require_current
from storage.database.servers import reader_role
from storage.database.servers.hosts import each_host
from storage.database.servers.pooler import mode_of
from storage.database.servers.position import is_replica, measure_delay
from storage.history.machines import read_clocks, read_conflicts
from storage.proof.files import copies_of_checkpoints, find_setback
from storage.settings import Settings
from storage.values.failures import CONFINE_SQL
from storage.values.freshness import CLOCKS_DIFFER
from storage.verify.doctor import Finding

PATIENCE_SECONDS = 2.0
"""Time for a replica to repeat what was committed just before."""
_CLUSTER = text("SELECT system_identifier FROM pg_control_system()")
_SHARED = (
    "the lock of the scheduler, notifications of jobs, queries for an earlier time and redactions "
    "do not work through it"
)


def check_servers(settings: Settings) -> Iterator[Finding]:
    """Check for poolers that share sessions, and that the replicas follow the primary."""
    if not settings.database_url.startswith("postgres"):
        return
    url = database_url(settings.database_url)
    try:
        with _connected(url) as primary:
            yield _pooler(primary, "database_url")
            yield from _clocks(primary)
            yield from _folders(primary)
            yield _sql_role(settings)
            if settings.reader_database_url is not None:
                yield from _reading_pooler(settings.reader_database_url)
                for each in each_host(database_url(settings.reader_database_url)):
                    yield from _replica(primary, each)
    except ArchiveError:
        return  # check_archive reports it


def check_log(settings: Settings) -> Iterator[Finding]:
    """Check that the log continues the signed checkpoints that are kept outside the database."""
    copies = copies_of_checkpoints(settings.proof_key_file, settings.proof_tiles)
    if not copies:
        return
    try:
        with _connected(database_url(settings.database_url)) as connection:
            complaints = [found for each in copies if (found := find_setback(connection, each))]
    except ArchiveError:
        return
    for each in complaints:
        mend = "restore the newer archive; if it is lost, keep the file and tell who relied on it"
        yield Finding("log", "broken", each, mend)
    if not complaints:
        yield Finding("log", "ok", f"the log continues {', '.join(map(str, copies))}")


@contextmanager
def _connected(url: URL) -> Iterator[Connection]:
    engine = reading_engine(url)
    try:
        with reachable(url):
            require_current(engine)
            with engine.connect() as connection:
                yield connection
    finally:
        engine.dispose()


def _pooler(connection: Connection, name: str) -> Finding:
    match mode_of(connection.engine):
        case None:
            return Finding("pooler", "ok", f"{name} leads to PostgreSQL without a pooler")
        case "session":
            return Finding("pooler", "ok", f"{name} leads to a pooler that keeps sessions apart")
        case "transaction":
            message = f"{name} leads to a pooler that shares sessions; {_SHARED}"
            mend = "set pool_mode=session, or name the address of PostgreSQL itself"
            return Finding("pooler", "broken", message, mend)


def _sql_role(settings: Settings) -> Finding:
    """Check that the role for SQL may only select from the views."""
    is_named = settings.sql_database_url is not None
    url = database_url(settings.sql_database_url or settings.database_url)
    try:
        with _connected(url) as connection:
            database = connection.connection.driver_connection
            assert database is not None
            reader_role.pin_schema(database)
            faults = ", ".join(reader_role.find_faults(database))
    except (ArchiveError, DatabaseError) as error:
        reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
        message = f"SQL has no connection: {place_of(url)} cannot be read: {reason}"
        return Finding("sql", "broken", message, "check sql_database_url and the password")
    if not faults:
        return Finding("sql", "ok", "SQL of users can only select from the views")
    if is_named:
        message = f"SQL is refused: the role in sql_database_url {faults}"
        return Finding("sql", "broken", message, "revoke that, or name the role lesart_reader")
    message = f"`lesart sql` uses a role that {faults}; assistants get no SQL"
    return Finding("sql", "warning", message, CONFINE_SQL)


def _clocks(primary: Connection) -> Iterator[Finding]:
    """Report the machines whose clock is far from that of the database server."""
    measured = read_clocks(primary)
    wrong = [each for each in measured if abs(each.ahead_seconds) > CLOCKS_DIFFER.total_seconds()]
    for each in wrong:
        minutes = f"{abs(each.ahead_seconds) / 60:.0f} min"
        way = "ahead of" if each.ahead_seconds > 0 else "behind"
        message = f"the clock of {each.machine} was {minutes} {way} that of the database server"
        mend = "set it and keep it in time with NTP: a wrong clock refuses valid certificates"
        yield Finding("clocks", "warning", f"{message}, {each.age_seconds / 60:.0f} min ago", mend)
    if measured and not wrong:
        machines = ", ".join(each.machine for each in measured)
        message = f"the clock of the database server agrees with those of {machines}"
        yield Finding("clocks", "ok", message)


def _folders(primary: Connection) -> Iterator[Finding]:
    """Report the folders in which two machines find different files."""
    for each in read_conflicts(primary):
        view, other = each.view, each.other
        message = (
            f"{view.machine} and {other.machine} see different files in {each.locator} of source "
            f"{each.source}: {view.files:,} and {other.files:,}"
        )
        mend = "mount one folder on both, or set LESART_WORKER_FOLDERS=false on one of them"
        yield Finding("folders", "broken", message, mend)


def _reading_pooler(locator: str) -> Iterator[Finding]:
    with suppress(ArchiveError, DatabaseError), _connected(database_url(locator)) as connection:
        yield _pooler(connection, "reader_database_url")


def _replica(primary: Connection, url: URL) -> Iterator[Finding]:
    place = place_of(url)
    try:
        with _connected(url) as replica:
            if replica.execute(_CLUSTER).scalar() != primary.execute(_CLUSTER).scalar():
                mend = "name replicas of the server in database_url"
                yield Finding("replicas", "broken", f"{place} has the data of another server", mend)
            elif not is_replica(replica):
                yield Finding("replicas", "ok", f"{place} is the primary")
            else:
                yield _delay(primary, replica, place)
    except (ArchiveError, DatabaseError) as error:
        reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
        mend = "start it; meanwhile the other servers are read"
        yield Finding("replicas", "warning", f"{place} cannot be read: {reason}", mend)


def _delay(primary: Connection, replica: Connection, place: str) -> Finding:
    delay = measure_delay(primary, replica, PATIENCE_SECONDS)
    if not delay.size:
        return Finding("replicas", "ok", f"{place} shows all commits")
    message = f"{place} is {delay.seconds:.0f} s and {delay.size:,} bytes behind the primary"
    return Finding("replicas", "warning", message, "look into its log and at its disk and network")
