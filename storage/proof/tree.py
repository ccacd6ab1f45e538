"""The Merkle tree of RFC 6962 over SHA-256: roots, inclusion proofs and consistency proofs."""

from collections.abc import Callable, Iterator, Sequence
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


def root_of(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root of an inclusion proof, from the hash of a leaf.

    Raises: TreeProofError.
    """
    if not 0 <= index < size:
        raise TreeProofError(f"a tree of {size} leaves has no leaf {index}")
    found = leaf
    for sibling, is_left in _climb(index, size - 1, path):
        found = node_hash(sibling, found) if is_left else node_hash(found, sibling)
    return found


def _climb(place: int, last: int, path: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Yield each sibling on the path from a position to the root, and whether it is on the left.

    `last` is the last position of that level. Raises: TreeProofError.
    """
    for sibling in path:
        if last == 0:
            raise TreeProofError("the proof is too long")
        is_left = bool(place & 1) or place == last
        yield sibling, is_left
        while is_left and place and not place & 1:
            place, last = place >> 1, last >> 1
        place, last = place >> 1, last >> 1
    if last:
        raise TreeProofError("the proof is too short")


def check_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> None:
    """Check that the tree of `old` leaves is the beginning of the tree of `new` leaves.

    Raises: TreeProofError.
    """
    if not 0 <= old <= new:
        raise TreeProofError(f"a tree of {new} leaves does not begin with {old}")
    if old in {0, new}:
        if path or (old == new and old_root != new_root):
            raise TreeProofError("the roots of one size differ, or a proof where none is due")
        return
    if old_root != _old_root(old, new, old_root, path, new_root):
        raise TreeProofError("the proof does not lead to the old root")


def _old_root(old: int, new: int, old_root: bytes, path: Sequence[bytes], new_root: bytes) -> bytes:
    """Follow a consistency proof to both roots and return the old one."""
    steps = list(path) if old & (old - 1) else [old_root, *path]
    if not steps:
        raise TreeProofError("the proof is too short")
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    first = second = steps[0]
    for each, is_left in _climb(place, last, steps[1:]):
        first = node_hash(each, first) if is_left else first
        second = node_hash(each, second) if is_left else node_hash(second, each)
    if second != new_root:
        raise TreeProofError("the proof does not lead to the new root")
    return first


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
