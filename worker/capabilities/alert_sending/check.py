"""The checks of alerts in `lesart doctor`."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from storage.history.alerts import lists
from storage.read.archive import ReadOnlyArchive
from storage.read.figures import work_state
from storage.settings import Settings
from storage.values.messages import quantity
from storage.verify.doctor import Finding, with_archive

LATE_SECONDS = 60.0
"""A delivery that has been due for longer is late: the scheduler sends once a second."""


@with_archive
def check_alerts(settings: Settings, archive: ReadOnlyArchive) -> Iterator[Finding]:
    """Report late, failed and dead deliveries, and mails without a mail server."""
    with archive.connect() as connection:
        counts = lists.counts(connection)
        kinds = {each.kind for each in lists.channels(connection, lists.ids(connection))}
        since_match = work_state.task_ages(connection).get("alerts")
        overdue = lists.overdue_seconds(connection, datetime.now(UTC), since_match)
    if not counts:
        return
    warnings = [*_check_deliveries(counts), *_late(overdue)]
    if "mail" in kinds and settings.mail_url is None:
        mend = "set LESART_MAIL_URL for whoever sends: `lesart up`, or the scheduler"
        message = "alerts go by mail and no mail server is set"
        warnings.append(Finding("alerts", "warning", message, mend))
    yield from warnings
    if not warnings:
        oldest = max(overdue.values(), default=0.0)
        message = quantity(
            "{n} alert, the oldest delivery has been due for {oldest:.0f} s|"
            "{n} alerts, the oldest delivery has been due for {oldest:.0f} s",
            len(counts), oldest=oldest,
        )  # fmt: skip
        yield Finding("alerts", "ok", message)


def _check_deliveries(counts: Mapping[str, Mapping[str, int]]) -> Iterator[Finding]:
    for name, states in counts.items():
        if states["dead"]:
            message = quantity(
                "{n} delivery of {name} was given up|{n} deliveries of {name} were given up",
                states["dead"], name=name,
            )  # fmt: skip
            log = f"see `lesart alert log {name} --state dead`"
            mend = f"{log}, then `lesart alert retry {name}`"
            yield Finding("alerts", "warning", message, mend)
        if states["failed"]:
            message = quantity(
                "{n} delivery of {name} failed and is tried again|"
                "{n} deliveries of {name} failed and are tried again",
                states["failed"], name=name,
            )  # fmt: skip
            mend = f"see `lesart alert log {name} --state failed` for the reasons"
            yield Finding("alerts", "warning", message, mend)


def _late(overdue: Mapping[str, float]) -> Iterator[Finding]:
    for name, seconds in overdue.items():
        if seconds > LATE_SECONDS:
            message = f"the oldest delivery of {name} has been due for {seconds:.0f} s"
            mend = "start `lesart up`, or on the stack the scheduler, and look at its log"
            yield Finding("alerts", "warning", message, mend)


CHECKS = (("alerts", check_alerts),)
