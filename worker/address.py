"""PURE: web addresses: which may be fetched, and which server they belong to.

An address has two forms. `Address.text` is the form that is requested: as given, in ASCII, without
its fragment. `storage.values.net.origin_name` returns its name in the archive.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from urllib.parse import quote, urlsplit, urlunsplit

from storage.values.messages import message_text
from storage.values.net.origin_name import PORTS, ascii_host, strip_trackers
from storage.values.refusals import RefusalReason, refuse

LONGEST = 5_000

_IN_NO_ADDRESS = frozenset(map(chr, range(0x21))) | {"\x7f", "\\"}


@dataclass(frozen=True, slots=True)
class Address:
    """An address that can be requested; `host` is in ASCII, without brackets or a final dot."""

    text: str
    scheme: str
    host: str
    port: int

    @property
    def key(self) -> str:
        """Return the server as SCHEME://HOST:PORT."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def target(self) -> str:
        """Return the request target for the request line.

        >>> parse_address("https://a.example?b=1").target
        '/?b=1'
        """
        parts = urlsplit(self.text)
        return f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"

    @property
    def is_front_page(self) -> bool:
        """Check whether the address is the front page of a site."""
        parts = urlsplit(self.text)
        return FRONT_PAGE.fullmatch(parts.path) is not None and not parts.query


FRONT_PAGE = re.compile(r"/?(?:(?:index|home|start|default)(?:\.\w{2,5})?/?)?", re.IGNORECASE)
"""The path of a front page.

>>> [bool(FRONT_PAGE.fullmatch(path)) for path in ("", "/", "/index.html", "/politik/")]
[True, True, True, False]
"""


ARTICLE_SEGMENT = re.compile(r"(?:[-_].*){3}|\d{4,}|\.\w{3,5}$")
"""The last segment of the address of an article, in contrast to that of a section.

>>> bool(ARTICLE_SEGMENT.search("deich-wird-bald-teurer")), bool(ARTICLE_SEGMENT.search("politik"))
(True, False)
"""


def may_list_articles(address: str) -> bool:
    """Check whether an address may be that of a front or section page: no article's.

    >>> paths = "", "sport/index.html", "deich-wird-bald-teurer"
    >>> [may_list_articles(f"https://a.example/{path}") for path in paths]
    [True, True, False]
    """
    segments = [each for each in urlsplit(address).path.split("/") if each] or [""]
    is_index = FRONT_PAGE.fullmatch(segments[-1]) is not None
    return is_index or ARTICLE_SEGMENT.search(segments[-1]) is None


IsOwn = Callable[[str, int], bool]
"""Checks whether the user explicitly allowed a host and port."""


def parse_address(text: str, is_own: IsOwn | None = None) -> Address | RefusalReason:
    """Parse a web address; return a refusal if it must never be requested.

    Ports other than 80 and 443 are accepted only if `is_own` returns True for the host and port.

    >>> parse_address("https://Zeitung.example:443/a#b").text
    'https://zeitung.example/a'
    >>> parse_address("ftp://zeitung.example/").message
    'Only http and https addresses are fetched, not ftp.'
    """
    try:
        return _parse(text, is_own or (lambda _host, _port: False))
    except ValueError as error:
        return refuse("url_invalid", reason=str(error))


def _parse(text: str, is_own: IsOwn) -> Address | RefusalReason:
    if len(text) > LONGEST:
        raise ValueError(message_text("longer_than", limit=LONGEST))
    if not _IN_NO_ADDRESS.isdisjoint(text.strip(" ")):
        raise ValueError(message_text("address_spaces"))
    try:
        parts = urlsplit(text.strip(" "))
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ValueError(message_text("address_host")) from error
    scheme = parts.scheme.lower()
    if scheme not in PORTS:
        return refuse("url_scheme", scheme=scheme[:40] or message_text("no_scheme"))
    if "@" in parts.netloc:
        raise ValueError(message_text("address_user"))
    host = ascii_host(host)
    port = PORTS[scheme] if port is None else port
    if port != PORTS[scheme] and not is_own(host, port):
        raise ValueError(message_text("address_port", port=port, scheme=scheme))
    shown = f"[{host}]" if ":" in host else host
    netloc = shown if port == PORTS[scheme] else f"{shown}:{port}"
    path = quote(parts.path, safe=SAFE) or "/"
    text = urlunsplit((scheme, netloc, path, quote(parts.query, safe=SAFE), ""))
    return Address(text, scheme, host, port)


SAFE = "/:@!$&'()*+,;=~%?[]|-._"
"""Characters of a path or query that are not percent-encoded."""


def without_trackers(address: Address) -> Address:
    """Return the address without its tracking parameters.

    >>> without_trackers(parse_address("https://a.example/x?b=1&utm_id=7&a=2")).text
    'https://a.example/x?b=1&a=2'
    """
    parts = urlsplit(address.text)
    query = "&".join(strip_trackers(parts.query))
    text = urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))
    return Address(text, address.scheme, address.host, address.port)


def without_secrets(text: str) -> str:
    """Return an address for display, with passwords and other secrets hidden.

    >>> without_secrets("https://ada:geheim@a.example/b")
    'https://***@a.example/b'
    """
    return CREDENTIALS.sub(r"\1***@", text)


CREDENTIALS = re.compile(r"^([a-z][a-z0-9+.-]*:[/\\]*+)[^/?#]*@", re.IGNORECASE)
"""User and password before the host.

>>> CREDENTIALS.sub("", "ftp://a:b@c.example/d")
'c.example/d'
"""

SECRET_PARAMETER = re.compile(
    r"(?<=[?&])(?P<name>[\w.-]*token|(?:[\w.-]*[_.-])?(?:api)?(?:key|secret|password|passwd|pwd"
    r"|auth|sig|signature|jwt|credentials?))=(?P<value>[^&#]+)",
    re.IGNORECASE,
)
"""A query parameter whose value may be a secret.

>>> [bool(SECRET_PARAMETER.search(f"?{each}=1")) for each in ("token", "api_key", "monkey", "id")]
[True, True, False, False]
"""


def split_secrets(text: str) -> tuple[str, dict[str, str]]:
    """Replace each secret of an address by a mark; return the address and the secrets by mark.

    >>> split_secrets("https://a.example/feed?token=geheim&id=2")
    ('https://a.example/feed?token=***addb0f&id=2', {'***addb0f': 'geheim'})
    >>> split_secrets("https://a.example/feed?token=***addb0f&id=2")
    ('https://a.example/feed?token=***addb0f&id=2', {})
    """
    secrets: dict[str, str] = {}

    def replace_secret(match: re.Match[str]) -> str:
        value = match["value"]
        if value.startswith("***"):
            return match[0]
        mark = f"***{sha256(value.encode()).hexdigest()[:6]}"
        secrets[mark] = value
        return f"{match['name']}={mark}"

    return SECRET_PARAMETER.sub(replace_secret, text), secrets


def with_secrets(address: Address, secrets: Mapping[str, str]) -> Address:
    """Return the address that is sent to its server, with the secrets restored."""
    text = address.text
    for mark, secret in secrets.items():
        text = text.replace(mark, secret)
    return replace(address, text=text)


def hide_values(text: str, secrets: Mapping[str, str]) -> str:
    """Replace each secret that is a parameter value in a text by its mark."""
    for mark, secret in secrets.items():
        text = re.sub(rf"={re.escape(secret)}(?![\w.%~-])", f"={mark}", text)
    return text
