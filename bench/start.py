"""What it costs to start a command: processor time, beside the libraries that it stands on.

    python -m bench.start [--rounds N]

Prints the least of N runs of each command on a small archive, and how often the time that it takes
to import SQLModel alone goes into it: that ratio holds on a slow or busy machine too. What
reads an archive imports SQLAlchemy, so that is the least that it can take.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

SEEDS = Path(__file__).parent.parent / "seeds"
REFERENCE, FLOOR = "import sqlmodel", "import sqlalchemy"
GOALS = {"--help": 0.25, "list": 0.35}
"""Seconds of processor time, on the machine that the goals were set on."""


def cpu_seconds(command: list[str], folder: str) -> float:
    """Run a command, which has to end well, and return the processor time that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = os.environ | {"LESART_SEEDS": str(SEEDS), "LESART_HOME": folder}
    subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    program = [sys.executable, "-P", "-m", "worker"]
    commands = {
        REFERENCE: [sys.executable, "-c", REFERENCE],
        FLOOR: [sys.executable, "-c", FLOOR],
        "--help": [*program, "--help"],
        "list": [*program, "list"],
        "search": [*program, "search", "Brücke"],
        "changes": [*program, "changes"],
    }
    least = dict.fromkeys(commands, float("inf"))
    with tempfile.TemporaryDirectory() as folder:
        cpu_seconds([*program, "up", "--once"], folder)
        for _ in range(rounds):  # in turn, so that a busy moment meets all of them
            for name, command in commands.items():
                least[name] = min(least[name], cpu_seconds(command, folder))
    print(f"{'command':<18} {'CPU s':>6} {'ratio':>6} {'goal s':>7}")
    for name, seconds in least.items():
        goal = f"{GOALS[name]:.2f}" if name in GOALS else ""
        print(f"{name:<18} {seconds:6.3f} {seconds / least[REFERENCE]:6.2f} {goal:>7}")


if __name__ == "__main__":
    main()
