"""Clients that are slow, silent or hostile leave the page to all others.

Other addresses of the loopback network stand for other peers.
"""

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from storage.web.connections import (
    BODY_SECONDS,
    IDLE_SECONDS,
    MOST_CONNECTIONS,
    MOST_OF_A_PEER,
    MOST_REQUEST_BYTES,
)
from storage.web.server import bound
from tests.cli.small_archive import make_archive
from tests.flow.processes import Service

LATEST = 120
"""Seconds until which a state has to be there, on a busy machine too."""
HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
ORDER = b"POST /api/ingest HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
PEERS = [f"127.0.0.{each}" for each in range(2, 12)]


@contextmanager
def page(archive: Path, *words: str, **settings: str) -> Iterator[tuple[str, int]]:
    """Give host and port of the page that a command serves."""
    with bound("127.0.0.1", 0) as listening:
        host, port = listening.getsockname()
    given = {"database_url": str(archive), "home": str(archive.parent), **settings}
    service = Service(archive.parent, *words, web_address=f"{host}:{port}", **given)
    service.start()
    try:
        until(lambda: healthy((host, port)))
        yield host, port
    finally:
        service.end()


def until(holds, seconds: float = LATEST) -> None:
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds
        time.sleep(0.1)


def healthy(address: tuple[str, int], path: str = "/healthz") -> bool:
    try:
        return httpx.get(f"http://{address[0]}:{address[1]}{path}", timeout=30).status_code == 200
    except httpx.TransportError:
        return False


def opened(held: ExitStack, address: tuple[str, int], peer: str, sent: bytes) -> socket.socket:
    found = held.enter_context(socket.socket())
    found.settimeout(LATEST)
    found.bind((peer, 0))
    found.connect(address)
    try:
        found.sendall(sent)
    except ConnectionError:
        found.close()  # it was one too many already
    return found


def drip(clients: list[socket.socket]) -> list[socket.socket]:
    """Send a byte by each connection; return those that are still open."""
    still = []
    for each in clients:
        try:
            each.send(b"x")
        except OSError:
            continue
        still.append(each)
    return still


def open_of(clients: list[socket.socket]) -> list[socket.socket]:
    still = []
    for each in clients:
        each.setblocking(False)
        try:
            if each.recv(1) == b"":
                continue
        except BlockingIOError:
            still.append(each)
        except ConnectionError:
            continue
    return still


def answer_of(client: socket.socket) -> bytes:
    """Return all that comes until the server closes the connection."""
    found = b""
    with suppress(ConnectionError):
        while piece := client.recv(65_536):
            found += piece
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "sent"),
    [("web", HEAD + b"X-Slow: "), ("up", ORDER + b"Content-Length: 5000\r\n\r\n")],
    ids=["heads", "bodies"],
)
def test_others_are_answered_while_hundreds_of_requests_come_byte_by_byte(
    small_archive, command, sent
):
    with page(small_archive, command, web_workers="2") as served, ExitStack() as held:
        peers = [*(PEERS[each % len(PEERS)] for each in range(400)), *["127.0.0.1"] * 100]
        clients = [opened(held, served, peer, sent) for peer in peers]
        began = time.monotonic()
        while clients := drip(clients):
            assert healthy(served)
            assert healthy(served, "/")
            assert time.monotonic() - began < LATEST, "each byte was given another deadline"
        assert healthy(served)


@pytest.mark.slow
def test_who_is_late_is_reported_and_idle_connections_are_closed(small_archive):
    with page(small_archive, "web", web_workers="1") as address, ExitStack() as held:
        head = opened(held, address, "127.0.0.1", HEAD)
        idle = opened(held, address, "127.0.0.1", HEAD + b"\r\n")
        body = opened(held, address, "127.0.0.1", ORDER + b"Content-Length: 9\r\n\r\n{")
        began = time.monotonic()
        assert answer_of(head).startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - began > IDLE_SECONDS / 2
        told = answer_of(idle)
        assert told.startswith(b"HTTP/1.1 200 ")
        assert b"408" not in told
        told = answer_of(body)
        assert time.monotonic() - began > BODY_SECONDS / 2
        assert told.startswith((b"HTTP/1.1 408 ", b"HTTP/1.1 401 "))


@pytest.mark.slow
def test_a_client_that_does_not_read_is_given_up(small_archive, monkeypatch):
    with page(small_archive, "web", web_workers="1") as address, ExitStack() as held:
        deaf = held.enter_context(socket.socket())
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.settimeout(LATEST)
        deaf.connect(address)
        asks = b"GET /static/style.css HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2000
        with pytest.raises((ConnectionError, TimeoutError)):
            deaf.sendall(asks * 100)
        assert healthy(address)


@pytest.mark.slow
def test_a_peer_has_a_limit_of_connections_and_a_named_proxy_the_limit_of_the_server(small_archive):
    with page(small_archive, "web", web_workers="1", web_proxies="127.0.0.3,10.0.0.0/8") as address:
        for peer, most in (("127.0.0.2", MOST_OF_A_PEER), ("127.0.0.3", MOST_CONNECTIONS)):
            with ExitStack() as held:
                clients = [opened(held, address, peer, b"") for _ in range(MOST_CONNECTIONS)]
                assert healthy(address)
                assert len(open_of(clients)) in {most, most - 1}, peer


@pytest.mark.slow
def test_a_browser_and_a_pool_of_connections_lose_none(small_archive):
    limits = httpx.Limits(max_connections=40, max_keepalive_connections=40)
    with (
        page(small_archive, "web", web_workers="1") as (host, port),
        httpx.Client(base_url=f"http://{host}:{port}", limits=limits, timeout=LATEST) as client,
        ThreadPoolExecutor(40) as threads,
    ):
        found = threads.map(lambda _each: client.get("/api/sources").status_code, range(400))
        assert set(found) == {200}


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 200_000, 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: a\r\n" * 40_000, 400),
        (b"GET /" + b"a" * 300_000, 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 421),
        (b"GET / HTTP/1.1\r\nHost: localhost@evil.example\r\nConnection: close\r\n\r\n", 421),
        (b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 404),
        (b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 404),
        (b"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 404),
        (ORDER + b"Content-Length: -1\r\n\r\n", 400),
        (ORDER + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
        (ORDER + b"Content-Length: 99999999\r\nConnection: close\r\n\r\n", 413),
        (ORDER + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HEAD + b"\r\n", 400),
        (ORDER + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n" + HEAD + b"\r\n", 400),
        (ORDER + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
        (ORDER + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (ORDER + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n", 400),
        (ORDER + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\n", 400),
    ],
)  # fmt: skip
def test_a_malformed_request_is_answered_once_and_closed(shared, sent, status):
    with ExitStack() as held:
        found = answer_of(opened(held, shared, "127.0.0.1", sent))
    assert found.startswith(b"HTTP/1.1 %d " % status), found[:200]
    assert found.count(b"HTTP/1.1 ") == 1
    assert json.loads(found.partition(b"\r\n\r\n")[2])["status"] == status


def test_who_speaks_http_2_is_turned_away(shared):
    with ExitStack() as held:
        found = answer_of(opened(held, shared, "127.0.0.1", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
    assert found.startswith(b"HTTP/1.1 421 ")
    assert found.endswith(b'"code":"request_invalid"}'), "and its second line is no request"


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shared")
    make_archive(folder / "lesart.sqlite3")
    with page(folder / "lesart.sqlite3", "web", web_workers="1") as address:
        yield address


def test_no_request_takes_more_bytes_on_the_wire_than_the_limit(shared):
    chunk = b"ffff\r\n" + b"a" * 0xFFFF + b"\r\n"
    with ExitStack() as held:
        client = opened(held, shared, "127.0.0.1", ORDER + b"Transfer-Encoding: chunked\r\n\r\n")
        with pytest.raises(ConnectionError):
            client.sendall(chunk * (16 * MOST_REQUEST_BYTES // len(chunk)))
        assert healthy(shared)


def test_pipelined_requests_are_answered_in_their_order(shared):
    asked = b"".join(
        b"%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % each
        for each in (
            (b"GET", b"/healthz", b""),
            (b"HEAD", b"/healthz", b""),
            (b"GET", b"/nope", b"Accept: application/json\r\n"),
            (b"GET", b"/healthz", b"Connection: close\r\n"),
        )
    )
    with ExitStack() as held:
        found = answer_of(opened(held, shared, "127.0.0.1", asked))
    assert [each[:3] for each in found.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200", b"404", b"200"]
    assert found.count(b"ok\n") == 2, "HEAD has no body"


@pytest.mark.slow
def test_a_body_that_waits_to_be_wanted_is_wanted(shared):
    with ExitStack() as held:
        form = b"locator=x&token=wrong"
        client = opened(
            held, shared, "127.0.0.1",
            b"POST /sources HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
            b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(form),
        )  # fmt: skip
        assert client.recv(1000).startswith(b"HTTP/1.1 100 ")
        client.sendall(form)
        assert answer_of(client).startswith(b"HTTP/1.1 401 ")
