"""PURE: addresses of the web: which may be asked for, whose server they name, what they are called.

An address has two forms. `Address.text` is what a server is asked for: as it was given, in ASCII,
without its fragment. `origin_of` is what it is called in the archive: cleaned, so that an article
does not have two names because somebody counts his visitors.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

import idna
from courlan import normalize_url

from storage.values.refusals import Refused, refuse

LONGEST = 5_000
PORTS = {"http": 80, "https": 443}

_IN_NO_ADDRESS = frozenset(map(chr, range(0x21))) | {"\x7f", "\\"}

TRACKER = re.compile(
    r"""(?:utm|itm|mtm|pk|piwik|mc|mkt|oly|vero|hsa|wt|at|ns|trk|ga|gs|pf_rd|stm)_\w+
    | wt\.z?mc | _hsenc | _hsmi | __hs\w+ | _ga | _gl
    | (?:fb|g|d|tw|y|ms|ysc?|tt|epi|li_)clid | fbclid | gclsrc | msclkid | gbraid | wbraid
    | igshid | igsh | icid | ocid | smid | cmpid | cmp | ncid | xtor | xing_share | share
    | ref | ref_?src | ref_?url | referr?er | source | medium | campaign | campaign_?id
    | aff | affiliate | affiliate_?id | partner_?id | session_?id | phpsessid | jsessionid""",
    re.VERBOSE | re.IGNORECASE,
)
"""The name of a parameter that counts visitors; what names a page stays, as doubtful as it may be.

>>> [bool(TRACKER.fullmatch(name)) for name in ("utm_source", "fbclid", "cid", "galerie", "id")]
[True, True, False, False, False]
"""


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


def ascii_host(host: str) -> str:
    """Return a host as it goes over the wire.

    Raises: ValueError where it is none, or mixes scripts so as to look like another one.

    >>> ascii_host("Straße.example"), ascii_host("münchen.example")
    ('xn--strae-oqa.example', 'xn--mnchen-3ya.example')
    """
    host = host.strip().rstrip(".").lower()
    if not host:
        raise ValueError("it names no host")
    if ":" in host:
        return str(ipaddress.IPv6Address(host.partition("%")[0]))
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True, transitional=False).decode("ascii")
        except idna.IDNAError as error:
            raise ValueError("its host is no name that can be looked up") from error
    if not HOST.fullmatch(host):
        raise ValueError("its host is no name that can be looked up")
    for label in host.split("."):
        if label.startswith("xn--") and _mixes_scripts(label):
            raise ValueError("its host mixes scripts that look alike")
    return host


HOST = re.compile(
    r"(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*"
)
"""A name that can be looked up.

>>> bool(HOST.fullmatch("a.example")), bool(HOST.fullmatch("a..example"))
(True, False)
"""


def _mixes_scripts(label: str) -> bool:
    """Return whether a label in Punycode mixes Latin with letters that pass for Latin ones."""
    try:
        letters = label.removeprefix("xn--").encode("ascii").decode("punycode")
    except UnicodeError as error:
        raise ValueError("its host is no name that can be looked up") from error
    scripts = {unicodedata.name(c, "").partition(" ")[0] for c in letters if c.isalpha()}
    return len(scripts & {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"}) > 1


def origin_of(text: str) -> str:
    """Return what the address `text` is called: without tracking parameters and fragment.

    Courlan settles scheme, host and path; of the query only what counts visitors is taken away,
    since courlan takes `galerie` for a tracker, and an address without it names another page.

    >>> origin_of("HTTPS://Zeitung.example:443//a?utm_source=b&id=3&galerie=2&a#oben")
    'https://zeitung.example/a?a&galerie=2&id=3'
    """
    parts = urlsplit(text)
    bare = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
    kept = sorted(_kept_parameters(parts.query), key=lambda each: each.partition("=")[0])
    cleaned: str = normalize_url(bare)
    cleaned = _with_ascii_host(cleaned)
    if not kept:
        return cleaned.rstrip("/") if cleaned.count("/") == 3 else cleaned
    if cleaned.count("/") == 2:
        cleaned += "/"
    return f"{cleaned}?{'&'.join(kept)}"


def without_trackers(address: Address) -> Address:
    """Return the address to ask for: nothing is taken away but what counts visitors.

    >>> without_trackers(parse_address("https://a.example/x?b=1&utm_id=7&a=2")).text
    'https://a.example/x?b=1&a=2'
    """
    parts = urlsplit(address.text)
    query = "&".join(_kept_parameters(parts.query))
    text = urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))
    return Address(text, address.scheme, address.host, address.port)


def _kept_parameters(query: str) -> list[str]:
    parameters = [each for each in query.split("&") if each]
    return [each for each in parameters if not TRACKER.fullmatch(each.partition("=")[0])]


def _with_ascii_host(text: str) -> str:
    """Undo that courlan writes a host in its own letters, in which it may look like another."""
    parts = urlsplit(text)
    if parts.netloc.isascii():
        return text
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit((parts.scheme, ascii_host(parts.hostname or "") + port, *parts[2:]))


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
