"""The command `python -m tests.chaos`."""

import argparse
import sys

from tests.chaos.harness import run

parser = argparse.ArgumentParser(description="Kill what does the work, and count afterwards.")
parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
parser.add_argument("--seeds", type=int, default=5000)
parser.add_argument("--kills", type=int, default=40)
parser.add_argument("--seed", type=int, default=1)
given = parser.parse_args()
outcome = run(given.database, given.seeds, given.kills, given.seed)
sys.stdout.write(f"{given.database}, seed {given.seed}: {outcome.told()}\n")
sys.exit(bool(outcome.broken))
