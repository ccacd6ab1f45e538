"""`python -m tests.tools.month --days 30 --articles 200 --kills 50`: a month in accelerated time."""

import argparse
import sys

from tests.tools.month.month import Month, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.month", description=__doc__)
    parser.add_argument("--articles", type=int, default=200)
    parser.add_argument("--feeds", type=int, default=20)
    parser.add_argument("--sitemaps", type=int, default=2)
    parser.add_argument("--days", type=float, default=30.0)
    parser.add_argument("--kills", type=int, default=50, help="workers that are killed on the way")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--seed", type=int, default=1, help="of the world and of the chances")
    month = run(Month(**vars(parser.parse_args())))
    sys.stdout.write(month.told() + "\n")
    return 1 if month.faults else 0


if __name__ == "__main__":
    sys.exit(main())
