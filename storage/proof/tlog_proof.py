"""The proof that a log holds an entry, as a text that is checked offline (C2SP tlog-proof)."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from storage.proof.note import Checkpoint, Note, NoteError, Verifier, hash_of, number_of
from storage.proof.tree import TreeProofError, leaf_hash, root_of

HEADING = "c2sp.org/tlog-proof@v1"
LONGEST_PATH = 63


@dataclass(frozen=True, slots=True)
class TlogProof:
    """The position of an entry, the path from it to the root, and the signed checkpoint."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a proof.

        Raises: NoteError.
        """
        heading, _, rest = text.partition("\n")
        if heading != HEADING:
            raise NoteError(f"a proof begins with {HEADING}")
        if rest.startswith("extra "):
            rest = rest.partition("\n")[2]
        above, separator, checkpoint = rest.partition("\n\n")
        index, *path = above.split("\n")
        if not separator or not index.startswith("index ") or len(path) > LONGEST_PATH:
            raise NoteError("a proof has an index, a path and a checkpoint")
        number = number_of(index.removeprefix("index "))
        return cls(number, tuple(hash_of(line) for line in path), checkpoint)

    @property
    def text(self) -> str:
        return f"{HEADING}\n{self.spicy}"

    @property
    def spicy(self) -> str:
        """Return the proof without its first line, the format of litetlog's `spicy`."""
        lines = [f"index {self.index}", *(base64.b64encode(each).decode() for each in self.path)]
        return "".join(f"{line}\n" for line in lines) + f"\n{self.checkpoint}"

    def check(self, entry: bytes, verifiers: Sequence[Verifier]) -> Checkpoint:
        """Return the checkpoint that covers `entry`.

        Raises: NoteError if the checkpoint is not signed, or the path does not lead to its root.
        """
        note = Note.parse(self.checkpoint)
        note.require(verifiers)
        found = Checkpoint.parse(note.text)
        try:
            root = root_of(leaf_hash(entry), self.index, found.size, self.path)
        except TreeProofError as error:
            raise NoteError(str(error)) from error
        if root != found.root:
            raise NoteError("the path does not lead from the entry to the checkpoint")
        return found
