"""Jobs that did nothing are removed after a time; every other job, and every check, stays."""

from dataclasses import dataclass
from typing import Any

import pytest

from storage.read.archive import open_archive
from storage.values.errors import NoSuchError
from storage.write.archive import Archive
from storage.write.idle_jobs import remove_idle_jobs
from tests.flow.driver import SENTENCES, Newsroom, hour, seed
from worker.services.schedule.scheduler import ACTS

DAY = 86_400.0
JOBS = "SELECT j.job, j.parent FROM jobs j ORDER BY j.job"


@dataclass(frozen=True)
class Running:
    """The services that an act of the scheduler gets."""

    archive: Archive
    settings: Any

    def is_over(self) -> bool:
        return False


def jobs_of(room: Newsroom) -> set[int]:
    return {row["job"] for row in room.rows(JOBS)}


def scan(room: Newsroom, at: float, trigger: str = "schedule") -> int:
    """Scan the folder by a job with this trigger, and return the job."""
    before = jobs_of(room)
    room.scan(at)
    new = jobs_of(room) - before
    with room.archive.engine.begin() as connection:
        connection.exec_driver_sql(
            f"UPDATE job SET \"trigger\" = '{trigger}' WHERE id IN ({', '.join(map(str, new))})"
        )
    return min(new)


def test_the_schedule_removes_jobs_that_did_nothing(room):
    room.write("a.txt", seed("Pegel steigt", SENTENCES[0]))
    first = scan(room, 0)
    idle = scan(room, 1)
    by_hand = scan(room, 2, "command")
    room.write("leer.txt", "")
    refused = scan(room, 3)
    (room.folder / "leer.txt").unlink()
    (room.folder / "a.txt").unlink()
    gone = scan(room, 4)
    for at in range(24, 30 * 24, 24):  # the archive works on: no pause of it counts less
        scan(room, at)
    newest = scan(room, 30 * 24 + 2)
    kept = jobs_of(room) - {idle}
    assert {first, by_hand, refused, gone, newest} <= kept
    checks = told(room)
    act = next(act for act in ACTS if act.name == "jobs")
    act.function(Running(room.archive, room.settings))
    assert jobs_of(room) == kept
    assert told(room) == checks
    assert room.findings() == []
    with open_archive(room.url) as archive, pytest.raises(NoSuchError):
        list(archive.jobs(idle))


def told(room: Newsroom) -> list[dict[str, Any]]:
    """Return what the archive says of its articles and refusals."""
    with open_archive(room.url) as archive:
        found = [*archive.articles(), *archive.refusals()]
        found += [
            each for line in archive.articles() for each in archive.observations(line.article)
        ]
        return [each.to_dict() for each in found]


def test_a_leap_of_the_clock_removes_no_job(room):
    room.write("a.txt", seed("Pegel steigt", SENTENCES[0]))
    jobs = [scan(room, at) for at in (0, 1, 2)]
    jobs.append(scan(room, 400 * 24))
    assert remove_idle_jobs(room.archive, 30 * DAY) == 0
    assert {*jobs} <= jobs_of(room)
    remove_idle_jobs(room.archive, DAY)
    assert {*jobs} - jobs_of(room) == {jobs[1]}, "three days of it count"


def test_a_job_with_an_open_or_useful_part_stays(room):
    room.write("a.txt", seed("Pegel steigt", SENTENCES[0]))
    first = scan(room, 0)
    scan(room, 1)
    with room.archive.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE job SET new_articles = 0 WHERE id = {first}")
    room.now = hour(2)
    remove_idle_jobs(room.archive, 60.0)
    parts = [row["job"] for row in room.rows(JOBS) if row["parent"] == first]
    assert parts
    assert first in jobs_of(room)
