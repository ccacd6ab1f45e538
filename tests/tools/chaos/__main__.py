"""`python -m tests.tools.chaos --minutes 10 --database postgresql --seed 1`: one run, its summary."""

import argparse
import secrets
import sys
from collections.abc import Sequence

from tests.tools.chaos import breakable, containers
from tests.tools.chaos.harness import SEEDS_OF_A_MINUTE, print_line, run


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=0.0, help="of faults of every kind")
    parser.add_argument("--seeds", type=int, help="files that come in")
    parser.add_argument(
        "--kills", type=int, default=40, help="processes that are killed, without --minutes"
    )
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="postgresql")
    parser.add_argument(
        "--on", choices=["processes", "compose"], default="processes",
        help="what is broken; compose: the stack of docker-compose.yml, with --minutes",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, help="of the chances; else a new one, which is told")
    given = parser.parse_args(words)
    if given.on == "compose" and (given.database == "sqlite" or not given.minutes):
        parser.error("--on compose needs --minutes, and is PostgreSQL")
    lacking = [*breakable.missing()] if given.minutes else []
    lacking += containers.missing() if given.on == "compose" else []
    if lacking:
        parser.error(f"not here: {'; '.join(lacking)}")
    seed = secrets.randbelow(10**6) if given.seed is None else given.seed
    print_line(f"the seed of this run is {seed}")
    seeds = given.seeds or int(given.minutes * SEEDS_OF_A_MINUTE) or 5000
    made = run(seeds, given.kills, given.database, seed, minutes=given.minutes, place=given.on)
    print_line(made.told())
    return 1 if made.faults else 0


if __name__ == "__main__":
    sys.exit(main())
