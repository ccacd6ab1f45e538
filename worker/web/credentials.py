"""Headers, cookies and a proxy that the user configured for a source.

Secrets are never stored in the archive: an option names a file (`@PATH`) or an environment variable
(`$NAME`), which is read for each request. They are sent only to the server that the source was
created for, and only over HTTPS unless it is an allowed private server.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from storage.values.draft import Json
from storage.values.messages import message_text
from worker.address import Address

SECRET = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key"})
"""Headers whose values are secrets; they are never stored."""
SESSION = frozenset({"set-cookie", "set-cookie2"})
OURS = frozenset(
    {"host", "user-agent", "accept-encoding", "connection", "content-length", "transfer-encoding",
     "te", "upgrade", "if-none-match", "if-modified-since", "range", "expect"}
)  # fmt: skip
"""Headers that only the program sets."""
HIDDEN = "(secret)"

HEADER = re.compile(
    r"(?P<name>[A-Za-z][A-Za-z0-9-]{0,60})\s*:\s*(?P<value>[\x21-\x7e][\x20-\x7e]{0,2000})"
)
"""A header as written on the command line.

>>> HEADER.fullmatch("Cookie: @/run/secrets/abo").group("name", "value")
('Cookie', '@/run/secrets/abo')
"""


class SecretError(Exception):
    """The file or variable of an option cannot be read."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy: its location and credentials."""

    host: str
    port: int
    user: str | None = None
    password: str | None = None


def read_header(text: str) -> tuple[str, str]:
    """Return name and value of a header that the user configured.

    Raises: ValueError.

    >>> read_header("X-Key: $ARCHIVE_KEY")
    ('X-Key', '$ARCHIVE_KEY')
    """
    match = HEADER.fullmatch(text.strip())
    if match is None:
        raise ValueError("write a header as NAME: VALUE")
    name, value = match["name"], match["value"]
    if name.lower() in OURS:
        raise ValueError(f"the header {name} is set by Lesart itself")
    if name.lower() in SECRET and not value.startswith(("@", "$")):
        raise ValueError(f"put the value of {name} into a file and write {name}: @FILE, or $NAME")
    return name, value


def read_proxy(text: str) -> Proxy:
    """Return the proxy at an address.

    Raises: ValueError.

    >>> read_proxy("http://proxy.intern:3128").port
    3128
    """
    parts = urlsplit(text)
    if parts.scheme != "http" or not parts.hostname or not parts.port:
        raise ValueError("a proxy is written http://HOST:PORT")
    user = unquote(parts.username) if parts.username else None
    return Proxy(parts.hostname, parts.port, user, unquote(parts.password or "") or None)


def read_secret(value: str) -> str:
    """Return the value of an option: the content of a file, of a variable, or the text itself.

    Raises: SecretError.
    """
    if value.startswith("@"):
        try:
            found = Path(value[1:]).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SecretError(message_text("secret_file", name=value[1:])) from error
    elif value.startswith("$"):
        found = os.environ.get(value[1:], "").strip()
        if not found:
            raise SecretError(message_text("secret_variable", name=value[1:]))
    else:
        return value
    if not found.isascii() or not found.isprintable():
        raise SecretError(message_text("secret_unprintable", name=value))
    return found


def source_headers(
    options: Mapping[str, Json], locator: str, address: Address, *, is_own: bool
) -> list[tuple[str, str]]:
    """Return the headers that a source sends to the server of `address`.

    Raises: SecretError.
    """
    headers: Mapping[str, str] = options.get("headers") or {}
    if not headers or (urlsplit(locator).hostname or "").lower() != address.host:
        return []
    is_safe = address.scheme == "https" or is_own
    return [
        (name, read_secret(value))
        for name, value in headers.items()
        if is_safe or not (value.startswith(("@", "$")))
    ]


def without_secret_values(
    headers: Sequence[tuple[str, str]], options: Mapping[str, Json]
) -> tuple[tuple[str, str], ...]:
    """Return the headers for storage, without secret values.

    >>> without_secret_values([("Cookie", "a=1"), ("Accept", "b")], {"headers": {"Cookie": "@c"}})
    (('Cookie', '(secret)'), ('Accept', 'b'))
    """
    own: Mapping[str, str] = options.get("headers") or {}
    secret = {n.lower() for n, v in own.items() if v.startswith(("@", "$"))} | SECRET
    return tuple((name, HIDDEN if name.lower() in secret else value) for name, value in headers)


def without_session_cookies(
    answer_headers: Sequence[tuple[str, str]], request_headers: Sequence[tuple[str, str]]
) -> tuple[tuple[str, str], ...]:
    """Return the headers of an answer for storage.

    A cookie in the answer to a request with a secret may open the same session, so it is removed.

    >>> without_session_cookies([("Set-Cookie", "a=2")], [("Cookie", HIDDEN)])
    (('Set-Cookie', '(secret)'),)
    >>> without_session_cookies([("Set-Cookie", "a=2")], [("Accept", "b")])
    (('Set-Cookie', 'a=2'),)
    """
    if all(value != HIDDEN for _name, value in request_headers):
        return tuple(answer_headers)
    return tuple(
        (name, HIDDEN if name.lower() in SESSION else value) for name, value in answer_headers
    )
