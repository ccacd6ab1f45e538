"""Log entries in the database: runs of entries in one row, as appended."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from storage.proof.leaf import TABLES, entry
from storage.proof.tiles import WIDTH

_ENTRY = struct.Struct(">qB32s")
_SIZE = struct.Struct(">H")

Entry = tuple[int, int, bytes, bytes]
"""Number, kind, opening, commitment."""
Run = tuple[int, int, bytes, bytes]
"""The last number, the number of entries before, the entries, and the openings."""
RUN_COLUMNS = ("seq", "start", "entries", "openings")


@dataclass(frozen=True, slots=True)
class LogPosition:
    """The position of the entry of a row in the log."""

    index: int
    seq: int
    kind: int
    opening: bytes
    commitment: bytes

    @property
    def table(self) -> str:
        return TABLES.get(self.kind, "log_run")

    @property
    def entry(self) -> bytes:
        return entry(self.kind, self.seq, self.commitment)


def runs_of(entries: Sequence[Entry], size: int) -> Iterator[Run]:
    """Yield the rows with new entries of a log of `size`; no row extends beyond its tile.

    >>> [(start, last) for last, start, *_ in runs_of([(n, 1, b"", b"") for n in range(9)], 250)]
    [(250, 5), (256, 8)]
    """
    begin = 0
    while begin < len(entries):
        start = size + begin
        part = entries[begin : begin + WIDTH - start % WIDTH]
        blob = b"".join(_ENTRY.pack(seq, kind, held) for seq, kind, _, held in part)
        yield part[-1][0], start, blob, pack_openings(each[2] for each in part)
        begin += len(part)


def pack_openings(openings: Iterable[bytes]) -> bytes:
    return b"".join(_SIZE.pack(len(each)) + each for each in openings)


def unpack_entries(start: int, entries: bytes, openings: bytes) -> list[LogPosition]:
    """Return the entries of a run; if it is damaged, the readable ones."""
    whole = len(entries) // _ENTRY.size * _ENTRY.size
    found = _ENTRY.iter_unpack(bytes(entries)[:whole])
    opening = _openings(bytes(openings))
    return [
        LogPosition(start + at, seq, kind, next(opening, b""), held)
        for at, (seq, kind, held) in enumerate(found)
    ]


def count(entries: bytes) -> int:
    """Return the number of entries of a run."""
    return len(entries) // _ENTRY.size


def is_sound(run: Run) -> bool:
    """Check whether the row of a run is intact to the last byte."""
    last, start, entries, openings = run
    found = unpack_entries(start, entries, openings)
    return (
        bool(found)
        and found[-1].seq == last
        and len(found) * _ENTRY.size == len(entries)
        and pack_openings(each.opening for each in found) == openings
    )


def _openings(blob: bytes) -> Iterator[bytes]:
    at = 0
    while at + _SIZE.size <= len(blob):
        (size,) = _SIZE.unpack_from(blob, at)
        at += _SIZE.size
        yield blob[at : at + size]
        at += size
