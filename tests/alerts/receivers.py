"""Receivers on the loopback that fail as real ones do: a webhook's, and a mail server."""

import json
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from tests.services import free_port


@dataclass
class Receiver:
    """The requests to a webhook; `script` names the failure of each request, or None."""

    script: Callable[[], str | None] = lambda: None
    host: str = "127.0.0.1"
    port: int = 0
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    failures: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/hook/geheim"

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for _headers, body in self.requests]


def failing(number: int, seed: int) -> Callable[[], str | None]:
    """Fail a number of times, at random and in every possible way."""
    ways = ["500", "503", "reset", "timeout", "lost", "garbled"]
    chance, left = random.Random(seed), [number]

    def script() -> str | None:
        if left[0] and chance.random() < 0.75:
            left[0] -= 1
            return chance.choice(ways)
        return None

    return script


@contextmanager
def receiving(
    script: Callable[[], str | None] = lambda: None, host: str = "127.0.0.1"
) -> Iterator[Receiver]:
    """Give a receiver of webhooks."""
    found = Receiver(script, host)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with found.lock:
                way = found.script()
                found.failures += way is not None
                found.requests.append(({k.lower(): v for k, v in self.headers.items()}, body))
                if way is None:
                    found.accepted.append(self.headers["webhook-id"])
            self._answer(way)

        def _answer(self, way: str | None) -> None:
            if way == "timeout":
                time.sleep(0.5)
                self.close_connection = True
            elif way in {"reset", "lost"}:
                self.connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
                self.close_connection = True
            elif way == "garbled":
                self.wfile.write(b"pardon?\r\n\r\n")
                self.close_connection = True
            else:
                status, _, after = (way or "204").partition(" ")
                self.send_response(int(status))
                if status == "302":
                    self.send_header("Location", "/elsewhere")
                if after:
                    self.send_header("Retry-After", after)
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, *_arguments: object) -> None: ...

    server = ThreadingHTTPServer((host, 0), Handler)
    server.daemon_threads = True
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Mailbox:
    """The mails that a server accepted; `refusal` is its answer otherwise."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    refusal: str | None = None
    users: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"smtp://bote:geheim%40@127.0.0.1:{self.port}/?from=lesart@bote.example"


@contextmanager
def mailing() -> Iterator[Mailbox]:
    """Give a real mail server in this process."""
    found = Mailbox()

    class Handler:
        async def handle_RCPT(self, _server, _session, envelope, address, _options) -> str:  # noqa: N802
            if found.refusal is not None:
                return found.refusal
            envelope.rcpt_tos.append(address)
            return "250 OK"

        async def handle_DATA(self, _server, _session, envelope) -> str:  # noqa: N802
            found.raw.append(envelope.content)
            made = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(made, EmailMessage)
            found.mails.append(made)
            return "250 OK"

    def let_in(_server, _session, _envelope, _mechanism, given) -> AuthResult:
        found.users.append(given.login + b":" + given.password)
        return AuthResult(success=given.password == b"geheim@")

    controller = Controller(
        Handler(), hostname="127.0.0.1", port=free_port(), authenticator=let_in,
        auth_require_tls=False, auth_required=True,
    )  # fmt: skip
    controller.start()
    found.port = controller.port
    try:
        yield found
    finally:
        controller.stop()


@contextmanager
def dripping(greeting: bytes, *, pause: float = 0.05) -> Iterator[int]:
    """Give the port of a server that answers with `greeting`, and then a byte now and then."""
    over = threading.Event()

    def drip(accepted: socket.socket) -> None:
        with accepted, suppress(OSError):
            accepted.sendall(greeting)
            while not over.wait(pause):
                accepted.sendall(b"x")

    def serve() -> None:
        with suppress(OSError):
            while True:
                accepted, _peer = listening.accept()
                threading.Thread(target=drip, args=[accepted], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        try:
            yield listening.getsockname()[1]
        finally:
            over.set()
            listening.shutdown(socket.SHUT_RDWR)
