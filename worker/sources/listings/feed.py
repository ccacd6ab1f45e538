"""PURE: RSS, RDF, Atom and JSON feeds: their entries with address, title, dates and authors."""

import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import TYPE_CHECKING, Any

from lxml import etree, html

from storage.values.draft import Json
from storage.values.lazy import LazyModule
from storage.values.messages import message_text
from storage.values.refusals import RefusalReason, refuse
from worker.sources.listings.feed_dates import feed_date
from worker.sources.listings.safe_xml import unsafe
from worker.sources.listings.url_list import absolute_address

if TYPE_CHECKING:
    import feedparser
else:
    feedparser = LazyModule("feedparser")

MOST_BYTES = 20 * 1024 * 1024
MOST_ENTRIES = 10_000
MOST_TAGS = 400_000
DEEPEST = 250
LONGEST_TEXT = 20_000
_HEAD_BYTES = 64 * 1024

TAG = re.compile(rb"<(/?)[A-Za-z_][^<>]*?(/?)>|<!\[CDATA\[|\]\]>|<!--|-->")
"""A tag, or a delimiter of a section without tags.

>>> [found[0] for found in TAG.finditer(b"<a><b/></a>")]
[b'<a>', b'<b/>', b'</a>']
"""

FIRST_ELEMENT = re.compile(rb"<\0*[A-Za-z_]")
"""The beginning of the first element, in one or two bytes per character."""

MARKUP = re.compile(r"<[/!A-Za-z]|&[#A-Za-z]")
"""Signs that a text is HTML."""

CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
"""Characters that no text of a feed needs, and that databases refuse.

>>> CONTROL.sub("", "Deich\\x00 wird teurer")
'Deich wird teurer'
"""

MAIL = re.compile(r"\b[^\s()<>@,;]{1,64}@[^\s()<>@,;]{1,255}")
"""An email address.

>>> MAIL.findall("Ada Kern <red@zeitung.example>")
['red@zeitung.example']
"""

JSON_FEED = frozenset(
    f"{place}1{minor}"
    for place in ("", "http://jsonfeed.org/version/", "https://jsonfeed.org/version/")
    for minor in ("", *(f".{number}" for number in range(10)))
)
"""Versions of JSON Feed, by address or by number."""

_MARKUP_TYPES = frozenset({"text/html", "application/xhtml+xml"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a feed or a sitemap.

    `address` is absolute, or None if the entry has none. `published` and `updated` are ISO 8601
    with the precision of the feed; `title` and `summary` are plain text.
    """

    address: str | None
    guid: str | None = None
    title: str | None = None
    authors: tuple[str, ...] = ()
    published: str | None = None
    updated: str | None = None
    summary: str | None = None
    tags: tuple[str, ...] = ()
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """The entries of a feed, in its order."""

    title: str | None
    entries: tuple[Entry, ...]


def read_feed(raw: bytes, base: str, content_type: str | None = None) -> Feed | RefusalReason:
    """Parse a feed found at the address `base`, or return a refusal.

    Ill-formed feeds are read as far as possible; nothing is fetched, no file is opened.
    """
    if len(raw) > MOST_BYTES:
        return refuse("too_large", limit=MOST_BYTES)
    if not raw.strip():
        return refuse("feed_invalid", reason=message_text("empty"))
    if raw.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"{", b"[")):
        return _json_feed(raw, base)
    return unsafe(raw) or _too_odd(raw) or _xml_feed(raw, base, content_type)


def _too_odd(raw: bytes) -> RefusalReason | None:
    """Refuse feeds that would take too long to parse."""
    if FIRST_ELEMENT.search(raw[:_HEAD_BYTES]) is None:
        return refuse("feed_invalid", reason=message_text("no_root_element"))
    depth = 0
    is_apart = False
    for number, found in enumerate(TAG.finditer(raw)):
        if number > MOST_TAGS:
            return refuse("feed_invalid", reason=message_text("many_tags", limit=MOST_TAGS))
        if found[0] in {b"<![CDATA[", b"<!--", b"]]>", b"-->"}:
            is_apart = found[0].startswith(b"<")
        elif not is_apart and not found[2]:
            depth += -1 if found[1] else 1
            if depth > DEEPEST:
                return refuse("feed_invalid", reason=message_text("feed_nested", limit=DEEPEST))
    return None


def _xml_feed(raw: bytes, base: str, content_type: str | None) -> Feed | RefusalReason:
    headers = {"content-location": base}
    charset = _charset(content_type)
    if charset:
        headers["content-type"] = f"application/xml; charset={charset}"
    try:
        parsed = feedparser.parse(
            io.BytesIO(raw),
            response_headers=headers,
            resolve_relative_uris=False,
            sanitize_html=False,
        )
    except (AssertionError, LookupError, RecursionError, TypeError, ValueError):
        return refuse("feed_invalid", reason=message_text("feed_nonsense"))
    if not parsed.get("version") and not parsed["entries"]:
        return refuse("feed_invalid", reason=message_text("no_feed"))
    if len(parsed["entries"]) > MOST_ENTRIES:
        return refuse("too_many_entries", limit=MOST_ENTRIES)
    return Feed(
        _plain(parsed["feed"], "title"),
        tuple(_entry(entry, base) for entry in parsed["entries"]),
    )


def _charset(content_type: str | None) -> str | None:
    """Return the encoding that a header declares.

    >>> _charset("text/xml; charset=ISO-8859-1"), _charset("text/xml")
    ('iso-8859-1', None)
    """
    message = Message()
    message["Content-Type"] = " ".join((content_type or "").split())
    return message.get_content_charset()


def _entry(entry: Mapping[str, Any], base: str) -> Entry:
    published, updated = _date(entry, "published"), _date(entry, "updated")
    return Entry(
        address=absolute_address(_link(entry), base),
        guid=_text(entry.get("id")),
        title=_plain(entry, "title"),
        authors=tuple(dict.fromkeys(_authors(entry))),
        published=published or _date(entry, "created"),
        updated=updated,
        summary=_plain(entry, "summary"),
        tags=tuple(dict.fromkeys(_tags(entry))),
        language=_text(entry.get("language")),
    )


def _link(entry: Mapping[str, Any]) -> str | None:
    """Return the address of an entry: its link, otherwise a permanent id that is an address."""
    link = entry.get("link")
    if isinstance(link, str) and link.strip():
        return link
    identity = entry.get("id")
    if isinstance(identity, str) and identity.lower().startswith(("http://", "https://")):
        return identity if entry.get("guidislink", True) else None
    return None


def _date(entry: Mapping[str, Any], name: str) -> str | None:
    if name not in entry.keys():  # noqa: SIM118  # `in` of this dictionary knows other names
        return None
    return feed_date(entry[name], entry.get(f"{name}_parsed"))


def _authors(entry: Mapping[str, Any]) -> Iterator[str]:
    listed = entry.get("authors") or ()
    whole = entry.get("author")
    if len(listed) < 2 and isinstance(whole, str) and "@" in whole:
        listed = (
            {"name": _without_mail(whole)},
        )  # feedparser truncates addresses of newer domains
    for author in listed or ({"name": whole},):
        name = _text(author.get("name")) or _text(author.get("email"))
        if name:
            yield name


def _without_mail(author: str) -> str:
    """Return the name that accompanies an email address, or the address if there is no name.

    >>> _without_mail("red@zeitung.example (Ada Kern)"), _without_mail("red@zeitung.example")
    ('Ada Kern', 'red@zeitung.example')
    """
    return MAIL.sub(" ", author[:LONGEST_TEXT]).strip(" ()<>,;") or author


def _tags(entry: Mapping[str, Any]) -> Iterator[str]:
    for tag in entry.get("tags") or ():
        name = _text(tag.get("label")) or _text(tag.get("term"))
        if name:
            yield name


def _plain(record: Mapping[str, Any], name: str) -> str | None:
    """Return a text of the feed without its markup."""
    detail = record.get(f"{name}_detail") or {}
    text = record.get(name)
    if not isinstance(text, str):
        return None
    if detail.get("type") in _MARKUP_TYPES and MARKUP.search(text):
        text = _without_markup(text[: 10 * LONGEST_TEXT])
    return _text(text)


def _without_markup(text: str) -> str:
    try:
        return str(html.fragment_fromstring(text, create_parent="div").text_content())
    except (etree.LxmlError, ValueError):
        return text


def _text(value: Any) -> str | None:
    """Return a value as one line of text, or None if it is empty."""
    if not isinstance(value, str):
        return None
    return " ".join(CONTROL.sub("", value).split())[:LONGEST_TEXT] or None


# --------------------------------------------------------------------------- JSON Feed


def _json_feed(raw: bytes, base: str) -> Feed | RefusalReason:
    try:
        feed = json.loads(raw.decode("utf-8-sig", "replace"), strict=False)
    except (ValueError, RecursionError):
        return refuse("feed_invalid", reason=message_text("json_unreadable"))
    version = feed.get("version") if isinstance(feed, dict) else None
    if not isinstance(version, str) or version not in JSON_FEED:
        return refuse("feed_invalid", reason=message_text("no_json_feed"))
    items = feed.get("items")
    if not isinstance(items, list):
        return refuse("feed_invalid", reason=message_text("feed_without_items"))
    if len(items) > MOST_ENTRIES:
        return refuse("too_many_entries", limit=MOST_ENTRIES)
    entries = tuple(_json_entry(item, base) for item in items if isinstance(item, dict))
    return Feed(_text(feed.get("title")), entries)


def _json_entry(item: Mapping[str, Json], base: str) -> Entry:
    address = item.get("url") or item.get("external_url")
    identity = item.get("id")
    tags = item.get("tags")
    return Entry(
        address=absolute_address(address, base) if isinstance(address, str) else None,
        guid=_text(str(identity)) if isinstance(identity, (str, int, float)) else None,
        title=_text(item.get("title")),
        authors=tuple(dict.fromkeys(_json_authors(item))),
        published=_json_date(item.get("date_published")),
        updated=_json_date(item.get("date_modified")),
        summary=_text(item.get("summary")),
        tags=tuple(t for tag in tags if (t := _text(tag))) if isinstance(tags, list) else (),
        language=_text(item.get("language")),
    )


def _json_date(value: Json) -> str | None:
    return feed_date(value) if isinstance(value, str) else None


def _json_authors(item: Mapping[str, Json]) -> Iterator[str]:
    authors = item.get("authors")
    for author in (*(authors if isinstance(authors, list) else ()), item.get("author")):
        name = _text(author.get("name")) if isinstance(author, dict) else None
        if name:
            yield name
