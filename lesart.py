"""Hand on the reading side of an archive: `from lesart import open_archive`."""

from storage.read.archive import open_archive

__all__ = ["open_archive"]
