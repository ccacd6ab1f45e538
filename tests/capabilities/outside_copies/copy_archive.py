"""An archive on the loopback that copies pages: Save Page Now 2, or a service of one request."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

Clock = Callable[[], datetime]
KEY = "zugang:geheim"


@dataclass
class CopyArchive:
    """The submitted addresses and the copies; `ways` are the next failures, in order.

    `on_submission` and `on_poll` are called before an answer is sent.
    """

    clock: Clock
    port: int = 0
    ways: list[str] = field(default_factory=list)
    submissions: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    polls: list[str] = field(default_factory=list)
    copies: list[tuple[str, str]] = field(default_factory=list)
    on_submission: Callable[[], None] = lambda: None
    on_poll: Callable[[], None] = lambda: None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def setting(self, kind: str, name: str = "eins") -> str:
        base = f"http://127.0.0.1:{self.port}"
        return {
            "spn2": f"{name}=spn2 {base}/save {base}/web/{{timestamp}}/{{url}}",
            "submit": f"{name}=submit {base}/copy/{{url}}",
            "cdx": f"{name}=cdx {base}/cdx {base}/web/{{timestamp}}id_/{{url}}",
        }[kind]

    @property
    def allow_hosts(self) -> str:
        return f"127.0.0.1:{self.port}"

    def memento(self, number: int) -> str:
        timestamp, url = self.copies[number]
        return f"http://127.0.0.1:{self.port}/web/{timestamp}/{url}"

    def addresses(self) -> list[str]:
        return [url for url, _headers in self.submissions]

    def copy(self, url: str) -> int:
        self.copies.append((f"{self.clock():%Y%m%d%H%M%S}", url))
        return len(self.copies) - 1

    def result(self, number: int, way: str | None) -> tuple[str, str]:
        """Return time and address of a copy as the archive states them."""
        timestamp, url = self.copies[number]
        if way == "old":
            timestamp = f"{int(timestamp[:4]) - 1}{timestamp[4:]}"
        return timestamp, "http://bote.example/anders" if way == "other" else url


PLAIN_FAILURES = {"429": 429, "500": 500, "denied": 403, "bad": 400}


class _Handler(BaseHTTPRequestHandler):
    """Answers of the archive `served`."""

    served: CopyArchive

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        self._submitted(form["url"], form)

    def do_GET(self) -> None:
        path = self.path
        if path.startswith("/save/status/"):
            self._status(path.rpartition("/")[2])
        elif path.startswith("/copy/"):
            self._submitted(path.removeprefix("/copy/"), {})
        elif path.startswith("/cdx"):
            wanted = parse_qs(urlsplit(path).query)["url"][0]
            rows = [
                {"timestamp": at, "url": url} for at, url in self.served.copies if url == wanted
            ]
            self._send(200, "".join(f"{json.dumps(row)}\n" for row in rows).encode())
        else:
            self._send(404)

    def _submitted(self, url: str, form: dict[str, str]) -> None:
        served = self.served
        with served.lock:
            way = served.ways.pop(0) if served.ways else None
            served.submissions.append((url, {**self.headers, **form}))
        if way in PLAIN_FAILURES:
            self._send(PLAIN_FAILURES[way], headers={"Retry-After": "7"} if way == "429" else {})
            return
        with served.lock:
            number = served.copy(url)
        served.on_submission()
        if way == "lost":
            self.close_connection = True
        elif way == "hang":
            time.sleep(2.0)
        elif way == "huge":
            self._send(200, b" " * 1_000_000)
        elif way == "image":
            self._send(200, b"GIF89a", {"Content-Type": "image/gif"})
        elif way == "nonsense":
            self._send(200, b"<html>Kopiert!</html>", {"Content-Type": "text/html"})
        elif way in {"busy", "blocked"}:
            served.copies.pop()
            kind = {"busy": "error:user-session-limit", "blocked": "error:blocked-url"}[way]
            self._json({"status": "error", "status_ext": kind, "message": f"no {url}"})
        elif form:
            self._json({"url": url, "job_id": f"spn2-{number}-{way}"})
        else:
            timestamp, original = served.result(number, way)
            moment = datetime.strptime(f"{timestamp}+0000", "%Y%m%d%H%M%S%z")
            self._send(302, headers={
                "Location": f"/web/{timestamp}/{original}",
                "Memento-Datetime": format_datetime(moment.astimezone(UTC), usegmt=True),
            })  # fmt: skip

    def _status(self, job: str) -> None:
        served = self.served
        served.polls.append(job)
        served.on_poll()
        _spn2, number, way = job.split("-")
        if way == "slow" and served.polls.count(job) < 2:
            self._json({"status": "pending", "job_id": job, "resources": []})
            return
        timestamp, original = served.result(int(number), way)
        self._json({"status": "success", "timestamp": timestamp, "original_url": original})

    def _json(self, value: dict[str, object]) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        with suppress(OSError):
            self.send_response(status)
            for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        """Write no log."""


@contextmanager
def copying(clock: Clock) -> Iterator[CopyArchive]:
    """Give an archive that copies pages."""
    served = CopyArchive(clock)
    handler = type("Handler", (_Handler,), {"served": served})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    served.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
