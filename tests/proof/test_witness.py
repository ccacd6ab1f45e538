"""Witnesses cosign a log that only grows, refuse rollbacks and forks, and are never waited for."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import urllib3

from storage.proof import checkpoints
from storage.proof.external.witnesses import read_policy, request_cosignatures
from storage.proof.note import COSIGNATURE, Checkpoint, Note, Signer
from storage.proof.policy import Policy
from storage.proof.tree import consistency, leaf_hash
from storage.proof.witness import CosignRequest, answer
from storage.verify.finding import Scope
from storage.verify.level import level
from storage.verify.log import facts
from tests.proof.grown import Tree
from tests.read.press import draft, the_usual_press
from worker.services.witness import Cosigner, WitnessState, make_server

LOG = Signer.generate("archiv.example/log", seed=bytes(range(32)))
OTHER = Signer.generate("archiv.example/log", seed=bytes(range(2, 34)))
WITNESS = Signer.generate("zeuge.example/w1", COSIGNATURE, seed=bytes(range(1, 33)))
LOGS = {LOG.verifier.name: [LOG.verifier]}


def tree(size: int, changed: int | None = None) -> Tree:
    return Tree(leaf_hash(b"%d" % (n + 1000 * (n == changed))) for n in range(size))


def asked(old: int, grown: Tree, signer: Signer = LOG, path=None, origin=None) -> bytes:
    note = Checkpoint(origin or LOG.verifier.name, len(grown), grown.root()).signed(signer)
    proof = consistency(grown.node, min(old, len(grown)), len(grown)) if path is None else path
    return CosignRequest(old, tuple(proof), note).body


def said(body: bytes, latest: str | None = None) -> tuple[int, str]:
    found = answer(body, LOGS, latest, WITNESS, 1_700_000_000)
    assert (found.keep is not None) == (found.status == 200)
    return found.status, found.body


FIVE = Checkpoint(LOG.verifier.name, 5, tree(5).root()).signed(LOG)

ANSWERS = {
    "the first": (asked(0, tree(5)), None, 200),
    "one that grew": (asked(5, tree(9)), FIVE, 200),
    "the same again": (asked(5, tree(5)), FIVE, 200),
    "a rollback": (asked(3, tree(3)), FIVE, 409),
    "from another size": (asked(0, tree(9)), FIVE, 409),
    "a fork of the same size": (asked(5, tree(5, 2), path=[]), FIVE, 409),
    "an old leaf changed": (asked(5, tree(9, 2)), FIVE, 422),
    "a proof too long": (asked(5, tree(9), path=[bytes(32)] * 9), FIVE, 422),
    "no proof": (asked(5, tree(9), path=[]), FIVE, 422),
    "a proof where none is due": (asked(0, tree(9), path=[bytes(32)]), None, 422),
    "another key": (asked(0, tree(5), OTHER), None, 403),
    "another log": (asked(0, tree(5), origin="anders.example"), None, 404),
    "an old size beyond": (asked(9, tree(5), path=[]), FIVE, 400),
    "64 lines": (asked(5, tree(9), path=[bytes(32)] * 64), FIVE, 400),
    "garbage": (b"old 1\n\nx", None, 400),
    "nothing": (b"", None, 400),
}


@pytest.mark.parametrize(("body", "latest", "status"), ANSWERS.values(), ids=ANSWERS)
def test_a_witness_answers_as_the_specification_says(body, latest, status):
    found, text = said(body, latest)
    assert found == status, text
    if status == 409:
        assert text == "5\n"
    if status == 200:
        note = CosignRequest.parse(body).note
        assert Note.parse(note + text).line_of(WITNESS.verifier).at == 1_700_000_000


@contextmanager
def serving(state: Path, signer: Signer = WITNESS, logs=(LOG.verifier,)) -> Iterator[str]:
    server = make_server(Cosigner(signer, logs, WitnessState(state)), "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def policy(*witnesses: tuple[str, Signer, str], quorum: str = "any") -> Policy:
    lines = [f"witness {name} {signer.verifier.vkey} {url}" for name, signer, url in witnesses]
    names = " ".join(name for name, _signer, _url in witnesses)
    return Policy.parse("\n".join([*lines, f"group g {quorum} {names}", "quorum g"]))


@pytest.fixture
def press(database_url):
    found = the_usual_press(database_url)
    yield found
    found.close()


def test_an_archive_is_cosigned_as_it_grows(press, tmp_path):
    engine, clock = press.archive.engine, press.archive.clock
    with serving(tmp_path / "w") as url:
        calendar_request = policy(("uni", WITNESS, url))
        for at in (7, 8, 9):
            checkpoints.make(engine, clock, LOG)
            (found,) = request_cosignatures(engine, clock, calendar_request)
            assert found.reason is None
            assert request_cosignatures(engine, clock, calendar_request) == [], "it is asked once"
            press.scan(at, neu=draft("Neu", f"Satz {at}."))
    with press.archive.read_connection() as connection:
        told = facts(connection, Scope())
    assert level(told, calendar_request, is_checked_outside=False) == "cosigned"
    assert level(told, None, is_checked_outside=False) == "signed"
    both = policy(("uni", WITNESS, url), ("other", Signer.generate("o", COSIGNATURE), url), quorum="all")  # fmt: skip
    assert level(told, both, is_checked_outside=False) == "signed"


def test_a_rolled_back_archive_is_refused_and_told_why(press, tmp_path):
    engine, clock = press.archive.engine, press.archive.clock
    WitnessState(tmp_path / "w").store(
        LOG.verifier.name, Checkpoint(LOG.verifier.name, 5000, bytes(32)).signed(LOG)
    )
    checkpoints.make(engine, clock, LOG)
    with serving(tmp_path / "w") as url:
        (found,) = request_cosignatures(engine, clock, policy(("uni", WITNESS, url)))
    assert (found.line, "rolled back" in str(found.reason)) == (None, True)


def test_a_witness_that_is_away_or_lies_is_told_and_hinders_nothing(press, tmp_path):
    engine, clock = press.archive.engine, press.archive.clock
    made = checkpoints.make(engine, clock, LOG)
    liar = Signer.generate(WITNESS.verifier.name, COSIGNATURE)
    with serving(tmp_path / "w", liar) as url, serving(tmp_path / "v", logs=()) as deaf:
        found = request_cosignatures(
            engine, clock,
            policy(("away", Signer.generate("a", COSIGNATURE), "http://127.0.0.1:9"),
                   ("liar", WITNESS, url),
                   ("deaf", Signer.generate("d", COSIGNATURE), deaf)),
        )  # fmt: skip
    assert [each.line for each in found] == [None] * 3
    assert "another key" in found[1].reason
    assert "404" in found[2].reason
    with press.archive.read_connection() as connection:
        assert checkpoints.latest(connection) == replace(made, lines=())


def test_a_witness_remembers_over_a_restart_and_answers_many_at_once(tmp_path):
    statuses: list[int] = []

    def post(url: str, body: bytes) -> None:
        statuses.append(urllib3.request("POST", f"{url}/add-checkpoint", body=body).status)

    with serving(tmp_path / "w") as url:
        threads = [
            threading.Thread(target=post, args=[url, asked(0, tree(n))]) for n in range(1, 9)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert sorted(statuses) == [200] + [409] * 7, "one was first; the others go on from it"
    statuses.clear()
    latest = Checkpoint.parse(
        Note.parse(WitnessState(tmp_path / "w").latest(LOG.verifier.name)).text
    ).size
    with serving(tmp_path / "w") as url:
        post(url, asked(latest, tree(20)))
        post(url, asked(0, tree(20)))
        post(url, b"x" * 300_000)
        assert urllib3.request("POST", f"{url}/other", body=b"").status == 404
    assert statuses == [200, 409, 413]


def test_a_policy_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ValueError, match="cannot be read"):
        read_policy(tmp_path / "none")
