"""`python -m tests.tools.failures --most 40`: each command fails, or is killed, at its n-th call.

A call opens, renames or removes a file, starts a process, connects, or executes or commits a
statement. The command must end with a documented exit code, do its work when it is given again,
and leave an archive that `lesart verify` finds whole.
"""

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests import services
from tests.tools.failures.operations import OPERATIONS
from tests.tools.failures.trial import HOWS, Bench


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.failures", description=__doc__)
    parser.add_argument("--operation", choices=sorted(OPERATIONS), action="append")
    parser.add_argument("--how", choices=HOWS, action="append", help="default: each")
    parser.add_argument("--most", type=int, default=0, help="calls tried of each command; 0: all")
    parser.add_argument("--seed", type=int, default=1, help="of the calls that are tried")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    given = parser.parse_args()
    faults = trials = 0
    began = time.monotonic()
    with ExitStack() as resources:
        folder = resources.enter_context(tempfile.TemporaryDirectory(prefix="lesart-failures-"))
        is_postgres = given.database == "postgresql"
        postgres = resources.enter_context(services.postgres()) if is_postgres else None
        bench = Bench(Path(folder), postgres)
        for name in given.operation or OPERATIONS:
            for how in given.how or HOWS:
                result = bench.try_all(OPERATIONS[name], how, given.most, given.seed)
                trials += result.trials
                faults += len(result.faults)
                sys.stdout.write(
                    f"{name}, {how}: {result.trials} of {result.calls} calls, "
                    f"exit codes {dict(result.codes)}, {len(result.faults)} faults\n"
                )
                sys.stdout.writelines(f"  {each}\n" for each in result.faults[:10])
                sys.stdout.flush()
    sys.stdout.write(f"{trials} failures, {faults} faults, {time.monotonic() - began:.0f} s\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
