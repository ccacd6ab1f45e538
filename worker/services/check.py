"""The check of the scheduler in `lesart doctor`."""

from collections.abc import Iterator

from storage.read.archive import ReadOnlyArchive
from storage.read.figures import work_state
from storage.settings import Settings
from storage.verify.doctor import Finding, with_archive
from worker.services.schedule.act import LATE_SECONDS
from worker.services.schedule.scheduler import ACTS, late_acts


@with_archive
def check_scheduler(_settings: Settings, archive: ReadOnlyArchive) -> Iterator[Finding]:
    """Report the periodic acts that a running scheduler does not finish in time."""
    with archive.connect() as connection:
        ages, silent = (
            work_state.task_ages(connection),
            work_state.silent_seconds(connection).get("scheduler"),
        )
    if silent is None or silent > LATE_SECONDS:
        mend = "start `lesart up`, or on the stack the scheduler; `lesart up --once` needs none"
        yield Finding("scheduler", "ok", "no scheduler is running", mend)
        return
    late = late_acts(ages)
    for name, age in late.items():
        when = "has not ended yet" if age is None else f"last ended {age:.0f} s ago"
        mend = "look at the log of `lesart up`, or of the scheduler, and restart it"
        yield Finding("scheduler", "warning", f"the act {name} {when}", mend)
    if not late:
        yield Finding("scheduler", "ok", f"it runs, and ends each of its {len(ACTS)} acts in time")
