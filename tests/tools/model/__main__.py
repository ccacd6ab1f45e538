"""`python -m tests.tools.model --examples 2000 --seed 1`: any events, checked against a model."""

import argparse
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests import services
from tests.conftest import migrate
from tests.tools.model.machine import ArchiveMachine
from tests.tools.model.means import Databases


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.model", description=__doc__)
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--steps", type=int, default=50, help="of an example")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, help="go on with the next seed for so long")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--shrink", action="store_true", help="look for fewer steps that fail")
    parser.add_argument("--verify-every", type=int, default=10, help="steps")
    given = parser.parse_args()
    ends, faulty = time.monotonic() + 60 * (given.minutes or 0), 0
    with ExitStack() as resources:
        ArchiveMachine.databases = resources.enter_context(databases_of(given.database))
        ArchiveMachine.verify_every = given.verify_every
        for number in count(given.seed):
            began = time.process_time()
            ArchiveMachine.done.clear()
            try:
                run(ArchiveMachine, number, given.examples, given.steps, shrinks=given.shrink)
                found = "agree"
            except Exception:  # noqa: BLE001  # printed, and told by the exit code
                faulty, found = faulty + 1, "before the fault above"
                sys.stdout.write(traceback.format_exc())
            seconds = time.process_time() - began
            done = ArchiveMachine.done
            sys.stdout.write(
                f"{given.database}, seed {number}: {len(done)} examples, {sum(done)} steps of up "
                f"to {given.steps} {found}, {seconds:.0f} s of processor time\n"
            )
            sys.stdout.flush()
            if time.monotonic() >= ends:
                return 1 if faulty else 0
    raise AssertionError


def run(
    machine: type[ArchiveMachine], number: int, examples: int, steps: int, *, shrinks: bool = False
) -> None:
    """Run a machine from a seed; raises what it finds, with the steps that lead there."""
    run_state_machine_as_test(
        seed(number)(machine),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, *[Phase.shrink] * shrinks],
        ),
    )


@contextmanager
def databases_of(kind: str) -> Iterator[Databases]:
    """Give a maker of empty archives."""
    if kind == "postgresql":
        with services.postgres() as postgres, postgres.database() as template:
            migrate(template)
            name = template.partition("?")[0].rpartition("/")[2]
            yield lambda: postgres.emptied(name)
            return
    with tempfile.TemporaryDirectory(prefix="lesart-model-") as folder:
        template = Path(folder, "template.sqlite3")
        migrate(f"sqlite:///{template}")
        yield sqlite_archives(Path(folder), template)


def sqlite_archives(folder: Path, template: Path) -> Databases:
    """Return a maker of empty archives in a folder."""
    numbers = count(1)

    @contextmanager
    def make() -> Iterator[str]:
        path = folder / f"{next(numbers)}.sqlite3"
        shutil.copyfile(template, path)
        yield f"sqlite:///{path}"
        for each in folder.glob(f"{path.name}*"):
            each.unlink()

    return make


if __name__ == "__main__":
    sys.exit(main())
