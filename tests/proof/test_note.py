"""Signed notes, checkpoints, cosignatures, policies: read and written as C2SP says."""

import base64
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.capabilities.bundles.bundle_log import Wrong, head_of, path_of, root_of, signature_of
from storage.proof.note import (
    COSIGNATURE,
    Checkpoint,
    Note,
    NoteError,
    Signer,
    Verifier,
    tlog_proof,
)
from storage.proof.policy import Policy, PolicyError
from storage.proof.tree import inclusion, leaf_hash
from tests.proof.grown import Tree, cosign, with_line

pytestmark = pytest.mark.unit

LOG = Signer.generate("archiv.example/log", seed=bytes(range(32)))
WITNESS = Signer.generate("zeuge.example/w1", COSIGNATURE, seed=bytes(range(1, 33)))
CHECKPOINT = Checkpoint("archiv.example/log", 3, bytes(32))


def test_keys_survive_being_written_down():
    assert Signer.parse(LOG.secret) == LOG
    assert LOG.secret.split("+")[-1].strip() not in repr(LOG)
    for signer in (LOG, WITNESS):
        assert Verifier.parse(signer.verifier.vkey) == signer.verifier


def test_the_key_of_the_go_package_is_read():
    # the example of golang.org/x/mod/sumdb/note
    vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    line = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    note = Note.parse(f"{text}\n{line}")
    assert note.require([Verifier.parse(vkey)]).name == "PeterNeumann"


def test_a_note_is_signed_by_who_signed_it_and_by_no_other():
    note = Note.parse(CHECKPOINT.signed(LOG))
    assert note.require([WITNESS.verifier, LOG.verifier]) == LOG.verifier
    with pytest.raises(NoteError, match="no key that is known"):
        note.require([WITNESS.verifier])
    changed = CHECKPOINT.signed(LOG).replace("\n3\n", "\n4\n")
    with pytest.raises(NoteError, match="is wrong"):
        Note.parse(changed).require([LOG.verifier])
    assert Checkpoint.parse(note.text) == CHECKPOINT


def test_a_cosignature_holds_for_its_time_alone():
    note = Note.parse(CHECKPOINT.signed(LOG))
    cosigned = Note.parse(with_line(note, cosign(WITNESS, note.text, 1_700_000_000)))
    found = cosigned.line_of(WITNESS.verifier)
    assert found is not None
    assert found.at == 1_700_000_000
    head, _, encoded = found.line.rpartition(" ")
    data = bytearray(base64.b64decode(encoded))
    data[11] ^= 1
    forged = with_line(note, f"{head} {base64.b64encode(data).decode()}\n")
    with pytest.raises(NoteError, match="is wrong"):
        Note.parse(forged).line_of(WITNESS.verifier)


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_bytes_make_the_readers_fail_in_another_way(data):
    for read in (Note.parse, lambda each: Verifier.parse(each.decode("latin-1")),
                 lambda each: Signer.parse(each.decode("latin-1")),
                 lambda each: Checkpoint.parse(each.decode("latin-1"))):  # fmt: skip
        with pytest.raises(NoteError):
            read(data)


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_proof_with_one_byte_changed_is_refused_or_states_the_same(place, byte):
    entries = [b"%d" % number for number in range(5)]
    grown = Tree(map(leaf_hash, entries))
    note = Checkpoint("archiv.example/log", 5, grown.root()).signed(LOG)
    proof = tlog_proof(2, inclusion(grown.node, 2, 5), note)
    assert stated_by(proof, entries[2]) == (2, "archiv.example/log", 5, grown.root())
    data = bytearray(proof.encode())
    data[place % len(data)] = byte
    with suppress(Wrong, ValueError):
        assert stated_by(data.decode(), entries[2]) == stated_by(proof, entries[2])


def stated_by(proof: str, entry: bytes) -> tuple[int, str, int, bytes]:
    """Return the statement of a proof about an entry, checked as the program in a bundle does."""
    checkpoint = proof.partition("\n\n")[2]
    index, path = path_of(proof, checkpoint)
    signed = signature_of(checkpoint, LOG.verifier.vkey)
    if signed is None:
        raise Wrong("not signed")
    origin, size, root = head_of(signed[0])
    if root_of(entry, index, size, path) != root:
        raise Wrong("another root")
    return index, origin, size, root


POLICY = f"""
# two of three, and one more
log {LOG.verifier.vkey} https://archiv.example/
witness a {WITNESS.verifier.vkey} http://127.0.0.1:1/
witness b {Signer.generate("b", COSIGNATURE, seed=bytes(32)).verifier.vkey}
\twitness c {Signer.generate("c", COSIGNATURE, seed=bytes([1] * 32)).verifier.vkey}
group ab any a b
group all-of-them all ab c
quorum all-of-them
"""


def test_a_policy_says_when_a_checkpoint_counts_as_cosigned():
    policy = Policy.parse(POLICY)
    assert policy.logs == [LOG.verifier]
    assert policy.witnesses["a"].url == "http://127.0.0.1:1/"
    assert not policy.is_met(["a", "b"])
    assert policy.is_met(["b", "c"])
    note = Note.parse(CHECKPOINT.signed(LOG))
    cosigned = Note.parse(with_line(note, cosign(WITNESS, note.text, 17)))
    assert policy.cosigners(cosigned) == ["a"]
    assert Policy.parse("quorum none").is_met([])


@pytest.mark.parametrize(
    ("text", "reason"),
    {
        "no quorum": ("# nothing", "no line `quorum"),
        "unknown": ("quorum x", "defined on no line"),
        "a witness as a log": (f"log {WITNESS.verifier.vkey}\nquorum none", "another kind"),
        "twice": (f"witness a {WITNESS.verifier.vkey}\nwitness b {WITNESS.verifier.vkey}\nquorum none", "twice"),
        "too many": (f"witness a {WITNESS.verifier.vkey}\ngroup g 2 a\nquorum g", "no quorum"),
        "in two groups": (f"witness a {WITNESS.verifier.vkey}\ngroup g 1 a\ngroup h 1 a\nquorum g", "two groups"),
        "a garbled key": ("witness a b+00000000+AAAA\nquorum none", "no Ed25519 key"),
        "another word": ("quorums none", "no line of a policy"),
    }.values(),
)  # fmt: skip
def test_a_wrong_policy_is_refused_with_its_line(text, reason):
    with pytest.raises(PolicyError, match=reason):
        Policy.parse(text)
