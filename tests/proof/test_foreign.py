"""Foreign programs accept correct proofs and refuse wrong ones (Debian's own)."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from sqlalchemy import text

from storage.proof import checkpoints, log
from storage.proof.external.witnesses import request_body, request_cosignatures
from storage.proof.note import TLOG_PROOF_HEADING, Checkpoint, Note, Signer, Verifier, tlog_proof
from storage.proof.policy import Policy
from storage.proof.tree import consistency, inclusion, leaf_hash
from tests.flow.driver import Newsroom, seed
from tests.flow.processes import LESART
from tests.flow.whole_record import A
from tests.proof.grown import Tree
from tests.proof.sigsum import GO, SIGSUM, sigsum_witness
from tests.proof.test_slow_servers import lesart

SPICY = shutil.which("spicy-litetlog")
KEY = Signer.generate("x", seed=bytes(range(32))).renamed_for_sigsum
"""A key whose log is called as sigsum calls it: by the hash of the key."""


@pytest.mark.slow
@pytest.mark.skipif(SIGSUM is None, reason="needs Debian's sigsum-go")
def test_a_foreign_witness_cosigns_what_proof_checkpoint_signs(small_archive, tmp_path):
    vkey = json.loads(lesart("keygen", "--sigsum", "--format", "jsonl").stdout)["vkey"]
    with sigsum_witness(tmp_path, Verifier.parse(vkey)) as (url, witness):
        Path("policy").write_text(f"witness uni {witness.vkey} {url}\nquorum uni\n")
        for title in ("Eins", "Zwei"):
            Path(f"{title}.txt").write_text(seed(title, f"{A} {title}."))
            ingested = subprocess.run([*LESART, "ingest", f"{title}.txt"], capture_output=True)
            assert ingested.returncode == 0, ingested.stderr
            done = lesart("checkpoint", LESART_PROOF_WITNESSES="policy")
            assert "uni cosigned" in done.stderr
            assert Note.parse(done.stdout).line_of(witness) is not None
    verified = subprocess.run(
        [*LESART, "verify"], env={**os.environ, "LESART_PROOF_WITNESSES": "policy"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert "level: cosigned" in verified.stderr


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
    with sigsum_witness(tmp_path, KEY.verifier) as (url, key):
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
    body = request_body(old, consistency(grown.node, old, size), note)
    return urllib3.request("POST", f"{url}/add-checkpoint", body=body).status


@pytest.mark.skipif(SPICY is None, reason="needs Debian's litetlog")
def test_a_foreign_program_accepts_the_offline_proof_and_refuses_it_after_one_byte(room, tmp_path):
    signed = checkpoints.make(room.archive.engine, room.archive.clock, KEY)
    with room.archive.read_connection() as connection:
        number = connection.execute(text("SELECT max(id) FROM wording")).scalar_one()
        place = log.place_of(connection, "wording", number)
        path = inclusion(log.node_of(connection), place.index, signed.size)
    proof = tlog_proof(place.index, path, signed.note).removeprefix(TLOG_PROOF_HEADING)
    file = tmp_path / "entry"
    file.write_bytes(place.entry)
    (tmp_path / "entry.spicy").write_text(proof)
    assert _spicy(file) == 0
    file.write_bytes(place.entry + b"!")
    assert _spicy(file) != 0
    file.write_bytes(place.entry)
    (tmp_path / "entry.spicy").write_text(proof.replace("index ", "index 1", 1))
    assert _spicy(file) != 0


def _spicy(file: Path) -> int:
    command = ["spicy-litetlog", "-verify", KEY.verifier.vkey, file]
    return subprocess.run(command, env=GO, capture_output=True).returncode
