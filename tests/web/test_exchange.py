"""One request to a real server, well or badly behaved: stored and refused answers."""

import gzip
import re
import socket
import ssl
import threading
import zlib
from dataclasses import replace
from datetime import UTC, datetime

import brotli
import pytest
import trustme

from storage.values.net.private_hosts import hosts_by_port
from tests.web.site import Reply, redirect, rendered, slow
from worker.address import parse_address
from worker.web.connection import Network
from worker.web.content_encoding import zstd
from worker.web.exchange import PersistentConnection, ServerAnswer, send_request

HOST = "zeitung.example"
TEXT = ("Der Pegel der Lohe steigt. " * 40).encode()
MOST = 200_000


@pytest.fixture
def fetch(network):
    """Give a function that asks for an address, on a connection of its own if need be."""
    lines = []

    def fetched(
        address: str, *, seconds: float = 5.0, most: int = MOST, line=None, headers=()
    ) -> ServerAnswer:
        asked = parse_address(address)
        own = line or PersistentConnection(network(asked.host))
        lines.append(own)
        return send_request(own, asked, headers, seconds=seconds, max_bytes=most)

    yield fetched
    for each in lines:
        each.close()


def code(found: ServerAnswer) -> str | None:
    return found.refused.code if found.refused else None


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_answer_is_kept_with_all_that_went_over_the_wire(web, fetch, scheme):
    web.put(
        f"{scheme}://{HOST}/a",
        Reply(TEXT, headers=(("Via", "eins"), ("Via", "zwei"), ("X-Odd", "ä"))),
    )
    found = fetch(
        f"{scheme}://{HOST}/a", headers=[("User-Agent", "Lesart"), ("Accept-Encoding", "gzip")]
    )
    assert (found.status, found.body, code(found)) == (200, TEXT, None)
    assert ("Via", "eins") in found.headers
    assert ("Via", "zwei") in found.headers
    assert found.sent_headers == (
        ("Host", HOST),
        ("User-Agent", "Lesart"),
        ("Accept-Encoding", "gzip"),
    )
    (request,) = web.requests
    assert dict(request.headers) == {k.lower(): v for k, v in found.sent_headers}
    assert found.peer.startswith("127.0.0.1:")
    assert (found.tls_version, bool(found.chain)) == (
        ("TLSv1.3", True) if scheme == "https" else (None, False)
    )


def test_the_certificates_shown_are_kept_the_own_first(web, fetch):
    web.put(f"https://{HOST}/a", TEXT)
    chain = fetch(f"https://{HOST}/a").chain.decode()
    assert chain.startswith("-----BEGIN CERTIFICATE-----")
    assert ssl.PEM_cert_to_DER_cert(chain[: chain.index("-----END") + 26] + "\n")


def test_a_connection_is_used_again_and_opened_again_where_the_server_closed_it(
    web, fetch, network
):
    web.put(f"http://{HOST}/a", TEXT)
    web.put(f"http://{HOST}/b", Reply(TEXT, closes=True))
    line = PersistentConnection(network(HOST))
    peers = [fetch(f"http://{HOST}/{path}", line=line) for path in "aaba"]
    assert [found.body for found in peers] == [TEXT] * 4
    quiet = Reply(TEXT)
    web.put(
        f"http://{HOST}/c", replace(quiet, pieces=[(0.0, rendered(quiet))])
    )  # closes without a word
    assert fetch(f"http://{HOST}/c", line=line).body == TEXT
    again = fetch(f"http://{HOST}/a", line=line)
    if again.is_stale:  # the server closed it just then
        again = fetch(f"http://{HOST}/a", line=line)
    assert again.body == TEXT


def test_a_connection_that_is_closed_instead_of_an_answer_is_reported_as_stale(web, fetch, network):
    web.put(f"http://{HOST}/a", TEXT)
    web.put(f"http://{HOST}/b", Reply(pieces=[(0.0, b"")]))
    line = PersistentConnection(network(HOST))
    fetch(f"http://{HOST}/a", line=line)
    found = fetch(f"http://{HOST}/b", line=line)
    assert (found.is_stale, code(found)) == (True, "unreachable")
    again = fetch(f"http://{HOST}/b", line=line)
    assert (again.is_stale, code(again)) == (False, "unreachable")


ENCODERS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstd.compress,
}


@pytest.mark.parametrize("encoding", ENCODERS)
def test_an_encoded_body_is_decoded_and_its_encoding_reported(web, fetch, encoding):
    packed = ENCODERS[encoding](TEXT)
    web.put(f"http://{HOST}/a", Reply(packed, headers=(("Content-Encoding", encoding),)))
    found = fetch(f"http://{HOST}/a")
    assert (found.body, found.body_encoding, found.wire_bytes) == (TEXT, encoding, len(packed))


@pytest.mark.parametrize("encoding", ENCODERS)
def test_an_encoded_body_that_breaks_off_is_no_whole_answer(web, fetch, encoding):
    packed = ENCODERS[encoding](TEXT)[:-9]
    web.put(f"http://{HOST}/a", Reply(packed, headers=(("Content-Encoding", encoding),)))
    found = fetch(f"http://{HOST}/a")
    assert (code(found), found.body) == ("truncated_response", packed)


@pytest.mark.parametrize("encoding", ENCODERS)
def test_a_bomb_is_never_unpacked(web, fetch, encoding):
    packed = ENCODERS[encoding](bytes(30_000_000))
    web.put(f"http://{HOST}/a", Reply(packed, headers=(("Content-Encoding", encoding),)))
    found = fetch(f"http://{HOST}/a")
    assert (code(found), found.body) == ("too_large_decoded", None)


def test_encodings_one_upon_the_other_are_a_bomb(web, fetch):
    body = TEXT
    for _ in range(6):
        body = gzip.compress(body)
    web.put(
        f"http://{HOST}/a", Reply(body, headers=(("Content-Encoding", ", ".join(["gzip"] * 6)),))
    )
    assert code(fetch(f"http://{HOST}/a")) == "too_large_decoded"


def test_two_encodings_are_taken_off_in_their_order(web, fetch):
    body = brotli.compress(gzip.compress(TEXT))
    web.put(f"http://{HOST}/a", Reply(body, headers=(("Content-Encoding", "gzip, br"),)))
    assert fetch(f"http://{HOST}/a").body == TEXT


def test_a_body_larger_than_the_limit_is_not_read_on(web, fetch):
    web.put(f"http://{HOST}/a", Reply(bytes(MOST * 20)))
    assert code(fetch(f"http://{HOST}/a")) == "too_large"


def test_a_bomb_below_a_redirect_costs_nothing(web, fetch):
    packed = gzip.compress(bytes(30_000_000))
    reply = redirect("/b", body=packed).with_header("Content-Encoding", "gzip")
    web.put(f"http://{HOST}/a", reply)
    found = fetch(f"http://{HOST}/a")
    assert (found.status, found.header("location")) == (302, "/b")
    assert found.body is None


OF_A_PROGRAM = re.compile(r"\w\(|\('|\[\w+:|Error|_ssl|0x|\\x|b'")
"""What only a programmer can read: calls, tuples, names of classes, pointers, escaped bytes."""


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + TEXT,
            "truncated_response",
            id="says more than it sends",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nzu kurz",
            "truncated_response",
            id="a chunk breaks off",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nkein Teil\r\n",
            "truncated_response",
            id="a chunk without a length",
        ),
        pytest.param(b"<html>HTTP/0.9 war einmal</html>", "unreachable", id="HTTP/0.9"),
        pytest.param(b"", "unreachable", id="hangs up"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc\r\n",
            "truncated_response",
            id="a chunk of less than nothing",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nPegel",
            "truncated_response",
            id="no gzip, though it says so",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
            "unreachable",
            id="two lengths",
        ),
        pytest.param(b"HTTP/9.9 200 OK\r\n\r\nabc", "unreachable", id="a version of its own"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"a" * 60_000 + b"\r\n",
            "truncated_response",
            id="breaks off in its head",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\n" + (b"X-A: " + b"a" * 60_000 + b"\r\n") * 18 + b"\r\n",
            "unreachable",
            id="a megabyte of headers",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\n" + b"X-A: a\r\n" * 5_000 + b"\r\n",
            "unreachable",
            id="five thousand headers",
        ),
    ],
)
def test_an_answer_that_is_none_is_refused(web, fetch, wire, expected):
    web.put(f"http://{HOST}/a", Reply(pieces=[(0.0, wire)]))
    found = fetch(f"http://{HOST}/a")
    assert code(found) == expected
    assert not OF_A_PROGRAM.search(found.refused.message), found.refused.message


def test_the_received_part_of_a_truncated_body_is_kept(web, fetch):
    web.put(
        f"http://{HOST}/a",
        Reply(pieces=[(0.0, b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + TEXT)]),
    )
    assert fetch(f"http://{HOST}/a").body == TEXT


def test_a_body_that_is_longer_than_it_says_ends_where_it_said(web, fetch, network):
    web.put(
        f"http://{HOST}/a",
        Reply(
            pieces=[
                (0.0, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nPegelHTTP/1.1 200 OK\r\n\r\n")
            ]
        ),
    )
    web.put(f"http://{HOST}/b", TEXT)
    line = PersistentConnection(network(HOST))
    assert fetch(f"http://{HOST}/a", line=line).body == b"Pegel"
    found = fetch(f"http://{HOST}/b", line=line)
    if found.is_stale:  # the server hung up after its surplus, and we came to know only then
        found = fetch(f"http://{HOST}/b", line=line)
    assert found.body == TEXT


def test_a_body_without_a_length_ends_with_the_connection(web, fetch):
    web.put(
        f"http://{HOST}/a",
        Reply(pieces=[(0.0, b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + TEXT)]),
    )
    assert (fetch(f"http://{HOST}/a").body, code(fetch(f"http://{HOST}/a"))) == (TEXT, None)


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_drip_ends_at_the_deadline(web, fetch, part):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n"
    wire = head + TEXT if part == "body" else head
    start = len(head) if part == "body" else 0
    pieces = [
        (0.0, wire[:start]),
        *((0.05, wire[i : i + 1]) for i in range(start, min(len(wire), start + 100))),
    ]
    web.put(f"http://{HOST}/a", Reply(pieces=pieces))
    found = fetch(f"http://{HOST}/a", seconds=0.5)
    assert code(found) == ("truncated_response" if part == "body" else "unreachable")
    assert "too long" in found.refused.message


@pytest.mark.parametrize("wire", [b"", b"kein TLS"], ids=["nothing", "no TLS"])
def test_a_fault_of_an_encrypted_connection_is_reported_in_words(wire):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def answer() -> None:
            connection, _peer = server.accept()
            with connection:
                connection.sendall(wire)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        network = Network(hosts_by_port([f"{HOST}:{port}=127.0.0.1"]))
        asked = parse_address(f"https://{HOST}:{port}/a", network.is_own)
        found = send_request(PersistentConnection(network), asked, (), seconds=5.0, max_bytes=MOST)
        thread.join(5)
    assert found.refused is not None
    assert not OF_A_PROGRAM.search(found.refused.message), found.refused.message


def test_silence_ends_at_the_deadline(web, fetch):
    web.put(f"http://{HOST}/a", slow(Reply(TEXT), 30.0))
    assert code(fetch(f"http://{HOST}/a", seconds=0.3)) == "unreachable"


def test_pictures_and_films_are_not_loaded(web, fetch):
    web.put(f"http://{HOST}/a", Reply(bytes(150_000), type="video/mp4"))
    found = fetch(f"http://{HOST}/a")
    assert (code(found), found.body) == ("not_text", None)


# ------------------------------------------------------------------------------ who it is


def expired(ca: trustme.CA, host: str) -> trustme.LeafCert:
    return ca.issue_cert(host, not_after=datetime(2020, 1, 1, tzinfo=UTC))


CERTIFICATES = {
    "expired": lambda web, host: web.certify(host, expired(web.ca, host)),
    "of another name": lambda web, host: web.certify(host, web.ca.issue_cert("andere.example")),
    "of nobody known": lambda web, host: web.certify(host, trustme.CA().issue_cert(host)),
    "over TLS 1.0": lambda web, host: web.certify(host, web.ca.issue_cert(host), old=True),
}


@pytest.mark.parametrize("kind", CERTIFICATES)
def test_a_server_that_does_not_prove_who_it_is_is_asked_for_nothing(web, fetch, kind):
    web.put(f"https://{HOST}/a", TEXT)
    CERTIFICATES[kind](web, HOST)
    found = fetch(f"https://{HOST}/a")
    assert (code(found), found.status, found.body) == ("tls_invalid", None, None)
    assert web.requests == []


def test_the_own_authority_is_trusted_for_own_servers_alone(web, monkeypatch):
    web.put(f"https://{HOST}/a", TEXT)
    public = Network({}, web.ca_file)
    monkeypatch.setattr("worker.web.connection.look_up", lambda _host, _port: ("127.0.0.1",))
    monkeypatch.setattr("worker.web.connection.non_public_reason", lambda _text: None)
    address = replace(parse_address(f"https://{HOST}/a"), port=web.tls_port)
    assert (
        code(send_request(PersistentConnection(public), address, (), seconds=5.0, max_bytes=MOST))
        == "tls_invalid"
    )


def test_a_certificate_of_the_address_does_not_do_for_the_name(web, fetch):
    web.put(f"https://{HOST}/a", TEXT)
    web.certify(HOST, web.ca.issue_cert("127.0.0.1"))
    assert code(fetch(f"https://{HOST}/a")) == "tls_invalid"
