"""Work left by a command is finished by the next one and not called done before."""

import json
from datetime import UTC, datetime

import pytest

from storage.database.tables import JOB
from storage.read.archive import open_archive
from storage.schedule import queue
from storage.schedule.wake import end_leases, holders
from storage.values.verdict import Counts
from storage.verify.doctor import check_work
from tests.flow.driver import Newsroom, seed
from tests.flow.processes import lesart
from tests.flow.test_races import DEAD
from tests.services import free_port
from tests.warcs import answer, response
from worker.cli import control
from worker.flow.order import target_of
from worker.flow.run_jobs import run_next_job

FILES = 7
MORE = Counts(new_articles=FILES)


@pytest.fixture
def left(room: Newsroom) -> Newsroom:
    """Give a newsroom whose last command died when it had collected files and read none."""
    for number in range(FILES):
        room.write(f"{number}.txt", seed(f"Kutter {number}", f"Es lagen {number} Kutter im Hafen."))
    room.collected(room.ordered([target_of(room.source)]))
    assert (room.counts(0), room.number("SELECT count(*) FROM verdict")) == (Counts(), 0)
    return room


def once(room: Newsroom) -> list[dict]:
    return control.run_all_sources(room.archive, room.settings, processes=1)


def claim_and_die(room: Newsroom, kind: str = "read") -> None:
    """Give a job to a process that is dead."""
    with room.archive.unit() as unit:
        assert queue.claim(unit, 90.0, DEAD, kind=kind) is not None


def test_once_reads_and_reports_the_unread_captures_of_an_earlier_command(left):
    own, earlier = once(left)
    assert (own["seen"], own["unchanged"], own["open"]) == (FILES, FILES, 0)
    assert (earlier["seen"], earlier["new_articles"], earlier["open"]) == (FILES, FILES, 0)
    assert (own["resumed"], earlier["resumed"]) == (False, True)
    assert left.number("SELECT count(*) FROM articles") == FILES


def test_once_finishes_jobs_of_sources_that_it_does_not_check(room):
    aside = room.archive.ensure_source("neben", "folder", str(room.root / "neben"))
    room.write("kutter.txt", seed("Kutter", "Ein Kutter lag im Hafen."), room.root / "neben")
    room.ordered([target_of(aside)])
    own, earlier = once(room)
    assert (own["source"], own["seen"]) == ("presse", 0)
    assert (earlier["source"], earlier["new_articles"]) == ("neben", 1)


def test_once_takes_up_the_jobs_of_a_process_that_died(left):
    claim_and_die(left)
    _own, earlier = once(left)
    assert earlier["seen"] == FILES


def test_ingest_reads_the_unread_captures_of_the_same_files(left):
    job = left.ordered(left.places("0.txt", "1.txt"))
    own, earlier = control.run_until_done(left.archive, left.settings, [job], 1)
    assert (own["seen"], earlier["new_articles"]) == (2, FILES)
    assert left.number("SELECT count(*) FROM observation") == FILES + 2
    assert left.number("SELECT count(*) FROM verdict") == FILES + 2


def test_ingest_leaves_the_unread_captures_of_other_files_alone(left):
    left.write("kutter.txt", seed("Kutter", "Ein Kutter lag im Hafen."), left.root / "neben")
    places = [
        control.target_at(left.archive, left.settings, str(left.root / "neben"), source="neben")
    ]
    job = left.ordered(places)
    (own,) = control.run_until_done(left.archive, left.settings, [job], 1)
    assert (own["seen"], own["new_articles"]) == (1, 1)


def test_a_file_that_no_one_has_read_is_not_unchanged(left):
    job = left.ordered([target_of(left.source)])
    left.collected(job)
    assert left.counts(job) == Counts()


def test_a_file_is_unchanged_once_it_was_read(left):
    while run_next_job(left.archive, left.settings, left.reader):
        pass
    assert left.scan() == Counts(unchanged=FILES)


@pytest.mark.parametrize("state", ["quarantined", "cancelled"])
def test_a_file_whose_reading_was_given_up_has_failed_until_it_is_read(left, state):
    with left.archive.unit() as unit:
        job = JOB
        unit.connection.execute(
            job.update().where(job.c.kind == "read").values(state=state, token=None)
        )
    assert left.scan() == Counts(failed=FILES)
    assert {each["failed"] for each in once(left)} == {FILES}
    for number in left.rows("SELECT id FROM job WHERE state = :state", state=state):
        control.retry(left.archive, left.settings, number["id"])
    assert left.scan() == Counts(unchanged=FILES)


def test_captures_of_a_web_archive_that_no_one_has_read_are_not_unchanged(room):
    held = b"".join(
        response(
            f"https://a.example/{number}",
            "2024-06-18T06:00:00Z",
            answer(f"<p>Es lagen {number} Kutter im Hafen von Lohe.</p>".encode()),
        )
        for number in range(3)
    )
    room.write("a.warc", held)
    room.collected(room.ordered([target_of(room.source)]))
    again = room.ordered([target_of(room.source)])
    room.collected(again)
    assert room.counts(again).unchanged == 0
    room.write("b.warc", held)
    third = room.ordered([target_of(room.source)])
    room.collected(third)
    assert room.counts(third).unchanged == 0
    while run_next_job(room.archive, room.settings, room.reader):
        pass
    assert room.scan().unchanged == 6


# ------------------------------------------------------------------------------ who tells it


def told(room: Newsroom) -> list[str]:
    found = check_work(room.settings)
    return [each.message for each in found if each.check == "jobs" and each.state == "warning"]


def test_stats_and_doctor_report_unread_captures_of_a_dead_worker(left):
    with open_archive(left.url) as archive:
        assert (archive.stats().to_read, archive.stats().open_jobs) == (FILES, 1)
    claim_and_die(left)
    sentence = f"1 job is open, {FILES} documents are not read, and no worker processes them"
    with open_archive(left.url) as archive:
        assert (archive.stats().is_stalled, archive.pending_work().sentence()) == (True, sentence)
    assert told(left) == [sentence]
    once(left)
    assert told(left) == []


def test_doctor_does_not_judge_workers_while_the_broker_does_not_answer(left):
    broker = f"redis://127.0.0.1:{free_port()}/0"
    ended = lesart(
        left.root, "doctor", "--format", "json", database_url=left.url, broker_url=broker
    )
    assert ended.returncode == 1
    found = {each["check"]: each for each in json.loads(ended.stdout)}
    assert found["broker"]["state"] == "broken"
    assert "whether workers run cannot be seen" in found["broker"]["message"]
    assert "worker runs" not in found["jobs"]["message"]
    assert "if the broker answers" in found["jobs"]["mend"]


def test_a_fresh_capture_is_not_yet_unread_work_and_an_abandoned_one_is(left):
    assert len(told(left)) == 1
    with left.archive.engine.begin() as connection:
        moment = datetime.now(UTC)
        connection.execute(JOB.update().values(created_at=moment))
    assert told(left) == []


def test_work_that_someone_does_is_not_left(left):
    assert left.claimed() is not None
    assert told(left) == []
    with left.archive.engine.begin() as connection:
        end_leases(connection, holders(connection))
    assert len(told(left)) == 1


def test_the_number_of_unread_captures_is_never_negative(room):
    for number in range(3):
        room.write(f"{number}.txt", b"\x7fELF" + bytes(40))
    room.write("leer.json", json.dumps([]))
    room.scan()
    with open_archive(room.url) as archive:
        assert archive.stats().to_read == 0
