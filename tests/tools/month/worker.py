"""`python -m tests.tools.month.worker CLOCK`: a worker that goes by a shared clock, until it is killed."""

import sys
import time
from pathlib import Path

from storage.settings import load_settings
from storage.write.archive import Archive
from tests.web.clock import SharedClock
from worker.flow.abandoned import AbandonedJobs
from worker.flow.read import Reader
from worker.flow.run_jobs import collect_garbage_rarely, run_next_job
from worker.log import log_events

IDLE_SECONDS = 0.02


def main() -> None:
    log_events("warning")
    settings = load_settings()
    clock = SharedClock(Path(sys.argv[1]))
    collect_garbage_rarely()
    with (
        Archive.open(settings.database_url, clock, create=False) as archive,
        Reader(settings) as reader,
    ):
        looked = 0.0
        while True:
            if time.monotonic() - looked > 0.3:
                AbandonedJobs(archive).free()
                looked = time.monotonic()
            if not run_next_job(archive, settings, reader):
                time.sleep(IDLE_SECONDS)


if __name__ == "__main__":
    main()
