"""Write the log as files that any web server can hand out (C2SP tlog-tiles)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from storage.proof import log
from storage.proof.checkpoints import ProofKeyError, Signed
from storage.proof.note import Checkpoint, Note, NoteError
from storage.proof.tiles import bundle, tile_path, tiles_of
from storage.proof.tree import root

CHECKPOINT = "checkpoint"


class TilesError(ProofKeyError):
    """The folder holds the tiles of another log, or of another history of this one."""


@dataclass(frozen=True, slots=True)
class WrittenLog:
    """What was written: how many files, and the size of the log that they hold."""

    files: int
    size: int


def write_tiles(connection: Connection, folder: Path, newest: Signed) -> WrittenLog:
    """Bring the files in a folder to a checkpoint, which is written last.

    Raises: TilesError where the folder does not hold an earlier state of the same log.
    """
    start = _size_in(connection, folder, Checkpoint.parse(Note.parse(newest.note).text))
    number = 0
    for path, content in files(connection, newest.size, start):
        target = folder / path
        if not target.exists():
            _write(target, content)
            number += 1
    _write(folder / CHECKPOINT, newest.cosigned.encode())
    return WrittenLog(number + 1, newest.size)


def files(connection: Connection, size: int, start: int = 0) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of each file that a log of `size` has and one of `start` lacks."""
    for level, number, width in tiles_of(size, start):
        hashes = log.tile(connection, level, number)[:width]
        if level == 0:
            entries = [place.entry for place in log.entries(connection, number)[:width]]
            yield tile_path(None, number, width), bundle(entries)
        yield tile_path(level, number, width), b"".join(hashes)


def _size_in(connection: Connection, folder: Path, now: Checkpoint) -> int:
    try:
        found = Checkpoint.parse(Note.parse((folder / CHECKPOINT).read_bytes()).text)
    except FileNotFoundError:
        return 0
    except NoteError as error:
        raise TilesError(f"{folder / CHECKPOINT} cannot be read: {error}") from error
    if found.size > now.size:
        raise TilesError(f"{folder} holds {found.size} entries, this log has {now.size}")
    if root(log.node_of(connection), found.size) != found.root:
        raise TilesError(f"{folder} holds another history than this log")
    return found.size


def _write(target: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.new")
    fresh.write_bytes(content)
    fresh.replace(target)
