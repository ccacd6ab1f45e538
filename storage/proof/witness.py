"""PURE: the answer of a witness to a checkpoint (C2SP tlog-witness): a cosignature or a refusal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from storage.proof.note import Checkpoint, Note, NoteError, Signer, Verifier, hash_of, number_of
from storage.proof.tlog_proof import LONGEST_PATH
from storage.proof.tree import TreeProofError, check_consistency

SIZE_TYPE = "text/x.tlog.size"
LARGEST_REQUEST = 200_000


@dataclass(frozen=True, slots=True)
class CosignRequest:
    """A checkpoint, and the proof that it continues an earlier one."""

    old_size: int
    path: tuple[bytes, ...]
    note: str

    @classmethod
    def parse(cls, body: bytes) -> "CosignRequest":
        """Parse a request.

        Raises: NoteError.
        """
        if len(body) > LARGEST_REQUEST:
            raise NoteError("the request is too long")
        try:
            above, separator, note = body.decode().partition("\n\n")
        except UnicodeDecodeError as error:
            raise NoteError("the request is not UTF-8") from error
        old, *path = above.split("\n")
        if not separator or not old.startswith("old ") or len(path) > LONGEST_PATH:
            raise NoteError("a request is an old size, a proof, an empty line and a checkpoint")
        hashes = tuple(hash_of(line) for line in path)
        return cls(number_of(old.removeprefix("old ")), hashes, note)

    @property
    def body(self) -> bytes:
        from base64 import b64encode  # noqa: PLC0415  # only who asks needs it

        lines = [f"old {self.old_size}", *(b64encode(each).decode() for each in self.path)]
        return ("".join(f"{line}\n" for line in lines) + f"\n{self.note}").encode()


@dataclass(frozen=True, slots=True)
class WitnessReply:
    """An HTTP status with its body; `keep` is the checkpoint to store first."""

    status: int
    body: str
    kind: str = "text/plain; charset=utf-8"
    keep: str | None = None


def origin_in(body: bytes) -> str | None:
    """Return the log of a request, None if it is invalid."""
    try:
        return Checkpoint.parse(Note.parse(CosignRequest.parse(body).note).text).origin
    except NoteError:
        return None


def answer(
    body: bytes,
    logs: Mapping[str, Sequence[Verifier]],
    latest: str | None,
    signer: Signer,
    time: int,
) -> WitnessReply:
    """Return the answer; `latest` is the last cosigned checkpoint of that log."""
    try:
        request = CosignRequest.parse(body)
        note = Note.parse(request.note)
        found = Checkpoint.parse(note.text)
    except NoteError as error:
        return WitnessReply(400, f"{error}\n")
    if found.origin not in logs:
        return WitnessReply(404, "this log is not known here\n")
    try:
        note.require(logs[found.origin])
    except NoteError as error:
        return WitnessReply(403, f"{error}\n")
    if request.old_size > found.size:
        return WitnessReply(400, "the old size is larger than that of the checkpoint\n")
    known = None if latest is None else Checkpoint.parse(Note.parse(latest).text)
    refusal = _refusal(request, found, known)
    if refusal is not None:
        return refusal
    return WitnessReply(200, signer.cosign(note.text, time), keep=request.note)


def _refusal(
    request: CosignRequest, checkpoint: Checkpoint, latest: Checkpoint | None
) -> WitnessReply | None:
    """Return the reason of a refusal: a rollback, a fork, or an invalid proof."""
    size = 0 if latest is None else latest.size
    if request.old_size != size:
        return WitnessReply(409, f"{size}\n", SIZE_TYPE)
    if latest is not None and checkpoint.size == size and checkpoint.root != latest.root:
        return WitnessReply(409, f"{size}\n", SIZE_TYPE)
    root = checkpoint.root if latest is None else latest.root
    try:
        check_consistency(size, checkpoint.size, root, checkpoint.root, request.path)
    except TreeProofError as error:
        return WitnessReply(422, f"{error}\n")
    return None
