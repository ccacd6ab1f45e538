"""The server of the page: in the foreground until it is stopped, or in a thread beside others."""

import socket
import threading
from types import TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp

MOST_CONNECTIONS = 200
IDLE_SECONDS = 10
ENDS_SECONDS = 5
MOST_HEAD_BYTES = 32 * 1024


def bound(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address; port 0 takes a free one.

    Raises: OSError.
    """
    kind, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listening = socket.socket(kind, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
        listening.listen(MOST_CONNECTIONS)
    except OSError:
        listening.close()
        raise
    return listening


def serve(app: ASGIApp, listening: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT."""
    _server(app).run(sockets=[listening])


class Served:
    """Serves in a thread for as long as the `with` goes on."""

    def __init__(self, app: ASGIApp, listening: socket.socket) -> None:
        self._server = _server(app)
        self._thread = threading.Thread(
            target=self._server.run, args=([listening],), name="web", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=2 * ENDS_SECONDS)


def _server(app: ASGIApp) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http="h11",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=ENDS_SECONDS,
            h11_max_incomplete_event_size=MOST_HEAD_BYTES,
        )
    )
