"""Open the archive of a command for writing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from storage.settings import Settings

if TYPE_CHECKING:
    from storage.write.archive import Archive


@contextmanager
def opened_archive(settings: Settings, *, create: bool = False) -> Iterator["Archive"]:
    """Open the archive of the settings; with `create`, create or upgrade it first.

    Raises: see `Archive.open`.
    """
    from storage.write.archive import Archive  # noqa: PLC0415  # SQLAlchemy is slow to load

    with Archive.open(settings.database_url, create=create) as archive:
        yield archive
