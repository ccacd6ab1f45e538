"""Workers on machines that do not share the folders of the sources, and machines that see two folders.

A path below `/proc/self/cwd` is another folder for each process, as one path is on two machines.
"""

import socket
from dataclasses import replace

import pytest

from storage.history.machines import record_view
from storage.schedule import progress as job_progress
from storage.schedule import wake as wake_ups
from tests import services
from tests.flow.driver import Newsroom, findings, seed, touch
from tests.flow.processes import Service, lesart, rows, until
from worker.flow.order import target_of
from worker.flow.run_jobs import drain, run_next_job
from worker.services.app import FOLDER_QUEUE, QUEUE, RENDER_QUEUE
from worker.services.schedule.scheduler import MAX_QUEUED_WAKE_UPS, WakeUps

EARLY, LATE = "Der Pegel stieg um 3 Zentimeter.", "Der Pegel stieg um 30 Zentimeter."


@pytest.fixture
def elsewhere(room, tmp_path):
    """Give the archive of the room as a machine without its folders sees it."""
    found = Newsroom(room.url, tmp_path / "elsewhere", worker_folders="false")
    yield found
    found.close()


def test_a_worker_without_folders_takes_all_other_jobs_and_never_one_of_a_folder(room, elsewhere):
    room.write("pegel.txt", seed("Pegel", EARLY))
    read = room.ordered([target_of(room.source)])
    room.collected(read)
    waiting = [room.ordered([target_of(room.source)]) for _ in range(3)]
    web = room.archive.ensure_source("netz", "web", "https://bote.example/")
    addresses = room.ordered([target_of(web)])
    kinds = []
    while kind := run_next_job(elsewhere.archive, elsewhere.settings, elsewhere.reader):
        kinds.append(kind)
    assert sorted(kinds) == ["ingest", "read"]
    left = room.rows("SELECT job, state, attempts FROM jobs WHERE state <> 'done' ORDER BY job")
    assert left == [{"job": job, "state": "ready", "attempts": 0} for job in waiting]
    assert room.number(
        "SELECT count(*) FROM jobs WHERE job = :job AND state = 'done'", job=addresses
    )
    assert room.versions() == [(1, EARLY)]


def test_a_mixed_job_needs_the_folder(room, elsewhere):
    web = room.archive.ensure_source("netz", "web", "https://bote.example/")
    job = room.ordered([target_of(web), target_of(room.source)])
    assert run_next_job(elsewhere.archive, elsewhere.settings, elsewhere.reader) is None
    assert run_next_job(room.archive, room.settings, room.reader, job_id=job) == "ingest"


def test_drain_ends_and_leaves_the_jobs_of_folders(room, elsewhere):
    job = room.ordered([target_of(room.source)])
    drain(elsewhere.archive, elsewhere.settings)
    drain(elsewhere.archive, elsewhere.settings, families=job)
    assert room.archive.read(job_progress.open_jobs) == 1
    drain(room.archive, room.settings)
    assert room.archive.read(job_progress.open_jobs) == 0


def test_wake_ups_for_folders_that_nobody_hears_leave_room_for_the_others(room):
    for _ in range(MAX_QUEUED_WAKE_UPS + 20):
        room.ordered([target_of(room.source)])
    web = room.archive.ensure_source("netz", "web", "https://bote.example/")
    other = room.ordered([target_of(web)])
    queues: dict[str, list[int]] = {QUEUE: [], FOLDER_QUEUE: [], RENDER_QUEUE: []}

    class App:
        def send_task(self, _name: str, args: list[int], queue: str, **_more: object) -> None:
            queues[queue].extend(args)

    def again() -> None:
        room.archive.transact_unnumbered(wake_ups.forget_wakings)

    settings = replace(room.settings, broker_url="redis://localhost:1/0")
    wake = WakeUps(room.archive, settings, App(), lambda name: len(queues[name]))
    for _ in range(2):
        wake.send()
        again()
    assert len(queues[FOLDER_QUEUE]) == MAX_QUEUED_WAKE_UPS
    assert set(queues[QUEUE]) == {other}


def test_commands_say_that_this_machine_reads_no_folders(tmp_path):
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "pegel.txt").write_text(seed("Pegel", EARLY))
    touch(tmp_path / "seeds" / "pegel.txt")
    assert lesart(tmp_path, "up", "--once").returncode == 0
    for words in (
        ("ingest", "seeds"),
        ("ingest", "seeds/pegel.txt"),
        ("source", "run", "seeds"),
        ("up", "--once"),
    ):
        ended = lesart(tmp_path, *words, worker_folders="false")
        assert ended.returncode == 2, words
        assert "LESART_WORKER_FOLDERS is false" in ended.stderr, words
    assert [row["state"] for row in rows(tmp_path, "list")] == ["present"]


# ------------------------------------------------------------------------------- what doctor names

SIGHTS = {
    "two folders": ("A1 B2 A1", "A and B see different"),
    "two folders, found late": ("A1 A1 B2 B2 A1 A1", "A and B see different"),
    "two folders, one of which is edited": ("A1 B2 A1 B3", "A and B see different"),
    "one folder that is edited": ("A1 B2 A2 B2 A3 B3", None),
    "one folder that changed between two scans and is the same for both since": ("A1 B2 A1 B1", None),
    "one machine": ("A1 A2 A1", None),
    "mended": ("A1 B2 A1 B1 A1", None),
    "three machines, one of which has another folder": ("A1 B1 C2 A1 B1", "A and C see different"),
}  # fmt: skip


@pytest.mark.few_cases
@pytest.mark.postgresql("fast")
@pytest.mark.parametrize("case", SIGHTS)
def test_doctor_names_a_folder_that_two_machines_see_differently(case, postgres_url, tmp_path):
    sights, expected = SIGHTS[case]
    room = Newsroom(postgres_url, tmp_path)
    try:
        for machine, names in sights.split():
            room.archive.transact_unnumbered(record_view, room.source.id, machine, names, 7)
    finally:
        room.close()
    told = [
        x for x in rows(tmp_path, "doctor", database_url=postgres_url) if x["check"] == "folders"
    ]
    if expected is None:
        assert told == []
    else:
        (finding,) = told
        assert finding["state"] == "broken"
        assert expected in finding["message"] or "B and A see different" in finding["message"]
        assert "LESART_WORKER_FOLDERS=false" in finding["mend"]


@pytest.mark.postgresql("fast")
def test_a_scan_records_what_its_machine_found(postgres_url, tmp_path, monkeypatch):
    room = Newsroom(postgres_url, tmp_path)
    clones = {}
    for machine, text in (("eins", EARLY), ("zwei", LATE)):
        clones[machine] = tmp_path / machine
        clones[machine].mkdir()
        room.write("pegel.txt", seed("Pegel", text), clones[machine])
    room.folder.rmdir()
    try:
        for machine in ("eins", "zwei", "eins"):
            room.folder.unlink(missing_ok=True)
            room.folder.symlink_to(clones[machine])
            monkeypatch.setattr(socket, "gethostname", lambda machine=machine: machine)
            room.scan()
    finally:
        room.close()
    monkeypatch.undo()
    (told,) = [
        x for x in rows(tmp_path, "doctor", database_url=postgres_url) if x["check"] == "folders"
    ]
    assert f"eins and zwei see different files in {room.folder}" in told["message"]


# ------------------------------------------------------------------- two machines with two clones


@pytest.fixture
def stack_url(postgres_databases, _postgres_template):
    with postgres_databases.database(_postgres_template) as url:
        yield url


@pytest.mark.stack
@pytest.mark.slow
@pytest.mark.starts_first
def test_a_worker_with_another_clone_takes_nothing_away(stack_url, tmp_path):
    """By the documented steps: the second machine has a clone of its own at the same path."""
    first, second = tmp_path / "first", tmp_path / "second"
    for machine, texts in ((first, 14), (second, 3)):
        (machine / "seeds").mkdir(parents=True)
        for number in range(texts):
            text = EARLY if machine == first else LATE
            path = machine / "seeds" / f"pegel{number}.txt"
            path.write_text(seed(f"Pegel {number}", text.replace("Pegel", f"Pegel {number}")))
            touch(path)
    with services.own_redis() as broker:
        settings = {
            "database_url": stack_url, "broker_url": broker.url, "seeds": "/proc/self/cwd/seeds",
            "every": "1s",
        }  # fmt: skip
        running = [
            Service(first, "scheduler", **settings),
            Service(first, "worker", "--concurrency", "1", **settings),
            Service(second, "worker", "--concurrency", "1", worker_folders="false", **settings),
        ]
        for each in running:
            each.start()
        try:
            until(lambda: len(rows(first, "list", **settings)) == 14, what="the texts")
            heard = second / "lesart-data" / "worker.heartbeat"
            until(heard.exists, what="the beat of the second worker")
            (first / "seeds" / "neu.txt").write_text(seed("Neu", LATE))
            until(lambda: len(rows(first, "list", **settings)) == 15, what="the new text")
            done = len(scans(first, settings))
            until(lambda: len(scans(first, settings)) >= done + 4, what="four more scans")
        finally:
            for each in running:
                each.end()
        found = rows(first, "list", **settings)
        assert {(row["state"], row["versions"]) for row in found} == {("present", 1)}
        assert findings(stack_url) == []
        assert not [x for x in rows(first, "doctor", **settings) if x["check"] == "folders"]


def scans(folder, settings):
    return [
        row
        for row in rows(folder, "jobs", **settings)
        if row["kind"] == "ingest" and row["state"] == "done"
    ]
