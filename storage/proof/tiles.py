"""A log as files (C2SP tlog-tiles): paths, contents, and a tree that reads them."""

import re
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence

from storage.proof.tree import Node, complete_root

WIDTH = 256
"""Number of hashes of a full tile."""
HEIGHT = 8
"""Number of tree levels per level of tiles."""
LARGEST_ENTRY = 0xFFFF
MOST_CACHED = 64

TILE_PATH = re.compile(
    r"tile/(?P<level>entries|\d{1,2})/(?P<number>(?:x\d{3}/){0,6}\d{3})(?:\.p/(?P<width>\d{1,3}))?"
)
"""
>>> TILE_PATH.fullmatch("tile/0/x001/067.p/3").groups()
('0', 'x001/067', '3')
"""

ReadTile = Callable[[int, int], Sequence[bytes]]
"""Returns the existing hashes of a tile by level and number."""


class TileError(ValueError):
    """Not a valid tile or bundle of entries."""


def tile_path(level: int | None, number: int, width: int = WIDTH) -> str:
    """Return the path of a tile; the level `None` means the entries.

    >>> tile_path(0, 1234067), tile_path(None, 5, 3)
    ('tile/0/x001/x234/067', 'tile/entries/005.p/3')
    """
    digits = f"{number:03}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    name = "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])
    level_name = "entries" if level is None else str(level)
    return f"tile/{level_name}/{name}" + ("" if width == WIDTH else f".p/{width}")


def tile_at(path: str) -> tuple[int | None, int, int]:
    """Return level, number and width of the tile at a path.

    Raises: TileError.

    >>> tile_at("tile/0/x001/x234/067"), tile_at("tile/entries/005.p/3")
    ((0, 1234067, 256), (None, 5, 3))
    """
    found = TILE_PATH.fullmatch(path)
    if found is not None:
        level = None if found["level"] == "entries" else int(found["level"])
        number = int(found["number"].replace("x", "").replace("/", ""))
        width = int(found["width"] or WIDTH)
        if width > 0 and tile_path(level, number, width) == path:
            return level, number, width
    raise TileError(f"{path} is no path of a tile")


def width_of(level: int | None, number: int, size: int) -> int:
    """Return the number of hashes (or entries) of a tile in a log of `size` entries.

    >>> width_of(0, 2, 600), width_of(None, 1, 600), width_of(1, 7, 600)
    (88, 256, 0)
    """
    return max(0, min(WIDTH, (size >> (HEIGHT * (level or 0))) - number * WIDTH))


def tiles_of(size: int, start: int = 0) -> Iterator[tuple[int, int, int]]:
    """Yield level, number and width of each tile of a tree that a tree of `start` leaves lacks.

    >>> list(tiles_of(600))
    [(0, 0, 256), (0, 1, 256), (0, 2, 88), (1, 0, 2)]
    >>> list(tiles_of(600, 599))
    [(0, 2, 88), (1, 0, 2)]
    """
    level = 0
    while size >> (HEIGHT * level):
        hashes, before = size >> (HEIGHT * level), start >> (HEIGHT * level)
        for number in range(before // WIDTH, hashes // WIDTH):
            yield level, number, WIDTH
        if hashes % WIDTH:
            yield level, hashes // WIDTH, hashes % WIDTH
        level += 1


def bundle(entries: Iterable[bytes]) -> bytes:
    """Return entries as one file, each preceded by its length.

    Raises: TileError for an entry that is too long.
    """
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > LARGEST_ENTRY:
            raise TileError(f"an entry of {len(entry)} bytes is too long for a log")
        parts += (struct.pack(">H", len(entry)), entry)
    return b"".join(parts)


def tree_of_tiles(read: ReadTile) -> Node:
    """Return the tree of tiles; the last few tiles are cached."""
    cached: dict[tuple[int, int], Sequence[bytes]] = {}

    def tile(level: int, number: int) -> Sequence[bytes]:
        found = cached.get((level, number))
        if found is None:
            if len(cached) >= MOST_CACHED:
                del cached[next(iter(cached))]
            found = cached[level, number] = read(level, number)
        return found

    def node(level: int, index: int) -> bytes:
        of_tile, within = divmod(level, HEIGHT)
        number, place = divmod(index << within, WIDTH)
        hashes = tile(of_tile, number)[place : place + (1 << within)]
        if len(hashes) != 1 << within:
            raise TileError(f"tile {of_tile}/{number} is too narrow")
        return complete_root(hashes)

    return node
