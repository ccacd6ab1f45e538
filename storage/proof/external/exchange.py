"""One HTTP exchange with a witness, a time-stamping authority or a calendar."""

import socket
import ssl
import time
from typing import TYPE_CHECKING, Any

from storage.metered_socket import Meter, MeteredSocket, MeteredTlsSocket, open_metered_socket
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from http import client

    from urllib3 import connection as connections
    from urllib3 import exceptions, util
else:
    client = LazyModule("http.client")
    connections = LazyModule("urllib3.connection")
    exceptions = LazyModule("urllib3.exceptions")
    util = LazyModule("urllib3.util")

SECONDS = 10.0
"""Time limit of a whole exchange, from the connection to the last byte of the answer."""
LARGEST_ANSWER = 100_000
HEAD_BYTES = 64 * 1024


class ExchangeError(Exception):
    """A server gave no complete answer in time."""


def exchange(url: str, body: bytes | None, content_type: str | None = None) -> tuple[int, bytes]:
    """Send one request and return status and body of the answer.

    The request is a POST if there is a `body`, otherwise a GET. At most `LARGEST_ANSWER` bytes of
    the answer are read. The deadline covers everything but the resolution of the host name, which
    has the time limits of the resolver.

    Raises: ExchangeError.
    """
    meter = Meter(time.monotonic() + SECONDS, LARGEST_ANSWER + HEAD_BYTES)
    try:
        return _answer(url, body, content_type, meter)
    except (TimeoutError, exceptions.ReadTimeoutError) as error:
        raise ExchangeError(f"no complete answer within {SECONDS:g} seconds") from error
    except (exceptions.HTTPError, client.HTTPException, OSError, ValueError) as error:
        raise ExchangeError(str(error) or type(error).__name__) from error


def _answer(
    url: str, body: bytes | None, content_type: str | None, meter: Meter
) -> tuple[int, bytes]:
    parts = util.parse_url(url)
    connection = _connection(parts.scheme or "", parts.host or "", parts.port, meter)
    headers = {} if content_type is None else {"Content-Type": content_type}
    try:
        connection.request(
            "GET" if body is None else "POST", parts.request_uri,
            body=body, headers=headers, preload_content=False,
        )  # fmt: skip
        response = connection.getresponse()
        return response.status, response.read(LARGEST_ANSWER, decode_content=True)
    finally:
        connection.close()


def _connection(scheme: str, host: str, port: int | None, meter: Meter) -> Any:
    class Plain(connections.HTTPConnection):
        def _new_conn(self) -> MeteredSocket:
            return _open_first(self.host, self.port, meter)

    class Tls(connections.HTTPSConnection):
        def _new_conn(self) -> MeteredSocket:
            return _open_first(self.host, self.port, meter)

        def connect(self) -> None:
            super().connect()
            assert isinstance(self.sock, MeteredTlsSocket)
            self.sock.meter = meter

    if scheme != "https":
        return Plain(host, port, timeout=SECONDS)
    context = ssl.create_default_context()
    context.sslsocket_class = MeteredTlsSocket
    return Tls(host, port, timeout=SECONDS, ssl_context=context)


def _open_first(host: str, port: int, meter: Meter) -> MeteredSocket:
    """Return a socket connected to the first address of a host that accepts."""
    found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    failure: OSError = OSError(f"the host {host} has no address")
    for *_kind, place in found:
        try:
            return open_metered_socket(str(place[0]), port, meter)
        except OSError as error:
            failure = error
    raise failure
