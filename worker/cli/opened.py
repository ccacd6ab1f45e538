"""Open the archive of a command for writing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from storage.settings import Settings
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from storage.write import archive as archives
    from storage.write.archive import Archive
else:
    archives = LazyModule("storage.write.archive")


@contextmanager
def opened_archive(settings: Settings, *, create: bool = False) -> Iterator["Archive"]:
    """Open the archive of the settings; with `create`, create or upgrade it first.

    Raises: see `Archive.open`.
    """
    with archives.Archive.of_settings(settings, create=create) as archive:
        yield archive
