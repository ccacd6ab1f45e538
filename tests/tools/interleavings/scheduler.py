"""Actors that stop before each statement; a seed chooses who goes on."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from sqlalchemy import Engine, event

STUCK_SECONDS = 1.0
"""An actor that does not arrive at a statement for so long waits for a lock of the database."""
GIVE_UP_SECONDS = 120.0


@dataclass(eq=False)
class Actor:
    """A thread with its next statement; `go` lets it execute that one."""

    name: str
    act: Callable[[], None]
    go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    statement: str | None = None
    is_releasing: bool = False
    ended: bool = False
    error: BaseException | None = None


class Interleaving:
    """Runs actors one statement at a time, in an order that follows from the seed."""

    def __init__(self, seed: int, acts: Mapping[str, Callable[[], None]]) -> None:
        self.chance = Random(seed)
        self.actors = [Actor(name, act) for name, act in acts.items()]
        self.by_thread: dict[int, Actor] = {}
        self.arrived = threading.Condition()
        self.holder: Actor | None = None
        self.trace: list[str] = []

    def run(self) -> None:
        """Run all actors to their end; raises the first error of one."""
        with self._listening():
            threads = [threading.Thread(target=self._live, args=(a,)) for a in self.actors]
            for thread in threads:
                thread.start()
            while not all(actor.ended for actor in self.actors):
                self._step()
            for thread in threads:
                thread.join()
        for actor in self.actors:
            if actor.error is not None:
                raise actor.error

    def _step(self) -> None:
        """Wait until every actor has arrived or is stuck, and let one of them go on."""
        with self.arrived:
            self.arrived.wait_for(self._all_arrived, STUCK_SECONDS)
            if not self._ready():
                assert self.arrived.wait_for(
                    lambda: bool(self._ready()) or all(a.ended for a in self.actors),
                    GIVE_UP_SECONDS,
                ), f"a deadlock after {self.trace[-12:]}"
            if not (ready := self._ready()):
                return
            chosen = self.chance.choice(ready)
            assert chosen.statement is not None
            self.trace.append(f"{chosen.name}: {chosen.statement[:60]}")
            if _takes_lock(chosen.statement):
                self.holder = chosen
            chosen.is_releasing = chosen.statement in {"COMMIT", "ROLLBACK"}
            chosen.statement = None
            chosen.go.release()

    def _all_arrived(self) -> bool:
        return all(actor.ended or actor.statement is not None for actor in self.actors)

    def _ready(self) -> list[Actor]:
        """Return the actors that can execute their next statement."""
        return [
            actor
            for actor in self.actors
            if actor.statement is not None
            and (self.holder in {None, actor} or not _takes_lock(actor.statement))
        ]

    def _live(self, actor: Actor) -> None:
        self.by_thread[threading.get_ident()] = actor
        try:
            self._stop("begin")
            actor.act()
        except BaseException as error:  # noqa: BLE001  # raised again at the end
            actor.error = error
        with self.arrived:
            actor.ended, actor.statement = True, None
            self._free(actor)
            self.arrived.notify_all()

    def _stop(self, statement: str) -> None:
        """Arrive at a statement, and wait until it is chosen."""
        actor = self.by_thread.get(threading.get_ident())
        if actor is None:
            return
        with self.arrived:
            if actor.is_releasing:
                self._free(actor)
            actor.statement = " ".join(statement.split())
            self.arrived.notify_all()
        actor.go.acquire()

    def _free(self, actor: Actor) -> None:
        actor.is_releasing = False
        if self.holder is actor:
            self.holder = None

    @contextmanager
    def _listening(self) -> Iterator[None]:
        def execute(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            self._stop(statement)

        def commit(_connection: Any) -> None:
            self._stop("COMMIT")

        def rollback(_connection: Any) -> None:
            self._stop("ROLLBACK")

        heard = {"before_cursor_execute": execute, "commit": commit, "rollback": rollback}
        for name, listener in heard.items():
            event.listen(Engine, name, listener)
        try:
            yield
        finally:
            for name, listener in heard.items():
                event.remove(Engine, name, listener)


def _takes_lock(statement: str) -> bool:
    """Check whether a statement waits for the one writer, on either database."""
    return statement == "BEGIN IMMEDIATE" or (
        "FROM counter" in statement and statement.endswith("FOR UPDATE")
    )
