"""Problems of this installation and their remedies."""

import os
import secrets
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from storage.database import archive_errors, schema, schema_version
from storage.database import capture_store as stores
from storage.database import engine as engines
from storage.database import unit as units
from storage.database.servers import hosts
from storage.database.unit import ArchiveTime
from storage.history import clock_corrections
from storage.history.clock_corrections import StoredCorrection
from storage.read import archive as reader
from storage.read.archive import ReadOnlyArchive
from storage.settings import Settings, hide_secrets
from storage.values import failures
from storage.values.freshness import CLOCKS_DIFFER
from storage.values.messages import quantity

OLDEST_PYTHON = (3, 11)
OLDEST_SQLITE = (3, 35, 0)  # RETURNING, ON CONFLICT
LEAST_FREE_BYTES = 1_000_000_000
STUCK_AFTER = timedelta(minutes=5)
OF_OTHER_SERVERS = frozenset({"captures", "replicas", "broker"})
BEFORE_THE_ARCHIVE = frozenset({"program", "home", "seeds", "web"})
"""The checks that need no archive, by whether they wait for another server."""
JUMPED_WITHIN = timedelta(days=7)
"""Time for which a clock that jumped is reported."""
SYNCHRONISE = "keep the clock in time with NTP; see `lesart observations` for what was seen then"

State = Literal["ok", "warning", "broken"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check; `mend` is the remedy."""

    check: str
    state: State
    message: str
    mend: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "check": self.check,
            "state": self.state,
            "message": self.message,
            "mend": self.mend,
        }


Check = Callable[[Settings], Iterable[Finding]]


def with_archive(check: Callable[[Settings, ReadOnlyArchive], Iterable[Finding]]) -> Check:
    """Return a check of an open archive; `check_archive` reports one that cannot be read."""

    def check_open(settings: Settings) -> list[Finding]:
        try:
            with reader.open_with_settings(settings) as archive:
                return list(check(settings, archive))
        except archive_errors.ArchiveError:
            return []

    return check_open


def examine(settings: Settings, more: Iterable[tuple[str, Check]] = ()) -> Iterator[Finding]:
    """Yield the result of each check; a failed check is a finding itself.

    `more` are checks of the caller for services outside this package, such as the broker. Those
    that ask other servers run at the same time; the others, only if the archive answers.
    """
    checks = [*CHECKS, *more]
    with ThreadPoolExecutor(len(OF_OTHER_SERVERS)) as pool:
        asked = {
            name: pool.submit(_findings, name, check, settings)
            for name, check in checks
            if name in OF_OTHER_SERVERS
        }
        is_broken = False
        for name, check in checks:
            if name in asked:
                yield from asked[name].result()
            elif name in BEFORE_THE_ARCHIVE or not is_broken:
                findings = _findings(name, check, settings)
                is_broken |= any((x.check, x.state) == ("archive", "broken") for x in findings)
                yield from findings


def _findings(name: str, check: Check, settings: Settings) -> list[Finding]:
    try:
        return list(check(settings))
    except Exception as error:  # noqa: BLE001  # the other checks still run
        message = str(getattr(error, "orig", None) or error).partition("\n")[0]
        return [Finding(name, "broken", f"could not be checked: {hide_secrets(message)}")]


def check_program(_settings: Settings) -> Iterator[Finding]:
    """Check the versions of Python and SQLite, and that full-text search is available."""
    python = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST_PYTHON:
        yield Finding("python", "broken", f"Python {python} is too old", "install Python 3.11")
    else:
        yield Finding("python", "ok", f"Python {python}")
    if sqlite3.sqlite_version_info < OLDEST_SQLITE or not _has_full_text():
        message = f"SQLite {sqlite3.sqlite_version} is too old or has no FTS5"
        yield Finding("sqlite", "broken", message, "install a Python with SQLite 3.35 and FTS5")
    else:
        yield Finding("sqlite", "ok", f"SQLite {sqlite3.sqlite_version} with FTS5")


def check_home(settings: Settings) -> Iterator[Finding]:
    """Check that the home folder is writable and that its disk has free space."""
    home = settings.home
    there = next(each for each in (home.absolute(), *home.absolute().parents) if each.exists())
    if not home.exists() and there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        yield Finding("home", "ok", f"{home} is not there yet; the first ingestion makes it")
    elif not home.is_dir() or not os.access(home, os.W_OK | os.X_OK):
        mend = "make it a folder that you may write to, or set home"
        yield Finding("home", "broken", f"{home} cannot be written to", mend)
    else:
        yield Finding("home", "ok", f"{home} can be written to")
    if settings.database_url.startswith("postgres"):
        yield Finding("disk", "ok", "the archive is on the disk of its database")
    else:
        yield _disk(home)


def check_archive(settings: Settings) -> Iterator[Finding]:
    """Check that the archive answers and has the current schema and all guards."""
    url = engines.database_url(settings.database_url)
    try:
        engine = engines.reading_engine(hosts.answering_soon(url))
        with engines.reachable(url):
            schema_version.require_current(engine)
        with engine.connect() as connection:
            missing, time = schema.missing_guards(connection), units.archive_time(connection)
            lacking = schema.missing_columns(connection)
            correction = clock_corrections.latest_correction(connection)
    except archive_errors.ArchiveMissingError as error:
        yield Finding("archive", "warning", str(error), "run `lesart up --once`")
    except archive_errors.ArchiveError as error:
        yield Finding("archive", "broken", str(error), "mend it, or set database_url")
    else:
        engine.dispose()
        yield Finding("archive", "ok", f"{engines.place_of(url)}, schema {schema_version.head()}")
        yield _guards(missing)
        yield _columns(lacking)
        yield from _clock(time, units.utc_now(), correction)


def check_captures(settings: Settings) -> Iterator[Finding]:
    """Check that the storage for captures stores and returns an object."""
    place = settings.captures
    if place is None:
        yield Finding("captures", "ok", "bytes of captures go into the database")
        return
    name, data = f"doctor/{secrets.token_hex(8)}", b"lesart doctor"
    try:
        store = stores.open_store(place, hosts.CHECK_SECONDS)
        store.put(name, data)
        is_same = store.get(name) == data
        store.delete([name])
    except (stores.CapturesAwayError, FileNotFoundError) as error:
        mend = failures.remedy_for(error) or "look at its settings"
        yield Finding("captures", "broken", error.strerror or "it keeps nothing", mend)
    else:
        message = f"{settings.captures} keeps bytes and gives them back"
        if is_same:
            yield Finding("captures", "ok", message)
        else:
            yield Finding("captures", "broken", f"{settings.captures} gives other bytes back",
                          "use another store")  # fmt: skip


def check_seeds(settings: Settings) -> Iterator[Finding]:
    """Check that the folder of the default source can be listed."""
    seeds = settings.seeds
    if not settings.worker_folders:
        yield Finding("seeds", "ok", "this machine reads no folders (worker_folders is false)")
    elif not seeds.is_dir():
        mend = "make it, or set seeds"
        yield Finding("seeds", "warning", f"there is no folder {seeds}", mend)
    elif not os.access(seeds, os.R_OK | os.X_OK):
        yield Finding("seeds", "broken", f"{seeds} cannot be listed", "give us leave to read it")
    else:
        yield Finding("seeds", "ok", f"{seeds} can be listed")


def check_web(settings: Settings) -> Iterator[Finding]:
    """Report the permitted private servers."""
    if settings.allow_hosts:
        message = f"private servers may be fetched: {', '.join(settings.allow_hosts)}"
        mend = "nothing, if these are your own; else take them out of allow_hosts"
        yield Finding("own hosts", "warning", message, mend)
    else:
        yield Finding("own hosts", "ok", "only public servers are fetched")


@with_archive
def check_work(settings: Settings, archive: ReadOnlyArchive) -> Iterator[Finding]:
    """Check that jobs make progress and that every standing source was scanned."""
    mend = "run `lesart up --once`, or start `lesart up`"
    if not settings.is_embedded:
        mend = "start `lesart worker`, if the broker answers"
    yield from _jobs(archive.jobs(), archive.pending_work().sentence(), mend)
    figures = archive.stats().sources
    yield from _sources(figures)
    yield from _contact(settings, figures)


CHECKS: tuple[tuple[str, Check], ...] = (
    ("program", check_program),
    ("home", check_home),
    ("archive", check_archive),
    ("captures", check_captures),
    ("seeds", check_seeds),
    ("web", check_web),
    ("work", check_work),
)


def _has_full_text() -> bool:
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("CREATE VIRTUAL TABLE probe USING fts5(tokens)")
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return True


def _disk(home: Path) -> Finding:
    there = next(each for each in (home.absolute(), *home.absolute().parents) if each.exists())
    free = shutil.disk_usage(there).free
    space = f"{free / 1e9:.1f} GB free at {there}"
    if free < LEAST_FREE_BYTES:
        return Finding("disk", "warning", space, "make room, or set home to another disk")
    return Finding("disk", "ok", space)


def _guards(missing: list[str]) -> Finding:
    if missing:
        message = f"the record is not guarded: {', '.join(missing)} missing"
        return Finding("guards", "broken", message, "run `lesart db upgrade`, `lesart verify`")
    return Finding("guards", "ok", "the record can only be added to")


def _columns(lacking: list[str]) -> Finding:
    if lacking:
        message = f"the archive lacks columns: {', '.join(lacking)}"
        return Finding("columns", "broken", message, "run `lesart db upgrade`")
    return Finding("columns", "ok", "all tables and views have their columns")


def _clock(
    time: "ArchiveTime", clock: datetime, correction: "StoredCorrection | None"
) -> Iterator[Finding]:
    """Report a clock that is wrong now, and one that jumped within the last days."""
    shows = f"this machine's clock shows {_minute(clock)}"
    found = []
    if time.server is not None and abs(clock - time.server) > CLOCKS_DIFFER:
        message = f"{shows}, that of the database server {_minute(time.server)}"
        found.append((message, "set the clock that is wrong, and keep both in time with NTP"))
    now = clock if time.server is None else time.server
    if time.latest is not None and time.latest - now > CLOCKS_DIFFER:
        until = _minute(time.latest)
        message = f"{shows}, but the archive already stored something at {until}"
        if time.was_ahead_of(now):
            mend = "if the clock is right now, do nothing: the next job corrects the times"
        else:
            mend = f"set the clock; until {until}, new observations are flagged clock_suspect"
        found.append((message, mend))
    if correction is not None and abs(now - correction.recorded_at) < JUMPED_WITHIN:
        message = f"a clock ran ahead to {_minute(correction.was)}; at {_minute(correction.at)} "
        message += "the times of what was stored meanwhile were corrected"
        found.append((message, SYNCHRONISE))
    if time.doubted and time.doubted_clock and abs(now - time.doubted) < JUMPED_WITHIN:
        message = f"at {_minute(time.doubted)} a clock showed {_minute(time.doubted_clock)}"
        found.append((f"{message}: what it saw is flagged clock_suspect", SYNCHRONISE))
    for message, mend in found:
        yield Finding("clock", "warning", message, mend)
    if not found:
        yield Finding("clock", "ok", "the clock agrees with the stored times")


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def _jobs(jobs: Iterable[Any], backlog: str | None, mend_backlog: str) -> Iterator[Finding]:
    """Report failed jobs and pending work; pending work at once if no worker processes it."""
    oldest = datetime.now(UTC) - STUCK_AFTER
    quarantined, waiting = [], []
    for job in jobs:
        if job.state == "quarantined":
            quarantined.append(job.job)
        elif job.state == "ready" and job.created_at < oldest:
            waiting.append(job.job)
    if quarantined:
        message = quantity("{n} job is|{n} jobs are", len(quarantined))
        message += f" in quarantine, the first is {quarantined[0]}"
        mend = f"look at `lesart jobs {quarantined[0]}`, then `lesart retry {quarantined[0]}`"
        yield Finding("jobs", "warning", message, mend)
    if backlog is not None:
        yield Finding("jobs", "warning", backlog, mend_backlog)
    elif waiting:
        message = quantity("{n} job has|{n} jobs have", len(waiting))
        message += f" waited for more than {STUCK_AFTER.seconds // 60} min"
        yield Finding("jobs", "warning", message, mend_backlog)
    if not quarantined and not waiting and backlog is None:
        yield Finding("jobs", "ok", "no job is stuck")


def _contact(settings: Settings, sources: Iterable[Any]) -> Iterator[Finding]:
    if settings.contact is None and any(each.kind == "web" for each in sources):
        message = "requests to web servers contain no contact address"
        yield Finding("contact", "warning", message, "set contact to a mail address or a page")


def _watching(source: Any) -> Iterator[Finding]:
    """Report a source of addresses that does not answer, became silent, or is not checked."""
    if not source.standing or not source.watched:
        return
    complaints = len(list(_complaints(source)))
    for message, mend in _complaints(source):
        yield Finding("sources", "warning", message, mend)
    if not complaints:
        when = f"{source.last_check:%Y-%m-%d %H:%M:%SZ}" if source.last_check else "not yet"
        message = quantity("{n} address|{n} addresses", source.watched)
        message = f"{source.source} watches {message}, last check {when}"
        yield Finding("sources", "ok", message)


def _complaints(source: Any) -> Iterator[tuple[str, str]]:
    name = source.source
    if source.missing_since is not None:
        since = f"{source.missing_since:%Y-%m-%d %H:%M:%SZ}"
        yield f"{name} has not been reached since {since}", f"see `lesart explain` with {name}"
    if source.silent_since is not None:
        since = f"{source.silent_since:%Y-%m-%d %H:%M:%SZ}"
        yield (
            f"{name} has named nothing new since {since}, which is long for it",
            "look at it in a browser: it may have moved",
        )
    if source.overdue:
        message = quantity(
            "{n} of {all} addresses of {name} is overdue|"
            "{n} of {all} addresses of {name} are overdue",
            source.overdue, all=source.watched, name=name,
        )  # fmt: skip
        yield message, "start `lesart up`, or more workers; a pace may be too slow for them"


def _sources(sources: Iterable[Any]) -> Iterator[Finding]:
    for source in sources:
        if source.kind != "folder":
            yield from _watching(source)
            continue
        if source.held_since is not None:
            since = f"{source.held_since:%Y-%m-%d %H:%M:%SZ}"
            message = quantity(
                "{n} file of {name} is missing|{n} files of {name} are missing",
                source.missing_files, name=source.source,
            )  # fmt: skip
            message += f" since {since}: "
            mend = "mount or restore the folder; if they were deleted, run "
            mend += f"`lesart confirm {source.source}`"
            yield Finding("sources", "warning", f"{message}its scans are held back", mend)
        elif source.standing and source.last_scan is None:
            message = f"the source {source.source} was never scanned to its end"
            mend = "start `lesart up`; see `lesart refusals`, `lesart jobs`"
            yield Finding("sources", "warning", message, mend)
        elif source.standing:
            scanned = f"{source.source} was last scanned at {source.last_scan:%Y-%m-%d %H:%M:%SZ}"
            yield Finding("sources", "ok", scanned)
