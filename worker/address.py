"""PURE: addresses of the web: which may be asked for, and whose server they name.

An address has two forms. `Address.text` is what a server is asked for: as it was given, in ASCII,
without its fragment. What it is called in the archive is told by `storage.values.net.origin_name`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from urllib.parse import quote, urlsplit, urlunsplit

from storage.values.net.origin_name import PORTS, ascii_host, strip_trackers
from storage.values.refusals import Refused, refuse

LONGEST = 5_000

_IN_NO_ADDRESS = frozenset(map(chr, range(0x21))) | {"\x7f", "\\"}


@dataclass(frozen=True, slots=True)
class Address:
    """What a server can be asked for; `host` is in ASCII, without brackets or a final dot."""

    text: str
    scheme: str
    host: str
    port: int

    @property
    def key(self) -> str:
        """Return whose server this is: SCHEME://HOST:PORT."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def target(self) -> str:
        """Return what stands in the first line of a request.

        >>> parse_address("https://a.example?b=1").target
        '/?b=1'
        """
        parts = urlsplit(self.text)
        return f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"

    @property
    def is_front_page(self) -> bool:
        """Return whether nothing but a site is named."""
        parts = urlsplit(self.text)
        return FRONT_PAGE.fullmatch(parts.path) is not None and not parts.query


FRONT_PAGE = re.compile(r"/?(?:(?:index|home|start|default)(?:\.\w{2,5})?/?)?", re.IGNORECASE)
"""The path of a front page.

>>> [bool(FRONT_PAGE.fullmatch(path)) for path in ("", "/", "/index.html", "/politik/")]
[True, True, True, False]
"""


IsOwn = Callable[[str, int], bool]
"""Says of a host and a port whether the user allowed them by name."""


def parse_address(given: str, is_own: IsOwn | None = None) -> Address | Refused:
    """Return the address that `given` means, or why it is never asked for.

    Other ports than 80 and 443 only where `is_own` says so of host and port.

    >>> parse_address("https://Zeitung.example:443/a#b").text
    'https://zeitung.example/a'
    >>> parse_address("ftp://zeitung.example/").code, parse_address("http://a:b@c.example/").code
    ('url_scheme', 'url_invalid')
    """
    try:
        return _parsed(given, is_own or (lambda _host, _port: False))
    except ValueError as error:
        return refuse("url_invalid", reason=str(error))


def _parsed(given: str, is_own: IsOwn) -> Address | Refused:
    if len(given) > LONGEST:
        raise ValueError(f"it is longer than {LONGEST} characters")
    if not _IN_NO_ADDRESS.isdisjoint(given.strip(" ")):
        raise ValueError("it holds blanks, controls or a backslash")
    try:
        parts = urlsplit(given.strip(" "))
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ValueError("host or port cannot be read") from error
    scheme = parts.scheme.lower()
    if scheme not in PORTS:
        return refuse("url_scheme", scheme=scheme[:40] or "a path")
    if "@" in parts.netloc:
        raise ValueError("it holds a user name or a password")
    host = ascii_host(host)
    port = PORTS[scheme] if port is None else port
    if port != PORTS[scheme] and not is_own(host, port):
        raise ValueError(f"port {port} is not that of {scheme}")
    shown = f"[{host}]" if ":" in host else host
    netloc = shown if port == PORTS[scheme] else f"{shown}:{port}"
    path = quote(parts.path, safe=SAFE) or "/"
    text = urlunsplit((scheme, netloc, path, quote(parts.query, safe=SAFE), ""))
    return Address(text, scheme, host, port)


SAFE = "/:@!$&'()*+,;=~%?[]|-._"
"""What stays as it is in a path or a query: what is no letter beyond ASCII, and no quotation."""


def without_trackers(address: Address) -> Address:
    """Return the address to ask for: nothing is taken away but what counts visitors.

    >>> without_trackers(parse_address("https://a.example/x?b=1&utm_id=7&a=2")).text
    'https://a.example/x?b=1&a=2'
    """
    parts = urlsplit(address.text)
    query = "&".join(strip_trackers(parts.query))
    text = urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))
    return Address(text, address.scheme, address.host, address.port)


def without_secrets(given: str) -> str:
    """Return an address as it may be told: what may be a password is hidden.

    >>> without_secrets("https://ada:geheim@a.example/b")
    'https://***@a.example/b'
    """
    return CREDENTIALS.sub(r"\1***@", given)


CREDENTIALS = re.compile(r"^([a-z][a-z0-9+.-]*:[/\\]*+)[^/?#]*@", re.IGNORECASE)
"""What stands before the host, user and password.

>>> CREDENTIALS.sub("", "ftp://a:b@c.example/d")
'c.example/d'
"""

SECRET_PARAMETER = re.compile(
    r"(?<=[?&])(?P<name>[\w.-]*token|(?:[\w.-]*[_.-])?(?:api)?(?:key|secret|password|passwd|pwd"
    r"|auth|sig|signature|jwt|credentials?))=(?P<value>[^&#]+)",
    re.IGNORECASE,
)
"""A parameter of an address whose value may be a secret.

>>> [bool(SECRET_PARAMETER.search(f"?{each}=1")) for each in ("token", "api_key", "monkey", "id")]
[True, True, False, False]
"""


def split_secrets(text: str) -> tuple[str, dict[str, str]]:
    """Return an address with a mark in place of each secret, and the secret of each mark.

    >>> split_secrets("https://a.example/feed?token=geheim&id=2")
    ('https://a.example/feed?token=***addb0f&id=2', {'***addb0f': 'geheim'})
    """
    secrets: dict[str, str] = {}

    def marked(found: re.Match[str]) -> str:
        value = found["value"]
        if value.startswith("***"):
            return found[0]
        mark = f"***{sha256(value.encode()).hexdigest()[:6]}"
        secrets[mark] = value
        return f"{found['name']}={mark}"

    return SECRET_PARAMETER.sub(marked, text), secrets


def with_secrets(address: Address, secrets: Mapping[str, str]) -> Address:
    """Return the address that is sent to its server."""
    text = address.text
    for mark, secret in secrets.items():
        text = text.replace(mark, secret)
    return replace(address, text=text)


def hide_values(text: str, secrets: Mapping[str, str]) -> str:
    """Return a text with the mark of each secret that stands in it as the value of a parameter."""
    for mark, secret in secrets.items():
        text = re.sub(rf"={re.escape(secret)}(?![\w.%~-])", f"={mark}", text)
    return text
