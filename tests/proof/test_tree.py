"""The tree of RFC 6962, against a second implementation that follows the text of the RFC."""

from contextlib import suppress
from hashlib import sha256
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from storage.capabilities.bundles.bundle_log import Wrong, root_of, roots_of
from storage.proof import tree
from storage.proof.tiles import (
    WIDTH,
    TileError,
    bundle,
    tile_at,
    tile_path,
    tiles_of,
    tree_of_tiles,
    width_of,
)
from storage.proof.tree import leaf_hash
from tests.proof.grown import Tree, entries_in, hashes_in

pytestmark = pytest.mark.unit

LARGEST = 10_000


# ------------------------------------------------- RFC 6962, section 2.1, word by word


def mth(d: list[bytes]) -> bytes:
    if not d:
        return sha256().digest()
    if len(d) == 1:
        return sha256(b"\x00" + d[0]).digest()
    k = largest_power_below(len(d))
    return sha256(b"\x01" + mth(d[:k]) + mth(d[k:])).digest()


def path(m: int, d: list[bytes]) -> list[bytes]:
    if len(d) == 1:
        return []
    k = largest_power_below(len(d))
    if m < k:
        return [*path(m, d[:k]), mth(d[k:])]
    return [*path(m - k, d[k:]), mth(d[:k])]


def proof(m: int, d: list[bytes]) -> list[bytes]:
    return subproof(m, d, True)


def subproof(m: int, d: list[bytes], b: bool) -> list[bytes]:
    n = len(d)
    if m == n:
        return [] if b else [mth(d)]
    k = largest_power_below(n)
    if m <= k:
        return [*subproof(m, d[:k], b), mth(d[k:])]
    return [*subproof(m - k, d[k:], False), mth(d[:k])]


def largest_power_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


# ------------------------------------------------------------------------------ properties

trees = st.builds(
    lambda size, seed: [Random(seed).randbytes(6) for _ in range(size)],
    st.one_of(st.integers(1, 40), st.integers(1, 1200), st.sampled_from([255, 256, 257, 512, 513])),
    st.integers(0, 1 << 30),
)


@given(trees, st.data())
def test_roots_and_proofs_are_those_of_the_rfc(entries, data):
    grown = Tree(map(leaf_hash, entries))
    size = data.draw(st.integers(1, len(entries)))
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    cut = entries[:size]
    assert grown.root(size) == mth(cut)
    included = tree.inclusion(grown.node, index, size)
    assert included == path(index, cut)
    assert root_of(entries[index], index, size, included) == mth(cut)
    consistent = tree.consistency(grown.node, old, size)
    assert consistent == proof(old, cut)
    if old < size:
        roots = roots_of(old, size, mth(cut[:old]), consistent)
        assert roots == (mth(cut[:old]), mth(cut))


@pytest.mark.parametrize("size", [1, 2, 4097, 8191, 9999, LARGEST])
def test_large_trees_agree_too(size):
    random = Random(size)
    entries = [random.randbytes(20) for _ in range(size)]
    grown = Tree(map(leaf_hash, entries))
    root = mth(entries)
    assert grown.root() == root
    for index in {0, size - 1, *(random.randrange(size) for _ in range(6))}:
        included = tree.inclusion(grown.node, index, size)
        assert included == path(index, entries)
        assert root_of(entries[index], index, size, included) == root
    for old in {1, size, *(random.randrange(1, size + 1) for _ in range(6))}:
        consistent = tree.consistency(grown.node, old, size)
        assert consistent == proof(old, entries)
        if old < size:
            old_root = mth(entries[:old])
            assert roots_of(old, size, old_root, consistent) == (old_root, root)


@given(trees, st.data())
def test_a_proof_with_anything_changed_proves_nothing(entries, data):
    grown, size = Tree(map(leaf_hash, entries)), len(entries)
    index = data.draw(st.integers(0, size - 1))
    good = tree.inclusion(grown.node, index, size)
    root = grown.root()
    other = data.draw(st.sampled_from(["leaf", "index", "shorter", "longer", "flip"]))
    entry, place, bad = entries[index], index, list(good)
    if other == "leaf":
        entry += b"!"
    elif other == "index":
        place = data.draw(st.integers(0, size).filter(lambda each: each != index))
        if place < size and entries[place] == entries[index]:
            return
    elif other == "shorter":
        bad = bad[:-1]
        if not good:
            return
    elif other == "longer":
        bad.append(root)
    else:
        if not good:
            return
        at = data.draw(st.integers(0, len(good) - 1))
        bad[at] = bytes([bad[at][0] ^ 1]) + bad[at][1:]
    with suppress(Wrong):
        assert root_of(entry, place, size, bad) != root


@given(trees, st.data())
def test_a_tree_that_forgot_or_changed_a_leaf_has_no_consistency_proof(entries, data):
    size = len(entries)
    old = data.draw(st.integers(1, size))
    changed = data.draw(st.integers(0, old - 1))
    forged = [*entries]
    forged[changed] += b"!"
    honest, other = Tree(map(leaf_hash, entries)), Tree(map(leaf_hash, forged))
    path = tree.consistency(other.node, old, size)
    with suppress(Wrong):
        roots = roots_of(old, size, honest.root(old), path)
        assert roots != (honest.root(old), other.root())


@given(st.integers(1, 3_000), st.integers(0, 3_000))
@example(256, 0)
@example(257, 256)
def test_tiles_hold_the_tree(size, start):
    entries = [b"%d" % number for number in range(size)]
    grown = Tree(map(leaf_hash, entries))
    files = {
        (level, number): b"".join(grown.node(8 * level, number * WIDTH + at) for at in range(width))
        for level, number, width in tiles_of(size)
    }
    node = tree_of_tiles(lambda level, number: hashes_in(files[level, number]))
    assert tree.root(node, size) == grown.root()
    index = start % size
    assert tree.inclusion(node, index, size) == tree.inclusion(grown.node, index, size)
    old = index + 1
    assert tree.consistency(node, old, size) == tree.consistency(grown.node, old, size)
    known = set(tiles_of(min(start, size)))
    assert known | set(tiles_of(size, min(start, size))) >= set(tiles_of(size))


def test_the_tree_of_the_specification_has_its_tiles():
    widths = {(level, number): width for level, number, width in tiles_of(70_000)}
    assert sum(level == 0 for level, _ in widths) == 274
    assert (widths[0, 273], widths[1, 0], widths[1, 1], widths[2, 0]) == (112, 256, 17, 1)
    assert tile_path(1, 1_000) == "tile/1/x001/000"


@given(st.lists(st.binary(max_size=400), max_size=300))
def test_bundles_give_their_entries_back(entries):
    assert entries_in(bundle(entries)) == entries


@given(st.none() | st.integers(0, 7), st.integers(0, 10**12), st.integers(1, WIDTH))
def test_a_path_leads_back_to_its_tile(level, number, width):
    assert tile_at(tile_path(level, number, width)) == (level, number, width)


@pytest.mark.parametrize("path", [
    "checkpoint", "tile/0/1", "tile/0/0001", "tile/0/x000/001", "tile/00/000", "tile/0/001.p/0",
    "tile/0/001.p/256", "tile/0/001.p/007", "tile/-1/000", "tile/0/../000", "tile/entries/x1/000",
    "tile/0/001\n", "tile/0/٠٠١", "/tile/0/001",
])  # fmt: skip
def test_a_malformed_path_of_a_tile_is_refused(path):
    with pytest.raises(TileError):
        tile_at(path)


@given(st.integers(0, 70_000))
def test_each_tile_of_a_log_has_its_stated_width(size):
    assert all(width_of(level, number, size) == width for level, number, width in tiles_of(size))
    assert width_of(0, -(-size // WIDTH), size) == 0
