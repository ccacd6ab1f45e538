"""The tools at their path of the web server, loaded with the first request for them."""

from importlib import import_module
from types import ModuleType
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from storage.values.messages import message_text
from storage.web.archives import ServedArchive
from storage.web.problems import Problem

TOOLS_MISSING = message_text("tools_missing")


def load_tools() -> ModuleType:
    """Return the module of the tools.

    Raises: Problem if the extra is not installed.
    """
    try:
        return import_module("storage.capabilities.assistants.tools")
    except ModuleNotFoundError as error:
        raise Problem("no_such", TOOLS_MISSING) from error


class MountedTools:
    """The tools over the archive that `app` serves."""

    path = "/mcp"

    def __init__(self, app: ASGIApp, place: ServedArchive) -> None:
        self._app, self._place = app, place
        self._tools: Any = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = self  # for the metrics
        tools = await run_in_threadpool(load_tools)
        self._tools = self._tools or tools.ArchiveTools(self._app, self._place)
        await tools.answer_http(self._tools, scope, receive, send)

    def close(self) -> None:
        """End the processes for SQL."""
        if self._tools is not None:
            self._tools.close()


MOUNTS = (MountedTools,)
