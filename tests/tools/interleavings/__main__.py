"""`python -m tests.tools.interleavings --seeds 1000`: units of work at the same time.

Workers, a follower, redactions, backups and others stop before each statement, and the seed
chooses who goes on. `--twin` breaks the program in one place, and looks for the seed that finds it.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests import services
from tests.conftest import migrate
from tests.tools.interleavings.scene import try_seed
from tests.tools.interleavings.stage import Stage, postgres_stage, sqlite_stage
from tests.tools.interleavings.twins import TWINS
from worker.flow.run_jobs import collect_garbage_rarely

REPORT_EVERY = 10


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
    faulty = tried = 0
    with ExitStack() as resources:
        stage = resources.enter_context(stage_on(given.database))
        collect_garbage_rarely()
        if given.twin:
            resources.enter_context(TWINS[given.twin]())
        began, used = time.monotonic(), time.process_time()

        def report() -> None:
            sys.stdout.write(
                f"{given.database}: {tried} seeds from {given.seed}, {faulty} with faults, "
                f"{time.monotonic() - began:.0f} s, of which "
                f"{time.process_time() - used:.0f} s of processor time\n"
            )
            sys.stdout.flush()

        for number in _seeds(given.seed, given.seeds, given.minutes):
            found, run = try_seed(stage, number)
            tried += 1
            if given.trace:
                sys.stdout.writelines(f"    {each}\n" for each in run.trace)
            if found:
                faulty += 1
                who = ", ".join(actor.name for actor in run.actors)
                sys.stdout.write(f"seed {number} ({who}): {len(found)} faults\n")
                sys.stdout.writelines(f"  {each[:400]}\n" for each in found[:5])
            if found and given.twin:
                break
            if tried % REPORT_EVERY == 0:
                report()
        report()
    return 1 if faulty else 0


@contextmanager
def stage_on(kind: str) -> Iterator[Stage]:
    """Give a stage on a database that lives as long as it."""
    with ExitStack() as resources:
        root = Path(resources.enter_context(TemporaryDirectory(prefix="lesart-seeds-")))
        if kind == "postgresql":
            postgres = resources.enter_context(services.postgres())
            template = resources.enter_context(postgres.database())
            migrate(template)
            name = template.partition("?")[0].rpartition("/")[2]
            yield resources.enter_context(postgres_stage(postgres, name, root))
        else:
            template = root / "leer.sqlite3"
            migrate(f"sqlite:///{template}")
            yield resources.enter_context(sqlite_stage(template, root))


def _seeds(first: int, count: int, minutes: float | None) -> Iterator[int]:
    ends = time.monotonic() + 60 * minutes if minutes else float("inf")
    for number in range(first, first + count):
        if time.monotonic() > ends:
            return
        yield number


if __name__ == "__main__":
    sys.exit(main())
