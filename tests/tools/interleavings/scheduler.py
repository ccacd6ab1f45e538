"""Actors that stop before each statement; a seed chooses who goes on."""

import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Any

from sqlalchemy import Connection, Engine, event

LOOK_SECONDS = 0.02
"""How often the database is asked which actors wait for each other's locks."""
GIVE_UP_SECONDS = 300.0


@dataclass(eq=False)
class Actor:
    """A thread with its next statement; `gate` lets it execute that one."""

    name: str
    act: Callable[[], None]
    gate: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    statement: str | None = None
    rests_until: int = 0
    session: int | None = None
    ended: bool = False
    error: BaseException | None = None


class Interleaving:
    """Runs actors one statement at a time, in an order that follows from the seed.

    Who arrives last at a statement chooses who goes on. `waiting` returns the sessions that wait
    for a lock of the database: all that run may do so.
    """

    def __init__(
        self,
        seed: int,
        acts: Mapping[str, Callable[[], None]],
        waiting: Callable[[], Collection[int]] | None = None,
    ) -> None:
        self.chance = Random(seed)
        self.actors = [Actor(name, act) for name, act in acts.items()]
        self.steps: list[tuple[str, str]] = []
        self._waiting = waiting
        self._by_thread: dict[int, Actor] = {}
        self._running = set(self.actors)
        self._holder: Actor | None = None
        self._is_releasing = False
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._is_given_up = False

    @property
    def trace(self) -> list[str]:
        return [f"{name}: {' '.join(statement.split())[:60]}" for name, statement in self.steps]

    def run(self) -> None:
        """Run all actors to their end; raises the first error of one."""
        _unlock_cached_properties()
        with self._listening():
            threads = [threading.Thread(target=self._live, args=(a,)) for a in self.actors]
            for thread in threads:
                thread.start()
            self._watch()
            for thread in threads:
                thread.join()
        for actor in self.actors:
            if actor.error is not None:
                raise actor.error
        assert not self._is_given_up, f"a deadlock after {self.trace[-12:]}"

    def rest(self, statements: int) -> None:
        """Let others execute so many statements first, or all of theirs."""
        actor = self._by_thread[threading.get_ident()]
        actor.rests_until = len(self.steps) + statements

    def _watch(self) -> None:
        """Wait for the end, and let others go on while all that run wait for their locks."""
        done, since = -1, time.monotonic()
        while not self._over.wait(LOOK_SECONDS if self._waiting else GIVE_UP_SECONDS / 10):
            with self._lock:
                if len(self.steps) != done:
                    done, since = len(self.steps), time.monotonic()
                if time.monotonic() - since > GIVE_UP_SECONDS:
                    self._give_up()
                    return
                if self._waiting is not None and self._running:
                    sessions = self._waiting()
                    if all(actor.session in sessions for actor in self._running):
                        self._choose()

    def _give_up(self) -> None:
        """Let all go on at once, so that the threads end."""
        self._is_given_up = True
        for actor in self.actors:
            actor.gate.release()

    def _choose(self) -> None:
        """Let one of the actors go on that can execute their next statement."""
        ready = [
            actor
            for actor in self.actors
            if actor.statement is not None
            and (self._holder in {None, actor} or not _takes_lock(actor.statement))
        ]
        awake = [actor for actor in ready if actor.rests_until <= len(self.steps)]
        if not ready:
            if all(actor.ended for actor in self.actors):
                self._over.set()
            return
        chosen = self.chance.choice(awake or ready)
        assert chosen.statement is not None
        self.steps.append((chosen.name, chosen.statement))
        if _takes_lock(chosen.statement):
            self._holder = chosen
        self._is_releasing = chosen is self._holder and chosen.statement in {"COMMIT", "ROLLBACK"}
        chosen.statement = None
        self._running.add(chosen)
        chosen.gate.release()

    def _live(self, actor: Actor) -> None:
        self._by_thread[threading.get_ident()] = actor
        try:
            self._stop(actor, "begin")
            actor.act()
        except BaseException as error:  # noqa: BLE001  # raised again at the end
            actor.error = error
        with self._lock:
            actor.ended = True
            self._arrive(actor)

    def _stop(self, actor: Actor, statement: str) -> None:
        """Arrive at a statement, and wait until it is chosen."""
        if self._is_given_up:
            return
        with self._lock:
            actor.statement = statement
            self._arrive(actor)
        actor.gate.acquire()

    def _arrive(self, actor: Actor) -> None:
        if self._holder is actor and (self._is_releasing or actor.ended):
            self._holder, self._is_releasing = None, False
        self._running.discard(actor)
        if not self._running:
            self._choose()

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Hear each statement of an actor; the begin and end of a mere read change nothing."""

        def execute(connection: Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
            actor = self._by_thread.get(threading.get_ident())
            if actor is None or statement == "BEGIN":
                return
            if connection.dialect.name == "postgresql":  # a backup there is a file of SQLite
                driver: Any = connection.connection.driver_connection
                actor.session = driver.info.backend_pid
            self._stop(actor, statement)

        def commit(_connection: Connection) -> None:
            actor = self._by_thread.get(threading.get_ident())
            if actor is not None:
                self._stop(actor, "COMMIT")

        def rollback(_connection: Connection) -> None:
            actor = self._by_thread.get(threading.get_ident())
            if actor is not None and actor is self._holder:
                self._stop(actor, "ROLLBACK")

        heard = {"before_cursor_execute": execute, "commit": commit, "rollback": rollback}
        for name, listener in heard.items():
            event.listen(Engine, name, listener)
        try:
            yield
        finally:
            for name, listener in heard.items():
                event.remove(Engine, name, listener)


def _unlock_cached_properties() -> None:
    """Let no actor wait for one that stops inside a cached property of another object.

    Python 3.11 has one lock for a property of all objects; later ones have none.
    """
    if sys.version_info < (3, 12):
        lock = property(lambda _: nullcontext(), lambda _, __: None)
        setattr(cached_property, "lock", lock)  # noqa: B010  # later ones have no such name


def _takes_lock(statement: str) -> bool:
    """Check whether a statement waits for the one writer, on either database."""
    return statement == "BEGIN IMMEDIATE" or (
        "FROM counter" in statement and statement.rstrip().endswith("FOR UPDATE")
    )
