"""The program `lesart`: it loads only the modules of the command that runs."""

import os
import signal
import sys
from importlib import import_module
from typing import TYPE_CHECKING

try:
    import storage.database  # noqa: F401  # a user may have a module of this name
except ModuleNotFoundError:
    own = getattr(sys.modules.get("storage"), "__file__", "storage")
    sys.exit(
        f"lesart: {own} hides the package `storage` of lesart: rename it, or start lesart elsewhere"
    )

from storage.capabilities import CAPABILITIES, module_of
from storage.cli.app import PANELS, add_summaries, app
from storage.cli.exits import UNCHECKED, open_streams, run, say
from storage.read.query.doors import DOORS
from storage.values.errors import AlertError
from storage.values.lazy import LazyModule
from worker.errors import (
    BrokerError,
    JobNotFoundError,
    LocatorError,
    LocatorMissingError,
    NoWorkerError,
    PortTakenError,
    ScheduleError,
    ThreadEndedError,
)

if TYPE_CHECKING:
    from worker import log
else:
    log = LazyModule("worker.log")

READING = (*DOORS, "show", "diff", "cite", "raw")
"""The commands of `storage.cli.article_commands`."""
ALONE = {
    **dict.fromkeys(READING, "storage.cli.article_commands"),
    "ingest": "worker.cli.ingest.command",
    **{each.name: module_of(own, "write_command") for own in CAPABILITIES for each in own.commands},
}
"""The commands that need no other module of commands, with their modules."""

SERVICES = ("up", "worker", "scheduler")
"""The commands that run until they are stopped, and have handlers of signals of their own."""
ENDING = frozenset({"--once", "--drain", "--health", "--help", "-h"})
"""With one of these options a service ends by itself."""

COMPLETION = "_LESART_COMPLETE"
"""The environment variable by which a shell requests completions."""

EXIT_CODES: dict[type[BaseException], int] = {
    AlertError: 2,
    LocatorError: 2,
    LocatorMissingError: 3,
    JobNotFoundError: 3,
    NoWorkerError: UNCHECKED,
    BrokerError: 2,
    ScheduleError: 2,
    PortTakenError: UNCHECKED,
    ThreadEndedError: UNCHECKED,
}
"""Exit codes of errors that only the writing commands raise."""


def main() -> None:
    """Run the command line and exit with its exit code."""
    open_streams()
    if "--debug" in sys.argv:
        log.log_events("debug")
    if sys.argv[1:2] == ["help"]:
        sys.argv[1:] = [*sys.argv[2:], "--help"]
    first = sys.argv[1:2]
    is_service = " ".join(first) in SERVICES and not ENDING & {*sys.argv}
    if first == ["up"] and is_service:
        say("starting; press Ctrl-C to stop")  # loading takes seconds on a slow machine
    _load_commands([*first])
    # Until a service handles Ctrl-C itself, the handler of `worker.__main__` ends it: an exception
    # could be raised inside a library that reports it with a traceback, or discards it.
    if not is_service and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(run(app, exit_codes=EXIT_CODES))


def _load_commands(first: list[str]) -> None:
    """Load the modules of the command that the first word specifies.

    All are loaded if that is unknown, and none for the help, the version and a word that is no
    command.
    """
    if module := ALONE.get(*first or [""]):
        import_module(module)
    elif COMPLETION in os.environ or (first and _may_be_command(first[0])):
        import_module("worker.cli.commands")
    else:
        add_summaries()


def _may_be_command(word: str) -> bool:
    if word.startswith("-"):
        return word not in {"--help", "-h", "--all", "--version"}
    return any(word in names for names in PANELS.values())
