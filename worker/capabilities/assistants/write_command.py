"""The command `lesart mcp`."""

import signal
from functools import partial
from typing import TYPE_CHECKING

import typer

from storage.cli.app import app
from storage.cli.exits import WRONG_USE, say
from storage.cli.options import ArchiveOptions, command
from storage.settings import Settings
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    import anyio

    from storage.capabilities.assistants import mounts
    from storage.web import app as web_app
    from storage.web import problems
    from worker import log as event_log
    from worker.services import web as web_service
else:
    anyio = LazyModule("anyio")
    mounts = LazyModule("storage.capabilities.assistants.mounts")
    web_app = LazyModule("storage.web.app")
    problems = LazyModule("storage.web.problems")
    event_log = LazyModule("worker.log")
    web_service = LazyModule("worker.services.web")


@command(app, "mcp", example="lesart mcp --archive lesart-data/lesart.sqlite3")
def mcp(place: ArchiveOptions) -> None:
    """Run a read-only server for assistants (MCP) on standard input and output.

    It needs an extra: pip install 'lesart[mcp]'.
    """
    try:
        serve_tools(place.settings())
    except problems.Problem as problem:
        say(problem.detail)
        raise typer.Exit(WRONG_USE) from problem


def serve_tools(settings: Settings) -> None:
    """Serve the tools on standard input and output until it is closed.

    Raises: Problem if the extra is not installed, and the errors of `make_app`.
    """
    event_log.log_events("warning")
    place = web_service.served_archive(settings)
    signal.signal(
        signal.SIGINT, signal.SIG_DFL
    )  # a thread that reads the input cannot be cancelled
    archive_app = web_app.ReplaceableApp(place, partial(web_app.make_app, place))
    anyio.run(mounts.load_tools().serve_stdio, archive_app, place)
