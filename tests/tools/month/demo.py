"""`python -m tests.tools.month.demo --days 7 --minutes 3`: `lesart up` against a press, in accelerated time.

A press of its own on the loopback publishes, changes, moves and loses articles; `lesart up` watches
its feeds. An hour of the press goes by in a few seconds. At the end the archive is left in
`--folder`, to be looked at with the usual commands.
"""

import argparse
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.flow.processes import LESART, environment, lesart_process
from tests.tools.month.world import made
from tests.web.clock import SharedClock
from tests.web.site import simulated_web

STEP_SECONDS = 1.0
ASKED = (
    ["list", "--format", "table", "--limit", "8"],
    ["changes", "--format", "table", "--limit", "5"],
    ["sql", "SELECT outcome, count(*) AS checks FROM observations GROUP BY outcome ORDER BY 2 DESC", "--format", "table"],
    ["sql", "SELECT origin, joined_by, joined_to FROM addresses WHERE joined_by IS NOT NULL LIMIT 5", "--format", "table"],
    ["verify", "--format", "table"],
)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.month.demo", description=__doc__)
    parser.add_argument("--days", type=float, default=7.0)
    parser.add_argument("--minutes", type=float, default=3.0, help="how long that takes")
    parser.add_argument("--articles", type=int, default=30)
    parser.add_argument("--folder", type=Path, default=Path("lesart-demo"))
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    return run(given.folder.absolute(), given.days, given.minutes * 60, given.articles)


def run(folder: Path, days: float, seconds: float, articles: int, seed: int = 3) -> int:
    """Live through some days in so many seconds; return the exit code of `lesart verify`."""
    start = datetime.now(UTC)  # as the commands that add sources go by the clock of the machine
    clock = SharedClock(folder / "clock", start)
    world = made(seed, articles=articles, feeds=4, sitemaps=1, days=days, start=start)
    with simulated_web(folder, clock) as web:
        world.open_on(web)
        settings = {
            "home": str(folder), "allow_hosts": web.allow_hosts(), "ca_file": str(web.ca_file),
            "pace": "0.05s", "contact": "archiv@lesart.example", "seeds": str(folder / "none"),
        }  # fmt: skip
        for address in world.lists():
            added = lesart_process(folder, "source", "add", address, "--every", "1h", **settings)
            assert added.returncode == 0, added.stderr
        up = subprocess.Popen(
            [sys.executable, "-m", "tests.tools.month.up", str(clock.path)],
            cwd=folder,
            env=environment(**settings),
        )
        try:
            _let_time_pass(
                clock,
                start + timedelta(days=days),
                timedelta(days=days) / timedelta(seconds=seconds),
            )
        finally:
            up.terminate()
            up.wait(60)
    for words in ASKED:
        sys.stdout.write(f"\n$ lesart {' '.join(words)}\n")
        sys.stdout.flush()
        code = subprocess.run([*LESART, *words], cwd=folder, env=environment(**settings)).returncode
    sys.stdout.write(f"\nthe archive is {folder / 'lesart.sqlite3'}\n")
    return code


def _let_time_pass(clock: SharedClock, end: datetime, faster: float) -> None:
    while clock() < end:
        time.sleep(STEP_SECONDS)
        clock.jump(clock() + timedelta(seconds=STEP_SECONDS * (faster - 1)))


if __name__ == "__main__":
    sys.exit(main())
