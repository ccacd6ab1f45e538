"""`python -m tests.tools.chaos.again --rounds 20`: kill a command in mid-work, give it again.

`lesart up --once`, `lesart ingest seeds` and `lesart up` are killed at a random moment, alone or
with their children, some a second time; then the same command is given again. At its end each
file must have been read, once: `tests.tools.chaos.checker` looks, and knows nothing of the program.
"""

import argparse
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests import services
from tests.flow.processes import Service, lesart_process
from tests.tools.chaos.checker import asking, faults
from tests.tools.chaos.corpus import Seed, corpus
from tests.tools.chaos.harness import print_line

COMMANDS = (("up", "--once"), ("ingest", "seeds"), ("up",))
SETTINGS = {"every": "1s", "batch_items": "20"}
LONGEST_DELAY_SECONDS = 0.5
GIVE_UP_SECONDS = 300.0


@dataclass
class Round:
    """One command that was killed and repeated."""

    words: tuple[str, ...]
    files: int
    killed_at: list[tuple[int, int]]
    faults: list[str]

    def told(self) -> str:
        killed = ", ".join(f"{kept} kept and {read} read" for kept, read in self.killed_at)
        found = "; ".join(self.faults[:3]) if self.faults else "all read, once"
        return f"{' '.join(self.words):12} killed with {killed} of {self.files}; then {found}"


def rounds(number: int, files: int, database: str, seed: int) -> Iterator[Round]:
    """Make rounds of each command on archives of their own, and yield what came of each."""
    chance = Random(seed)
    with ExitStack() as resources:
        server = None
        if database == "postgresql":
            server = resources.enter_context(services.postgres())
        for index in range(number):
            with ExitStack() as own:
                folder = Path(own.enter_context(tempfile.TemporaryDirectory(prefix="lesart-")))
                url = f"sqlite:///{folder / 'lesart.sqlite3'}"
                if server is not None:
                    url = own.enter_context(server.database())
                yield _round(COMMANDS[index % len(COMMANDS)], folder, url, files, chance)


def _round(words: tuple[str, ...], folder: Path, url: str, files: int, chance: Random) -> Round:
    seeds = [each for each in corpus(files, chance, 1) if each.path.startswith("seeds/")]
    for each in seeds:
        each.write(folder)
    settings = {**SETTINGS, "database_url": url, "seeds": str(folder / "seeds")}
    killed = []
    for _ in range(chance.choice([1, 1, 2])):
        _kill(folder, words, settings, chance, 2 * len(seeds))
        killed.append(_progress(url))
    found = _through(folder, words, settings, len(seeds))
    return Round(words, len(seeds), killed, [*found, *_faults(url, seeds)])


def _kill(
    folder: Path, words: tuple[str, ...], settings: dict[str, str], chance: Random, steps: int
) -> None:
    """Start a command and kill -9 it, with its children or without, somewhere in its work."""
    command = Service(folder, *words, **settings)
    wanted = chance.randint(-steps // 20, steps)  # some before anything is kept
    command.start()
    while command.is_alive and sum(_progress(settings["database_url"])) < wanted:
        time.sleep(0.05)
    time.sleep(chance.uniform(0.0, LONGEST_DELAY_SECONDS))
    children = command.children()
    command.kill()
    if chance.random() < 0.7:
        for child in children:
            if child.is_running():
                child.kill()


def _through(
    folder: Path, words: tuple[str, ...], settings: dict[str, str], number: int
) -> Iterator[str]:
    """Give the command again, to its end; yield what is wrong with how it ended."""
    if words != ("up",):
        ended = lesart_process(folder, *words, "--format", "jsonl", **settings)
        if ended.returncode not in {0, 1}:
            yield f"exit {ended.returncode}: {ended.stderr[-300:]}"
        return
    watching = Service(folder, *words, **settings)
    watching.start()
    try:
        if not _until(lambda: _progress(settings["database_url"])[1] >= number):
            yield "it was not through in time"
    finally:
        watching.end()


def _until(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + GIVE_UP_SECONDS
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.1)
    return False


def _progress(url: str) -> tuple[int, int]:
    """Return how many files were kept and how many read; none where no archive is there yet."""
    try:
        with asking(url) as ask:
            (found,) = ask.rows(
                "SELECT (SELECT count(*) FROM observation), (SELECT count(*) FROM verdict)"
            )
            return found[0], found[1]
    except Exception as error:  # two drivers, each with its own
        if (
            "no such table" in str(error)
            or "does not exist" in str(error)
            or "unable" in str(error)
        ):
            return 0, 0
        raise


def _faults(url: str, seeds: list[Seed]) -> Iterator[str]:
    yield from faults(url, seeds)
    with asking(url) as ask:
        left = ask.number("SELECT count(*) FROM search_due")
        open_jobs = ask.number(
            "SELECT count(*) FROM job WHERE state IN ('ready', 'running') AND kind = 'read'"
        )
    if left or open_jobs:
        yield f"{open_jobs} jobs are open, {left} texts are not found by search"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.chaos.again", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="commands that are killed")
    parser.add_argument("--files", type=int, default=1000, help="files for each of them")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--seed", type=int, help="of the chances; else a new one, which is told")
    given = parser.parse_args()
    seed = secrets.randbelow(10**6) if given.seed is None else given.seed
    print_line(f"{given.database}, the seed of this run is {seed}")
    bad = 0
    for each in rounds(given.rounds, given.files, given.database, seed):
        print_line(each.told())
        bad += bool(each.faults)
    print_line(f"{given.rounds - bad} of {given.rounds} well")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
