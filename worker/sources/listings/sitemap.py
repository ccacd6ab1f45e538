"""PURE: sitemaps, their indexes and news: the addresses of a site with their dates."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from lxml import etree

from storage.values.messages import message_text
from storage.values.refusals import RefusalReason, refuse
from worker.sources.containers.gunzip import MAGIC, GrownTooLargeError, Gunzip, UnsafeArchiveError
from worker.sources.containers.items import Limits
from worker.sources.listings.feed import Entry, Feed, read_feed
from worker.sources.listings.feed_dates import feed_date
from worker.sources.listings.safe_xml import local_name, parse, unsafe
from worker.sources.listings.url_list import absolute_address, looks_like_url_list, read_url_list

MOST_BYTES = 50 * 1024 * 1024
"""Maximum size of a decompressed sitemap, in bytes: the limit of the protocol."""

MOST_ENTRIES = 50_000
"""Maximum number of addresses in one sitemap: the limit of the protocol."""


@dataclass(frozen=True, slots=True)
class Sitemap:
    """Contents of a sitemap: `children` are addresses of other sitemaps, `entries` of pages."""

    children: tuple[str, ...]
    entries: tuple[Entry, ...]


def read_sitemap(raw: bytes, base: str) -> Sitemap | RefusalReason:
    """Parse a sitemap found at the address `base`, or return a refusal.

    Gzip is decompressed. A plain-text list of addresses and a feed are accepted too. A page that is
    listed only as the translation of another page becomes an entry of its own.
    """
    unpacked = _unpack(raw)
    if isinstance(unpacked, RefusalReason):
        return unpacked
    if not unpacked.strip():
        return refuse("sitemap_invalid", reason=message_text("empty"))
    text = unpacked.decode("utf-8-sig", "replace")
    if looks_like_url_list(text):
        addresses = read_url_list(text).addresses
        return _limit_entries((), tuple(Entry(address) for address in addresses))
    return unsafe(unpacked) or _xml_sitemap(unpacked, base)


def _xml_sitemap(raw: bytes, base: str) -> Sitemap | RefusalReason:
    root = parse(raw.lstrip())
    match None if root is None else local_name(root):
        case "urlset":
            return _limit_entries((), tuple(_all_addresses(list(_entries(root, base)))))
        case "sitemapindex":
            return _limit_entries(tuple(dict.fromkeys(_children(root, base))), ())
        case _:
            return _as_feed(raw, base)


def _unpack(raw: bytes) -> bytes | RefusalReason:
    if not raw.startswith(MAGIC):
        return raw if len(raw) <= MOST_BYTES else refuse("too_large", limit=MOST_BYTES)
    limits = Limits(container=MOST_BYTES)
    try:
        return Gunzip(io.BytesIO(raw), limits, is_ratio_bounded=True).readall()
    except GrownTooLargeError as error:
        return refuse("too_large_decoded", limit=error.limit)
    except UnsafeArchiveError as error:
        return refuse("archive_unsafe", reason=str(error))


def _limit_entries(
    children: tuple[str, ...], entries: tuple[Entry, ...]
) -> Sitemap | RefusalReason:
    if len(children) > MOST_ENTRIES or len(entries) > MOST_ENTRIES * 2:
        return refuse("too_many_entries", limit=MOST_ENTRIES)
    return Sitemap(children, entries)


def _as_feed(raw: bytes, base: str) -> Sitemap | RefusalReason:
    feed = read_feed(raw, base)
    if isinstance(feed, Feed):
        return Sitemap((), tuple(entry for entry in feed.entries if entry.address))
    if feed.code != "feed_invalid":
        return feed
    reason = message_text("no_sitemap")
    return refuse("sitemap_invalid", reason=reason)


def _children(root: etree._Element | None, base: str) -> Iterator[str]:
    for child in root if root is not None else ():
        for element in child:
            address = absolute_address(element.text, base)
            if local_name(element) == "loc" and address:
                yield address


@dataclass(frozen=True, slots=True)
class _SitemapUrl:
    """One `url` of a sitemap, and the same page in other languages."""

    entry: Entry
    alternates: tuple[tuple[str, str | None], ...]


def _entries(root: etree._Element | None, base: str) -> Iterator[_SitemapUrl]:
    for url in root if root is not None else ():
        elements = {local_name(e): e for e in reversed(url)}
        address = absolute_address(_text(elements.get("loc")), base)
        if address is None:
            continue
        news = elements.get("news")
        said = {} if news is None else {local_name(e): e for e in reversed(list(news.iter()))}
        alternates = tuple(_alternates(url, base))
        yield _SitemapUrl(
            Entry(
                address=address,
                title=_text(said.get("title")),
                published=feed_date(_text(said.get("publication_date"))),
                updated=feed_date(_text(elements.get("lastmod"))),
                tags=tuple(_tags(_text(said.get("keywords")))),
                language=_text(said.get("language")) or dict(alternates).get(address),
            ),
            alternates,
        )


def _alternates(url: etree._Element, base: str) -> Iterator[tuple[str, str | None]]:
    for element in url:
        if local_name(element) != "link" or element.get("rel", "").lower() != "alternate":
            continue
        address = absolute_address(element.get("href"), base)
        language = element.get("hreflang", "").strip()
        if address and language:
            yield address, None if language.lower() == "x-default" else language


def _all_addresses(listed: list[_SitemapUrl]) -> Iterator[Entry]:
    """Yield each address once: first the listed pages, then those that are only translations."""
    seen: set[str] = set()
    entries = [each.entry for each in listed]
    entries += [
        Entry(address, language=language)
        for each in listed
        for address, language in each.alternates
        if urlsplit(address).scheme in {"http", "https"}
    ]
    for entry in entries:
        if entry.address and entry.address not in seen:
            seen.add(entry.address)
            yield entry


def _tags(keywords: str | None) -> Iterator[str]:
    for tag in (keywords or "").split(","):
        if tag.strip():
            yield tag.strip()


def _text(element: etree._Element | None) -> str | None:
    if element is None:
        return None
    return " ".join("".join(element.itertext()).split()) or None
