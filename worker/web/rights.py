"""PURE: statements of a site about the use of a text, in one answer.

Only robots.txt affects fetching; the other signals are stored unchanged.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from html import unescape

from storage.values.draft import Json

HEAD_BYTES = 128 * 1024
LONGEST = 500
LONGEST_TAG = 2_010
TAGS = (b"<meta", b"<link", b"<a")

WORD = re.compile(rb"bots?\b|tdm-|rights?\b|licen[sc]e", re.IGNORECASE)
"""A word that appears in every statement of rights.

>>> bool(WORD.search(b'<meta name="robots" content="noai">')), bool(WORD.search(b"<p>Pegel"))
(True, False)
"""

ELEMENT = re.compile(r"<(?P<name>meta|link|a)\b(?P<attributes>[^<>]{1,2000})>", re.IGNORECASE)
"""An element that may contain a statement of rights.

>>> ELEMENT.search('<p><meta name="tdm-reservation" content="1"></p>')["name"]
'meta'
"""

ATTRIBUTE = re.compile(
    r"""(?<![a-z-])([a-z-]++)\s*+=\s*+(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE
)
"""One attribute of an element.

>>> ATTRIBUTE.findall('name="robots" content=noai')
[('name', 'robots', '', ''), ('content', '', '', 'noai')]
"""

NAMES = frozenset(
    {"robots", "googlebot", "googlebot-news", "bots", "tdm-reservation", "tdm-policy", "copyright",
     "rights", "dc.rights", "dcterms.rights", "dcterms.license", "dcterms.rightsholder", "license"}
)  # fmt: skip
"""Names of `meta` elements with statements of rights."""

_LINK_LICENCE = re.compile(
    r"<([^<>]{1,500})>\s*+;[^,<]*?\brel\s*+=\s*+\"?[^\",;<]{0,200}\blicense\b", re.IGNORECASE
)


def rights_of(
    headers: Sequence[tuple[str, str]], body: bytes | None, robots: Json
) -> dict[str, Json]:
    """Return the signals of one answer.

    `robots` is the rule of robots.txt for the address. The body is searched if it is a page.

    >>> rights_of([("X-Robots-Tag", "noai"), ("TDM-Reservation", "1")], None, None)
    {'x_robots_tag': ['noai'], 'tdm_reservation': ['1']}
    """
    found: dict[str, list[str]] = {}
    for name, value in headers:
        for key, each in _header_signals(name.lower(), value):
            found.setdefault(key, []).append(each)
    if body is not None:
        for key, each in _page_signals(body[:HEAD_BYTES]):
            found.setdefault(key, []).append(each)
    rights: dict[str, Json] = {key: list(dict.fromkeys(values)) for key, values in found.items()}
    return {"robots": robots, **rights} if robots is not None else rights


def _header_signals(name: str, value: str) -> Iterator[tuple[str, str]]:
    match name:
        case "x-robots-tag" | "tdm-reservation" | "tdm-policy" | "content-usage":
            yield name.replace("-", "_"), value[:LONGEST]
        case "link":
            for address in _LINK_LICENCE.findall(value):
                yield "licence", address


def _page_signals(head: bytes) -> Iterator[tuple[str, str]]:
    for element in _elements(head):
        attributes = dict(_attributes(element["attributes"]))
        name = attributes.get("name", attributes.get("property", "")).lower()
        if element["name"].lower() == "meta" and name in NAMES and attributes.get("content"):
            key = "meta_robots" if "bot" in name else name.replace("-", "_").replace(".", "_")
            yield key, attributes["content"][:LONGEST]
        elif "license" in attributes.get("rel", "").lower().split() and attributes.get("href"):
            yield "licence", attributes["href"][:LONGEST]


def _elements(head: bytes) -> Iterator[re.Match[str]]:
    """Yield the elements that contain one of the words; pages have many other elements."""
    last = -1
    for word in WORD.finditer(head):
        start = head.rfind(b"<", max(0, word.start() - LONGEST_TAG), word.start())
        if start <= last or not head[start : start + 5].lower().startswith(TAGS):
            continue
        last = start
        element = ELEMENT.match(head[start : start + LONGEST_TAG].decode("utf-8", "replace"))
        if element is not None:
            yield element


def _attributes(text: str) -> Iterable[tuple[str, str]]:
    for name, *values in ATTRIBUTE.findall(text):
        yield name.lower(), unescape("".join(values)).strip()
