"""What another implementation of the log would do: grow a tree, read tiles, add a signature."""

from base64 import b64encode
from collections.abc import Iterable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from storage.proof.note import Note, Signer
from storage.proof.tiles import WIDTH, TileError
from storage.proof.tree import node_hash, root

HASH_SIZE = 32


class Tree:
    """A tree that grows leaf by leaf and keeps the hash of every complete subtree."""

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self._levels: list[list[bytes]] = [[]]
        for leaf in leaves:
            self.append(leaf)

    def __len__(self) -> int:
        return len(self._levels[0])

    def append(self, leaf: bytes) -> None:
        """Add the hash of a leaf, and of each subtree that it completes."""
        found, number = leaf, len(self)
        for level in range(number.bit_length() + 1):
            if level == len(self._levels):
                self._levels.append([])
            self._levels[level].append(found)
            if not number & 1:
                return
            found = node_hash(self._levels[level][number - 1], found)
            number >>= 1

    def node(self, level: int, index: int) -> bytes:
        return self._levels[level][index]

    def root(self, size: int | None = None) -> bytes:
        return root(self.node, len(self) if size is None else size)


def entries_in(data: bytes) -> list[bytes]:
    """Return the entries of a bundle.

    Raises: TileError.
    """
    found, at = [], 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2])
        if at + 2 > len(data) or end > len(data):
            raise TileError("the bundle of entries is cut off")
        found.append(data[at + 2 : end])
        at = end
    return found


def hashes_in(data: bytes) -> list[bytes]:
    """Return the hashes of a tile.

    Raises: TileError.
    """
    if not data or len(data) % HASH_SIZE or len(data) > HASH_SIZE * WIDTH:
        raise TileError(f"a tile has no {len(data)} bytes")
    return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]


def cosign(signer: Signer, text: str, at: int) -> str:
    """Return the cosignature line of a witness for a checkpoint at a time in POSIX seconds."""
    key = Ed25519PrivateKey.from_private_bytes(signer._seed)
    signature = key.sign(f"cosignature/v1\ntime {at}\n{text}".encode())
    encoded = b64encode(signer.verifier.number + at.to_bytes(8) + signature).decode()
    return f"— {signer.verifier.name} {encoded}\n"


def with_line(note: Note, line: str) -> str:
    """Return the note with one more line that signs it."""
    return "".join([note.text, "\n", *(f"{each.line}\n" for each in note.signatures), line])
