"""Sockets with one deadline and one byte limit for a whole exchange.

A timeout of the standard library covers a single read: a server that sends one byte every few
seconds never exceeds it. A meter covers connection, handshake, request and answer together.
"""

import socket
import ssl
import time
from dataclasses import dataclass, field
from typing import Any

CONNECT_SECONDS = 10.0


class TooMuchError(OSError):
    """A server sent more than may be read."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} bytes")
        self.limit = limit


@dataclass(slots=True)
class Meter:
    """The rest of an exchange: until `deadline` (monotonic), up to `limit` received bytes."""

    deadline: float
    limit: int
    received: int = 0
    sent: bytearray = field(default_factory=bytearray)

    def left(self) -> float:
        """Return the remaining seconds.

        Raises: TimeoutError.
        """
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time limit was exceeded")
        return left

    def count(self, number: int) -> int:
        """Count received bytes.

        Raises: TooMuchError.
        """
        self.received += number
        if self.received > self.limit:
            raise TooMuchError(self.limit)
        return number


class MeteredSocket(socket.socket):
    """A socket that keeps to its meter."""

    meter: Meter

    def recv_into(self, *arguments: Any, **named: Any) -> int:
        self.settimeout(self.meter.left())
        return self.meter.count(super().recv_into(*arguments, **named))

    def send(self, *arguments: Any, **named: Any) -> int:
        self.settimeout(self.meter.left())
        return super().send(*arguments, **named)

    def sendall(self, *arguments: Any, **named: Any) -> None:
        self.settimeout(self.meter.left())
        super().sendall(*arguments, **named)


class MeteredTlsSocket(MeteredSocket, ssl.SSLSocket):
    """The same over TLS; the `sslsocket_class` of a context."""


def open_metered_socket(address: str, port: int, meter: Meter) -> MeteredSocket:
    """Return a socket that is connected to an IP address.

    Raises: OSError.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    opened = MeteredSocket(family, socket.SOCK_STREAM)
    try:
        opened.meter = meter
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.settimeout(min(CONNECT_SECONDS, meter.left()))
        opened.connect((address, port))
    except BaseException:
        opened.close()
        raise
    return opened
