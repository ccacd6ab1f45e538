"""`python -m tests.tools.month.up CLOCK`: what `lesart up` runs, by a shared clock."""

import sys
from pathlib import Path

from storage.settings import load_settings
from tests.web.clock import SharedClock
from worker.log import log_events
from worker.services.processes import run_embedded


def main() -> None:
    log_events("warning")
    run_embedded(load_settings(), SharedClock(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
