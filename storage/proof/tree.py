"""The Merkle tree of RFC 6962 over SHA-256: roots, inclusion proofs and consistency proofs."""

from collections.abc import Callable, Sequence
from hashlib import sha256

Node = Callable[[int, int], bytes]
"""Returns the hash of the complete subtree of 2**level leaves at an index."""

EMPTY_ROOT = sha256().digest()


class TreeProofError(ValueError):
    """A Merkle proof is invalid."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf.

    >>> leaf_hash(b"").hex()[:16]
    '6e340b9cffb37a98'
    """
    return sha256(b"\0" + entry).digest()


def node_hash(left_hash: bytes, right_hash: bytes) -> bytes:
    return sha256(b"\1" + left_hash + right_hash).digest()


def root(node: Node, size: int) -> bytes:
    """Return the root of the tree of the first `size` leaves."""
    return _subtree(node, 0, size) if size else EMPTY_ROOT


def inclusion(node: Node, index: int, size: int) -> list[bytes]:
    """Return the proof that leaf `index` is in the tree of `size` leaves, from the leaf upwards."""
    if not 0 <= index < size:
        raise TreeProofError(f"a tree of {size} leaves has no leaf {index}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_subtree(node, middle, end))
            end = middle
        else:
            path.append(_subtree(node, start, middle))
            start = middle
    return path[::-1]


def consistency(node: Node, old: int, new: int) -> list[bytes]:
    """Return the proof that the tree of `old` leaves is the beginning of the tree of `new`
    leaves.
    """
    if not 0 <= old <= new:
        raise TreeProofError(f"a tree of {new} leaves does not begin with {old}")
    path: list[bytes] = []
    start, end, is_whole = 0, new, True
    if old in {0, new}:
        return path
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_subtree(node, middle, end))
            end = middle
        else:
            path.append(_subtree(node, start, middle))
            start, is_whole = middle, False
    if not is_whole:
        path.append(_subtree(node, start, end))
    return path[::-1]


def complete_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root of a complete subtree from its hashes (a power of two)."""
    while len(hashes) > 1:
        pairs = zip(hashes[::2], hashes[1::2], strict=True)
        hashes = [sha256(b"\1" + left + right).digest() for left, right in pairs]
    return hashes[0]


def _subtree(node: Node, start: int, end: int) -> bytes:
    """Return the hash over leaves `start` to `end`, from the left-most split downwards."""
    size = end - start
    if not size & (size - 1):
        level = size.bit_length() - 1
        return node(level, start >> level)
    middle = start + _split(size)
    return node_hash(_subtree(node, start, middle), _subtree(node, middle, end))


def _split(size: int) -> int:
    """Return the largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)
