"""PURE: private servers that may be fetched, each with its address.

Lesart connects to public addresses only. For an intranet or a site behind a tunnel, each server is
permitted with its port and address. Its name is not resolved, so DNS cannot redirect it to another
machine (decision 8).
"""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

ENTRY = re.compile(
    r"(?P<host>\[[0-9a-f:]+\]|[a-z0-9_.-]+):(?P<port>\d{1,5})"
    r"(?:=(?P<address>\[[0-9a-f:]+\]|[0-9.]+)(?::(?P<to>\d{1,5}))?)?",
    re.IGNORECASE,
)
"""One server.

>>> ENTRY.fullmatch("wiki.intern:443=10.1.2.3").group("host", "port", "address", "to")
('wiki.intern', '443', '10.1.2.3', None)
"""


@dataclass(frozen=True, slots=True)
class OwnHost:
    """A permitted server: requested as `host`:`port`, connected at `address`:`to`."""

    host: str
    port: int
    address: str
    to: int

    def __str__(self) -> str:
        return f"{_format_host(self.host)}:{self.port}={_format_host(self.address)}:{self.to}"


OwnHosts = Mapping[tuple[str, int], OwnHost]


def read_own_host(entry: str) -> OwnHost:
    """Return the server that `entry` describes: HOST:PORT=ADDRESS[:PORT], or ADDRESS:PORT alone.

    Raises: ValueError.

    >>> str(read_own_host("wiki.intern:443=10.1.2.3")), str(read_own_host("127.0.0.1:8080"))
    ('wiki.intern:443=10.1.2.3:443', '127.0.0.1:8080=127.0.0.1:8080')
    """
    match = ENTRY.fullmatch(entry.strip())
    if match is None:
        raise ValueError(f"{entry!r} names no server: write HOST:PORT=ADDRESS or ADDRESS:PORT")
    host = match["host"].strip("[]").lower().rstrip(".")
    port = _port(match["port"], entry)
    own = parse_ip(host)
    if match["address"] is None and own is None:
        raise ValueError(f"{entry!r} says not where {host} is: write {entry}=ADDRESS")
    stated = (match["address"] or host).strip("[]")
    address = parse_ip(stated)
    if address is None:
        raise ValueError(f"{stated!r} in {entry!r} is no address such as 10.1.2.3")
    to = _port(match["to"], entry) if match["to"] else port
    return OwnHost(host if own is None else str(own), port, str(address), to)


def hosts_by_port(entries: Iterable[str]) -> OwnHosts:
    """Return the servers that `entries` describe, by host and port."""
    found = [read_own_host(entry) for entry in entries]
    return {(each.host, each.port): each for each in found}


def _port(text: str, entry: str) -> int:
    if not 0 < int(text) < 65_536:
        raise ValueError(f"{text} in {entry!r} is no port")
    return int(text)


def parse_ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the IP address that a text states; None for any other text."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _format_host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
