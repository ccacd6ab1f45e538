"""A web of its own on the loopback: real sockets, several sites, scripts that go by a clock.

Each site has a name such as `zeitung.example`; all stand behind one port for http and one for
https. A path of a site is answered by a script: a function of the request, or what stands there
from a time on. Every request is noted, with the time it came.
"""

import email.utils
import hashlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import trustme

Clock = Callable[[], datetime]
PLAIN_PORT, TLS_PORT = 80, 443


@dataclass(frozen=True)
class Request:
    """A request as it came in; `at` is by the clock of the web, `moment` by that of the machine."""

    host: str
    path: str
    headers: Mapping[str, str]
    at: datetime
    moment: float
    is_tls: bool
    status: int = 0
    sent: int = 0


@dataclass(frozen=True)
class Reply:
    """An answer. `pieces`, where there are any, are written instead of head and body, each after
    a pause: the way to say what no honest server says."""

    body: bytes = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    type: str = "text/html; charset=utf-8"
    has_validators: bool = False
    changed_at: datetime | None = None
    pieces: Sequence[tuple[float, bytes]] = ()
    closes: bool = False

    def with_header(self, name: str, value: str) -> "Reply":
        return replace(self, headers=(*self.headers, (name, value)))

    @property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.body).hexdigest()[:16]}"'


Script = Callable[[Request], Reply]
OF_SITES = {"/robots.txt", "/.well-known/tdmrep.json"}
NOTHING = Reply(b"<html><head><title>Nicht gefunden</title></head><body>404</body></html>", 404)


def redirect(to: str, status: int = 302, body: bytes = b"") -> Reply:
    return Reply(body, status, (("Location", to),))


def slow(reply: Reply, seconds: float) -> Reply:
    """Return `reply`, first of all silent for a while."""
    return replace(reply, pieces=[(seconds, rendered(reply))])


def by_time(clock_start: datetime, *steps: tuple[float, Reply]) -> Script:
    """Return a script of replies, each from a number of seconds after `clock_start` on."""

    def script(request: Request) -> Reply:
        passed = (request.at - clock_start).total_seconds()
        return [reply for since, reply in steps if since <= passed or since == steps[0][0]][-1]

    return script


def rendered(reply: Reply) -> bytes:
    """Return a reply as bytes on the wire."""
    head = [f"HTTP/1.1 {reply.status} Says So"]
    names = {name.lower() for name, _value in reply.headers}
    if reply.type and "content-type" not in names:
        head.append(f"Content-Type: {reply.type}")
    if not names & {"content-length", "transfer-encoding"} and reply.status != 304:
        head.append(f"Content-Length: {len(reply.body)}")
    head += [f"{name}: {value}" for name, value in reply.headers]
    if reply.closes:
        head.append("Connection: close")
    body = b"" if reply.status == 304 else reply.body
    return "\r\n".join([*head, "", ""]).encode("latin-1") + body


@dataclass
class Web:
    """The sites with their pages; `requests` is the log."""

    clock: Clock
    folder: Path
    sites: dict[str, dict[str, Script]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    refused_handshakes: list[str] = field(default_factory=list)
    on_request: Callable[[Request], None] | None = None

    def __post_init__(self) -> None:
        self.ca = trustme.CA()
        self.ca_file = self.folder / "ca.pem"
        self.ca.cert_pem.write_to_path(str(self.ca_file))
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._stopped = False
        self._old: set[str] = set()
        self._listening = [_listening(), _listening(), _listening()]
        self.plain_port, self.tls_port, self.old_port = (
            each.getsockname()[1] for each in self._listening
        )
        for listening, kind in zip(self._listening, ("plain", "tls", "old"), strict=True):
            threading.Thread(target=self._serve, args=(listening, kind), daemon=True).start()

    def close(self) -> None:
        self._stopped = True
        for each in (*self._listening, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    # --------------------------------------------------------------------------- scripts

    def put(self, address: str, what: Reply | Script | bytes | str) -> None:
        """Put content at an address of the web: HOST/PATH, for any scheme."""
        host, _, path = address.partition("://")[2].partition("/")
        self.sites.setdefault(host, {})[f"/{path}"] = _script(what)

    def remove(self, address: str) -> None:
        host, _, path = address.partition("://")[2].partition("/")
        del self.sites[host][f"/{path}"]

    def asked(self, path: str | None = None) -> list[Request]:
        """Return the requests so far, all but those for files about sites, or those for `path`."""
        found = list(self.requests)
        if path is None:
            return [each for each in found if each.path not in OF_SITES]
        return [each for each in found if each.path == path]

    def allow_hosts(self, *hosts: str) -> str:
        """Return the setting that permits requests to the named sites, or to all."""
        told = []
        for host in hosts or tuple(self.sites):
            told.append(f"{host}:{PLAIN_PORT}=127.0.0.1:{self.plain_port}")
            port = self.old_port if host in self._old else self.tls_port
            told.append(f"{host}:{TLS_PORT}=127.0.0.1:{port}")
        return ",".join(told)

    # ----------------------------------------------------------------------- certificates

    def certify(self, host: str, certificate: trustme.LeafCert, *, old: bool = False) -> None:
        """Let a site show this certificate, over TLS 1.0 alone where it is `old`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        self._contexts[host] = context
        if old:
            self._old.add(host)

    def _context(self, host: str) -> ssl.SSLContext:
        with self._lock:
            if host not in self._contexts:
                self.certify(host, self.ca.issue_cert(host))
            return self._contexts[host]

    # --------------------------------------------------------------------------- serving

    def _serve(self, listening: socket.socket, kind: str) -> None:
        while not self._stopped:
            try:
                accepted, _peer = listening.accept()
            except OSError:
                return
            self._open.add(accepted)
            threading.Thread(target=self._talk, args=(accepted, kind), daemon=True).start()

    def _talk(self, accepted: socket.socket, kind: str) -> None:
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with suppress(OSError, ValueError):
                if kind != "plain":
                    accepted = self._handshake(accepted, is_old=kind == "old")
                    self._open.add(accepted)
                stream = accepted.makefile("rb")
                while self._answer(accepted, stream, kind != "plain"):
                    pass
        finally:
            self._open.discard(accepted)
            with suppress(OSError):
                accepted.close()

    def _handshake(self, accepted: socket.socket, *, is_old: bool) -> ssl.SSLSocket:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if is_old:
            context.set_ciphers("ALL:@SECLEVEL=0")
            with _no_warnings():
                context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
        named = []

        def choose(sock: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
            named.append(name or "")
            sock.context = self._context(name or "127.0.0.1")

        context.sni_callback = choose
        self.ca.issue_cert("unknown.example").configure_cert(context)
        try:
            return context.wrap_socket(accepted, server_side=True)
        except OSError:
            self.refused_handshakes += named
            raise

    def _answer(self, accepted: socket.socket, stream: BinaryIO, is_tls: bool) -> bool:
        """Answer one request; return whether another may come."""
        line = stream.readline(65536)
        if not line:
            return False
        _method, target, _version = line.decode("latin-1").split()
        if target.startswith("http"):  # as a proxy is asked; every server has to understand it
            target = "/" + target.split("/", 3)[3]
        headers = {}
        while (line := stream.readline(65536)) not in {b"\r\n", b"\n", b""}:
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        host = headers.get("host", "").partition(":")[0]
        request = Request(host, target, headers, self.clock(), time.monotonic(), is_tls)
        reply = self._reply(request)
        if reply.has_validators:
            reply = _validated(request, reply)
        sent = len(reply.body) if reply.status != 304 else 0
        self.requests.append(replace(request, status=reply.status, sent=sent))
        if self.on_request is not None:
            self.on_request(self.requests[-1])
        if not reply.pieces:
            accepted.sendall(rendered(reply))
        for pause, piece in reply.pieces:
            time.sleep(pause)
            accepted.sendall(piece)
        return not (reply.closes or reply.pieces)

    def _reply(self, request: Request) -> Reply:
        scripts = self.sites.get(request.host, {})
        path = request.path.partition("?")[0]
        script = scripts.get(request.path) or scripts.get(path)
        return NOTHING if script is None else script(request)


def _script(what: Reply | Script | bytes | str) -> Script:
    if callable(what):
        return what
    if isinstance(what, Reply):
        return lambda _request: what
    raw = what.encode() if isinstance(what, str) else what
    return lambda _request: Reply(raw)


def _validated(request: Request, reply: Reply) -> Reply:
    """Give an answer its validators, or say that it did not change."""
    told = [("ETag", reply.etag)]
    if reply.changed_at is not None:
        told.append(
            (
                "Last-Modified",
                email.utils.format_datetime(reply.changed_at.astimezone(UTC), usegmt=True),
            )
        )
    if request.headers.get("if-none-match") == reply.etag:
        return Reply(b"", 304, tuple(told), type="")
    return replace(reply, headers=(*reply.headers, *told))


def _listening() -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", 0))
    listening.listen(128)
    return listening


@contextmanager
def _no_warnings() -> Iterator[None]:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def simulated_web(folder: Path, clock: Clock) -> Iterator[Web]:
    """Give a web with nothing in it, and end it afterwards."""
    web = Web(clock, folder)
    try:
        yield web
    finally:
        web.close()


def page(title: str, paragraphs: Iterable[str], head: str = "", **meta: str) -> bytes:
    """Return a page of a newspaper, with a frame around the article as pages have it."""
    told = "".join(f'<meta name="{name}" content="{value}">' for name, value in meta.items())
    body = "\n".join(f"<p>{each}</p>" for each in paragraphs)
    return f"""<!DOCTYPE html><html lang="de"><head><title>{title}</title>{told}{head}</head>
<body><header><nav><a href="/">Start</a> <a href="/lokales">Lokales</a></nav></header>
<main><article><h1>{title}</h1>
{body}
</article></main><footer><p>Impressum</p></footer></body></html>""".encode()
