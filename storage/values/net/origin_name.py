"""PURE: the origin of a web address: the address in cleaned form."""

import ipaddress
import re
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import idna

from storage.values.lazy import LazyModule
from storage.values.messages import message_text

if TYPE_CHECKING:
    import courlan
else:
    courlan = LazyModule("courlan")

PORTS = {"http": 80, "https": 443}

BREAKS = re.compile(r"[\t\r\n]+ *")
"""Line breaks and tabs inside an address, which every browser removes."""

NESTED_SCHEME = re.compile(r"/(https?|ftp)(:|%3a)/+", re.IGNORECASE)
"""The start of an address in the path of another one, as in the addresses of web archives.

>>> NESTED_SCHEME.search("/web/2020/http:/a.example/b")[0]
'/http:/'
"""

TRACKER = re.compile(
    r"""(?:utm|itm|mtm|pk|piwik|mc|mkt|oly|vero|hsa|wt|at|ns|trk|ga|gs|pf_rd|stm)_\w+
    | wt\.z?mc | _hsenc | _hsmi | __hs\w+ | _ga | _gl
    | (?:fb|g|d|tw|y|ms|ysc?|tt|epi|li_)clid | fbclid | gclsrc | msclkid | gbraid | wbraid
    | igshid | igsh | icid | ocid | smid | cmpid | cmp | ncid | xtor | xing_share | share
    | ref | ref_?src | ref_?url | referr?er | source | medium | campaign | campaign_?id
    | aff | affiliate | affiliate_?id | partner_?id | session_?id | phpsessid | jsessionid""",
    re.VERBOSE | re.IGNORECASE,
)
"""The name of a tracking parameter; parameters that may identify a page are kept.

>>> [bool(TRACKER.fullmatch(name)) for name in ("utm_source", "fbclid", "cid", "galerie", "id")]
[True, True, False, False, False]
"""


def origin_of(text: str) -> str:
    """Return the origin of the address `text`: without tracking parameters and fragment.

    Courlan normalises scheme, host and path. Only tracking parameters are removed from the query
    here, because courlan also removes `galerie`, without which the address identifies another page.

    >>> origin_of("HTTPS://Zeitung.example:443//a?utm_source=b&id=3&galerie=2&a#oben")
    'https://zeitung.example/a?a&galerie=2&id=3'
    >>> origin_of("https://web.archive.org/web/2020/http://zeitung.example//a")
    'https://web.archive.org/web/2020/http://zeitung.example/a'
    """
    parts = urlsplit(text)
    bare = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
    kept = sorted(strip_trackers(parts.query), key=lambda each: each.partition("=")[0])
    clean_address: str = courlan.normalize_url(bare)
    clean_address = NESTED_SCHEME.sub(r"/\1\2//", _with_ascii_host(clean_address))
    if not kept:
        return clean_address.rstrip("/") if clean_address.count("/") == 3 else clean_address
    if clean_address.count("/") == 2:
        clean_address += "/"
    return f"{clean_address}?{'&'.join(kept)}"


def clean_address(address: str) -> str | None:
    """Return a web address as an origin, None if it is not a web address.

    >>> clean_address("HTTPS://A.example:443/b c?id=3&utm_id=x#top"), clean_address("seed:a.txt")
    ('https://a.example/b%20c?id=3', None)
    """
    whole = BREAKS.sub("", address).strip().replace(" ", "%20")
    try:
        parts = urlsplit(whole)
        is_of_the_web = parts.scheme in {"http", "https"} and "@" not in parts.netloc
        return origin_of(whole) if is_of_the_web and parts.hostname else None
    except ValueError:
        return None


def strip_trackers(query: str) -> list[str]:
    """Return the parameters of a query without tracking parameters."""
    parameters = [each for each in query.split("&") if each]
    return [each for each in parameters if not TRACKER.fullmatch(each.partition("=")[0])]


def _with_ascii_host(text: str) -> str:
    """Restore the ASCII form of a host that courlan writes in Unicode, where it may look like
    another.
    """
    parts = urlsplit(text)
    if parts.netloc.isascii():
        return text
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit((parts.scheme, ascii_host(parts.hostname or "") + port, *parts[2:]))


def ascii_host(host: str) -> str:
    """Return a host in the form used in requests.

    Raises: ValueError if it is invalid, or mixes scripts so that it looks like another one.

    >>> ascii_host("Straße.example"), ascii_host("münchen.example")
    ('xn--strae-oqa.example', 'xn--mnchen-3ya.example')
    """
    host = host.strip().rstrip(".").lower()
    if not host:
        raise ValueError(message_text("host_missing"))
    if ":" in host:
        return str(ipaddress.IPv6Address(host.partition("%")[0]))
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True, transitional=False).decode("ascii")
        except idna.IDNAError as error:
            raise ValueError(message_text("host_invalid")) from error
    if not HOST.fullmatch(host):
        raise ValueError(message_text("host_invalid"))
    for label in host.split("."):
        if label.startswith("xn--") and _mixes_scripts(label):
            raise ValueError(message_text("host_mixed"))
    return host


HOST = re.compile(
    r"(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*"
)
"""A valid host name.

>>> bool(HOST.fullmatch("a.example")), bool(HOST.fullmatch("a..example"))
(True, False)
"""


def _mixes_scripts(label: str) -> bool:
    """Check whether a Punycode label mixes Latin letters with similar letters of other scripts."""
    try:
        letters = label.removeprefix("xn--").encode("ascii").decode("punycode")
    except UnicodeError as error:
        raise ValueError(message_text("host_invalid")) from error
    scripts = {unicodedata.name(c, "").partition(" ")[0] for c in letters if c.isalpha()}
    return len(scripts & {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"}) > 1


def is_same_place(one: str, other: str) -> bool:
    """Check whether two addresses differ only in the form that an archive gives to addresses.

    >>> is_same_place("http://www.zeitung.example:80/a/", "https://zeitung.example/a")
    True
    """
    return _place(one) == _place(other)


def _place(address: str) -> str:
    cleaned = clean_address(address) or address
    return cleaned.partition("://")[2].removeprefix("www.").replace(":80/", "/").rstrip("/")
