"""Slow witnesses, time-stamping authorities and calendars block no process beyond the deadline."""

import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import pytest
import trustme

from storage.proof.external import exchange as exchanges
from storage.proof.external.exchange import ExchangeError, exchange
from storage.proof.note import COSIGNATURE, Signer
from tests.authority import authority

OPENINGS = {
    "head": b"HTTP/1.1 200 OK\r\nX-Drip: ",
    "body": b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "silence": b"",
}


@contextmanager
def dripping(opening: bytes, drop: bytes = b"a") -> Iterator[tuple[int, list[str]]]:
    """Serve connections that get `opening`, then a drop every tenth of a second, without end.

    Yields the port, and the list of first request lines.
    """
    over, requests = Event(), []

    def drip(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(60)
            received = connection.recv(65536)
            requests.append(received.split(b"\r\n")[0].decode("latin-1"))
            connection.sendall(opening)
            while not over.wait(0.1):
                connection.sendall(drop)

    def accept(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                Thread(target=drip, args=[listener.accept()[0]], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=accept, args=[listener], daemon=True).start()
        try:
            yield listener.getsockname()[1], requests
        finally:
            over.set()


@pytest.mark.few_cases
@pytest.mark.parametrize("kind", OPENINGS)
@pytest.mark.parametrize("body", [None, b"a question"])
def test_an_exchange_ends_at_its_deadline_however_the_server_drips(monkeypatch, kind, body):
    monkeypatch.setattr(exchanges, "SECONDS", 1.0)
    drop = b"1\r\na\r\n" if kind == "chunks" else b"" if kind == "silence" else b"a"
    late = pytest.raises(ExchangeError, match="no complete answer within 1 seconds")
    with dripping(OPENINGS[kind], drop) as (port, requests), late:
        exchange(f"http://127.0.0.1:{port}/tsr", body)
    assert len(requests) == 1


def test_a_tls_handshake_that_drips_ends_at_the_deadline(monkeypatch):
    monkeypatch.setattr(exchanges, "SECONDS", 1.0)
    opening = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"  # the beginning of a long handshake record
    with dripping(opening) as (port, _requests), pytest.raises(ExchangeError):
        exchange(f"https://127.0.0.1:{port}/", b"a question")


@pytest.mark.slow
def test_a_dripping_body_over_tls_ends_at_the_deadline(monkeypatch, tmp_path):
    own = trustme.CA()
    own.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.issue_cert("127.0.0.1").configure_cert(server)
    over = Event()

    def drip(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                with suppress(OSError), server.wrap_socket(listener.accept()[0], server_side=True) as one:  # fmt: skip
                    one.recv(65536)
                    one.sendall(OPENINGS["body"])
                    while not over.wait(0.1):
                        one.sendall(b"a")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=drip, args=[listener], daemon=True).start()
        monkeypatch.setattr(exchanges, "SECONDS", 3.0)
        with pytest.raises(ExchangeError, match="no complete answer within 3 seconds"):
            exchange(f"https://127.0.0.1:{listener.getsockname()[1]}/", None)
        over.set()


@pytest.mark.slow
def test_an_answer_without_end_is_read_up_to_its_limit():
    with dripping(OPENINGS["body"], b"a" * 4096) as (port, _requests):
        assert exchange(f"http://127.0.0.1:{port}/", None) == (200, b"a" * 90_000)
    endless = b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 60_000 + b"\r\nX-Long: " + b"a" * 60_000
    too_much = pytest.raises(ExchangeError, match="more than")
    with dripping(endless, b"a" * 60_000 + b"\r\nX-Long: ") as (port, _requests), too_much:
        exchange(f"http://127.0.0.1:{port}/", None)


@pytest.mark.slow
def test_proof_checkpoint_ends_with_dripping_servers_and_names_each(small_archive):
    witness = Signer.generate("zeuge.example/w", COSIGNATURE).verifier.vkey
    assert lesart("keygen").returncode == 0
    with dripping(OPENINGS["body"]) as (port, requests):
        at = f"http://127.0.0.1:{port}"
        Path("policy").write_text(f"witness uni {witness} {at}\nquorum uni\n")
        Path("list").write_text(
            f"authority amt {at}/tsr {authority('one').root}\ncalendar kalender {at}\n"
        )
        done = lesart(
            "checkpoint", LESART_PROOF_WITNESSES="policy", LESART_PROOF_AUTHORITIES="list"
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("— ") == 1, "the checkpoint is written, signed by its log alone"
    for said in ("uni did not cosign", "amt: no stamp", "kalender"):
        assert f"{said}: no complete answer within 10 seconds" in done.stderr
    assert [each.split()[1] for each in requests] == ["/add-checkpoint", "/tsr", "/digest"]


def lesart(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the log as users run it; it may take minutes, not for ever."""
    return subprocess.run(
        [sys.executable, "-m", "worker", "proof", *arguments],
        env={**os.environ, **settings}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
