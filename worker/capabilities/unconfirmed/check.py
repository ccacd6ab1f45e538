"""The check of unconfirmed readings in `lesart doctor`."""

from collections.abc import Iterator

from storage.capabilities.unconfirmed import figures
from storage.database import archive_errors
from storage.read import archive as reader
from storage.settings import Settings
from storage.values.messages import quantity
from storage.verify.doctor import Finding

DECIDE = "see `lesart unconfirmed --open`, then `lesart confirm` or `lesart dismiss`"


def check_unconfirmed(settings: Settings) -> Iterator[Finding]:
    """Report the readings that are held back without a decision."""
    try:
        with reader.open_with_settings(settings) as archive, archive.connect() as connection:
            number = figures.compute_figures(connection)[figures.OPEN]
    except archive_errors.ArchiveError:
        return  # reported by the check of the archive
    if number:
        message = quantity("{n} reading is held back|{n} readings are held back", number)
        yield Finding("unconfirmed", "warning", message, DECIDE)
    else:
        yield Finding("unconfirmed", "ok", "no reading is held back")


CHECKS = (("unconfirmed", check_unconfirmed),)
