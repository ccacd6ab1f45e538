"""Ctrl-C, which a terminal sends to a program and to all processes that it started."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_interrupt() -> Iterator[None]:
    """Block SIGINT in this thread until the end of the block.

    A process that is started in the block never receives one.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
