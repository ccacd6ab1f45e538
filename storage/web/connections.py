"""The connections of the page: how long a client may take, and how many there may be.

A connection is either being answered, which limits on the database bound, or it waits for its
client: for a head (idle connections too), for a body, or until the client reads. Each wait has one
deadline that no single byte extends. A new connection always finds room: half of all connections
may be answered at a time, and of the others the one that has waited longest is closed.

All bounds count within one process.
"""

from asyncio import BaseTransport, TimerHandle
from collections.abc import Collection, Iterator
from functools import partial
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Literal, cast

import h11
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from storage.values.messages import message_text
from storage.web.guards import SAFE_HEADERS, UPLOADS
from storage.web.problems import RETRY_SECONDS, Problem, answer

MOST_CONNECTIONS = 200
MOST_OF_A_PEER = 100
"""Connections of one address, unless it is a proxy that the settings name."""
IDLE_SECONDS = 10
"""The deadline for a head, from the end of the answer before it or from the connection's start."""
BODY_SECONDS = 15
UPLOAD_SECONDS = 120
"""The deadline for the body of a submitted capture: 20 MiB at 1.4 Mbit/s."""
READ_SECONDS = 30
"""The deadline for a client to take what fills the buffer of its connection."""
MOST_HEAD_BYTES = 32 * 1024
MOST_REQUEST_BYTES = 4 * 1024 * 1024
"""What one request may take on the wire; chunks add to the length of a body."""
MOST_UPLOAD_BYTES = 1024 * 1024 * 1024
"""The same for a submitted capture; the application limits the size of its body."""
MOST_DISCARDED_BYTES = 32 * 1024 * 1024
"""What a client may send of a capture that was answered before it arrived: most browsers show the
answer only if they could send the request.
"""

Wait = Literal["head", "body", "upload", "read"]
_SECONDS: dict[Wait, float] = {
    "head": IDLE_SECONDS, "body": BODY_SECONDS, "upload": UPLOAD_SECONDS, "read": READ_SECONDS
}  # fmt: skip
_BY_STATE = MappingProxyType[Any, Wait]({h11.IDLE: "head", h11.SEND_BODY: "body"})


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 with a deadline for each wait and a bound for the number of connections."""

    waiting_since: float | None = None
    """When this connection began to wait for its client; None while it is answered."""
    _waits_for: tuple[Wait, object] | None = None
    _timer: TimerHandle | None = None
    _received = 0

    def connection_made(self, transport: BaseTransport) -> None:
        """Take a connection, and close another one where there are too many."""
        super().connection_made(transport)  # type: ignore[arg-type]  # as uvicorn has it
        self._watch()
        for several, most in self._bounds():
            if len(several) > most:  # this one waits too, so there is always one to close
                waiting = [each for each in several if each.waiting_since is not None]
                min(waiting, key=lambda each: each.waiting_since or 0.0).drop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Process received bytes, up to a maximum size of each request."""
        self._received += len(data)
        most_bytes = MOST_REQUEST_BYTES
        if self._is_upload():
            is_answered = self.conn.our_state is h11.DONE
            most_bytes = MOST_DISCARDED_BYTES if is_answered else MOST_UPLOAD_BYTES
        if self._received > most_bytes:
            detail = message_text("request_too_large", limit=most_bytes)
            self._refuse(Problem("too_large", detail))
            return
        super().data_received(data)
        self._watch()

    def handle_events(self) -> None:
        """Process received events; start a response only below the limit of concurrent requests."""
        app = self.config.loaded_app
        self.app = app if self._may_answer() else partial(_answer_health_only, app)
        super().handle_events()

    def on_response_complete(self) -> None:
        """Go on with the next request."""
        self._received = 0
        super().on_response_complete()
        self._watch()

    def eof_received(self) -> None:
        """Close a connection that the client closed."""
        self.transport.close()
        self._watch()

    def pause_writing(self) -> None:
        """Wait for a client that does not read."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """Go on with an answer."""
        super().resume_writing()
        self._watch()

    def send_400_response(self, msg: str) -> None:
        """Respond to an invalid request or too large a head, and close the connection."""
        self._refuse(Problem("request_invalid", msg))

    def drop(self) -> None:
        """Close the connection at once."""
        self.connections.discard(self)
        self.transport.abort()

    def _watch(self) -> None:
        """Set the deadline for the current phase of the connection, if the phase changed."""
        wait = self._wait()
        waits_for = None if wait is None else (wait, self.cycle)
        if waits_for == self._waits_for:
            return
        self._waits_for, self.waiting_since = waits_for, None
        if self._timer is not None:
            self._timer.cancel()
        if wait is not None:
            self.waiting_since = self.loop.time()
            self._timer = self.loop.call_later(_SECONDS[wait], self._end_wait, wait)

    def _wait(self) -> Wait | None:
        if self.transport.is_closing() or self.flow.write_paused:
            return "read"
        wait = _BY_STATE.get(self.conn.their_state)
        return "upload" if wait == "body" and self._is_upload() else wait

    def _is_upload(self) -> bool:
        cycle = cast("RequestResponseCycle | None", self.cycle)  # None before the first head
        return cycle is not None and cycle.scope["path"] in UPLOADS

    def _end_wait(self, wait: Wait) -> None:
        if wait == "read":
            self.drop()
        elif wait in {"body", "upload"} or self.conn.trailing_data[0]:
            self._refuse(Problem("request_slow", message_text("request_slow")))
        else:
            self.transport.close()
            self._watch()

    def _refuse(self, problem: Problem) -> None:
        """Answer with a problem in place of the application, and close the connection."""
        if self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            self.drop()  # an answer has begun, or was given before the whole request came
            return
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        response = answer(problem)
        response.headers.update({**SAFE_HEADERS, "Connection": "close"})
        head = b"".join(b"%s: %s\r\n" % each for each in response.raw_headers)
        line = f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}".encode("ascii")
        self.transport.write(b"%s\r\n%s\r\n%s" % (line, head, response.body))
        self.transport.close()
        self._watch()

    def _may_answer(self) -> bool:
        return all(
            sum(each.waiting_since is None for each in several if each is not self) < most // 2
            for several, most in self._bounds()
        )

    def _bounds(self) -> Iterator[tuple[Collection["BoundedProtocol"], int]]:
        yield self._peer_connections(), MOST_OF_A_PEER
        yield self._all(), MOST_CONNECTIONS

    def _all(self) -> Collection["BoundedProtocol"]:
        return cast("Collection[BoundedProtocol]", self.connections)

    def _peer_connections(self) -> Collection["BoundedProtocol"]:
        """Return the connections of the same address; none where a known proxy has it."""
        proxies = getattr(self.config.loaded_app, "trusted_hosts", ())  # uvicorn's middleware
        if self.client is None or self.client[0] in proxies:
            return ()
        return [each for each in self._all() if each.client and each.client[0] == self.client[0]]


async def _answer_health_only(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] == "/healthz":
        await app(scope, receive, send)
        return
    headers = {**SAFE_HEADERS, "Retry-After": str(RETRY_SECONDS)}
    problem = Problem("unavailable", message_text("server_busy"), headers=headers)
    await answer(problem)(scope, receive, send)
