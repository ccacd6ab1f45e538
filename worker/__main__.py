"""The entry point of `lesart` and of `python -m worker`."""

import os
import signal
from typing import TYPE_CHECKING

from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from worker.cli import program
else:
    program = LazyModule("worker.cli.program")

INTERRUPTED = 130


def main() -> None:
    """Run the command line; Ctrl-C while its modules load ends it without a trace."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    program.main()


if __name__ == "__main__":
    main()
