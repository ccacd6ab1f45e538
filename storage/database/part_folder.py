"""A private folder in which one process writes a file before that appears as a whole."""

import fcntl
import glob
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_LONGEST_NAME = 100


@contextmanager
def part_folder(path: Path) -> Iterator[Path]:
    """Provide a folder next to `path` that only its owner can read; it is removed at the end.

    A killed process leaves its folder behind; the next one that writes `path` removes it. A lock
    tells whether the process of a folder lives, also in another container.
    """
    remove_dead(path)
    folder, handle = _create(path)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def _create(path: Path) -> tuple[Path, int]:
    """Return a new folder with its lock; another process may remove it before it is locked."""
    while True:
        prefix = f".{path.name[:_LONGEST_NAME]}."
        folder = Path(tempfile.mkdtemp(prefix=prefix, suffix=".part", dir=path.parent))
        try:
            handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        with suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if folder.is_dir():
            return folder, handle
        os.close(handle)


def remove_dead(path: Path, names: str | None = None) -> None:
    """Remove the folders that killed processes left behind for `path`.

    `names` is a pattern for the files in its folder of which the same is done.
    """
    names = names or glob.escape(path.name[:_LONGEST_NAME])
    for dead in path.parent.glob(f".{names}.*.part"):
        with suppress(OSError):
            handle = os.open(dead, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(dead, ignore_errors=True)
            finally:
                os.close(handle)
