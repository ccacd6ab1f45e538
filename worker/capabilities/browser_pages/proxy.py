"""The proxy of a browser: it answers every request of a page with the checked network.

The document was fetched before, and is answered from memory once. All other requests are made like
those of the product: addresses are checked when they are connected to, within bounds of size and
time, and within the budget of the page. Nothing reaches a server in another way.
"""

import http.server
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

from storage.values.digest import raw_digest
from storage.values.net.addresses import CheckedResource
from storage.values.refusals import RefusalReason
from worker.address import parse_address
from worker.capabilities.browser_pages.certificates import own_certificates
from worker.web.connection import Network
from worker.web.credentials import Proxy
from worker.web.exchange import PersistentConnection, ServerAnswer, send_request
from worker.web.fetch import is_redirect_allowed

MOST_REQUESTS, MOST_BYTES = 200, 30 * 1024 * 1024
"""Budget of the resources of one page: their number, and their bytes."""
RESOURCE_SECONDS, RESOURCE_BYTES, AT_A_TIME = 10.0, 10 * 1024 * 1024, 6
"""Bounds of one resource, and how many are fetched at a time."""
TOO_MUCH = frozenset({"too_large", "too_large_decoded"})
MOST_TYPE_CHARACTERS = 200
MOST_SENT_BYTES = 1024 * 1024
"""Maximum size of the body of a request of a page."""
METHODS = ("GET", "POST", "OPTIONS")
TLS_RECORD = b"\x16"
HOP_BY_HOP = frozenset({
    "accept-encoding", "connection", "content-length", "host", "keep-alive", "proxy-connection",
    "te", "trailer", "transfer-encoding", "upgrade", "user-agent",
})  # fmt: skip
DROPPED = frozenset({
    "alt-svc", "connection", "content-encoding", "content-length", "keep-alive", "link", "nel",
    "report-to", "reporting-endpoints", "trailer", "transfer-encoding",
})  # fmt: skip
"""Headers of answers that the browser does not get: other ways to servers, and the old encoding."""
OWN_HOSTS = frozenset({
    "accounts.google.com", "android.clients.google.com", "clients2.google.com",
    "clientservices.googleapis.com", "content-autofill.googleapis.com",
    "optimizationguide-pa.googleapis.com", "redirector.gvt1.com", "update.googleapis.com",
})  # fmt: skip
"""Servers that the browser requests for itself, such as for updates."""


@dataclass(slots=True)
class Resources:
    """The requests of a page: their number and bytes, how many failed, and the bounds reached.

    `answers` has the first answer to GET at each address; the bodies have at most `MOST_BYTES`.
    """

    requests: int = 0
    bytes: int = 0
    failed: int = 0
    reached: set[str] = field(default_factory=set)
    answers: dict[str, CheckedResource] = field(default_factory=dict)
    body_bytes: int = 0


class PageProxy:
    """Answers the requests of one page, in threads, until it is closed."""

    def __init__(
        self,
        listening: socket.socket,
        document: ServerAnswer,
        network: Network,
        agent: str,
        *,
        ends_at: float,
        way: Proxy | None = None,
    ) -> None:
        """Answer at `listening` until `ends_at`, by the steady clock."""
        self.document, self.network, self.agent = document, network, agent
        self.ends_at, self.way = ends_at, way
        self.resources = Resources()
        self.lock, self.slots = threading.Lock(), threading.BoundedSemaphore(AT_A_TIME)
        self.active = 0
        self.last_end = time.monotonic()
        self._is_given = False
        self._server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), _Handler, bind_and_activate=False
        )
        self._server.socket.close()
        self._server.socket = listening
        self._server.page = self  # type: ignore[attr-defined]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Stop answering; requests under way end within their bounds."""
        self._server.shutdown()
        self._server.server_close()

    @property
    def idle_seconds(self) -> float:
        """Return for how long no request has been under way."""
        with self.lock:
            return 0.0 if self.active else time.monotonic() - self.last_end

    def take_document(self, method: str, url: str) -> bool:
        """Check whether a request is the first one for the document."""
        with self.lock:
            is_it = method == "GET" and urldefrag(url)[0] == self.document.address.text
            is_first = is_it and not self._is_given
            self._is_given = self._is_given or is_it
            return is_first

    @property
    def left_bytes(self) -> int:
        """Return how many bytes the budget of the page has left."""
        return max(0, MOST_BYTES - self.resources.bytes)

    def admit(self, method: str, host: str) -> bool:
        """Check whether the budget admits a request, and count it."""
        with self.lock:
            if host in OWN_HOSTS or not self._is_given:
                return False
            found = self.resources
            if found.requests >= MOST_REQUESTS:
                found.reached.add("requests")
            elif not self.left_bytes:
                found.reached.add("bytes")
            elif time.monotonic() >= self.ends_at:
                found.reached.add("seconds")
            elif method in METHODS:
                found.requests += 1
                return True
            found.failed += 1
            return False

    def count(self, answer: ServerAnswer | None, most_bytes: int = 0) -> None:
        """Count the answer to an admitted request, which had at most so many bytes."""
        refused = None if answer is None else answer.refused
        is_failed = answer is None or refused is not None or (answer.status or 0) >= 500
        is_too_large = refused is not None and refused.code in TOO_MUCH
        with self.lock:
            found = self.resources
            found.failed += is_failed
            if is_too_large:
                found.reached.add("resource_bytes" if most_bytes == RESOURCE_BYTES else "bytes")
            if answer is not None:
                found.bytes += most_bytes if is_too_large else answer.wire_bytes

    def keep(self, url: str, answer: ServerAnswer) -> None:
        """Keep the answer of an address for the record of the page."""
        found, body, location = self.resources, answer.body or b"", answer.header("location")
        media_type = (answer.header("content-type") or "")[:MOST_TYPE_CHARACTERS]
        with self.lock:
            if url in found.answers or answer.status is None:
                return
            is_kept = answer.status == 200 and found.body_bytes + len(body) <= MOST_BYTES
            raw = body if body and is_kept else None
            found.body_bytes += len(raw or b"")
            found.answers[url] = CheckedResource(
                url, answer.status, media_type or None, location and urljoin(url, location),
                len(body), raw, None if raw is None else raw_digest(raw),
            )  # fmt: skip


class _Handler(http.server.BaseHTTPRequestHandler):
    """One connection of the browser to its proxy."""

    protocol_version = "HTTP/1.1"
    timeout = 30
    site = ""
    server: Any

    def do_CONNECT(self) -> None:  # the name of the library
        """Begin TLS with a certificate of our own; anything else in the tunnel is refused."""
        if self.site:
            self.close_connection = True
            return
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        if self.connection.recv(1, socket.MSG_PEEK) != TLS_RECORD:
            self.close_connection = True
            return
        host = urlsplit(f"//{self.path}").hostname or ""
        self.site = f"https://{self.path.removesuffix(':443')}"
        self.connection = self.request = (
            own_certificates().context(host).wrap_socket(self.connection, server_side=True)
        )
        self.setup()
        self.close_connection = False

    def handle(self) -> None:
        """Answer requests until the browser closes the connection."""
        kept = PersistentConnection(self.server.page.network, self.server.page.way)
        self._kept, self._server_key = kept, ""
        try:
            with suppress(OSError, ValueError):
                super().handle()
        finally:
            kept.close()

    def finish(self) -> None:
        """Close the streams; the browser may be gone."""
        with suppress(OSError, ValueError):
            super().finish()
        self.connection.close()

    def log_message(self, *_values: Any) -> None:
        """Write no log."""

    def answer(self) -> None:
        """Answer one request: with the document, from the network, or with a refusal."""
        page: PageProxy = self.server.page
        length = self.headers.get("content-length", "0")
        if "upgrade" in self.headers or not length.isdigit() or int(length) > MOST_SENT_BYTES:
            self.close_connection = True
            self._send(403, (), b"")
            return
        body = self.rfile.read(int(length)) if int(length) else None
        url = f"{self.site}{self.path}"
        if page.take_document(self.command, url):
            found = page.document
            self._send(found.status or 200, found.headers, found.body or b"")
            return
        with page.lock:
            page.active += 1
        try:
            answer = self._fetch(page, url, body)
        finally:
            with page.lock:
                page.active -= 1
                page.last_end = time.monotonic()
        if answer is None or answer.status is None or answer.refused is not None:
            self._send(403, (), b"")
        else:
            if self.command == "GET":
                page.keep(url, answer)
            self._send(answer.status, answer.headers, answer.body or b"")

    do_GET = do_POST = do_OPTIONS = do_HEAD = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

    def _fetch(self, page: PageProxy, url: str, body: bytes | None) -> ServerAnswer | None:
        """Return the answer of a server; None if the request is not admitted."""
        address = parse_address(url, page.network.is_own)
        host = (urlsplit(url).hostname or "").lower()
        if not page.admit(self.command, host):
            return None
        document, answer, most_bytes = page.document.address, None, 0
        if not isinstance(address, RefusalReason) and is_redirect_allowed(
            document, address, page.network
        ):
            if self._server_key != address.key:
                self._kept.close()
                self._server_key = address.key
            headers = [(n, v) for n, v in self.headers.items() if n.lower() not in HOP_BY_HOP]
            headers += [("User-Agent", page.agent), ("Accept-Encoding", "gzip, br, zstd")]
            for _ in range(2):
                with page.slots:
                    most_bytes = min(RESOURCE_BYTES, page.left_bytes)
                    left = page.ends_at - time.monotonic()
                    answer = send_request(
                        self._kept, address, headers, max_bytes=most_bytes, of_page=True,
                        seconds=max(0.1, min(left, RESOURCE_SECONDS)), body=body,
                        method=self.command,
                    )  # fmt: skip
                if not answer.is_stale:
                    break
        page.count(answer, most_bytes)
        return answer

    def _send(self, status: int, headers: Any, body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in DROPPED:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
