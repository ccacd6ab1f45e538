"""PURE: the kind of content at an address: a page, a feed, a sitemap, a list of addresses."""

import re
from email.message import Message

from storage.capabilities import PAGE_KINDS
from storage.values.arrivals.formats import TYPE_BY_MEDIA
from storage.values.refusals import RefusalReason
from worker.sources.containers.gunzip import MAGIC
from worker.sources.listings.url_list import looks_like_url_list
from worker.text.file_types import HEAD_BYTES, HTML_START, detect_type, signed_type

LISTS = frozenset({"feed", "sitemap", "opml", "list", *PAGE_KINDS})
_SNIFFED = 8 * 1024
_LINES = 64 * 1024

ROOT = re.compile(
    rb"^\s*+(?:(?:<\?[^>]{0,300}\?>|<!--(?:(?!-->).){0,2000}+-->|<!DOCTYPE[^>\[]{0,300}>)\s*+)*+"
    rb"<(?:[\w-]+:)?(?P<name>[\w-]+)[\s>/]",
    re.DOTALL | re.IGNORECASE,
)
"""The first element of an XML document.

>>> ROOT.match(b"<?xml version='1.0'?><!-- x --><rdf:RDF xmlns:rdf='a'>")["name"]
b'RDF'
"""

_ROOTS = {
    "rss": "feed", "feed": "feed", "rdf": "feed", "channel": "feed",
    "urlset": "sitemap", "sitemapindex": "sitemap", "opml": "opml",
}  # fmt: skip


def kind_of(body: bytes, content_type: str | None) -> str:
    """Return the kind of `body`: `feed`, `sitemap`, `opml`, `list`, otherwise `page`.

    >>> kind_of(b"<rss version='2.0'></rss>", "text/html"), kind_of(b"<p>a", "text/html")
    ('feed', 'page')
    """
    if body.startswith(MAGIC):
        return "sitemap"
    head = _without_nulls(body[:_SNIFFED])
    root = ROOT.match(head)
    if root is not None and root["name"].decode("ascii", "replace").lower() in _ROOTS:
        return _ROOTS[root["name"].decode("ascii").lower()]
    if b"jsonfeed.org/version" in head and head.lstrip().startswith(b"{"):
        return "feed"
    if _media_type(content_type).startswith("text/plain") and _lists_addresses(body):
        return "list"
    return "page"


def page_type(body: bytes, content_type: str | None, name: str) -> str | RefusalReason:
    """Return the type as which a page is read, or a refusal.

    >>> page_type(b"<p>Es brennt.", "text/html", "a"), page_type(b"date 2024 A", None, "a")
    ('html', 'seed')
    """
    signed = signed_type(body[:HEAD_BYTES])
    if signed is not None:
        return signed
    media = _media_type(content_type)
    detected = detect_type(name, body[:HEAD_BYTES])
    if isinstance(detected, RefusalReason) and detected.code == "not_text":
        return detected
    declared = TYPE_BY_MEDIA.get(media, "seed")
    if declared == "html" or HTML_START.match(body):
        return "html"
    return detected if declared == "seed" else declared


def charset_of(content_type: str | None) -> str | None:
    """Return the encoding that a header declares.

    >>> charset_of('text/html; charset="ISO-8859-1"'), charset_of("text/html")
    ('iso-8859-1', None)
    """
    message = Message()
    message["Content-Type"] = " ".join((content_type or "").split())[:300]
    return message.get_content_charset()


def _media_type(content_type: str | None) -> str:
    return (content_type or "").partition(";")[0].strip().lower()


def _lists_addresses(body: bytes) -> bool:
    text = body[:_LINES].decode("utf-8-sig", "replace")
    if len(body) > _LINES:
        text = text.rpartition("\n")[0]
    return looks_like_url_list(text)


def _without_nulls(head: bytes) -> bytes:
    """Return the beginning of a text in two bytes per character as if it had one."""
    head = head.removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    return head.replace(b"\0", b"") if b"\0" in head[:200] else head
