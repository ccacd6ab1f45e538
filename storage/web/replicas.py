"""Answer from replicas, and from the primary whatever a replica cannot answer or not yet."""

import threading
from asyncio import sleep
from contextlib import suppress
from time import monotonic

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from storage.database.archive_errors import ArchiveError
from storage.database.engine import DatabaseError
from storage.database.servers.position import measure_delay
from storage.web.archives import POOL, ArchivePool, ServedArchive
from storage.web.http_cache import positions_in, read_mark
from storage.web.problems import UNAVAILABLE

HEADER, COOKIE = "Lesart-Position", "lesart_position"
"""Where a client repeats the position that it got with the answer to a write request."""
COOKIE_SECONDS = 24 * 3600
READS = frozenset({"GET", "HEAD"})
PAUSE_SECONDS = 5.0
"""Time between two attempts to open the archive on the replicas."""
MOST_AT_ONCE, PAUSE_OF_FAILOVER_SECONDS = 3, 1.0
"""Attempts without a pause, and the pause after them: servers may just be changing their roles."""
SILENT_PATHS = frozenset({"/healthz"})
MEASURE_SECONDS, PATIENCE_SECONDS = 1.0, 0.5
"""Time between two measurements of the age of a state, and for a replica to have caught up."""
SILENT_SECONDS = 3.0
"""Time without a measurement after which the primary counts as silent."""
AGE = "Lesart-State-Age"
"""The header with the age of the state in seconds, of an answer from a replica."""
PRIMARY_PATHS = frozenset({"/metrics"})
"""Paths whose answers compare stored times with the clock of the database."""


class ReplicaPools:
    """The pool of the primary and, while they can be read, that of the replicas."""

    def __init__(self, place: ServedArchive, primary: ArchivePool) -> None:
        self.primary = primary
        self._place = place
        self._replica: ArchivePool | None = None
        self._next_attempt = 0.0
        self._opening = threading.Lock()
        self.age = StateAge(self)

    def close(self) -> None:
        self.age.close()
        if self._replica is not None:
            self._replica.close()

    def order(self, path: str, required: int) -> list[ArchivePool]:
        """Return the pools to ask for a response, which must show all commits up to `required`."""
        replica = self.opened()
        if replica is None or (required and not self._has(replica, required)):
            return [self.primary]
        if path in PRIMARY_PATHS:
            return [self.primary, replica]
        # the pool of the replicas moves to another server if one is gone
        return [replica, replica, self.primary, replica]

    def opened(self) -> ArchivePool | None:
        """Return the pool of the replicas, if they can be read; it is opened if necessary.

        All wait for the first attempt: whoever did not would be shown the primary once, and then
        a replica that is behind.
        """
        was_tried = self._next_attempt > 0
        if self._replica is None and self._opening.acquire(blocking=not was_tried):
            try:
                self._open()
            finally:
                self._opening.release()
        return self._replica

    def _open(self) -> None:
        if self._replica is not None or monotonic() < self._next_attempt:
            return
        try:
            self._replica = ArchivePool(self._place, self._place.open_replica())
        except (ArchiveError, DatabaseError):
            self._next_attempt = monotonic() + PAUSE_SECONDS

    def _has(self, replica: ArchivePool, required: int) -> bool:
        try:
            return replica.position() >= required
        except (ArchiveError, DatabaseError):
            return False


class ReplicaReads:
    """ASGI middleware that reads from replicas and keeps what a client saw before in its view.

    A client that wrote, or that revalidates a response, states a position; a replica behind it is
    not asked. Write requests are answered with the position after them.
    """

    def __init__(self, app: ASGIApp, pools: ReplicaPools) -> None:
        self._app, self._pools = app, pools

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in SILENT_PATHS:
            await self._app(scope, receive, send)
        elif scope["method"] in READS:
            await self._read(scope, receive, send)
        else:
            await self._app(scope, receive, _PositionSender(send, self._pools.primary))

    async def _read(self, scope: Scope, receive: Receive, send: Send) -> None:
        required = required_position(Headers(scope=scope))
        pools = await run_in_threadpool(self._pools.order, scope["path"], required)
        for number, pool in enumerate(pools, 1):
            if number > MOST_AT_ONCE:
                await sleep(PAUSE_OF_FAILOVER_SECONDS)
            attempt = {**scope, POOL: pool}
            is_last = number == len(pools)
            age = None if pool is self._pools.primary else self._pools.age.seconds
            sender = _AttemptSender(send, attempt, is_last=is_last, age=age)
            await self._app(attempt, receive, sender)
            scope["route"] = attempt.get("route")
            if not sender.is_discarded:
                return


def required_position(headers: Headers) -> int:
    """Return the position that a response must show, by the headers of its request; 0 if none.

    >>> required_position(Headers({"cookie": "lesart_position=1f", "if-none-match": 'W/"a-20.b"'}))
    32
    """
    given = [headers.get(HEADER, ""), cookie_parser(headers.get("cookie", "")).get(COOKIE, "")]
    stated = [position for each in given if (position := read_mark(each)) is not None]
    return max([0, *stated, *positions_in(headers.get("if-none-match", ""))])


class _PositionSender:
    """Adds the position after a write request to its response."""

    def __init__(self, send: Send, primary: ArchivePool) -> None:
        self._send, self._primary = send, primary

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] < 400:
            with suppress(ArchiveError, DatabaseError):
                position = f"{await run_in_threadpool(self._primary.position):x}"
                headers = MutableHeaders(raw=message["headers"])
                headers[HEADER] = position
                cookie = f"{COOKIE}={position}; Max-Age={COOKIE_SECONDS}; Path=/"
                headers.append("Set-Cookie", f"{cookie}; HttpOnly; SameSite=Strict")
        await self._send(message)


class _AttemptSender:
    """Sends a response, unless another server is to be asked.

    That is so if the archive could not be read, or if the pool moved to another server meanwhile,
    which may be behind the first.
    """

    def __init__(self, send: Send, scope: Scope, *, is_last: bool, age: float | None) -> None:
        self._send, self._scope, self._is_last, self._age = send, scope, is_last, age
        self._server = scope[POOL].server
        self.is_discarded = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            is_moved = self._scope[POOL].server != self._server
            is_useless = is_moved or self._scope.get(UNAVAILABLE, False)
            self.is_discarded = is_useless and not self._is_last
            if self._age is not None:
                MutableHeaders(raw=message["headers"])[AGE] = f"{self._age:.0f}"
        if not self.is_discarded:
            await self._send(message)


class StateAge:
    """Measures regularly how old the state of the replica is.

    While the primary does not answer, the state counts as older from second to second.
    """

    def __init__(self, pools: ReplicaPools) -> None:
        self._pools = pools
        self._measured: tuple[float, float] | None = None
        self._over = threading.Event()
        threading.Thread(target=self._run, name="state age", daemon=True).start()

    def close(self) -> None:
        self._over.set()

    @property
    def seconds(self) -> float | None:
        """The age, 0 if the replica shows all commits; None before the first measurement."""
        if self._measured is None:
            return None
        at, age = self._measured
        elapsed = monotonic() - at
        return age + (elapsed if elapsed > SILENT_SECONDS else 0.0)

    def _run(self) -> None:
        while not self._over.wait(MEASURE_SECONDS):
            replica = self._pools.opened()
            if replica is None:
                continue
            with (
                suppress(ArchiveError, DatabaseError),
                self._pools.primary.today.connect() as primary,
                replica.today.connect() as connection,
            ):
                age = measure_delay(primary, connection, PATIENCE_SECONDS).seconds
                self._measured = monotonic(), age
