"""A time-stamping authority (RFC 3161) of our own: openssl behind a server on a free port."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

CONFIG = """
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
[stamp]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[tsa]
default_tsa = own
[own]
dir = .
serial = ./serial
signer_cert = ./tsa.pem
signer_key = ./tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_chain = no
"""


@dataclass
class OpensslAuthority:
    """Keys and a root of its own; `answer` overrides what it answers, `asked` counts."""

    home: TemporaryDirectory[str]
    answer: tuple[int, bytes] | None = None
    asked: list[bytes] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return Path(self.home.name)

    @property
    def root(self) -> Path:
        return self.folder / "root.pem"

    def stamp(self, query: bytes) -> bytes:
        (self.folder / "query").write_bytes(query)
        _openssl(
            self.folder, "ts", "-reply", "-config", "config", "-queryfile", "query", "-out", "reply"
        )
        return (self.folder / "reply").read_bytes()

    def stamp_of(self, data: bytes) -> bytes:
        (self.folder / "data").write_bytes(data)
        _openssl(self.folder, "ts", "-query", "-data", "data", "-sha256", "-cert", "-out", "made")
        return self.stamp((self.folder / "made").read_bytes())


@cache
def authority(name: str) -> OpensslAuthority:
    """Return an authority with that name, made once for each process, with which its folder goes."""
    home = TemporaryDirectory(prefix="authority-", ignore_cleanup_errors=True)
    folder = Path(home.name)
    (folder / "config").write_text(CONFIG)
    (folder / "serial").write_text("01\n")
    new = (
        "req",
        "-config",
        "config",
        "-nodes",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
    )
    _openssl(folder, *new, "-x509", "-days", "3650", "-extensions", "ca", "-subj", f"/CN={name} root",
             "-keyout", "root.key", "-out", "root.pem")  # fmt: skip
    _openssl(folder, *new, "-x509", "-days", "3650", "-extensions", "stamp", "-subj", f"/CN={name} stamps",
             "-CA", "root.pem", "-CAkey", "root.key", "-keyout", "tsa.key", "-out", "tsa.pem")  # fmt: skip
    return OpensslAuthority(home)


@contextmanager
def serving(found: OpensslAuthority) -> Iterator[str]:
    """Give the address of an authority for as long as the `with` goes on."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            found.asked.append(query)
            assert self.headers["Content-Type"] == "application/timestamp-query"
            status, body = found.answer or (200, found.stamp(query))
            self.send_response(status)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_told: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/tsr"
        finally:
            server.shutdown()


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
