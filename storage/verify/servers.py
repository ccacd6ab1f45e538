"""Check the servers of an archive on PostgreSQL, the clocks of its machines, and a log set back."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial

from sqlalchemy import URL, Connection, text

from storage.database.archive_errors import ArchiveError
from storage.database.engine import DatabaseError, database_url, place_of, reachable, reading_engine
from storage.database.schema_version import require_current
from storage.database.servers import reader_role
from storage.database.servers.hosts import answering_soon, each_host
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
_LATEST = text("SELECT to_char(pg_last_xact_replay_timestamp(), 'YYYY-MM-DD HH24:MI:SS\"Z\"')")
_SHARED = (
    "the lock of the scheduler, notifications of jobs, queries for an earlier time and redactions "
    "do not work through it"
)


def check_servers(settings: Settings) -> Iterator[Finding]:
    """Check for poolers that share sessions, clocks, folders, and the role for SQL."""
    if not settings.database_url.startswith("postgres"):
        return
    url = database_url(settings.database_url)
    try:
        with _connect(url) as primary:
            yield _pooler(primary, "database_url")
            yield from _clocks(primary)
            yield from _folders(primary)
            yield _sql_role(settings)
    except ArchiveError:
        return  # check_archive reports it


def check_replicas(settings: Settings) -> Iterator[Finding]:
    """Check that each replica answers and follows the primary; all are asked at the same time."""
    if settings.reader_database_url is None:
        return
    urls = each_host(database_url(settings.reader_database_url))
    with ThreadPoolExecutor(len(urls)) as pool:
        answers = list(pool.map(partial(_replica, database_url(settings.database_url)), urls))
    yield from [mode for mode, _state in answers if mode is not None][:1]
    yield from (state for _mode, state in answers)


def check_log(settings: Settings) -> Iterator[Finding]:
    """Check that the log continues the signed checkpoints that are kept outside the database."""
    copies = copies_of_checkpoints(settings.proof_key_file, settings.proof_tiles)
    if not copies:
        return
    try:
        with _connect(database_url(settings.database_url)) as connection:
            complaints = [found for each in copies if (found := find_setback(connection, each))]
    except ArchiveError:
        return
    for each in complaints:
        mend = "restore the newer archive; if it is lost, keep the file and tell who relied on it"
        yield Finding("log", "broken", each, mend)
    if not complaints:
        yield Finding("log", "ok", f"the log continues {', '.join(map(str, copies))}")


@contextmanager
def _connect(url: URL) -> Iterator[Connection]:
    engine = reading_engine(answering_soon(url))
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
    urls = each_host(url)
    with ThreadPoolExecutor(len(urls)) as pool:
        answers = list(pool.map(_role_faults, urls))
    told = [each for each in answers if not isinstance(each, Exception)]
    if not told:
        (error, *_) = answers
        reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
        message = f"SQL has no connection: {place_of(url)} cannot be read: {reason}"
        return Finding("sql", "broken", message, "check sql_database_url and the password")
    faults = ", ".join(told[0])
    if not faults:
        return Finding("sql", "ok", "SQL of users can only select from the views")
    if is_named:
        message = f"SQL is refused: the role in sql_database_url {faults}"
        return Finding("sql", "broken", message, "revoke that, or name the role lesart_reader")
    message = f"`lesart sql` uses a role that {faults}; assistants get no SQL"
    return Finding("sql", "warning", message, CONFINE_SQL)


def _role_faults(url: URL) -> "list[str] | ArchiveError | DatabaseError":
    """Return what a role may do beyond the views, or why its server cannot be asked."""
    try:
        with _connect(url) as connection:
            database = connection.connection.driver_connection
            assert database is not None
            reader_role.pin_schema(database)
            return list(reader_role.find_faults(database))
    except (ArchiveError, DatabaseError) as error:
        return error


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


def _replica(primary: URL, url: URL) -> tuple[Finding | None, Finding]:
    """Return the pooler of a replica, if it answers, and the state of the replica."""
    place = place_of(url)
    try:
        with _connect(url) as replica:
            pooler = _pooler(replica, "reader_database_url")
            return pooler, _compare(primary, replica, place)
    except (ArchiveError, DatabaseError) as error:
        reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
        mend = "start it, or see its log; meanwhile the other servers are read"
        return None, Finding("replicas", "warning", f"{place} cannot be read: {reason}", mend)


def _compare(url: URL, replica: Connection, place: str) -> Finding:
    with ExitStack() as stack:
        try:
            primary = stack.enter_context(_connect(url))
        except (ArchiveError, DatabaseError):
            latest = replica.execute(_LATEST).scalar()
            shown = f", and shows the archive up to {latest}" if latest else ""
            mend = "start the primary: nothing is written meanwhile"
            message = f"{place} answers while the primary does not{shown}"
            return Finding("replicas", "warning", message, mend)
        if replica.execute(_CLUSTER).scalar() != primary.execute(_CLUSTER).scalar():
            mend = "name replicas of the server in database_url"
            return Finding("replicas", "broken", f"{place} has the data of another server", mend)
        if not is_replica(replica):
            return Finding("replicas", "ok", f"{place} is the primary")
        return _measure(primary, replica, place)


def _measure(primary: Connection, replica: Connection, place: str) -> Finding:
    delay = measure_delay(primary, replica, PATIENCE_SECONDS)
    if not delay.size:
        return Finding("replicas", "ok", f"{place} shows all commits")
    message = f"{place} is {delay.seconds:.0f} s and {delay.size:,} bytes behind the primary"
    return Finding("replicas", "warning", message, "look into its log and at its disk and network")
