"""Calls of the tools for assistants within this process."""

import asyncio
import json

from storage.capabilities.assistants import tools as mcp
from storage.web.app import make_app
from storage.web.archives import ServedArchive
from tests.services import reader_address


def within(archive_url, name, /, **arguments):
    """Return the result of a call within this process."""
    place = ServedArchive(archive_url, sql_url=reader_address(archive_url))

    async def run():
        app = make_app(place)
        tools = mcp.ArchiveTools(app.app, place)
        try:
            return await tools.call(name, arguments)
        finally:
            tools.close()
            app.close()

    result = asyncio.run(run())
    return result.is_error, json.loads(result.content[0].text)
