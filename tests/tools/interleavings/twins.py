"""Broken twins: the program with one thing taken out, which some seed must find."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from sqlalchemy import Engine
from sqlalchemy import update as change

from storage.database.tables import JOB
from storage.database.unit import Clock, Unit, writing
from storage.schedule import queue
from storage.write import archive as writable


@contextmanager
def claims_without_token() -> Iterator[None]:
    """Let a worker that lost its lease store its results all the same."""
    whole = queue._update_claimed

    def unguarded(unit: Unit, claim: Any, *, with_number: bool = True, **values: Any) -> None:
        if with_number:
            values["seq"] = unit.number()
        unit.connection.execute(change(JOB).where(JOB.c.id == claim.job_id).values(**values))

    queue._update_claimed = unguarded
    try:
        yield
    finally:
        queue._update_claimed = whole


@contextmanager
def numbers_before_the_lock() -> Iterator[None]:
    """Let each unit take its numbers before the write lock, not in the order of commit."""
    blocks = itertools.count(10**6)

    @contextmanager
    def early(engine: Engine, clock: Clock) -> Iterator[Unit]:
        number = itertools.count(next(blocks) * 10**6)
        with writing(engine, clock) as unit:

            def numbers(count: int = 1) -> int:
                return [next(number) for _ in range(count)][-1]

            unit.number = numbers  # type: ignore[method-assign]
            yield unit

    writable.writing = early
    try:
        yield
    finally:
        writable.writing = writing


TWINS: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "a claim without a token": claims_without_token,
    "a number before the lock": numbers_before_the_lock,
}
