"""PURE: declarations of a site about the use of a text, in one answer.

Only robots.txt affects fetching; the declarations are stored as they were received. Sources of the
rules: RSL 1.0 (sections 4.4 to 4.7), draft-ietf-aipref-attach and draft-ietf-aipref-vocab
(`Content-Usage`), contentsignals.org (`Content-Signal`), and the TDM Reservation Protocol (final
report of May 2024).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from html import unescape

from storage.values.draft import Json

METHOD = 2
"""Version of these rules. An answer that was read by another version is not compared with them."""
PROTOCOLS = ("rsl", "aipref", "content_signals", "tdmrep", "robots", "license", "prose")

HEAD_BYTES = 128 * 1024
MOST = 50
"""Maximum number of declarations per place."""
LONGEST = 1_000
"""Maximum length of a value in characters; a longer one is cut off and not machine-readable."""
LONGEST_TAG = 2_010
LONGEST_INLINE = 4_000
"""Maximum length of terms inside a page or feed; longer terms are stored as their SHA-256."""
LONGEST_TERMS = 64 * 1024
TAGS = (b"<meta", b"<link", b"<a", b"<scri")

_WORDS = (b"bot", b"tdm-", b"right", b"licens", b"licenc", b"rsl+xml")
"""Words of which one is in every element with a declaration."""

ELEMENT = re.compile(
    r"<(?P<name>meta|link|a|script)\b(?P<attributes>[^<>]{1,2000})>", re.IGNORECASE
)
"""An element that may contain a declaration.

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
"""Names of `meta` elements with declarations."""

_HEADERS = frozenset({"x-robots-tag", "tdm-reservation", "tdm-policy", "content-usage"})
_DIRECTIVES = frozenset(
    {"all", "follow", "index", "indexifembedded", "max-image-preview", "max-snippet",
     "max-video-preview", "noai", "noarchive", "nocache", "nofollow", "noimageai", "noimageindex",
     "noindex", "noml", "none", "noodp", "nosnippet", "notranslate", "unavailable_after"}
)  # fmt: skip
_RSL_TYPE = "application/rsl+xml"
MOST_TERMS = 1_000
"""Maximum number of RSL terms that are read from a feed."""

_LINK = re.compile(
    r"<([^<>]{1,2000})>((?:\s*+;\s*+[a-z*]++\s*+(?:=\s*+(?:\"[^\"]*+\"|[^\s\",;<]++))?+)*+)",
    re.IGNORECASE,
)
_PARAMETER = re.compile(r";\s*+([a-z*]++)\s*+=\s*+(?:\"([^\"]*+)\"|([^\s\",;<]++))", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[^\s/]+\S*", re.IGNORECASE)
_COMMONS = re.compile(r"https?://creativecommons\.org/(?:licenses|publicdomain)/\S+", re.IGNORECASE)

_MEMBER = (
    r"[a-z*][a-z0-9_.*-]*+"
    r"(?:=(?:\"[^\"]*+\"|\?[01]|[a-z*][\w:/!#$%&'*+.^`|~-]*+|-?[0-9.]++))?+"
    r"(?:\s*+;\s*+[a-z*][a-z0-9_.*-]*+(?:=(?:\"[^\"]*+\"|[\w?:/*.-]++))?+)*+"
)
_DICTIONARY = re.compile(rf"\s*+{_MEMBER}(?:\s*+,\s*+{_MEMBER})*+\s*+")
_PREFERENCE = re.compile(r"(?:^|,)\s*[a-z*][a-z0-9_.*-]*=[yn]\s*(?:[;,]|$)")

_FEED = re.compile(rb"<(?:rss|feed|rdf:rdf)\b", re.IGNORECASE)
_RSL_PREFIX = re.compile(
    rb"xmlns:([A-Za-z][\w.-]{0,30})\s*=\s*[\"']https?://(?:www\.)?rslstandard\.org/rsl/?[\"']"
)
_ENTRY = re.compile(rb"<(?:item|entry)[\s>]", re.IGNORECASE)
_FEED_PROSE = re.compile(
    rb"<(copyright|rights|dc:rights)\b[^<>]{0,200}>([^<]{1,2000})</\1>", re.IGNORECASE
)
_FEED_LICENSE = re.compile(
    rb"<(?:creativeCommons|cc):license\b[^<>]{0,200}>([^<]{1,2000})</", re.IGNORECASE
)
_RESERVATION = re.compile(
    r"vorbehalt|reserv|opt[- ]?out|untersagt|prohibit|not permitted", re.IGNORECASE
)
_MINING = (b"44b UrhG", b"ata Mining", b"ata-Mining", b"ata mining", b"ata-mining")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Declaration:
    """One declaration: its name and value as received.

    `is_readable` is true if a program can interpret it without reading prose.
    """

    name: str
    value: str
    protocol: str
    is_readable: bool

    def to_json(self) -> dict[str, Json]:
        return {
            "name": self.name, "value": self.value, "protocol": self.protocol,
            "machine_readable": self.is_readable,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class RightsFile:
    """The last answer for a file with declarations by location; `status` None: there was none.

    `rules` are pairs of a pattern and a declaration.
    """

    address: str
    status: int | None
    fetched_at: datetime
    rules: tuple[tuple[str, Declaration], ...] = ()

    @property
    def is_known(self) -> bool:
        return self.status is not None and self.status < 500


Declared = Mapping[str, Iterable[Declaration]]
"""Declarations by place. A place without declarations was examined; a missing one was not."""


def rights_of(
    headers: Sequence[tuple[str, str]],
    body: bytes | None,
    robots: Json,
    *,
    status: int | None = 200,
    elsewhere: Declared | None = None,
) -> dict[str, Json]:
    """Return the declarations of one answer, and those of other places that apply to its address.

    `robots` is the rule of robots.txt for the address, `body` the page or the feed. The entry
    `declared` has the declarations by place; only an answer with a text and a 304 have it. The
    other entries have the values by name.

    >>> rights_of([("X-Robots-Tag", "noai")], None, None)["x_robots_tag"]
    ['noai']
    """
    declared = {"header": _bounded(_in_headers(headers)), **_in_body(body)}
    rights: dict[str, Json] = {} if robots is None else {"robots": robots}
    for each in (each for place in declared.values() for each in place):
        if each.name in {"rsl", "text"}:
            continue
        values = rights.setdefault(_entry(each), [])
        if isinstance(values, list) and each.value not in values:
            values.append(each.value)
    if status == 304:  # the stored headers remain valid
        declared = {place: found for place, found in declared.items() if found}
    elif status not in {200, 203}:
        return rights
    declared |= {place: _bounded(found) for place, found in (elsewhere or {}).items()}
    by_place: dict[str, Json] = {
        place: [each.to_json() for each in found] for place, found in declared.items()
    }
    return {**rights, "method": METHOD, "declared": by_place}


def stored_declarations(value: object, places: Iterable[str]) -> dict[str, list[Declaration]]:
    """Return the declarations of these places in the `rights` of another archive.

    Entries of another form are ignored.
    """
    by_place = value.get("declared") if isinstance(value, dict) else None
    if not isinstance(by_place, dict):
        return {}
    return {
        place: _bounded(declarations_from_json(by_place[place]))
        for place in places
        if isinstance(by_place.get(place), list)
    }


def declarations_from_json(entries: list[object]) -> Iterator[Declaration]:
    for entry in entries[:MOST]:
        if isinstance(entry, dict):
            parts = entry.get("name"), entry.get("value"), entry.get("protocol")
            name, text, protocol = parts
            if isinstance(name, str) and isinstance(text, str) and protocol in PROTOCOLS:
                is_readable = entry.get("machine_readable") is True
                longest = LONGEST_INLINE if name == "rsl" else LONGEST
                yield declaration(
                    name[:LONGEST], text, protocol, is_readable=is_readable, longest=longest
                )


def declaration(
    name: str, value: str, protocol: str, *, is_readable: bool, longest: int = LONGEST
) -> Declaration:
    """Return a declaration with a bounded value; a value that is cut off is not readable."""
    text = value.strip().replace("\0", "")
    return Declaration(name, text[:longest], protocol, is_readable and len(text) <= longest)


def named_declaration(name: str, value: str) -> Declaration:
    """Return the declaration of a header or a `meta` element, with its protocol.

    >>> named_declaration("tdm-reservation", "1").is_readable
    True
    >>> named_declaration("content-usage", "Please do not train on our texts").is_readable
    False
    """
    value = value.strip()
    match name:
        case "tdm-reservation":
            return declaration(name, value, "tdmrep", is_readable=value in {"0", "1"})
        case "tdm-policy":
            is_address = _ADDRESS.fullmatch(value) is not None
            return declaration(name, value, "tdmrep", is_readable=is_address)
        case "content-usage":
            return declaration(name, value, "aipref", is_readable=is_usage_preference(value))
        case _ if "bot" in name:
            parts = {part.strip().lower() for part in value.replace(":", ",").split(",")}
            is_readable = not parts.isdisjoint(_DIRECTIVES)
            return declaration(name, value, "robots", is_readable=is_readable)
        case _ if "license" in name and _ADDRESS.fullmatch(value):
            return license_declaration(value, "")
        case _:
            return declaration(name, value, "prose", is_readable=False)


def license_declaration(address: str, media_type: str) -> Declaration:
    """Return the declaration of a link to a license.

    Only RSL and Creative Commons are readable: another license may be a page of prose.

    >>> license_declaration("https://zeitung.example/agb", "").is_readable
    False
    """
    if media_type.partition(";")[0].strip().lower() == _RSL_TYPE:
        is_readable = not _SPACE.search(address.strip())
        return declaration("license", address, "rsl", is_readable=is_readable)
    is_readable = _COMMONS.fullmatch(address.strip()) is not None
    return declaration("license", address, "license", is_readable=is_readable)


def is_usage_preference(value: str) -> bool:
    """Check whether a value is a usage preference of AIPREF: a dictionary by RFC 9651, in which at
    least one category has `y` or `n`.

    >>> is_usage_preference("train-ai=n, search=y"), is_usage_preference("train-ai=never")
    (True, False)
    """
    is_short = len(value) <= LONGEST
    return bool(is_short and _DICTIONARY.fullmatch(value) and _PREFERENCE.search(value))


def _bounded(declarations: Iterable[Declaration]) -> list[Declaration]:
    return list(dict.fromkeys(declarations))[:MOST]


def _entry(each: Declaration) -> str:
    if each.name == "license":
        return "licence"
    if each.protocol == "robots" and each.name != "x-robots-tag":
        return "meta_robots"
    return each.name.replace("-", "_").replace(".", "_")


def _in_headers(headers: Sequence[tuple[str, str]]) -> Iterator[Declaration]:
    for field, value in headers:
        name = field.lower()
        if name in _HEADERS:
            yield named_declaration(name, value)
        elif name == "link":
            for address, rest in _LINK.findall(value):
                parameters = {
                    key.lower(): quoted or bare for key, quoted, bare in _PARAMETER.findall(rest)
                }
                if "license" in parameters.get("rel", "").lower().split():
                    yield license_declaration(address, parameters.get("type", ""))


def _in_body(body: bytes | None) -> dict[str, list[Declaration]]:
    if body is None:
        return {}
    if _FEED.search(body[:1_000]):
        return {"feed": _bounded(_in_feed(body))}
    return {"page": _bounded([*_in_page(body[:HEAD_BYTES]), *_in_prose(body)])}


def _in_page(head: bytes) -> Iterator[Declaration]:
    for element, end in _elements(head):
        attributes = dict(_attributes(element["attributes"]))
        tag = element["name"].lower()
        name = attributes.get("name", attributes.get("property", "")).lower().replace(":", ".")
        if tag == "meta" and name in NAMES and attributes.get("content"):
            yield named_declaration(name, attributes["content"])
        elif tag == "script":
            if attributes.get("type", "").lower() == _RSL_TYPE:
                yield from _terms(head[end : end + LONGEST_TERMS], b"</script")
        elif "license" in attributes.get("rel", "").lower().split() and attributes.get("href"):
            yield license_declaration(attributes["href"], attributes.get("type", ""))


def _elements(head: bytes) -> Iterator[tuple[re.Match[str], int]]:
    """Yield the elements that contain one of the words, each with the position of its end.

    Pages have many other elements.
    """
    lower = head.lower()
    starts: set[int] = set()
    for word in _WORDS:
        at = lower.find(word)
        while at >= 0:
            start = head.rfind(b"<", max(0, at - LONGEST_TAG), at)
            if lower[start : start + 5].startswith(TAGS):
                starts.add(start)
            at = lower.find(word, at + 1)
    for start in sorted(starts):
        element = ELEMENT.match(head[start : start + LONGEST_TAG].decode("utf-8", "replace"))
        if element is not None:
            yield element, head.find(b">", start) + 1


def _attributes(text: str) -> Iterable[tuple[str, str]]:
    for name, *values in ATTRIBUTE.findall(text):
        yield name.lower(), unescape("".join(values)).strip()


def _terms(rest: bytes, end: bytes) -> Iterator[Declaration]:
    """Yield RSL terms inside a page; terms without an end are ignored."""
    terms, closing, _ = rest.partition(end)
    if closing:
        yield inline_terms(terms)


def inline_terms(terms: bytes) -> Declaration:
    """Return RSL terms as a declaration; longer ones as their digest."""
    text = _SPACE.sub(" ", terms.decode("utf-8", "replace")).strip()
    if len(text) > LONGEST_INLINE:
        text = f"sha256:{sha256(terms).hexdigest()}"
    return declaration("rsl", text, "rsl", is_readable=True, longest=LONGEST_INLINE)


def feed_terms(raw: bytes) -> Iterator[tuple[str, Declaration]]:
    """Yield the RSL terms of a feed, each with the address to which it applies.

    >>> raw = b'<rss xmlns:r="https://rslstandard.org/rsl"><r:content url="/a">x</r:content></rss>'
    >>> [(url, each.value) for url, each in feed_terms(raw)]
    [('/a', '<r:content url="/a">x</r:content>')]
    """
    prefix = _RSL_PREFIX.search(raw[:HEAD_BYTES])
    if prefix is None:
        return
    end = b"</" + prefix[1] + b":content>"
    opening = re.compile(b"<" + re.escape(prefix[1]) + rb":content\b([^<>]{0,2000})>")
    for number, element in enumerate(opening.finditer(raw)):
        if number == MOST_TERMS:
            return
        close = raw.find(end, element.end(), element.end() + LONGEST_TERMS)
        is_empty = element[1].endswith(b"/")
        if close < 0 and not is_empty:
            continue
        terms = element[0] if is_empty else raw[element.start() : close + len(end)]
        attributes = dict(_attributes(element[1].decode("utf-8", "replace")))
        yield attributes.get("url", ""), inline_terms(terms)


def _in_prose(body: bytes) -> Iterator[Declaration]:
    """Yield passages that reserve text and data mining in words.

    They are kept as prose: no program can rely on their wording. The first place of each
    expression is enough.
    """
    places = sorted(filter(lambda at: at >= 0, map(body.find, _MINING)))
    passages: dict[int, str] = {}
    for at in places:
        start = max(body.rfind(b">", max(0, at - LONGEST), at) + 1, at - LONGEST)
        end = body.find(b"<", at, at + LONGEST)
        text = body[max(start, 0) : end if end > 0 else at + LONGEST].decode("utf-8", "replace")
        if _RESERVATION.search(text) and not text.lstrip().startswith("<"):
            passages[start] = _SPACE.sub(" ", unescape(text))
    for passage in passages.values():
        yield declaration("text", passage, "prose", is_readable=False)


def _in_feed(body: bytes) -> Iterator[Declaration]:
    """Yield the declarations of a feed: those of an entry are not about the whole feed."""
    head = _ENTRY.split(body[:HEAD_BYTES], 1)[0]
    for name, value in _FEED_PROSE.findall(head):
        text = unescape(value.decode("utf-8", "replace"))
        yield declaration(name.decode().lower(), text, "prose", is_readable=False)
    for value in _FEED_LICENSE.findall(head):
        yield license_declaration(unescape(value.decode("utf-8", "replace")).strip(), "")
    yield from (each for _url, each in feed_terms(body))
