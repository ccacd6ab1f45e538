"""Attempts to send without pauses between them, or at the end of a pause."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, update

from storage.database.engine import database_epoch
from storage.database.outgoing import OutgoingQueue
from storage.values.net.pauses import Pauses


@contextmanager
def without_pauses(seconds: float = 0.0) -> Iterator[list[float | None]]:
    """Let each pause have some seconds, by default none; give the pauses that receivers asked for."""
    asked: list[float | None] = []

    def after(_pauses: Pauses, _attempts: int, wanted: float | None = None) -> float:
        asked.append(wanted)
        return seconds

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Pauses, "seconds_after", after)
        yield asked


def end_pauses(engine: Engine, queue: OutgoingQueue, in_seconds: float = 0.0) -> None:
    """Let the pauses of all rows end in some seconds, by default now."""
    with engine.begin() as connection:
        end = database_epoch(connection) + in_seconds
        connection.execute(update(queue.table).values(next_at=end))
