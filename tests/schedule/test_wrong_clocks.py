"""Clocks that jump: real processes under faketime, on both databases, and their traces."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from storage.history.machines import read_clocks, record_clock
from storage.write.archive import Archive
from tests.flow.driver import SENTENCES, findings, page, touch
from tests.flow.processes import LESART, Service, environment, rows, run_here, until
from worker.services.schedule.cron import cron_trigger
from worker.services.schedule.steady_scheduler import LONGER_WAIT, LatestRun, SteadyScheduler

pytestmark = pytest.mark.starts_first

A, B, C, D = SENTENCES
E = "Am Abend fiel der Pegel wieder."
URL = "https://presse.example/pegel"
QUIET = "https://presse.example/ruhe"
MINUTE = timedelta(minutes=1)

needs_faketime = pytest.mark.skipif(
    shutil.which("faketime") is None, reason="faketime is missing: install the package faketime"
)


class Home:
    """A folder with seeds and an archive, on which commands run by any clock."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.settings = {"database_url": url, "every": "1s"}
        (folder / "seeds").mkdir()
        self.write("seeds/ruhe.md", page("Auf dem Deich blieb alles ruhig.", url=QUIET))

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.write_text(text, "utf-8")
        touch(path)

    def edit(self, text: str) -> None:
        self.write("seeds/pegel.md", page(text, url=URL))

    def command(self, *words: str, clock: str | None = None, **more: str) -> None:
        """Run a command: in this process, or by a wrong clock in one of its own."""
        variables = environment(**self.settings) | more
        if clock is None:
            ended = run_here(self.folder, words, variables)
        else:
            ended = subprocess.run(
                ["faketime", "-f", clock, *LESART, *words], cwd=self.folder, env=variables,
                capture_output=True, encoding="utf-8", timeout=600, check=False,
            )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
        assert findings(self.url) == []

    def scan(self, clock: str | None = None, **more: str) -> None:
        self.command("up", "--once", clock=clock, **more)

    def import_capture(self, text: str, seen_at: datetime) -> None:
        self.write("kopie.md", page(text, url=URL, observed_at=seen_at))
        self.command("ingest", "kopie.md")

    def rows(self, *words: str) -> list[dict[str, Any]]:
        return rows(self.folder, *words, **self.settings)

    def versions(self) -> list[dict[str, Any]]:
        query = (
            "SELECT v.text, v.changed_after, v.changed_by, v.last_seen, v.flags FROM versions v "
            f"JOIN articles a ON a.article = v.article WHERE a.origin = '{URL}' ORDER BY v.version"
        )
        return self.rows("sql", query)

    def texts(self) -> list[str]:
        return [each["text"] for each in self.versions()]

    def current(self, *words: str) -> str:
        (shown,) = self.rows("show", URL, *words)
        return str(shown["text"])

    def clock_warnings(self) -> list[str]:
        found = self.rows("doctor")
        return [x["message"] for x in found if x["check"] == "clock" and x["state"] == "warning"]


@pytest.fixture
def home(database_url, tmp_path) -> Iterator[Home]:
    found = Home(tmp_path, database_url)
    yield found
    assert findings(database_url) == []


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def assert_in_order(versions: list[dict[str, Any]], since: datetime) -> None:
    """Check that the times rise with the versions and that none is in the future."""
    times = [moment(each[name]) for each in versions for name in ("changed_by", "last_seen")]
    assert times == sorted(times)
    assert since - MINUTE <= times[0]
    assert times[-1] <= datetime.now(UTC) + MINUTE


JUMPS = (
    "-1h",
    pytest.param("+30y", marks=[pytest.mark.slow, pytest.mark.postgresql("large")]),
    pytest.param("-10y", marks=pytest.mark.large),
    pytest.param("+1h", marks=pytest.mark.large),
    pytest.param("+3d", marks=pytest.mark.large),
    pytest.param("-3d", marks=pytest.mark.large),
)


@pytest.mark.slow
@needs_faketime
@pytest.mark.parametrize("clock", JUMPS)
def test_a_scan_by_a_wrong_clock_between_two_edits_keeps_the_order_of_the_texts(home, clock):
    since = datetime.now(UTC)
    home.edit(A)
    home.scan()
    home.edit(B)
    home.scan(clock)
    assert home.texts() == [A, B]
    between = datetime.now(UTC)
    home.edit(C)
    home.scan()
    assert home.current() == C
    assert home.texts() == [A, B, C]
    assert_in_order(home.versions(), since)
    flagged = ["clock_suspect" in each["flags"] for each in home.versions()]
    assert flagged[1]
    assert not flagged[0]
    (warning, *_others) = home.clock_warnings()
    assert "clock" in warning
    assert home.current("--as-of", datetime.now(UTC).isoformat()) == C
    assert home.current("--known-at", datetime.now(UTC).isoformat()) == C
    (quiet,) = [each for each in home.rows("list") if each["origin"] == QUIET]
    assert quiet["versions"] == 1
    assert since - MINUTE <= moment(quiet["first_seen"])
    assert moment(quiet["last_seen"]) <= datetime.now(UTC) + MINUTE
    for text, seen_at in ((D, datetime(2020, 1, 1, tzinfo=UTC)), (E, between)):
        home.import_capture(text, seen_at)
    assert home.texts()[0] == D
    assert home.texts()[-1] == C
    home.scan()
    assert home.current() == C


@pytest.mark.postgresql("large")
@needs_faketime
@pytest.mark.slow
@pytest.mark.parametrize("clock", [pytest.param("-10y", marks=pytest.mark.large), "+30y"])
def test_captures_that_are_imported_around_a_jump_find_their_places(home, clock):
    home.edit(A)
    home.scan()
    home.edit(B)
    home.scan(clock)
    now = datetime.now(UTC)
    for years, text in ((-15, D), (-5, E), (5, "Der Pegel fiel."), (40, "Der Pegel stieg.")):
        home.import_capture(text, now.replace(day=1, year=now.year + years))
    home.edit(C)
    home.scan()
    # A capture from the future has the time at which it came in.
    assert home.texts() == [D, E, A, B, "Der Pegel fiel.", "Der Pegel stieg.", C]
    invalid = ["observed_at_invalid" in each["flags"] for each in home.versions()]
    assert invalid == [False, False, False, False, True, True, False]
    assert home.current("--as-of", datetime.now(UTC).isoformat()) == C


@pytest.mark.postgresql("large")
@needs_faketime
@pytest.mark.slow
def test_two_edits_while_the_clock_runs_ahead_keep_their_order(home):
    home.edit(A)
    home.scan()
    for text in (B, A, D):
        home.edit(text)
        home.scan("+30y")
    home.edit(C)
    home.scan()
    assert home.texts() == [A, B, A, D, C]


@needs_faketime
@pytest.mark.slow
def test_two_machines_whose_clocks_differ_write_one_history(postgres_url, tmp_path):
    home, since = Home(tmp_path, postgres_url), datetime.now(UTC)
    for text, clock in ((A, "+1h"), (B, None), (C, "+1h"), (D, "-2h"), (E, None)):
        home.edit(text)
        home.scan(clock)
    assert home.texts() == [A, B, C, D, E]
    assert_in_order(home.versions(), since)
    flagged = ["clock_suspect" in each["flags"] for each in home.versions()]
    assert flagged == [True, False, True, True, False]


@needs_faketime
@pytest.mark.slow
@pytest.mark.parametrize(
    "clocks",
    [
        pytest.param(("+1h",), marks=pytest.mark.large),
        pytest.param(("+1d",), marks=pytest.mark.large),
        pytest.param(("+20d",), marks=pytest.mark.postgresql("large")),
        pytest.param(("+400d", "+401.5d", "+401.6d"), marks=pytest.mark.large),
    ],
    ids=lambda clocks: clocks[-1],
)
def test_a_clock_ahead_loses_no_bytes_delays_no_mail_and_leaves_an_archive_that_verifies(
    home, clocks
):
    home.edit(A)
    home.scan()
    home.command("proof", "keygen")
    home.command("alert", "add", "neu", "--query", "Pegel", "--mail", "a@b.example", "--daily")
    for text, clock in zip((B, C, D), clocks, strict=False):
        home.edit(text)
        home.scan(clock, LESART_RETAIN_CAPTURES="90d")
        home.command("proof", "checkpoint", clock=clock)
        home.command("redact", "--retention", clock=clock, LESART_RETAIN_CAPTURES="90d")
    edited_at = datetime.now(UTC)
    home.edit(E)
    home.scan()
    home.command("proof", "checkpoint")
    home.command("verify")
    last = home.versions()[-1]
    assert moment(last["changed_after"]) < edited_at < moment(last["changed_by"])
    assert len(home.rows("sql", "SELECT * FROM versions")) == len(clocks) + 3
    for number in range(1, len(clocks) + 3):
        home.command("raw", f"{URL}@{number}")
    waiting = home.rows("alert", "log", "neu")
    assert waiting
    for each in waiting:
        if each["next_at"] is not None:
            assert moment(each["next_at"]) <= datetime.now(UTC) + timedelta(hours=25)


@needs_faketime
@pytest.mark.slow
# PostgreSQL has a clock of its own, which no time zone of ours changes
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_hour_that_comes_twice_is_no_jump(home):
    zone = {"LESART_TIMEZONE": "Europe/Berlin", "TZ": "Europe/Berlin", "FAKETIME_FMT": "%s"}
    summer, winter = moment("2026-10-25T02:50+02:00"), moment("2026-10-25T02:10+01:00")
    for text, now in ((A, summer), (B, winter)):
        home.edit(text)
        home.scan(f"@{int(now.timestamp())}", **zone)
    assert home.texts() == [A, B]
    for version, now in zip(home.versions(), (summer, winter), strict=True):
        assert timedelta(0) <= moment(version["changed_by"]) - now <= 10 * MINUTE
        assert "clock_suspect" not in version["flags"]


@pytest.mark.postgresql("large")
@needs_faketime
@pytest.mark.slow
def test_a_running_scheduler_follows_a_clock_that_jumps(database_url, tmp_path):
    home, since = Home(tmp_path, database_url), datetime.now(UTC)
    shown = tmp_path / "clock"
    shown.write_text("+0\n")
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    faked = {
        "LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(shown), "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1",
    }  # fmt: skip
    up = Service(tmp_path, "up", **home.settings)
    before = {name: os.environ.get(name) for name in faked}
    os.environ.update(faked)
    try:
        up.start()
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    try:
        for number, clock in enumerate(("+0", "+30y", "+0", "-10y", "+0"), 1):
            given = shown.with_suffix(".new")  # an empty file would end the process
            given.write_text(f"{clock}\n")
            given.replace(shown)
            home.edit(SENTENCES[number % 4])
            until(lambda n=number: len(home.versions()) == n, what=f"a scan at {clock}")
    finally:
        up.end()
    assert home.texts() == [SENTENCES[number % 4] for number in range(1, 6)]
    assert_in_order(home.versions(), since)


@pytest.mark.slow
def test_a_running_scheduler_reads_a_file_whose_time_is_in_the_future(home):
    up = Service(home.folder, "up", **home.settings)
    up.start()
    try:
        for text in (A, B):
            home.edit(text)
            os.utime(home.folder / "seeds/pegel.md", (LATER.timestamp(), LATER.timestamp()))
            until(lambda shown=text: home.texts()[-1:] == [shown], what="the text from the future")
    finally:
        up.end()
    assert home.texts() == [A, B]


# ----------------------------------------------------------------------------- the scheduler

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
LATER = datetime(2056, 11, 28, 12, 0, 0, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    "trigger",
    [
        IntervalTrigger(seconds=0.5, start_date=NOW, timezone=UTC),
        CronTrigger.from_crontab("* * * * *", timezone=UTC),
    ],
)
def test_after_thirty_years_a_trigger_runs_once_and_goes_on(trigger):
    steady = LatestRun(trigger)
    found = steady.get_next_fire_time(NOW, LATER)
    assert timedelta(0) <= found - LATER <= MINUTE
    assert found < steady.get_next_fire_time(found, found) <= found + MINUTE


def test_an_interval_that_began_in_the_future_goes_on():
    steady = LatestRun(IntervalTrigger(seconds=1, start_date=LATER, timezone=UTC))
    found = steady.get_next_fire_time(NOW - MINUTE, NOW)
    assert timedelta(0) <= found - NOW <= MINUTE


def test_a_run_out_of_turn_moves_no_later_run_of_an_interval():
    steady = LatestRun(IntervalTrigger(hours=1, start_date=NOW, timezone=UTC))
    early = NOW + timedelta(minutes=17)
    assert steady.get_next_fire_time(early, early) == NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    ("zone", "line", "changed"),
    [
        pytest.param("Europe/Berlin", "30 2 * * *", "2028-03-26T01:00Z", id="an hour left out"),
        pytest.param("Europe/Berlin", "30 2 * * *", "2028-10-29T01:00Z", id="an hour twice"),
        pytest.param("America/New_York", "15 2 * * *", "2028-03-12T07:00Z", id="in New York"),
        pytest.param("Australia/Lord_Howe", "15 2 * * *", "2028-09-30T15:30Z", id="half an hour"),
        pytest.param("Australia/Lord_Howe", "45 1 * * *", "2028-04-01T15:00Z", id="and twice"),
    ],
)
def test_a_zone_that_changes_its_offset_is_no_clock_that_was_put_back(zone, line, changed):
    steady = LatestRun(cron_trigger(line, ZoneInfo(zone)))
    now = moment(changed) - timedelta(hours=3)
    planned = steady.get_next_fire_time(None, now)
    while now < moment(changed) + timedelta(hours=3):
        if planned <= now:
            before, planned = planned, steady.get_next_fire_time(planned, planned)
            assert planned > before
        again = steady.get_next_fire_time(now, now)
        assert planned - again <= LONGER_WAIT
        assert planned.utcoffset() == again.utcoffset() == timedelta(0)
        now += timedelta(minutes=1) - timedelta(seconds=0.6)


@pytest.mark.parametrize(
    "trigger",
    [IntervalTrigger(days=1, timezone=UTC), CronTrigger.from_crontab("0 3 * * *", timezone=UTC)],
)
def test_jobs_run_at_once_when_the_clock_was_set_back(trigger):
    scheduler = SteadyScheduler(timezone=UTC)
    scheduler.start(paused=True)
    try:
        job = scheduler.add_job(print, trigger, id="daily")
        other = scheduler.add_job(print, IntervalTrigger(days=1, timezone=UTC), id="other")
        assert not scheduler.follow_clock()
        assert other.next_run_time > datetime.now(UTC) + timedelta(hours=1)
        job.modify(next_run_time=job.next_run_time + timedelta(days=1))
        assert scheduler.follow_clock()
        for each in scheduler.get_jobs():
            assert each.next_run_time <= datetime.now(UTC)
        assert not scheduler.follow_clock()
    finally:
        scheduler.shutdown(wait=False)


@pytest.mark.slow
@pytest.mark.postgresql("fast")
def test_doctor_names_the_machines_whose_clock_is_wrong(postgres_url, tmp_path):
    with Archive.open(postgres_url) as archive:
        archive.store_fact("clock lange fort", "[0.0, 900.0]")
        for machine, minutes in {"eins": 0, "zwei": 4, "drei": -3}.items():
            archive.transact_unnumbered(record_clock, machine, datetime.now(UTC) + minutes * MINUTE)
        assert {each.machine for each in archive.read(read_clocks)} == {"eins", "zwei", "drei"}
    told = [
        x for x in rows(tmp_path, "doctor", database_url=postgres_url) if x["check"] == "clocks"
    ]
    assert [x["state"] for x in told] == ["warning", "warning"]
    assert "drei was 3 min behind" in told[0]["message"]
    assert "zwei was 4 min ahead" in told[1]["message"]
