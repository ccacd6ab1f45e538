"""A witness as a small server: it cosigns checkpoints of other logs, with its own state."""

import fcntl
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from storage.proof.note import Signer, Verifier
from storage.proof.witness import LARGEST_REQUEST, WitnessReply, answer, origin_in
from worker.log import LOG

REQUEST_SECONDS = 10.0
MOST_REQUESTS = 32
"""Maximum number of concurrent requests; further ones are told to retry."""


class WitnessState:
    """The newest cosigned checkpoint of each log: one file each, replaced atomically."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(0o700, parents=True, exist_ok=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the state against other threads and processes."""
        handle = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def latest(self, origin: str) -> str | None:
        try:
            return self._path(origin).read_text("utf-8")
        except FileNotFoundError:
            return None

    def store(self, origin: str, note: str) -> None:
        """Write a checkpoint so that it survives a loss of power."""
        path = self._path(origin)
        fresh = path.with_name(f"{path.name}.new")
        with fresh.open("w", encoding="utf-8") as stream:
            stream.write(note)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(path)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _path(self, origin: str) -> Path:
        return self._folder / f"{sha256(origin.encode()).hexdigest()}.checkpoint"


class Cosigner:
    """Answers requests, one after the other, and stores its state before it answers."""

    def __init__(self, signer: Signer, logs: Sequence[Verifier], state: WitnessState) -> None:
        self.signer, self._state = signer, state
        self._logs: dict[str, list[Verifier]] = {}
        for each in logs:
            self._logs.setdefault(each.name, []).append(each)

    @property
    def logs(self) -> Mapping[str, Sequence[Verifier]]:
        return self._logs

    def answer(self, body: bytes) -> WitnessReply:
        origin = origin_in(body)
        with self._state.lock():
            latest = self._state.latest(origin) if origin in self._logs else None
            reply = answer(body, self._logs, latest, self.signer, int(time.time()))
            if reply.keep is not None and origin is not None:
                self._state.store(origin, reply.keep)
        LOG.info("cosignature_requested", log=origin, status=reply.status)
        return reply


def make_server(cosigner: Cosigner, host: str, port: int) -> ThreadingHTTPServer:
    """Return a server that answers `POST …/add-checkpoint`; it is not running yet."""
    places = threading.BoundedSemaphore(MOST_REQUESTS)

    class Handler(BaseHTTPRequestHandler):
        timeout = REQUEST_SECONDS
        server_version = "lesart-witness"
        sys_version = ""

        def do_POST(self) -> None:  # the name required by http.server
            if not self.path.partition("?")[0].endswith("/add-checkpoint"):
                self._send(WitnessReply(404, "ask for add-checkpoint\n"))
            elif not places.acquire(blocking=False):
                self._send(WitnessReply(503, "too many ask at once\n"))
            else:
                try:
                    self._send(self._answer())
                finally:
                    places.release()

        def _answer(self) -> WitnessReply:
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > LARGEST_REQUEST:
                return WitnessReply(413, "a request has a length, and is not that long\n")
            return cosigner.answer(self.rfile.read(int(length)))

        def _send(self, reply: WitnessReply) -> None:
            body = reply.body.encode()
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: Any) -> None:
            """Leave logging to the cosigner."""

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    return server
