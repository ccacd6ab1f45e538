"""Concurrent and dying processes have one effect and lose no item."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from storage.database.process_identity import process_identity
from storage.database.tables import JOB
from storage.schedule import queue
from storage.schedule import wake as wake_ups
from storage.values import job as jobs
from storage.values.refusals import RefusalReason
from storage.values.verdict import Counts
from storage.write.archive import Archive
from storage.write.readings.store import load_unread, store_readings
from storage.write.store_captures import finish_scan, record_refusal, start_scan, store_arrivals
from tests.flow.driver import SENTENCES, Newsroom, hour, seed
from worker.cli.control import cancel, retry
from worker.flow import abandoned, run_jobs
from worker.flow.abandoned import SILENT_SECONDS, AbandonedJobs, keep_beating
from worker.flow.decide import decide
from worker.flow.order import order, target_of
from worker.flow.read import Reader
from worker.flow.run_jobs import run_job, run_next_job
from worker.services.schedule.scheduler import sweep
from worker.services.schedule.source_slots import tick

pytestmark = [pytest.mark.postgresql("slow"), pytest.mark.starts_first]

ROOT = Path(__file__).parents[2]
A, B, *_ = SENTENCES
BOOT = process_identity().split("/")[1]
DEAD = f"{socket.gethostname()}/{BOOT}/4194303/1"
"""How a process of this machine signed that is no longer there."""


def at_once(number: int, act: Callable[[int], None]) -> None:
    """Let `number` threads begin `act` at the same moment; raise what any of them raised."""
    barrier = threading.Barrier(number)
    failed: list[BaseException] = []

    def run(index: int) -> None:
        try:
            barrier.wait()
            act(index)
        except BaseException as error:  # noqa: BLE001  # raised again below
            failed.append(error)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def read_job(room: Newsroom, number: int, prefix: str = "m") -> int:
    """Return a job that carries `number` captured articles."""
    for index in range(number):
        room.write(f"{prefix}{index}.txt", seed(f"Meldung {index}", f"Es waren {index} Boote."))
    room.collected(room.ordered(room.places("")))
    return room.number("SELECT max(id) FROM job WHERE kind = 'read'")


def state(room: Newsroom, job: int) -> str:
    return room.one("SELECT state FROM job WHERE id = :job", job=job)["state"]


def run_out(room: Newsroom, job: int) -> None:
    with room.archive.engine.begin() as connection:
        connection.execute(JOB.update().where(JOB.c.id == job).values(lease_until=0.0))


# ------------------------------------------------------------------- many at the same time


def test_two_workers_store_the_same_new_fact_at_once(room):
    for number in range(20):
        at_once(2, lambda index, key=f"figure {number}": room.archive.store_fact(key, str(index)))
    stored = room.number("SELECT count(*) FROM archive WHERE key LIKE 'figure %'")
    assert stored == 20


@pytest.mark.slow
def test_fifty_ingests_of_one_new_article_at_once_make_one_version(room):
    room.write("pegel.txt", seed("Pegel steigt", A))
    places = room.places("pegel.txt")
    jobs: list[int] = []

    def ingest(_index: int) -> None:
        with Archive.open(room.url, clock=lambda: hour(0), create=False) as archive:
            job = order(archive, places, "command")
            assert job is not None
            jobs.append(job)
            with Reader(room.settings) as reader:
                while run_next_job(archive, room.settings, reader, families=job):
                    pass

    at_once(50, ingest)
    total = sum((room.counts(job) for job in jobs), Counts())
    assert total == Counts(new_articles=1, unchanged=49)
    assert room.versions() == [(1, A)]
    assert room.number("SELECT count(*) FROM articles") == 1
    assert room.number("SELECT count(*) FROM verdict") == 50


@pytest.mark.slow
def test_four_commands_at_once_make_one_version(room):
    room.write("pegel.txt", seed("Pegel steigt", A))
    command = [
        sys.executable, "-m", "worker", "ingest", str(room.folder / "pegel.txt"),
        "--archive", room.url, "--format", "json",
    ]  # fmt: skip
    running = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    told = [each.communicate(timeout=180) for each in running]
    assert [each.returncode for each in running] == [0] * 4, told
    jobs = {json.loads(out)[0]["job"] for out, _err in told}
    assert sum((room.counts(job) for job in jobs), Counts()).new_articles == 1
    assert room.versions() == [(1, A)]


def test_a_job_is_claimed_by_one_alone(room):
    jobs = [room.ordered([target_of(room.source)]) for _ in range(24)]
    claimed: list[int] = []

    def claim(_index: int) -> None:
        with Archive.open(room.url, create=False) as archive:
            while True:
                held = archive.claim(90.0, "a thread")
                if held is None:
                    return
                claimed.append(held.job_id)

    at_once(8, claim)
    assert sorted(claimed) == jobs


def test_who_finds_nothing_to_do_waits_for_no_writer(room):
    with Archive.open(room.url, create=False) as archive, room.archive.unit():
        assert archive.claim(90.0, "a test") is None


def test_one_job_has_one_claimant_however_many_are_woken_for_it(room):
    job = room.ordered([target_of(room.source)])
    held: list[jobs.Claim | None] = []

    def claim(_index: int) -> None:
        with Archive.open(room.url, create=False) as archive, archive.unit() as unit:
            held.append(queue.claim(unit, 90.0, "a thread", job_id=job))

    at_once(8, claim)
    assert len([each for each in held if each is not None]) == 1


def test_two_sweepers_wake_no_one_twice(room):
    jobs = [room.ordered([target_of(room.source)]) for _ in range(20)]
    woken: list[int] = []

    def sweeper(_index: int) -> None:
        with Archive.open(room.url, create=False) as archive:
            sweep(archive, lambda job, _kind: woken.append(job), 100, folders=True)

    sweeper(0)
    at_once(4, sweeper)
    assert Counter(woken) == Counter(jobs)


def test_a_sweep_sends_only_as_many_wake_ups_as_there_is_room_for(room):
    for _ in range(5):
        room.ordered([target_of(room.source)])
    woken: list[tuple[int, str]] = []
    for room_left, expected in ((2, 2), (0, 0), (-3, 0)):
        assert (
            sweep(room.archive, lambda *told: woken.append(told), room_left, folders=True)
            == expected
        )
    assert len(woken) == 2


def test_a_job_whose_wake_up_was_lost_is_woken_again(room):
    room.ordered([target_of(room.source)])
    sweep(room.archive, lambda *_told: None, 100, folders=True)
    assert sweep(room.archive, lambda *_told: None, 100, folders=True) == 0
    assert sweep(room.archive, lambda *_told: None, 100, folders=True, again_seconds=0.0) == 1


def test_two_schedulers_write_one_job_for_one_tick(room):
    made: list[int | None] = []

    def scheduler(_index: int) -> None:
        with Archive.open(room.url, clock=lambda: hour(0), create=False) as archive:
            made.append(tick(archive, room.settings, room.source, hour(0)))

    at_once(8, scheduler)
    assert len([job for job in made if job is not None]) == 1
    assert room.number("SELECT count(*) FROM job") == 1


def test_a_tick_that_comes_while_the_last_one_is_at_work_is_left_out(room):
    first = tick(room.archive, room.settings, room.source, hour(0))
    assert tick(room.archive, room.settings, room.source, hour(1)) is None
    room.worked(first)
    assert tick(room.archive, room.settings, room.source, hour(2)) is not None


# ----------------------------------------------------------------------------- leases


@pytest.fixture
def lost(room):
    """Give a claim of a batch that another worker has taken over since."""
    room.write("pegel.txt", seed("Pegel steigt", A))
    job = room.ordered(room.places(""))
    held = room.claimed(job)
    run_out(room, job)
    assert room.claimed(job) is not None
    return held


EFFECTS: dict[str, Callable[[Newsroom, jobs.Claim], object]] = {
    "capture": lambda room, held: store_arrivals(room.archive, held, room.source.id, []),
    "keep": lambda room, held: store_readings(room.archive, held, [], decide, done=True),
    "give back": lambda room, held: store_readings(room.archive, held, [], decide, done=False),
    "end a scan": lambda room, held: finish_scan(
        room.archive,
        held, start_scan(room.archive, room.source.id), complete=True, listing_digest=None,
        files=1, changed=0, absent=[],
    ),
    "refuse": lambda room, held: record_refusal(
        room.archive,
        held, room.source.id, "x", RefusalReason("empty", "It is empty.", "Write something.")
    ),
}  # fmt: skip


@pytest.mark.parametrize("effect", EFFECTS.values(), ids=EFFECTS.keys())
def test_a_worker_without_its_lease_changes_nothing(room, lost, effect):
    tables = ("observation", "capture", "verdict", "refusal", "scan", "version", "job")
    before = {name: room.rows(f"SELECT * FROM {name}") for name in tables}
    with pytest.raises(jobs.StaleLeaseError):
        effect(room, lost)
    assert {name: room.rows(f"SELECT * FROM {name}") for name in tables} == before


@pytest.mark.parametrize("end", ["finish", "release", "fail"])
def test_a_worker_without_its_lease_cannot_end_the_job(room, lost, end):
    arguments = {"finish": (Counts(),), "release": (), "fail": ("why",)}[end]

    def act() -> None:
        with room.archive.unit() as unit:
            getattr(queue, end)(unit, lost, *arguments)

    with pytest.raises(jobs.StaleLeaseError):
        act()
    assert state(room, lost.job_id) == "running"


def test_work_that_lost_its_lease_ends_quietly_and_keeps_nothing(room):
    job = read_job(room, 3)
    held = room.claimed(job)
    run_out(room, job)
    with room.archive.unit() as unit:
        assert queue.claim(unit, 90.0, "another") is not None
    run_job(room.archive, room.settings, room.reader, held)
    assert room.number("SELECT count(*) FROM verdict") == 0


def test_a_clock_that_jumps_touches_no_lease(room):
    job = room.ordered([target_of(room.source)])
    assert room.claimed(job) is not None
    for jump in (timedelta(hours=2), timedelta(hours=-2), timedelta(days=5000)):
        room.now = hour(0) + jump
        assert room.claimed(job) is None


def test_the_lease_of_a_dead_process_of_this_machine_ends_at_once(room):
    job = room.ordered([target_of(room.source)])
    with room.archive.unit() as unit:
        queue.claim(unit, 90.0, DEAD, job_id=job)
    sweep(room.archive, lambda *_told: None, 10, folders=True)
    assert AbandonedJobs(room.archive).free() == [job]
    assert AbandonedJobs(room.archive).free() == [], "it ended once"
    assert sweep(room.archive, lambda *_told: None, 10, folders=True) == 1
    assert room.claimed(job) is not None


@pytest.mark.parametrize(
    "holder",
    [
        process_identity(),
        DEAD.replace(BOOT, "00000000-1"),
        "another-machine/x/4194303/1",
    ],
    ids=["alive", "of another container", "of another machine"],
)
def test_other_leases_are_left_alone(room, holder):
    job = room.ordered([target_of(room.source)])
    with room.archive.unit() as unit:
        queue.claim(unit, 90.0, holder, job_id=job)
    assert AbandonedJobs(room.archive).free() == []
    assert room.claimed(job) is None


def test_a_job_that_was_claimed_again_meanwhile_is_not_taken_from_its_new_holder(room):
    job = room.ordered([target_of(room.source)])
    with room.archive.unit() as unit:
        queue.claim(unit, 90.0, DEAD, job_id=job)
    with room.archive.read_connection() as connection:
        found = wake_ups.holders(connection)
    run_out(room, job)
    assert room.claimed(job) is not None
    with room.archive.engine.begin() as connection:
        wake_ups.end_leases(connection, found)
    assert room.claimed(job) is None


# ------------------------------------------------------------- batches, poison, quarantine


def test_a_worker_elsewhere_that_stops_beating_loses_its_job_within_15_seconds(room):
    """The clock here is the one of the observer; leases and beats are in the database's."""
    job = room.ordered([target_of(room.source)])
    with room.archive.unit() as unit:
        held = queue.claim(unit, 90.0, "another-machine/x/4194303/1", job_id=job)
    now = 0.0
    watching = AbandonedJobs(room.archive, lambda: now)
    is_shared = room.archive.engine.dialect.name == "postgresql"
    for _ in range(10):
        now += SILENT_SECONDS - 1
        assert watching.free() == [], "it beats, however seldom it is looked at"
        room.archive.transact_unnumbered(wake_ups.beat, held.token)
    watching.free()
    now += 15.0
    assert watching.free() == ([job] if is_shared else []), "SQLite archives are on one machine"
    assert (room.claimed(job) is not None) == is_shared
    with room.archive.engine.begin() as connection:
        wake_ups.beat(connection, held.token)  # it comes back: the job is not its own any more
    assert watching.free() == []


def test_a_job_is_cancelled_and_tried_again_alone(room):
    jobs = [room.ordered([target_of(room.source)]) for _ in range(2)]

    def states() -> list[str]:
        return [str(room.one(f"SELECT state FROM job WHERE id = {job}")["state"]) for job in jobs]

    assert room.archive.transact(queue.cancel, jobs[0]) == 1
    assert states() == ["cancelled", "ready"]
    room.archive.transact(queue.cancel, jobs[1])
    assert room.archive.transact(queue.retry, jobs[0]) == [jobs[0]]
    assert states() == ["ready", "cancelled"]


def test_a_job_of_another_kind_passes_those_that_wait_for_two_to_end_fetching(room):
    kinds = ("fetch", "fetch", "fetch", "read")
    with room.archive.unit() as unit:
        jobs = [queue.add_job(unit, each, "command", arguments={"items": [1]}) for each in kinds]
    claims = [room.claimed(None) for _ in range(4)]
    assert [each and each.job_id for each in claims] == [jobs[0], jobs[1], jobs[3], None]
    room.archive.transact(queue._quarantine, room.ordered([target_of(room.source)]), "it is broken")
    assert room.one("SELECT failed FROM job WHERE state = 'quarantined'")["failed"] == 1


def test_a_running_job_beats(room, monkeypatch):
    monkeypatch.setattr(abandoned, "BEAT_SECONDS", 0.01)
    job = room.ordered([target_of(room.source)])
    held = room.claimed(job)
    beats = {None}
    with keep_beating(room.archive, held.token):
        while room.archive.engine.dialect.name == "postgresql" and len(beats) < 4:
            beats |= {*room.archive.read(wake_ups.read_beats).values()}
    run_out(room, job)
    last = f"SELECT woken_at FROM job WHERE id = {job}"
    with room.archive.engine.begin() as connection:
        before = connection.exec_driver_sql(last).scalar()
        wake_ups.beat(connection, held.token)
        assert connection.exec_driver_sql(last).scalar() == before, "its lease is another's now"


def test_a_batch_whose_worker_died_is_taken_again_as_a_whole(room):
    job = read_job(room, 4)
    assert room.claimed(job) is not None
    run_out(room, job)
    held = room.claimed()
    assert (held.job_id, len(held.arguments["items"]), held.attempts) == (job, 4, 2)


def test_a_batch_whose_worker_died_twice_is_split_into_single_jobs(room):
    job = read_job(room, 4)
    for _ in range(2):
        assert room.claimed(job) is not None
        run_out(room, job)
    held = room.claimed()
    assert (held.single, len(held.arguments["items"]), held.attempts) == (True, 1, 1)
    singles = room.rows("SELECT * FROM job WHERE single = TRUE")
    assert len(singles) == 4
    assert (state(room, job), {row["parent_id"] for row in singles}) == (
        "done", {room.number("SELECT parent_id FROM job WHERE id = :job", job=job)},
    )  # fmt: skip
    run_out(room, held.job_id)
    assert room.worked(singles[0]["parent_id"]) == Counts(new_articles=4)


def test_a_batch_that_was_half_read_when_its_worker_died_reads_the_rest_once(room):
    job = read_job(room, 4)
    held = room.claimed(job)
    half = [room.reader.read(each) for each in load_unread(room.archive, held)[0][:2]]
    store_readings(room.archive, held, half, decide, done=False)
    assert room.claimed(job) is not None
    run_out(room, job)
    parent = room.number("SELECT parent_id FROM job WHERE id = :job", job=job)
    assert room.worked(parent) == Counts(new_articles=4)
    assert room.number("SELECT count(*) FROM verdict") == 4


def test_a_single_is_quarantined_when_its_worker_died_three_times(room):
    job = read_job(room, 1)
    for attempt in (1, 2, 3):
        held = room.claimed(job)
        assert held.attempts == attempt
        run_out(room, job)
    assert room.claimed(job) is None
    row = room.one("SELECT * FROM jobs WHERE job = :job", job=job)
    assert (row["state"], row["failed"], row["seen"]) == ("quarantined", 1, 1)
    assert "died" in row["reason"]
    assert room.claimed() is None


def test_a_quarantined_job_can_be_tried_again_and_counts_as_failed_no_longer(room):
    job = read_job(room, 1)
    for _ in range(3):
        room.claimed(job)
        run_out(room, job)
    room.claimed(job)
    parent = room.number("SELECT parent_id FROM job WHERE id = :job", job=job)
    assert room.counts(parent) == Counts(failed=1)
    assert retry(room.archive, room.settings, parent) == [job]
    assert room.counts(parent) == Counts(new_articles=1)
    assert state(room, job) == "done"


class Poison:
    """A reader that fails at one document, as a bug in the text core would."""

    def __init__(self, reader: Reader, poisoned: str) -> None:
        self.reader, self.poisoned, self.tried = reader, poisoned, 0

    def read(self, captured):
        if captured.locator.endswith(self.poisoned):
            self.tried += 1
            raise ZeroDivisionError("in the text core")
        return self.reader.read(captured)


def test_a_poisoned_item_costs_itself_alone(room, monkeypatch):
    monkeypatch.setattr(queue, "BACKOFF_SECONDS", (0.0,))
    job = read_job(room, 5)
    parent = room.number("SELECT parent_id FROM job WHERE id = :job", job=job)
    poison = Poison(room.reader, "m3.txt")
    while run_next_job(room.archive, room.settings, poison, families=parent):
        pass
    assert room.counts(parent) == Counts(new_articles=4, failed=1)
    assert poison.tried == 1 + queue.MAX_ATTEMPTS, "once in the batch, then alone"
    (left,) = room.rows("SELECT * FROM job WHERE state = 'quarantined'")
    assert left["reason"] == "ZeroDivisionError: in the text core"
    assert room.one("SELECT state FROM jobs WHERE job = :job", job=parent)["state"] == "quarantined"


def test_a_failed_single_waits_before_it_is_tried_again(room):
    job = read_job(room, 1)
    with room.archive.unit() as unit:
        held = queue.claim(unit, 90.0, "a test", job_id=job)
    with room.archive.unit() as unit:
        queue.fail(unit, held, "away")
    assert room.claimed(job) is None
    row = room.one("SELECT * FROM job WHERE id = :job", job=job)
    assert (row["state"], row["reason"]) == ("ready", "away")
    assert row["run_after"] > time.time()


def test_a_collection_whose_worker_dies_a_few_times_is_completed(room):
    job = room.ordered(room.places(""))
    room.write("pegel.txt", seed("Pegel steigt", A))
    for _ in range(queue.MAX_ATTEMPTS + 2):
        held = room.claimed(job)
        assert held is not None
        with room.archive.unit() as unit:
            queue.renew(unit, held)
        run_out(room, job)
    assert room.worked(job) == Counts(new_articles=1)


ONE_OF_A_KIND: dict[str, Callable[[Newsroom], int]] = {
    "ingest": lambda room: room.ordered(room.places("")),
    "fetch": lambda room: bare_job(room, "fetch"),
    "render": lambda room: bare_job(room, "render"),
    "read": lambda room: read_job(room, 1),
}
"""A job of each kind, with one item."""


def bare_job(room: Newsroom, kind: str) -> int:
    with room.archive.unit() as unit:
        arguments = {"items": [[room.source.id, 1]]}
        return queue.add_job(
            unit, kind, "command", source_id=room.source.id, arguments=arguments, single=True
        )


@pytest.mark.parametrize("kind", queue.KINDS)
def test_a_job_that_fails_each_time_after_it_renewed_its_lease_is_tried_three_times(
    kind, room, monkeypatch
):
    job = ONE_OF_A_KIND[kind](room)
    tried: list[int] = []

    def run_and_fail(archive, _settings, _reader, claim, _progress):
        archive.transact(queue.renew, claim)
        tried.append(claim.attempts)
        raise MemoryError

    monkeypatch.setattr(run_jobs, "_run_handler", run_and_fail)
    monkeypatch.setattr(queue, "BACKOFF_SECONDS", (0.0,))
    while len(tried) < 20 and run_next_job(room.archive, room.settings, room.reader, job_id=job):
        pass
    row = room.one("SELECT state, reason, attempts FROM job WHERE id = :job", job=job)
    assert (tried, row["state"], row["attempts"]) == ([1, 2, 3], "quarantined", 3)
    assert row["reason"].startswith("MemoryError")


@pytest.mark.parametrize("kind", queue.KINDS)
def test_a_job_whose_worker_dies_each_time_after_it_renewed_its_lease_is_given_up(kind, room):
    job, died = ONE_OF_A_KIND[kind](room), 0
    while died < 20 and (held := room.claimed(job)) is not None:
        room.archive.transact(queue.renew, held)
        run_out(room, job)
        died += 1
    most = queue.COLLECTION_ATTEMPTS if kind == "ingest" else queue.MAX_ATTEMPTS
    assert (died, state(room, job)) == (most, "quarantined")


@pytest.mark.parametrize("failure", [
    KeyboardInterrupt,
    ImportError,  # the program was replaced while it ran
])  # fmt: skip
def test_a_job_that_its_worker_cannot_do_now_is_given_back_and_costs_no_attempt(room, failure):
    job = read_job(room, 2)

    class Interrupted:
        def read(self, _captured):
            raise failure

    with pytest.raises(failure):
        run_next_job(room.archive, room.settings, Interrupted(), job_id=job)
    row = room.one("SELECT * FROM job WHERE id = :job", job=job)
    assert (row["state"], row["attempts"]) == ("ready", 0)


def test_past_its_time_a_batch_gives_the_rest_back(room):
    job = read_job(room, 3)
    from dataclasses import replace

    hasty = replace(room.settings, batch_seconds=0.0)
    done = 0
    while run_next_job(room.archive, hasty, room.reader, job_id=job):
        done += 1
        assert room.number("SELECT count(*) FROM verdict") == min(done, 3)
    assert state(room, job) == "done"
    assert done == 3


def test_a_kind_of_job_that_a_newer_program_wrote_stays_ready(room):
    with room.archive.unit() as unit:
        job = queue.add_job(unit, "summarise", "schedule", source_id=room.source.id)
    assert room.claimed() is None
    assert sweep(room.archive, lambda *_told: None, 10, folders=True) == 0
    assert state(room, job) == "ready"


def test_cancelling_stops_open_work_and_keeps_stored_rows(room):
    job = read_job(room, 3)
    parent = room.number("SELECT parent_id FROM job WHERE id = :job", job=job)
    held = room.claimed(job)
    assert cancel(room.archive, parent) == 1
    run_job(room.archive, room.settings, room.reader, held)
    assert room.number("SELECT count(*) FROM verdict") == 0
    assert room.number("SELECT count(*) FROM capture") == 3
    assert (
        room.one("SELECT * FROM job WHERE id = :job", job=job)["reason"] == "cancelled by command"
    )
    assert retry(room.archive, room.settings, parent) == [job]
    assert room.counts(parent) == Counts(new_articles=3)


@pytest.mark.slow
def test_a_worker_that_is_killed_in_mid_batch_leaves_everything_to_the_next(room):
    job = read_job(room, 3)
    script = (
        "import os, signal, sys\n"
        "from worker.flow.read import Reader\n"
        "Reader.read = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from worker.cli.program import main\n"
        "main()\n"
    )
    command = [
        sys.executable, "-c", script, "worker", "--drain", "--job", str(job), "--archive", room.url,
    ]  # fmt: skip
    killed = subprocess.run(command, cwd=ROOT, timeout=120, check=False, env=dict(os.environ))
    assert killed.returncode == -9
    assert state(room, job) == "running"
    assert AbandonedJobs(room.archive).free() == [job]
    parent = room.number("SELECT parent_id FROM job WHERE id = :job", job=job)
    assert room.worked(parent) == Counts(new_articles=3)
