"""Open the archive that a command names, to write to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from storage.settings import Settings

if TYPE_CHECKING:
    from storage.write.archive import Archive


@contextmanager
def opened_archive(settings: Settings, *, create: bool = False) -> Iterator["Archive"]:
    """Open the archive of the settings, which is made or migrated where `create` says so.

    Raises: what `Archive.open` does.
    """
    from storage.write.archive import Archive  # noqa: PLC0415  # SQLAlchemy is slow to load

    with Archive.open(settings.database_url, create=create) as archive:
        yield archive
