"""`python -m tests.tools.year --seed 1`: the scheduler in a simulated year."""

import argparse
import sys

from tests.tools.model.__main__ import databases_of
from tests.tools.year.year import Year, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.year", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of what happens to the machine")
    parser.add_argument("--days", type=float, default=366.0)
    parser.add_argument("--events", type=int, default=40, help="leaps, sleeps, deaths, outages")
    parser.add_argument("--stride", type=float, default=1800.0, help="seconds between the acts "
                        "where nothing happens")  # fmt: skip
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    given = vars(parser.parse_args())
    with databases_of(given.pop("database")) as databases, databases() as url:
        year = run(Year(**given, database_url=url))
    sys.stdout.write(year.told() + "\n")
    return 1 if year.faults else 0


if __name__ == "__main__":
    sys.exit(main())
