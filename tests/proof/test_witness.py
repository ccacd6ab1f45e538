"""Witnesses cosign a log that only grows, refuse rollbacks and forks, and are never waited for."""

import base64
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from storage.capabilities.bundles.bundle_log import Wrong, roots_of
from storage.proof import checkpoints
from storage.proof.external.witnesses import read_policy, request_cosignatures
from storage.proof.note import COSIGNATURE, Checkpoint, Note, Signer
from storage.proof.policy import Policy
from storage.verify.finding import Scope
from storage.verify.level import level
from storage.verify.log import facts
from tests.proof.grown import cosign
from tests.read.press import draft

LOG = Signer.generate("archiv.example/log", seed=bytes(range(32)))
WITNESS = Signer.generate("zeuge.example/w1", COSIGNATURE, seed=bytes(range(1, 33)))
NOTHING = Checkpoint("", 0, b"")


@contextmanager
def serving(
    signer: Signer = WITNESS,
    logs: tuple[Signer, ...] = (LOG,),
    latest: Checkpoint = NOTHING,
    meanwhile: Callable[[], object] = lambda: None,
) -> Iterator[str]:
    """Run a witness that answers as C2SP tlog-witness requires; `latest` is its last checkpoint.

    What happens `meanwhile` is called before each answer.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, body = self.answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def answer(self, request: bytes) -> tuple[int, str]:
            nonlocal latest
            meanwhile()
            above, _, signed = request.decode().partition("\n\n")
            old, *path = above.split("\n")
            note = Note.parse(signed)
            found = Checkpoint.parse(note.text)
            keys = [each.verifier for each in logs if each.verifier.name == found.origin]
            if not keys:
                return 404, "unknown log\n"
            note.require(keys)
            if old != f"old {latest.size}":
                return 409, f"{latest.size}\n"
            hashes = [base64.b64decode(line) for line in path]
            if 0 < latest.size < found.size:
                try:
                    roots = roots_of(latest.size, found.size, latest.root, hashes)
                except Wrong as error:
                    return 422, str(error)
                if roots != (latest.root, found.root):
                    return 422, "another history\n"
            elif hashes or (latest.size and latest.root != found.root):
                return 409 if latest.size else 422, f"{latest.size}\n"
            latest = found
            return 200, cosign(signer, note.text, int(time.time()))

        def log_message(self, *_arguments: object) -> None:
            """Write no log."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def policy(*witnesses: tuple[str, Signer, str], quorum: str = "any") -> Policy:
    lines = [f"witness {name} {signer.verifier.vkey} {url}" for name, signer, url in witnesses]
    names = " ".join(name for name, _signer, _url in witnesses)
    return Policy.parse("\n".join([*lines, f"group g {quorum} {names}", "quorum g"]))


@pytest.fixture
def press(old_press):
    return old_press


def test_an_archive_is_cosigned_as_it_grows(press):
    engine, clock = press.archive.engine, press.archive.clock
    with serving() as url:
        cosigned_by = policy(("uni", WITNESS, url))
        for at in (7, 8, 9):
            checkpoints.make(engine, clock, LOG)
            (found,) = request_cosignatures(engine, clock, cosigned_by)
            assert found.reason is None
            assert request_cosignatures(engine, clock, cosigned_by) == [], "it is asked once"
            press.scan(at, neu=draft("Neu", f"Satz {at}."))
    with press.archive.read_connection() as connection:
        told = facts(connection, Scope())
    assert level(told, cosigned_by, is_checked_outside=False) == "cosigned"
    assert level(told, None, is_checked_outside=False) == "signed"
    both = policy(("uni", WITNESS, url), ("other", Signer.generate("o", COSIGNATURE), url), quorum="all")  # fmt: skip
    assert level(told, both, is_checked_outside=False) == "signed"


@pytest.mark.slow
def test_a_rolled_back_archive_is_refused_and_reported_why(press):
    engine, clock = press.archive.engine, press.archive.clock
    checkpoints.make(engine, clock, LOG)
    with serving(latest=Checkpoint(LOG.verifier.name, 5000, bytes(32))) as url:
        (found,) = request_cosignatures(engine, clock, policy(("uni", WITNESS, url)))
    assert (found.line, "rolled back" in str(found.reason)) == (None, True)


@pytest.mark.slow
def test_a_witness_that_is_away_or_lies_is_reported_and_hinders_nothing(press):
    engine, clock = press.archive.engine, press.archive.clock
    made = checkpoints.make(engine, clock, LOG)
    liar = Signer.generate(WITNESS.verifier.name, COSIGNATURE)
    with serving(liar) as url, serving(logs=()) as deaf:
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


def test_a_newer_checkpoint_of_another_process_is_no_rollback(press):
    engine, clock, steps = press.archive.engine, press.archive.clock, iter(("grow", "sign"))

    def meanwhile() -> None:
        if next(steps, None) == "grow":
            press.scan(10, neu=draft("Neu", "Das ist neu."))
            checkpoints.make(engine, clock, LOG)
            (found,) = request_cosignatures(engine, clock, cosigned_by)
            assert found.reason is None

    checkpoints.make(engine, clock, LOG)
    with serving(meanwhile=meanwhile) as url:
        cosigned_by = policy(("uni", WITNESS, url))
        (found,) = request_cosignatures(engine, clock, cosigned_by)
        assert "another process" in str(found.reason)
        assert request_cosignatures(engine, clock, cosigned_by) == []


def test_a_policy_file_that_is_not_there_is_reported(tmp_path):
    with pytest.raises(ValueError, match="cannot be read"):
        read_policy(tmp_path / "none")
