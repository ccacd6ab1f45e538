"""The check of pictures in `lesart doctor`."""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

from storage.settings import Settings
from storage.values.lazy import LazyModule
from storage.values.messages import quantity
from storage.verify.doctor import Finding

if TYPE_CHECKING:
    from storage.capabilities.pictures import store
    from storage.database import archive_errors
    from storage.read import archive as reader
else:
    archive_errors = LazyModule("storage.database.archive_errors")
    reader = LazyModule("storage.read.archive")
    store = LazyModule("storage.capabilities.pictures.store")

WAITING = "the pictures of {n} page are requested|the pictures of {n} pages are requested"


def check_pictures(settings: Settings) -> Iterator[Finding]:
    """Report whether pictures can be decoded, and the pages that wait."""
    if not settings.pictures:
        yield Finding("pictures", "ok", "no pictures are requested")
        return
    if find_spec("PIL") is None:
        remedy = "install the extra: pip install 'lesart[pictures]'"
        yield Finding("pictures", "broken", "pictures cannot be decoded: Pillow is missing", remedy)
        return
    try:
        with reader.open_with_settings(settings) as archive, archive.connect() as connection:
            waiting = store.count_open(connection)
    except archive_errors.ArchiveError:
        return  # reported by the check of the archive
    yield Finding("pictures", "ok", quantity(WAITING, waiting))


CHECKS = (("pictures", check_pictures),)
