"""The check of unconfirmed readings in `lesart doctor`."""

from collections.abc import Iterator

from storage.capabilities.unconfirmed import figures
from storage.read.archive import ReadOnlyArchive
from storage.settings import Settings
from storage.values.messages import quantity
from storage.verify.doctor import Finding, with_archive

DECIDE = "see `lesart unconfirmed --open`, then `lesart confirm` or `lesart dismiss`"


@with_archive
def check_unconfirmed(_settings: Settings, archive: ReadOnlyArchive) -> Iterator[Finding]:
    """Report the readings that are held back without a decision."""
    with archive.connect() as connection:
        number = figures.compute_figures(connection)[figures.OPEN]
    if number:
        message = quantity("{n} reading is held back|{n} readings are held back", number)
        yield Finding("unconfirmed", "warning", message, DECIDE)
    else:
        yield Finding("unconfirmed", "ok", "no reading is held back")


CHECKS = (("unconfirmed", check_unconfirmed),)
