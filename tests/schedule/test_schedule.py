"""Schedules: what crontab lines mean, one job for each tick, one scheduler that leads."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from storage.database.engine import DatabaseError
from storage.database.tables import JOB, WATCH
from storage.proof import checkpoints
from storage.proof.note import Checkpoint, Note
from storage.schedule import queue
from storage.schedule import wake as wake_ups
from storage.schedule.check_times import Schedule, intervals_of
from storage.values.arrivals.source import Source
from storage.values.verdict import Counts
from storage.write.archive import Archive
from tests.flow.driver import SENTENCES, seed
from tests.flow.whole_record import KEY
from tests.proof.grown import entries_in
from tests.web.desk import HIGHER, PEGEL, A
from tests.web.site import page
from worker.flow.order import target_of
from worker.services.schedule import scheduler as schedule
from worker.services.schedule.cron import CronError, cron_trigger
from worker.services.schedule.scheduler import ACTS, FileLeadership, Scheduler
from worker.services.schedule.source_slots import interval_trigger, slot_of, tick

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 6, 1, tzinfo=UTC)


def source(**settings: object) -> Source:
    given_: dict[str, object] = {
        "id": 1, "name": "presse", "kind": "folder", "locator": "/presse", "standing": True,
        "paused": False, "every_seconds": None, "cron": None, "timezone": None, "options": {},
    }  # fmt: skip
    return Source(**(given_ | settings))


def fires(expression: str, start: datetime, number: int, zone: ZoneInfo = BERLIN) -> list[datetime]:
    """Return the next `number` times, as the scheduler computes them."""
    trigger, before, now, found = cron_trigger(expression, zone), None, start, []
    while len(found) < number:
        before = trigger.get_next_fire_time(before, now)
        found.append(before)
        now = before.astimezone(UTC) + timedelta(microseconds=1)
    return found


# --------------------------------------------------------------------------------- crontab


@pytest.mark.parametrize(
    ("weekdays", "expected"),
    [
        pytest.param("1-5", "Mon Tue Wed Thu Fri", id="Monday to Friday"),
        pytest.param("0", "Sun", id="nought is Sunday"),
        pytest.param("7", "Sun", id="seven is Sunday too"),
        pytest.param("1,3", "Mon Wed", id="a list"),
        pytest.param("0-4", "Mon Tue Wed Thu Sun", id="from Sunday on"),
        pytest.param("0-6", "Mon Tue Wed Thu Fri Sat Sun", id="the whole week"),
        pytest.param("5-7", "Fri Sat Sun", id="the weekend, Sunday last"),
        pytest.param("fri-sun", "Fri Sat Sun", id="the weekend by names"),
        pytest.param("*/2", "Tue Thu Sat Sun", id="every second day counts from Sunday"),
        pytest.param("1-5/2", "Mon Wed Fri", id="every second working day"),
        pytest.param("1/2", "Mon Wed Fri", id="every second day from Monday to Saturday"),
        pytest.param("MON-Wed", "Mon Tue Wed", id="names in any case"),
        pytest.param("*", "Mon Tue Wed Thu Fri Sat Sun", id="any day"),
    ],
)
def test_weekdays_are_those_of_crontab(weekdays, expected):
    *week, after = fires(f"0 6 * * {weekdays}", MONDAY, len(expected.split()) + 1)
    assert " ".join(f"{moment:%a}" for moment in week) == expected
    assert all(moment.hour == 6 for moment in week)
    assert week[-1] < MONDAY + timedelta(days=7) < after


def test_a_day_of_the_month_and_a_weekday_count_each():
    days = {f"{moment:%d %a}" for moment in fires("0 6 3 * 1", MONDAY, 3)}
    assert days == {"01 Mon", "03 Wed", "08 Mon"}


@pytest.mark.parametrize(
    "expression",
    [
        "0 6 * *",
        "0 6 * * 1 2",
        "0 6 * * 8",
        "0 6 * * 5-2",
        "61 6 * * *",
        "0 6 * * mo",
        "x 6 * * 1",
        "0 6 * * 1-",
        "",
    ],
)
def test_a_malformed_crontab_line_is_reported(expression):
    with pytest.raises(CronError) as told:
        cron_trigger(expression, BERLIN)
    assert repr(expression) in str(told.value)


# ---------------------------------------------------------------------------------- clocks


def test_the_hour_that_comes_twice_gives_one_job(room):
    nightly = replace(room.source, cron="30 2 * * *", every_seconds=None, timezone="Europe/Berlin")
    times = [
        moment
        for moment in fires("30 2 * * *", datetime(2026, 10, 24, 12, tzinfo=UTC), 3)
        if moment.date().day == 25
    ]
    assert [moment.utcoffset() for moment in times] == [timedelta(hours=2), timedelta(hours=1)]
    first = tick(room.archive, room.settings, nightly, times[0])
    assert room.worked(first) == Counts()
    assert tick(room.archive, room.settings, nightly, times[1]) is None
    assert tick(room.archive, room.settings, nightly, times[1] + timedelta(days=1)) is not None


def test_the_hour_that_is_left_out_still_gives_its_job():
    days = [
        moment.astimezone(UTC)
        for moment in fires("30 2 * * *", datetime(2026, 3, 28, 12, tzinfo=UTC), 3)
    ]
    assert [moment.day for moment in days] == [29, 30, 31]
    assert days[0] == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("line", ["0 0 * * *", "30 0 * * 1", "5 0 1 * *", "15 1 * * *"])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
def test_no_day_is_left_out_after_a_night_in_which_the_offset_changes(line, zone):
    moments = fires(line, datetime(2028, 1, 2, 12, tzinfo=UTC), 370, ZoneInfo(zone))
    minute, hour, day, _month, weekday = line.split()
    wanted, each = [], date(2028, 1, 1)
    while each <= moments[-1].astimezone(ZoneInfo(zone)).date():
        if day in {"*", str(each.day)} and weekday in {"*", str(each.isoweekday())}:
            wanted.append(f"{each} {int(hour):02}:{int(minute):02}")
        each += timedelta(days=1)
    found = [f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" for moment in moments]
    assert list(dict.fromkeys(found)) == wanted[wanted.index(found[0]) :]


def test_a_source_has_a_zone_of_its_own():
    noon = datetime(2026, 6, 1, 10, 0, 30, tzinfo=UTC)
    line = source(cron="0 12 * * *")
    assert slot_of(line, noon, BERLIN) == "cron 2026-06-01T12:00"
    assert slot_of(line, noon, ZoneInfo("UTC")) == "cron 2026-06-01T10:00"


@given(
    st.integers(1, 100_000),
    st.floats(0, 2e9),
    st.lists(st.floats(-0.4, 0.4), min_size=8, max_size=8),
)
def test_each_tick_of_an_interval_has_a_slot_of_its_own_even_when_it_comes_a_little_late(
    seconds, start, late
):
    every = source(every_seconds=float(seconds))
    now = datetime.fromtimestamp(start, UTC)
    trigger = interval_trigger(every, now)
    moments, before = [], None
    for _ in range(8):
        before = trigger.get_next_fire_time(before, now)
        moments.append(before)
    slots = [
        int(slot_of(every, moment + timedelta(seconds=part * seconds), BERLIN).split()[-1])
        for moment, part in zip(moments, late, strict=True)
    ]
    assert all(b - a == 1 for a, b in pairwise(slots))


# ------------------------------------------------------------------------- the scheduler


class Broker:
    """Replaces Celery and records the sent messages."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.failure: Exception | None = None

    def send_task(self, _name, *, args, **_options):
        if self.failure is not None:
            raise self.failure
        self.sent.append(args[0])


def until(true: Callable[[], object], seconds: float = 240.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


@pytest.fixture
def quick(monkeypatch):
    for name in ("LEAD_SECONDS", "LEADER_RETRY_SECONDS"):
        monkeypatch.setattr(schedule, name, 0.05)
    monkeypatch.setattr(schedule, "ACTS", [replace(act, seconds=0.05) for act in ACTS])


class Running:
    """A scheduler in a thread, on an archive of its own."""

    def __init__(self, room, broker: Broker) -> None:
        self.stop = threading.Event()
        self.archive = Archive.open(room.url)
        self.scheduler = Scheduler(self.archive, room.settings, broker, lambda _queue: 0)
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        with self.scheduler:
            self.scheduler.run(self.stop)

    def end(self) -> None:
        self.stop.set()
        self.thread.join()
        self.archive.close()

    def jobs(self) -> dict[str, str]:
        return {job.id: str(job.trigger) for job in self.scheduler._ticking.get_jobs()}

    def runs(self, act: str) -> bool:
        """Check whether an act is running: a request for another run is ignored meanwhile."""
        return bool(self.scheduler._ticking._lookup_executor("default")._instances[act])


@pytest.fixture
def scheduler(room, quick) -> Iterator[Callable[[Broker], Running]]:
    running: list[Running] = []

    def start(broker: Broker) -> Running:
        running.append(Running(room, broker))
        return running[-1]

    yield start
    for each in running:
        each.end()


def test_a_due_source_becomes_a_job_and_a_wake_up(room, scheduler):
    broker = Broker()
    scheduler(broker)
    until(lambda: broker.sent)
    (job,) = room.rows("SELECT * FROM jobs")
    assert (job["job"], job["trigger"], job["source"]) == (broker.sent[0], "schedule", "presse")


def test_a_schedule_that_is_changed_is_taken_up_at_run_time(room, scheduler):
    running = scheduler(Broker())
    until(lambda: "0:01:00" in running.jobs().get("source presse", ""))
    room.archive.change_source("presse", every_seconds=7.0)
    until(lambda: "0:00:07" in running.jobs()["source presse"])
    room.archive.change_source("presse", every_seconds=None, cron="0 6 * * 1-5")
    until(lambda: "cron" in running.jobs()["source presse"])
    room.archive.change_source("presse", paused=True)
    until(lambda: "source presse" not in running.jobs())
    room.archive.change_source("presse", paused=False)
    until(lambda: "source presse" in running.jobs())
    room.watch("zweite", room.root / "zweite")
    until(lambda: "source zweite" in running.jobs())
    room.archive.change_source("presse", removed_at=room.now, standing=False)
    until(lambda: "source presse" not in running.jobs())


def test_a_cron_line_that_cannot_be_read_stops_no_other_source(room, scheduler):
    room.archive.change_source("presse", every_seconds=None, cron="oft")
    room.watch("zweite", room.root / "zweite")
    running = scheduler(Broker())
    until(lambda: "source zweite" in running.jobs())
    assert "source presse" not in running.jobs()
    room.archive.change_source("zweite", every_seconds=None, cron="oft")
    until(lambda: "source zweite" not in running.jobs())
    room.archive.change_source("presse", removed_at=room.now, standing=False)
    room.archive.change_source("zweite", cron="0 6 * * *")
    until(lambda: "source zweite" in running.jobs())


def test_a_broker_that_is_away_loses_no_job(room, scheduler, monkeypatch):
    from kombu.exceptions import OperationalError

    monkeypatch.setattr(queue, "WAKE_AGAIN_SECONDS", 0.2)
    broker = Broker()
    broker.failure = OperationalError("away")
    scheduler(broker)
    until(lambda: room.number("SELECT count(*) FROM job WHERE woken_at IS NOT NULL"))
    broker.failure = None
    until(lambda: broker.sent)


@pytest.mark.slow
def test_of_two_schedulers_one_leads_and_the_other_takes_over(room, scheduler):
    brokers = Broker(), Broker()
    first = scheduler(brokers[0])
    until(lambda: brokers[0].sent)
    second = scheduler(brokers[1])
    time.sleep(0.5)
    assert not second.scheduler._leads
    assert brokers[1].sent == []
    first.stop.set()
    first.thread.join()
    until(lambda: second.scheduler._leads)
    room.worked(brokers[0].sent[0])
    room.ordered(room.places(""))
    until(lambda: brokers[1].sent)


def test_a_new_scheduler_repeats_the_wake_ups_of_a_dead_one(room, scheduler):
    job = room.ordered(room.places(""))
    with room.archive.engine.begin() as connection:
        woken = wake_ups.wake_due(connection, 1, folders=True)
        assert [number for number, _kind in woken] == [job]
    broker = Broker()
    scheduler(broker)
    until(lambda: job in broker.sent)


def test_a_job_that_a_command_writes_is_heard_of_long_before_the_next_sweep(
    room, scheduler, monkeypatch
):
    if room.archive.engine.dialect.name != "postgresql":
        pytest.skip("nobody notifies where there is no server")
    room.archive.change_source("presse", paused=True)
    monkeypatch.setattr(schedule, "ACTS", [replace(act, seconds=300.0) for act in ACTS])
    broker = Broker()
    running = scheduler(broker)
    until(lambda: running.scheduler.job_listener._connection is not None)
    until(lambda: "sweep" in running.scheduler.monitor.ended and not running.runs("sweep"))
    job = room.ordered([target_of(room.source)])
    until(lambda: broker.sent == [job])


def test_a_listener_whose_connection_was_cut_hears_again(room, scheduler, monkeypatch):
    if room.archive.engine.dialect.name != "postgresql":
        pytest.skip("nobody notifies where there is no server")
    job_listener = room.archive.job_listener()
    assert not job_listener.heard(0.01)
    with room.archive.engine.begin() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE query = 'LISTEN lesart_jobs' AND datname = current_database()"
            )
        )
    with pytest.raises(DatabaseError):
        job_listener.heard(60.0)
    assert not job_listener.heard(0.01)
    room.ordered([target_of(room.source)])
    assert job_listener.heard(60.0)
    job_listener.close()


@pytest.mark.parametrize(("hours", "runs"), [(49, 1), (0, 0)], ids=["missed", "not due"])
def test_a_cron_line_that_was_due_while_nobody_led_runs_once(room, scheduler, hours, runs):
    room.now = datetime.now(UTC) - timedelta(hours=hours)
    minute = room.now - timedelta(minutes=2)
    line = f"{minute.minute} {minute.hour} * * *"
    room.archive.change_source("presse", every_seconds=None, cron=line, timezone="UTC")
    first = tick(room.archive, room.settings, room.archive.source("presse"), minute)
    room.worked(first)
    room.now = datetime.now(UTC)
    broker = Broker()
    running = scheduler(broker)
    until(lambda: "sources" in running.scheduler.monitor.ended)
    assert "source presse" in running.jobs()
    if runs:
        until(lambda: broker.sent)
        room.worked(broker.sent[0])
    since = running.scheduler.monitor.ended["sources"]
    until(lambda: running.scheduler.monitor.ended["sources"] > since)
    assert room.number("SELECT count(*) FROM job WHERE kind = 'ingest'") == 1 + runs


@pytest.mark.slow
def test_missed_ticks_are_made_up_for_once(room, scheduler):
    room.write("pegel.txt", seed("Pegel steigt", SENTENCES[0]))
    room.archive.change_source("presse", every_seconds=1.0)
    broker = Broker()
    scheduler(broker)
    until(lambda: broker.sent)
    time.sleep(2.5)  # nobody works: the ticks that come meanwhile are left out
    assert room.number("SELECT count(*) FROM job") == 1
    room.worked(broker.sent[0])
    until(lambda: room.number("SELECT count(*) FROM job WHERE kind = 'ingest'") == 2)


def leaders(room) -> tuple[object, object]:
    if room.archive.engine.dialect.name == "sqlite":
        path = room.root / "lock"
        return FileLeadership(path), FileLeadership(path)
    return room.archive.leadership(), room.archive.leadership()


def test_the_lead_is_held_by_one_and_free_when_it_is_closed(room):
    one, other = leaders(room)
    assert (one.holds(), other.holds(), one.holds()) == (True, False, True)
    one.close()
    until(other.holds)  # the server may take a moment to see that a connection was closed
    other.close()


def test_a_lead_whose_connection_was_cut_is_lost_and_can_be_taken_again(room):
    if room.archive.engine.dialect.name != "postgresql":
        pytest.skip("a file lock has no connection")
    one, other = leaders(room)
    assert one.holds()
    with room.archive.engine.begin() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_locks "
                "WHERE locktype = 'advisory' AND granted AND pid <> pg_backend_pid() AND database = "
                "(SELECT oid FROM pg_database WHERE datname = current_database())"
            )
        )
    with pytest.raises(DatabaseError):
        one.holds()
    until(other.holds)
    assert not one.holds()
    other.close()
    until(one.holds)
    one.close()


def test_the_log_follows_and_a_checkpoint_is_signed(room, scheduler):
    room.write("a.txt", seed("Pegel steigt", "Der Pegel der Lohe steigt."))
    room.scan(0)
    checkpoints.write_key(room.settings.proof_key_file, KEY)
    scheduler(Broker())
    until(lambda: room.number("SELECT coalesce(max(seq), 0) FROM log_run") > 8)
    until(lambda: room.number("SELECT count(*) FROM log_checkpoint") == 1)
    with room.archive.read_connection() as connection:
        made = checkpoints.latest(connection)
    assert Note.parse(made.note).require([KEY.verifier]) == KEY.verifier


@pytest.mark.slow
def test_the_folder_of_tiles_is_kept_at_the_newest_checkpoint(room, scheduler, tmp_path):
    folder = tmp_path / "log"
    room.write("a.txt", seed("Pegel steigt", "Der Pegel der Lohe steigt."))
    room.now = datetime.now(UTC)
    room.scan()
    room.settings = replace(room.settings, proof_tiles=folder, proof_every=0.1)
    checkpoints.write_key(room.settings.proof_key_file, KEY)
    scheduler(Broker())

    def size() -> int:
        return Checkpoint.parse(Note.parse((folder / "checkpoint").read_bytes()).text).size

    until((folder / "checkpoint").exists)
    first = size()
    room.write("b.txt", seed("Pegel sinkt", "Der Pegel der Lohe sinkt."))
    room.now = datetime.now(UTC)
    room.scan()
    until(lambda: size() > first)
    now = size()
    held = entries_in((folder / f"tile/entries/000.p/{now}").read_bytes())
    assert (len(held), held[0].split()[:3]) == (now, [b"lesart", b"v1", b"archive"])


def test_a_damaged_key_stops_no_work(room, scheduler):
    room.settings.proof_key_file.write_text("garbled")
    broker = Broker()
    scheduler(broker)
    until(lambda: broker.sent)
    until(lambda: room.number("SELECT count(*) FROM log_run") > 0)
    assert room.number("SELECT count(*) FROM log_checkpoint") == 0


# ------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("kind", "every_seconds", "is_root", "expected"),
    [
        ("feed", None, True, (900.0, 900.0)),
        ("feed", 60.0, True, (60.0, 60.0)),
        ("feed", 60.0, False, (60.0, 60.0)),
        ("page", 60.0, True, (60.0, 60.0)),
        ("page", 60.0, False, (1800.0, 7200.0)),
        ("page", None, True, (1800.0, 7200.0)),
    ],
)
def test_the_interval_of_a_source_is_that_of_its_lists_and_of_its_own_address(
    kind, every_seconds, is_root, expected
):
    options = {"recheck": {"first": 1800.0, "longest": 7200.0}}
    found = intervals_of(options, every_seconds, kind, is_root=is_root)
    assert (found.first, found.longest) == expected


@pytest.mark.parametrize("options", [{}, {"recheck": {"off": True}}], ids=["checked", "off"])
def test_a_quiet_address_is_checked_later_unless_its_source_is_off(desk, options):
    source = desk.watch_page(A, options=options)
    with desk.archive.unit() as unit:
        keys = [(source.id, unit.connection.execute(select(WATCH.c.origin_id)).scalar_one())]
        planned = Schedule(unit, keys).next_check_if_quiet(keys[0])
        now = unit.clock
    assert (planned is None) == bool(options)
    assert planned is None or planned > now


def test_a_page_is_checked_less_often_while_it_is_quiet_and_more_often_after_a_change(desk):
    desk.watch_page(A)
    found = []
    for at, words, spaces in ((1, PEGEL, b""), (5, PEGEL, b" "), (9, HIGHER, b"")):
        desk.web.put(A, page("Pegel", words) + spaces)
        desk.due(at=at)
        row = desk.watched(A)
        found.append((row["interval_seconds"], row["quiet"], row["changed_at"] is not None))
    assert found == [(900.0, 0, False), (1215.0, 1, False), (900.0, 0, True)]


def test_a_batch_that_is_split_hands_over_the_addresses_that_it_still_has(desk):
    for address in (A, f"{A}-2"):
        desk.watch_page(address)
    with desk.archive.unit() as unit:
        items = [
            [each["source_id"], each["origin_id"]] for each in desk.rows("SELECT * FROM watch")
        ]
        batch, other = (
            queue.add_job(unit, "fetch", "test", arguments={"items": items}) for _ in range(2)
        )
        unit.flush()
        for job, (_source, origin) in zip((batch, other), items, strict=True):
            having = WATCH.update().where(WATCH.c.origin_id == origin)
            unit.connection.execute(having.values(job_id=job))
        row = unit.connection.execute(select(JOB).where(JOB.c.id == batch)).mappings().one()
        queue.split(unit, row)
    parts = {
        tuple(map(tuple, each["arguments"]["items"])): each["id"]
        for each in desk.rows(
            "SELECT id, arguments FROM job WHERE id NOT IN (:a, :b)", a=batch, b=other
        )
    }
    held = {(r["source_id"], r["origin_id"]): r["job_id"] for r in desk.rows("SELECT * FROM watch")}
    first, second = map(tuple, items)
    assert held == {first: parts[first,], second: other}
