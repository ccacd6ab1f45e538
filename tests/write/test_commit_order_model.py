"""A model of writers, readers and workers: every interleaving of their steps is tried.

It holds the promise of the views: whoever saw the number n never gets anything at or below n
later. It holds it for numbers as we take them, and for numbers taken last of all, which decision
17 is about. Broken twins must fail, or the model proves nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

WRITERS = 3


@dataclass(frozen=True, slots=True)
class Writer:
    """A transaction: its next step, its locks, and whether it ended."""

    step: int = 0
    xid: int = 0
    number: int = 0
    ended: bool = False


@dataclass(frozen=True, slots=True)
class World:
    """What a database and those who use it are at one moment; rows are (number, xid)."""

    writers: tuple[Writer, ...] = (Writer(),) * WRITERS
    lock: int | None = None
    counter: int = 0
    xids: int = 0
    rows: frozenset[tuple[int, int]] = frozenset()
    cursor: int = 0
    seen: tuple[int, ...] = ()

    def put(self, which: int, writer: Writer, **changes: object) -> "World":
        writers = (*self.writers[:which], writer, *self.writers[which + 1 :])
        return replace(self, writers=writers, **changes)  # type: ignore[arg-type]


Plan = tuple[str, ...]
NOW: Plan = ("begin", "lock", "number", "rows", "commit")
LAST: Plan = ("begin", "rows", "lock", "number", "commit")
NAIVE: Plan = ("begin", "number", "rows", "commit")
UNLOCKED: Plan = ("begin", "lock", "number", "unlock", "rows", "commit")


def written(world: World, plan: Plan, which: int) -> Iterator[World]:
    """Yield the worlds after the next step of a writer, or after its abort."""
    writer = world.writers[which]
    if writer.ended:
        return
    lock = None if world.lock == which else world.lock
    yield world.put(which, replace(writer, ended=True), lock=lock)  # aborted, or killed
    on = replace(writer, step=writer.step + 1)
    match plan[writer.step]:
        case "begin":
            yield world.put(which, replace(on, xid=world.xids + 1), xids=world.xids + 1)
        case "lock" if world.lock is None:
            yield world.put(which, on, lock=which)
        case "unlock":
            yield world.put(which, on, lock=None)
        case "number":
            number = world.counter + 1
            yield world.put(which, replace(on, number=number), counter=number)
        case "rows":
            yield world.put(which, on)
        case "commit":
            rows = world.rows | {(writer.number, writer.xid)}
            yield world.put(which, replace(on, ended=True), lock=lock, rows=rows)


Read = Callable[[World], World]


def by_number(world: World) -> World:
    """Read the rows above the cursor, as documented for users."""
    found = sorted(number for number, _xid in world.rows if number > world.cursor)
    return replace(world, cursor=max([world.cursor, *found]), seen=(*world.seen, *found))


def by_watermark(world: World) -> World:
    """Read up to the oldest transaction that runs, with the number alone as the cursor."""
    running = [w.xid for w in world.writers if w.xid and not w.ended]
    oldest = min(running, default=world.xids + 1)
    rows = frozenset(row for row in world.rows if row[1] < oldest)
    found = by_number(replace(world, rows=rows))
    return replace(found, rows=world.rows)


def is_lost(plan: Plan, read: Read) -> bool:
    """Return whether any interleaving makes a reader miss a row, or get rows out of order."""
    start = World()
    met, waiting = {start}, [start]
    while waiting:
        world = waiting.pop()
        after = [each for w in range(WRITERS) for each in written(world, plan, w)]
        after.append(read(world))
        if all(writer.ended for writer in world.writers):
            last = read(world)
            if sorted(last.seen) != sorted(number for number, _xid in world.rows):
                return True
        for each in after:
            if list(each.seen) != sorted(set(each.seen)):
                return True
            if each not in met:
                met.add(each)
                waiting.append(each)
    return False


@pytest.mark.parametrize("plan", [NOW, LAST], ids=["under the lock", "as the last act"])
def test_a_reader_misses_nothing_and_gets_everything_in_order(plan):
    assert not is_lost(plan, by_number)


@pytest.mark.parametrize(
    ("plan", "read"),
    [(NAIVE, by_number), (UNLOCKED, by_number), (NAIVE, by_watermark)],
    ids=["no lock", "the lock ends before the commit", "a watermark and the number alone"],
)
def test_a_broken_twin_loses_rows(plan, read):
    assert is_lost(plan, read)


# -------------------------------------------------------------------------- claim and commit


@dataclass(frozen=True, slots=True)
class Job:
    """A job with its lease, and what two workers hold of it; `kept` is how often it was done."""

    token: int = 0
    leased: bool = False
    ended: bool = False
    kept: int = 0
    holds: tuple[int, int] = (0, 0)


def worked(job: Job, *, is_guarded: bool) -> Iterator[Job]:
    """Yield the possible next events: the lease ends, a process claims, a process commits."""
    if job.leased:
        yield replace(job, leased=False)
    for worker in (0, 1):
        held = job.holds[worker]
        if not held and not job.leased and not job.ended and job.token < 3:
            holds = (job.token + 1, job.holds[1]) if worker == 0 else (job.holds[0], job.token + 1)
            yield replace(job, token=job.token + 1, leased=True, holds=holds)
        if held:
            rest = (0, job.holds[1]) if worker == 0 else (job.holds[0], 0)
            is_mine = not job.ended and held == job.token
            if is_mine or not is_guarded:
                yield replace(job, ended=True, leased=False, kept=job.kept + 1, holds=rest)
            yield replace(job, holds=rest)  # killed, or turned away


def most_kept(*, is_guarded: bool) -> int:
    met, waiting = {Job()}, [Job()]
    while waiting:
        for each in worked(waiting.pop(), is_guarded=is_guarded):
            if each not in met and each.kept < 3:
                met.add(each)
                waiting.append(each)
    return max(job.kept for job in met)


def test_a_job_is_kept_once_however_many_come_late():
    assert most_kept(is_guarded=True) == 1


def test_without_the_token_in_the_guard_it_is_kept_twice():
    assert most_kept(is_guarded=False) == 2
