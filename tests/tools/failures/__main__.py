"""`python -m tests.tools.failures`: each command fails, or is killed, once at each of its calls.

A call opens, renames or removes a file, starts a process, connects, or executes or commits a
statement. Calls with the same stack of our code are one site, which fails at its first and at its
last call. The command must end with a documented exit code, do its work when it is given again,
and leave an archive that `lesart verify` finds whole.
"""

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path

from tests import services
from tests.tools.failures.injector import HOWS
from tests.tools.failures.network import ANSWERS, Servers
from tests.tools.failures.operations import OPERATIONS
from tests.tools.failures.trial import Bench


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.failures", description=__doc__)
    parser.add_argument("--operation", choices=sorted(OPERATIONS), action="append")
    parser.add_argument("--how", choices=(*HOWS, *ANSWERS), action="append", help="default: each")
    parser.add_argument(
        "--most", type=int, default=0, help="calls tried of each command and failure; 0: all sites"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the calls that are tried")
    parser.add_argument(
        "--each-place",
        action="store_true",
        help="of the calls from one line of our code in any command, only one fails",
    )
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    given = parser.parse_args()
    faults = trials = 0
    began = time.monotonic()
    with ExitStack() as resources:
        folder = resources.enter_context(tempfile.TemporaryDirectory(prefix="lesart-failures-"))
        is_postgres = given.database == "postgresql"
        postgres = resources.enter_context(services.postgres()) if is_postgres else None
        servers = resources.enter_context(closing(Servers(Path(folder) / "servers")))
        bench = Bench(Path(folder), servers, postgres)
        for name in given.operation or OPERATIONS:
            tried = bench.try_all(
                OPERATIONS[name],
                tuple(given.how or (*HOWS, *ANSWERS)),
                given.most,
                given.seed,
                each_place=given.each_place,
            )
            for how, result in tried:
                if not result.points and not result.faults:
                    continue
                trials += result.trials
                faults += result.faults
                sys.stdout.write(
                    f"{name}, {how}: {result.calls} calls, {result.sites} sites, "
                    f"{result.trials} of {result.points} points tried, {result.missed} not reached, "
                    f"exit codes {dict(result.codes)}, {result.faults} faults\n"
                )
                sys.stdout.flush()
    sys.stdout.write(
        f"{trials} failures, {len(bench.tried)} ways and places, {faults} faults, "
        f"{time.monotonic() - began:.0f} s\n"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
