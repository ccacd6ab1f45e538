"""`python -m tests.tools.interleavings --seeds 1000`: units of work at the same time.

Workers, a follower, redactions, backups and others stop before each statement, and the seed
chooses who goes on. `--twin` breaks the program in one place, and looks for the seed that finds it.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.tools.interleavings.scene import TWINS, try_seed
from tests.tools.model.__main__ import databases_of


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.interleavings", description=__doc__
    )
    parser.add_argument("--seed", type=int, default=1, help="the first one")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--minutes", type=float, help="stop after so long")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--twin", choices=sorted(TWINS))
    parser.add_argument("--trace", action="store_true", help="print the statements of each seed")
    given = parser.parse_args()
    began, tried, faulty = time.monotonic(), 0, 0
    with ExitStack() as resources:
        databases = resources.enter_context(databases_of(given.database))
        if given.twin:
            resources.enter_context(TWINS[given.twin]())
        for number in _seeds(given.seed, given.seeds, given.minutes):
            folder = Path(tempfile.mkdtemp(prefix="lesart-seed-"))
            with databases() as url:
                found, run = try_seed(url, folder, number)
            shutil.rmtree(folder)
            tried += 1
            if given.trace:
                sys.stdout.writelines(f"    {each}\n" for each in run.trace)
            if found:
                faulty += 1
                who = ", ".join(actor.name for actor in run.actors)
                sys.stdout.write(f"seed {number} ({who}): {len(found)} faults\n")
                sys.stdout.writelines(f"  {each[:400]}\n" for each in found[:5])
                sys.stdout.flush()
                if given.twin:
                    break
    seconds = time.monotonic() - began
    sys.stdout.write(f"{given.database}: {tried} seeds, {faulty} with faults, {seconds:.0f} s\n")
    return 1 if faulty else 0


def _seeds(first: int, count: int, minutes: float | None) -> Iterator[int]:
    ends = time.monotonic() + 60 * minutes if minutes else float("inf")
    for number in range(first, first + count):
        if time.monotonic() > ends:
            return
        yield number


if __name__ == "__main__":
    sys.exit(main())
