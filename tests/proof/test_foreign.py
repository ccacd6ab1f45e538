"""Programs that nobody here wrote accept what is right and refuse what is wrong (Debian's own)."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest
import urllib3
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import text

from storage.proof import checkpoints, log
from storage.proof.external.witnesses import request_cosignatures
from storage.proof.note import COSIGNATURE, Checkpoint, Signer, Verifier
from storage.proof.policy import Policy
from storage.proof.tlog_proof import TlogProof
from storage.proof.tree import consistency, inclusion, leaf_hash
from storage.proof.witness import CosignRequest
from tests.flow.driver import Newsroom, seed
from tests.flow.whole_record import A
from tests.proof.grown import Tree

SIGSUM, SPICY = shutil.which("sigsum-witness"), shutil.which("spicy-litetlog")
GO = {**os.environ, "GODEBUG": "httpmuxgo121=0"}
"""Debian's Go programs take their routes for others without it, and answer 404."""


def sigsum_key() -> Signer:
    """Return a key whose log is called as sigsum calls it: by the hash of the key."""
    seed_of = bytes(range(32))
    public = Signer.generate("x", seed=seed_of).verifier.key
    return Signer.generate(f"sigsum.org/v1/tree/{sha256(public).hexdigest()}", seed=seed_of)


KEY = sigsum_key()


@contextmanager
def sigsum_witness(folder: Path) -> Iterator[tuple[str, Verifier]]:
    """Run Debian's witness for our log; give its address and its key."""
    subprocess.run(["sigsum-key", "generate", "-o", folder / "w"], check=True)
    shown = subprocess.run(
        ["sigsum-key", "to-hex", "-k", folder / "w.pub"], check=True, capture_output=True, text=True
    )
    key = bytes.fromhex(shown.stdout.strip())
    verifier = Verifier(f"sigsum.org/v1/witness/{sha256(key).hexdigest()}", COSIGNATURE, key)
    public = Ed25519PublicKey.from_public_bytes(KEY.verifier.key)
    (folder / "log.pub").write_bytes(public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH) + b"\n")  # fmt: skip
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        ["sigsum-witness", "-k", folder / "w", f"--log-key={folder / 'log.pub'}",
         f"--state-file={folder / 'state'}", f"127.0.0.1:{port}"],
        env=GO, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}", verifier
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def room(tmp_path) -> Iterator[Newsroom]:
    found = Newsroom(f"sqlite:///{tmp_path / 'lesart.sqlite3'}", tmp_path)
    for number in range(50):
        found.write(f"{number}.txt", seed(f"Pegel {number}", f"{A} Das ist Satz {number}."))
    found.scan(0)
    yield found
    found.close()


@pytest.mark.skipif(SIGSUM is None, reason="needs Debian's sigsum-go")
def test_a_foreign_witness_cosigns_a_real_archive_and_refuses_another_history(room, tmp_path):
    engine, clock = room.archive.engine, room.archive.clock
    with sigsum_witness(tmp_path) as (url, key):
        policy = Policy.parse(f"witness w {key.vkey} {url}\nquorum w")
        for at in (1, 2):
            made = checkpoints.make(engine, clock, KEY)
            assert made.size > 256
            assert [each.reason for each in request_cosignatures(engine, clock, policy)] == [None]
            room.write(f"neu{at}.txt", seed(f"Neu {at}", f"{A} Neu {at}."))
            room.scan(at)
        log.append(engine, clock)
        with room.archive.read_connection() as connection:
            entries = [each.entry for tile in range(5) for each in log.entries(connection, tile)]
            assert len(entries) > made.size
        # one old leaf changed
        forged = Tree(leaf_hash(each + b"!" * (n == 7)) for n, each in enumerate(entries))
        assert _posted(url, made.size, forged, len(entries)) == 422
        # rolled back: a shorter log, honest or not
        honest = Tree(leaf_hash(each) for each in entries)
        assert _posted(url, made.size - 5, honest, made.size - 1) == 409
        assert _posted(url, made.size, honest, len(entries)) == 200, "the honest log goes on"


def _posted(url: str, old: int, grown: Tree, size: int) -> int:
    note = Checkpoint(KEY.verifier.name, size, grown.root(size)).signed(KEY)
    body = CosignRequest(old, tuple(consistency(grown.node, old, size)), note).body
    return urllib3.request("POST", f"{url}/add-checkpoint", body=body).status


@pytest.mark.skipif(SPICY is None, reason="needs Debian's litetlog")
def test_a_foreign_program_accepts_the_offline_proof_and_refuses_it_after_one_byte(room, tmp_path):
    signed = checkpoints.make(room.archive.engine, room.archive.clock, KEY)
    with room.archive.read_connection() as connection:
        number = connection.execute(text("SELECT max(id) FROM wording")).scalar_one()
        place = log.place_of(connection, "wording", number)
        path = inclusion(log.node_of(connection), place.index, signed.size)
    proof = TlogProof(place.index, tuple(path), signed.note)
    file = tmp_path / "entry"
    file.write_bytes(place.entry)
    (tmp_path / "entry.spicy").write_text(proof.spicy)
    assert _spicy(file) == 0
    file.write_bytes(place.entry + b"!")
    assert _spicy(file) != 0
    file.write_bytes(place.entry)
    (tmp_path / "entry.spicy").write_text(proof.spicy.replace("index ", "index 1", 1))
    assert _spicy(file) != 0


def _spicy(file: Path) -> int:
    command = ["spicy-litetlog", "-verify", KEY.verifier.vkey, file]
    return subprocess.run(command, env=GO, capture_output=True).returncode
