"""ASGI middleware that checks host names and request sizes and sets security headers."""

import hashlib
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from time import perf_counter

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from storage.values.messages import message_text
from storage.values.net.private_hosts import parse_ip
from storage.web.http_cache import tags_in
from storage.web.problems import Problem, answer

MOST_BODY_BYTES = 1024 * 1024
UPLOADS = frozenset({"/api/captures"})
"""Paths whose requests may have a larger body, and more time for it."""
MOST_TAGGED_BYTES = 8 * 1024 * 1024
LOOPBACK = ("localhost", "127.0.0.1", "::1")

HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::\d{1,5})?")
"""
>>> HOST.fullmatch("127.0.0.1:8790")["name"], HOST.fullmatch("[::1]:8790")["name"]
('127.0.0.1', '[::1]')
"""

SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "private, no-cache",
}
NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True, slots=True)
class Guards:
    """ASGI middleware around an application.

    A page in a browser that looks up a name of its own as our address (DNS rebinding) still sends
    that name: what asks for any name but `hosts` is turned away.
    """

    app: ASGIApp
    hosts: Collection[str] = LOOPBACK
    most_bytes: int = MOST_BODY_BYTES
    upload_bytes: int = MOST_BODY_BYTES
    observe: Callable[[str, int, float], None] = lambda _route, _status, _seconds: None
    quiet_paths: Collection[str] = ("/healthz", "/readyz")
    close: Callable[[], None] = lambda: None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        tagged = _ResponseSender(send, headers.get("if-none-match"), scope["method"])
        most_bytes = self.upload_bytes if scope["path"] in UPLOADS else self.most_bytes
        problem = self._problem(headers, scope["path"], most_bytes)
        if problem is not None:
            await answer(problem)(scope, receive, tagged)
            return
        if scope["method"] == "HEAD":  # answered as GET; the server sends no body
            scope = {**scope, "method": "GET"}
        began = perf_counter()
        try:
            await self.app(scope, _BoundedReceive(receive, most_bytes), tagged)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            self.observe(route, tagged.status, perf_counter() - began)

    def _problem(self, headers: Headers, path: str, most_bytes: int) -> Problem | None:
        if path not in self.quiet_paths and not is_served(headers.get("host", ""), self.hosts):
            detail = message_text("host_unknown")
            return Problem("host_unknown", detail)
        if "transfer-encoding" in headers and "content-length" in headers:
            detail = message_text("two_lengths")
            return Problem("request_invalid", detail, headers={"Connection": "close"})
        length = headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > 12:
            return Problem("request_invalid", message_text("length_invalid"))
        if int(length) > most_bytes:
            detail = message_text("request_too_large", limit=most_bytes)
            return Problem("too_large", detail)
        return None


def is_served(host: str, hosts: Iterable[str]) -> bool:
    """Check whether a Host header matches one of `hosts`; the port is ignored.

    >>> [is_served(each, LOOPBACK) for each in ("localhost:8790", "böse.example", "[::1]", "")]
    [True, False, True, False]
    """
    match = HOST.fullmatch(host.strip())
    if match is None:
        return False
    name = match["name"].strip("[]").lower().rstrip(".")
    return name in hosts or ("*" in hosts and parse_ip(name) is not None)


class _BoundedReceive:
    """Receives a request body up to a maximum size."""

    def __init__(self, receive: Receive, most_bytes: int) -> None:
        self._receive = receive
        self._left = most_bytes
        self._is_whole = False

    async def __call__(self) -> Message:
        if self._is_whole:
            return await self._receive()
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        if self._left < 0:
            raise Problem("too_large", message_text("request_large"))
        return message


class _ResponseSender:
    """Sends a response with security headers and an ETag, or 304 if the client has it."""

    def __init__(self, send: Send, known: str | None, method: str) -> None:
        self._send = send
        self._known = known
        self._reads = method in {"GET", "HEAD"}
        self._start: Message | None = None
        self.status = 500

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(raw=message["headers"])
            for name, value in SAFE_HEADERS.items():
                headers.setdefault(name, value)
            if message["status"] != 304:  # a cached answer keeps its policy
                headers.setdefault("Content-Security-Policy", NOTHING)
            headers.add_vary_header("Accept, Accept-Language")
            message["headers"] = headers.raw
            if message["status"] == 200 and self._reads:
                self._start = message
                return
        elif self._start is not None:
            start, self._start = self._start, None
            message = await self._begun(start, message)
        await self._send(message)

    async def _begun(self, start: Message, first: Message) -> Message:
        """Send the beginning of an answer; return what of its body follows."""
        body = first.get("body", b"")
        headers = MutableHeaders(raw=start["headers"])
        state = headers.get("ETag", "")
        del headers["ETag"]
        if not first.get("more_body", False) and len(body) <= MOST_TAGGED_BYTES:
            digest = hashlib.blake2b(body, digest_size=12).hexdigest()
            headers["ETag"] = f'W/"{state}.{digest}"'
            if self._known is not None and _has(self._known, digest):
                start["status"] = 304
                del headers["Content-Length"]
                first = {"type": "http.response.body", "body": b"", "more_body": False}
        start["headers"] = headers.raw
        await self._send(start)
        return first


def _has(known: str, digest: str) -> bool:
    """Return whether an If-None-Match names an answer that says the same, in whatever state."""
    return known.strip() == "*" or digest in {each.partition(".")[2] for each in tags_in(known)}
