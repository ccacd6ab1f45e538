"""Connections to one server: to a checked IP address, with a deadline and a size limit.

The name is resolved once, every resulting IP address must be public, and the connection goes to one
of them. So the checked address and the requested one are the same. The certificate must be valid
for the name.
"""

import socket
import ssl
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection

from storage.metered_socket import Meter, MeteredSocket, MeteredTlsSocket, open_metered_socket
from storage.settings import SettingsError
from storage.values.failures import naming_file
from storage.values.messages import message_text
from storage.values.net.private_hosts import OwnHosts, parse_ip
from worker.address import Address
from worker.web.credentials import Proxy
from worker.web.public import non_public_reason

TLS_VERSION = ssl.TLSVersion.TLSv1_2


class NotPublicError(OSError):
    """An IP address is not public; the request is never retried."""


class NoSuchHostError(OSError):
    """A name has no IP address, or the lookup failed temporarily."""


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """The location of a server: an IP address and its port."""

    address: str
    port: int


class Network:
    """How this process reaches servers: trusted certificates and allowed private servers."""

    def __init__(self, own_servers: OwnHosts, ca_file: Path | None = None) -> None:
        self.own_servers = own_servers
        self._public_context = _context(None)
        self._own_context = _context(ca_file) if ca_file is not None else self._public_context

    def is_own(self, host: str, port: int) -> bool:
        """Check whether the user explicitly allowed this server."""
        return (host, port) in self.own_servers

    def targets(self, address: Address) -> tuple[ServerAddress, ...]:
        """Return all locations of the server of `address`, each checked.

        Raises: NotPublicError, NoSuchHostError.
        """
        allowed = self.own_servers.get((address.host, address.port))
        if allowed is not None:
            return (ServerAddress(allowed.address, allowed.to),)
        places = look_up(address.host, address.port)
        for place in places:
            reason = non_public_reason(place)
            if reason is not None:
                raise NotPublicError(reason)
        return tuple(ServerAddress(place, address.port) for place in places)

    def connection(
        self, address: Address, meter: Meter, proxy: Proxy | None = None
    ) -> "PlainConnection | TlsConnection":
        """Return a connection to the server of `address` that is not opened yet.

        With a `proxy`, the proxy resolves the name; a literal IP address is still checked here.
        """
        if address.scheme == "http":
            return PlainConnection(self, address, meter, proxy)
        is_own = self.is_own(address.host, address.port)
        context = self._own_context if is_own else self._public_context
        found = TlsConnection(self, address, meter, context, proxy)
        if proxy is not None:
            found.set_tunnel(address.host, address.port, _proxy_authorization(proxy))
        return found


def look_up(host: str, port: int) -> tuple[str, ...]:
    """Return all IP addresses of a name.

    Raises: NoSuchHostError.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or message_text("no_such_name")
        raise NoSuchHostError(message_text("name_not_found", host=host, reason=reason)) from error
    return tuple(dict.fromkeys(str(each[4][0]) for each in found))


def _context(ca_file: Path | None) -> ssl.SSLContext:
    """Return the TLS settings: certificates are always checked, by name, with TLS 1.2 or newer.

    Raises: SettingsError.
    """
    context = ssl.create_default_context()
    context.minimum_version = TLS_VERSION
    context.sslsocket_class = MeteredTlsSocket
    if ca_file is not None:
        try:
            with naming_file(ca_file):
                context.load_verify_locations(cafile=str(ca_file))
        except ssl.SSLError as error:
            raise SettingsError("ca_file", f"{ca_file} holds no certificates (PEM)") from error
        except PermissionError as error:
            raise SettingsError("ca_file", f"{ca_file} cannot be read: {error}") from error
    return context


def open_socket(
    network: Network, address: Address, meter: Meter, proxy: Proxy | None
) -> MeteredSocket:
    """Return a socket to one of the checked IP addresses of a server, or to its proxy.

    Raises: NotPublicError, NoSuchHostError, OSError.
    """
    if proxy is not None:
        _require_name(address)
        place = look_up(proxy.host, proxy.port)[0]
        return _connect(ServerAddress(place, proxy.port), meter)
    failed: OSError = NoSuchHostError(message_text("name_without_address", host=address.host))
    for target in network.targets(address):
        try:
            return _connect(target, meter)
        except OSError as error:
            failed = error
    raise failed


def _connect(target: ServerAddress, meter: Meter) -> MeteredSocket:
    sock = open_metered_socket(target.address, target.port, meter)
    try:
        _require_peer(sock, target)
    except BaseException:
        sock.close()
        raise
    return sock


def _require_name(address: Address) -> None:
    """Refuse a host that is a non-public IP address: a proxy would connect to it."""
    reason = None if parse_ip(address.host) is None else non_public_reason(address.host)
    if reason is not None:
        raise NotPublicError(reason)


def _proxy_authorization(proxy: Proxy) -> dict[str, str]:
    """Return the authorization header for the proxy.

    >>> _proxy_authorization(Proxy("p", 1, "ada", "x"))
    {'Proxy-Authorization': 'Basic YWRhOng='}
    """
    if proxy.user is None:
        return {}
    encoded = b64encode(f"{proxy.user}:{proxy.password or ''}".encode()).decode("ascii")
    return {"Proxy-Authorization": f"Basic {encoded}"}


def _require_peer(sock: socket.socket, target: ServerAddress) -> None:
    peer = sock.getpeername()
    if peer[:2] != (target.address, target.port):
        raise NotPublicError(message_text("other_peer", peer=peer[0], address=target.address))


class _PinnedConnection:
    """The common part of both kinds of connections: their target and their meter."""

    network: Network
    address: Address
    meter: Meter
    way: Proxy | None
    sock: Any

    def _new_conn(self) -> socket.socket:
        return open_socket(self.network, self.address, self.meter, self.way)

    def use_meter(self, meter: Meter) -> None:
        """Start another exchange on the same connection."""
        self.meter = meter
        if self.sock is not None:
            self.sock.meter = meter

    def connect(self) -> None:
        """Connect, and meter the data received from now on."""
        super().connect()  # type: ignore[misc]
        self.sock.meter = self.meter

    def send(self, data: Any) -> None:
        """Send data, and record it."""
        super().send(data)  # type: ignore[misc]
        if isinstance(data, bytes):
            self.meter.sent += data


class PlainConnection(_PinnedConnection, HTTPConnection):
    """An HTTP connection."""

    def __init__(
        self, network: Network, address: Address, meter: Meter, way: Proxy | None = None
    ) -> None:
        super().__init__(address.host, address.port, timeout=meter.left())
        self.network, self.address, self.meter, self.way = network, address, meter, way

    @property
    def proxy_headers(self) -> dict[str, str]:
        """Return the headers for the proxy, if there is one."""
        return {} if self.way is None else _proxy_authorization(self.way)


class TlsConnection(_PinnedConnection, HTTPSConnection):
    """An HTTPS connection; the certificate is checked against the name, not the IP address."""

    def __init__(
        self,
        network: Network,
        address: Address,
        meter: Meter,
        context: ssl.SSLContext,
        way: Proxy | None = None,
    ) -> None:
        super().__init__(
            address.host, address.port, timeout=meter.left(), ssl_context=context,
            cert_reqs=ssl.CERT_REQUIRED, server_hostname=address.host,
        )  # fmt: skip
        self.network, self.address, self.meter, self.way = network, address, meter, way
