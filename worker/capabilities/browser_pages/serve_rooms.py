"""The server in the container of the browser: each connection to its socket gets a room.

`docker-compose.browser.yml` starts it. A worker connects to the socket, which both containers see,
and LESART_BROWSER names. The container has no network, and rooms have none either.
"""

import os
import shutil
import socketserver
import sys
from contextlib import suppress

from worker.capabilities.browser_pages.browser import OWN_USER, start_room


class _Room(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        """Start a room, and wait for its end."""
        start_room(self.request, *OWN_USER).wait()


def main() -> None:
    """Start rooms at the socket of the first argument until the process is ended.

    The folder of the second argument, the package that rejects requests for consent, is copied
    next to it: workers inject it.
    """
    for package in sys.argv[2:]:
        place = os.path.join(os.path.dirname(sys.argv[1]), os.path.basename(package))  # noqa: PTH118, PTH119, PTH120  # fewer modules
        shutil.copytree(package, place, dirs_exist_ok=True)
    with suppress(FileNotFoundError):
        os.unlink(sys.argv[1])  # noqa: PTH108  # left by a server that was killed
    with socketserver.ThreadingUnixStreamServer(sys.argv[1], _Room) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
