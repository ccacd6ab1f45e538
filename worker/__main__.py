"""The entry point of `lesart` and of `python -m worker`."""

import os
import signal
from importlib import import_module

INTERRUPTED = 130


def main() -> None:
    """Run the command line; Ctrl-C while its modules load ends it without a trace."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    import_module("worker.cli.program").main()


if __name__ == "__main__":
    main()
