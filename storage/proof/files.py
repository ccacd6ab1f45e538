"""Write the log as files for any web server (C2SP tlog-tiles)."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from storage.database.part_folder import part_folder
from storage.proof import log
from storage.proof.checkpoints import ProofKeyError, SignedCheckpoint, latest
from storage.proof.note import Checkpoint, Note, NoteError
from storage.proof.tiles import bundle, tile_at, tile_path, tiles_of, width_of
from storage.proof.tree import root

CHECKPOINT = "checkpoint"


class TilesError(ProofKeyError):
    """The folder contains the tiles of another log, or of another history of this one."""


@dataclass(frozen=True, slots=True)
class WrittenLog:
    """The number of written files, and the size of the log."""

    files: int
    size: int


def write_tiles(connection: Connection, folder: Path, newest: SignedCheckpoint) -> WrittenLog:
    """Update the files in a folder to a checkpoint, which is written last.

    Raises: TilesError if the folder does not contain an earlier state of the same log.
    """
    size = Checkpoint.parse(Note.parse(newest.note).text).size
    start = _size_in(connection, folder / CHECKPOINT, size)
    number = 0
    folder.mkdir(parents=True, exist_ok=True)
    with part_folder(folder / CHECKPOINT) as begun:
        for path, content in files(connection, newest.size, start):
            target = folder / path
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                _write(target, content, begun)
                number += 1
        _write(folder / CHECKPOINT, newest.with_cosignatures.encode(), begun)
    return WrittenLog(number + 1, newest.size)


def update_tiles(connection: Connection, folder: Path) -> WrittenLog | None:
    """Update the files in a folder to the newest checkpoint; None if they are up to date.

    Raises: TilesError.
    """
    newest = latest(connection)
    if newest is None:
        return None
    with suppress(FileNotFoundError):
        if (folder / CHECKPOINT).read_bytes() == newest.with_cosignatures.encode():
            return None
    return write_tiles(connection, folder, newest)


def copy_of_checkpoint(key: Path) -> Path:
    """Return the file next to a key that keeps the newest checkpoint signed with it."""
    return key.with_name(f"{key.name}.{CHECKPOINT}")


def keep_copy(connection: Connection, key: Path, made: SignedCheckpoint) -> None:
    """Keep a checkpoint outside the database, unless that would replace one of another history."""
    copy = copy_of_checkpoint(key)
    if find_setback(connection, copy) is None:
        with suppress(OSError), part_folder(copy) as begun:
            _write(copy, made.note.encode(), begun, mode=0o600)


def copies_of_checkpoints(key: Path, folder: Path | None) -> list[Path]:
    """Return the files outside the database with checkpoints of its log."""
    files = [copy_of_checkpoint(key), *([] if folder is None else [folder / CHECKPOINT])]
    return [each for each in files if each.exists()]


def find_setback(connection: Connection, copy: Path) -> str | None:
    """Return the error if the log does not continue the checkpoint in a file."""
    try:
        _size_in(connection, copy, log.size_of(connection))
    except TilesError as error:
        return f"the archive was set back, or lost commits: {error}"
    return None


def file_at(connection: Connection, path: str, size: int) -> bytes | None:
    """Return the content of one file of a log of `size` entries, None if there is no such file.

    A full tile is also available in its earlier widths.
    Raises: TileError if `path` is not a tile path.
    """
    level, number, width = tile_at(path)
    if width > width_of(level, number, size):
        return None
    return _content(connection, level, number, width)


def _content(connection: Connection, level: int | None, number: int, width: int) -> bytes:
    if level is None:
        return bundle(place.entry for place in log.entries(connection, number)[:width])
    return b"".join(log.tile(connection, level, number)[:width])


def files(connection: Connection, size: int, start: int = 0) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of each file of a log of `size` that a log of `start` lacks."""
    for level, number, width in tiles_of(size, start):
        for each in (None, 0) if level == 0 else (level,):
            yield tile_path(each, number, width), _content(connection, each, number, width)


def _size_in(connection: Connection, file: Path, size: int) -> int:
    """Return the size in a checkpoint that a log of `size` entries continues; 0 without a file.

    Raises: TilesError.
    """
    try:
        found = Checkpoint.parse(Note.parse(file.read_bytes()).text)
    except FileNotFoundError:
        return 0
    except NoteError as error:
        raise TilesError(f"{file} cannot be read: {error}") from error
    if found.size > size:
        raise TilesError(f"{file} holds {found.size} entries, this log has {size}")
    if root(log.node_of(connection), found.size) != found.root:
        raise TilesError(f"{file} holds another history than this log")
    return found.size


def _write(target: Path, content: bytes, begun: Path, *, mode: int = 0o666) -> None:
    """Write a file in the folder `begun` and move it; concurrent writers write the same content."""
    fresh = begun / "part"
    with open(fresh, "wb", opener=partial(os.open, mode=mode)) as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())  # a checkpoint must not survive a power cut without these
    fresh.replace(target)
