"""Open the archive of a command for writing."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from storage.settings import Settings
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from storage.database import engine as engines
    from storage.database.servers import position
    from storage.write import archive as archives
    from storage.write.archive import Archive
else:
    engines = LazyModule("storage.database.engine")
    position = LazyModule("storage.database.servers.position")
    archives = LazyModule("storage.write.archive")


@contextmanager
def opened_archive(settings: Settings, *, create: bool = False) -> Iterator["Archive"]:
    """Open the archive of the settings; with `create`, create or upgrade it first.

    Later commands of the same home folder see what was written. Raises: see `Archive.open`.
    """
    with archives.Archive.of_settings(settings, create=create) as archive:
        try:
            yield archive
        finally:
            if settings.reader_database_url is not None:
                with suppress(engines.DatabaseError):
                    archive.read(position.store_position, settings.home)
