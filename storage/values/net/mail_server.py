"""PURE: the mail server for alerts and its address."""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

PORTS = {"smtp": 587, "smtps": 465}
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

MAIL_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}")
"""
>>> bool(MAIL_ADDRESS.fullmatch("ada@bote.example")), bool(MAIL_ADDRESS.fullmatch("ada@a b"))
(True, False)
"""


@dataclass(frozen=True, slots=True)
class MailServer:
    """A mail server with user, password and sender address."""

    host: str
    port: int
    is_tls: bool
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def is_local(self) -> bool:
        """Check whether the server is this machine, so that no network is used."""
        return self.host in LOOPBACK


def read_mail_server(url: str) -> MailServer:
    """Return the server that smtp://USER:PASSWORD@HOST:PORT/?from=ADDRESS names.

    smtps:// speaks TLS from the start, smtp:// turns to it. Raises: ValueError.

    >>> read_mail_server("smtp://bote:geheim@mail.example/?from=lesart@bote.example").port
    587
    """
    parts = urlsplit(url.strip())
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError("write smtp://USER:PASSWORD@HOST:PORT/?from=ADDRESS, or smtps://…")
    asked = parse_qs(parts.query)
    (sender,) = asked.pop("from", [""])[:1]
    if asked or MAIL_ADDRESS.fullmatch(sender) is None:
        raise ValueError("it must end in ?from=ADDRESS, the sender of the mails")
    user = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    port = parts.port or PORTS[parts.scheme]
    return MailServer(parts.hostname, port, parts.scheme == "smtps", sender, user, password)
