"""What `lesart doctor` says of alerts."""

from collections.abc import Iterator

from storage.settings import Settings
from storage.verify.doctor import Finding


def check_alerts(settings: Settings) -> Iterator[Finding]:
    """Report deliveries that were given up, and mails that no server can take."""
    from storage.database.engine import ArchiveError  # noqa: PLC0415  # the same
    from storage.history.alerts import lists  # noqa: PLC0415  # SQLAlchemy is slow to load
    from storage.read.archive import open_archive  # noqa: PLC0415

    try:
        with open_archive(settings.database_url) as archive, archive.connected() as connection:
            numbers = lists.counts(connection)
            kinds = {each.kind for each in lists.channels(connection, lists.ids(connection))}
    except ArchiveError:
        return  # told by the check of the archive
    dead = {name: found["dead"] for name, found in numbers.items() if found["dead"]}
    for name, number in dead.items():
        mend = f"see `lesart alert log {name} --state dead`, then `lesart alert retry {name}`"
        yield Finding("alerts", "warning", f"{number} deliveries of {name} were given up", mend)
    if "mail" in kinds and settings.mail_url is None:
        mend = "set LESART_MAIL_URL for whoever sends: `lesart up`, or the scheduler"
        yield Finding("alerts", "warning", "alerts go by mail and no mail server is set", mend)
    elif numbers and not dead:
        yield Finding("alerts", "ok", f"{len(numbers)} alerts, no delivery was given up")
