"""PURE: the addresses in a feed, a sitemap, a subscription list or a plain list."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from storage.values.draft import Json
from storage.values.messages import message_text
from storage.values.net.addresses import AddressList, ListedAddress
from storage.values.net.origin_name import origin_of
from storage.values.net.private_hosts import hosts_by_port
from storage.values.net.rights import feed_terms
from storage.values.refusals import RefusalReason, refuse
from worker.address import Address, IsOwn, parse_address, without_trackers
from worker.sources.listings.feed import Entry, Feed, read_feed
from worker.sources.listings.sitemap import Sitemap, read_sitemap
from worker.sources.listings.url_list import OpmlFeed, absolute_address, read_opml, read_url_list

LONGEST_SUMMARY = 1_000
MOST_ENTRIES = 50_000
"""Maximum number of addresses of an OPML file, and of lines of a list: that of a sitemap."""
MOST_REJECTED = 100
"""Maximum number of lines of a list of addresses that are refused individually."""

_Found = tuple[str, str, Entry | None]
"""An address, its kind of watch, and the statements of its list about it."""


def read_listing(
    kind: str, raw: bytes, base: str, content_type: str | None, is_own: IsOwn
) -> AddressList | RefusalReason:
    """Return the addresses of the list `raw` found at `base`, or a refusal.

    `base` is an address, or None for a file of the user. A public list must not contain private
    servers, because its author could make Lesart request them.
    """
    at = parse_address(base, is_own)
    is_public = isinstance(at, Address) and not is_own(at.host, at.port)
    match kind:
        case "feed":
            feed = read_feed(raw, base, content_type)
            if isinstance(feed, RefusalReason):
                return feed
            return _with_terms(_feed_addresses(feed, is_own, is_public), raw, base, is_own)
        case "sitemap":
            sitemap = read_sitemap(raw, base)
            return (
                sitemap
                if isinstance(sitemap, RefusalReason)
                else _sitemap_addresses(sitemap, is_own, is_public)
            )
        case "opml":
            feeds = read_opml(raw)
            return (
                feeds
                if isinstance(feeds, RefusalReason)
                else _opml_addresses(feeds, is_own, is_public)
            )
    listed = read_url_list(raw.decode("utf-8-sig", "replace"))
    if len(listed.addresses) + len(listed.rejected) > MOST_ENTRIES:
        return refuse("too_many_entries", limit=MOST_ENTRIES)
    named = _listing("list", [(each, "web", None) for each in listed.addresses], is_own, is_public)
    bad = [(each.line, each.refused) for each in listed.rejected]
    return AddressList("list", named.named, (*_limit_refusals(bad), *named.rejected))


def _limit_refusals(rejected: list[tuple[int, RefusalReason]]) -> list[tuple[int, RefusalReason]]:
    """Return the first refused lines of a list, and one refusal that counts the others."""
    rest = rejected[MOST_REJECTED:]
    if not rest:
        return rejected
    line, _refused = rest[0]
    reason = message_text("no_addresses", count=len(rest) - 1)
    return [*rejected[:MOST_REJECTED], (line, refuse("record_invalid", line=line, reason=reason))]


def _opml_addresses(
    feeds: Sequence[OpmlFeed],
    is_own: IsOwn,
    is_public: bool,  # noqa: FBT001
) -> AddressList | RefusalReason:
    if len(feeds) > MOST_ENTRIES:
        return refuse("too_many_entries", limit=MOST_ENTRIES)
    found = [(each.address, "feed", Entry(each.address, title=each.title)) for each in feeds]
    return _listing("opml", found, is_own, is_public)


def _feed_addresses(feed: Feed, is_own: IsOwn, is_public: bool) -> AddressList:  # noqa: FBT001  # by name below
    found = [(each.address, "page", each) for each in feed.entries if each.address]
    return _listing("feed", found, is_own, is_public, feed.title)


def _with_terms(listed: AddressList, raw: bytes, base: str, is_own: IsOwn) -> AddressList:
    """Add the RSL terms of a feed to the addresses to which they apply."""
    terms: dict[str, list[Json]] = {}
    for url, declared in feed_terms(raw):
        address = parse_address(absolute_address(url, base) or "", is_own)
        if isinstance(address, Address):
            terms.setdefault(origin_of(address.text), []).append(declared.to_json())
    if not terms:
        return listed
    named = (
        replace(each, hints={"kind": "feed", **each.hints, "rights": terms[each.origin]})
        if each.origin in terms
        else each
        for each in listed.named
    )
    return replace(listed, named=tuple(named))


def _sitemap_addresses(sitemap: Sitemap, is_own: IsOwn, is_public: bool) -> AddressList:  # noqa: FBT001
    found: list[_Found] = [(each, "sitemap", None) for each in sitemap.children]
    found += [(each.address, "page", each) for each in sitemap.entries if each.address]
    return _listing("sitemap", found, is_own, is_public)


def _listing(
    kind: str,
    found: Iterable[_Found],
    is_own: IsOwn,
    is_public: bool,  # noqa: FBT001
    title: str | None = None,
) -> AddressList:
    named: dict[str, ListedAddress] = {}
    rejected: list[tuple[int, RefusalReason]] = []
    for number, (given, of, entry) in enumerate(found, 1):
        address = parse_address(given, is_own)
        if isinstance(address, Address) and is_public and is_own(address.host, address.port):
            reason = message_text("own_server_listed", host=address.host)
            address = refuse("address_not_public", reason=reason)
        if isinstance(address, RefusalReason):
            rejected.append((number, address))
            continue
        origin = origin_of(address.text)
        if origin not in named:
            named[origin] = _make_listed_address(
                kind, origin, without_trackers(address).text, of, entry
            )
    return AddressList(kind, tuple(named.values()), tuple(rejected), title)


def _make_listed_address(
    kind: str, origin: str, address: str, of: str, entry: Entry | None
) -> ListedAddress:
    if entry is None:
        return ListedAddress(origin, address, of)
    hints = {"kind": kind, **dict(_hints(entry))}
    return ListedAddress(
        origin, address, of, entry.guid, moment_of(entry.published), moment_of(entry.updated),
        hints if len(hints) > 1 else {},
    )  # fmt: skip


def _hints(entry: Entry) -> Iterator[tuple[str, Json]]:
    values: Mapping[str, Json] = {
        "title": entry.title,
        "authors": list(entry.authors),
        "published": entry.published,
        "updated": entry.updated,
        "summary": (entry.summary or "")[:LONGEST_SUMMARY],
        "tags": list(entry.tags),
        "language": entry.language,
        "guid": entry.guid,
    }
    yield from ((name, value) for name, value in values.items() if value)


def own_hosts(entries: Iterable[str]) -> IsOwn:
    """Return a check of host and port against entries of LESART_ALLOW_HOSTS."""
    hosts = hosts_by_port(entries)
    return lambda host, port: (host, port) in hosts


def moment_of(text: str | None) -> datetime | None:
    """Return the beginning of the period of a list's date, in UTC if it has no time zone.

    >>> moment_of("2024-06-18T13:34+02:00").isoformat(), moment_of("2024-06").isoformat()
    ('2024-06-18T11:34:00+00:00', '2024-06-01T00:00:00+00:00')
    """
    if not text:
        return None
    whole = text + "2024-01-01"[len(text) :] if len(text) < 10 else text
    try:
        moment = datetime.fromisoformat(whole)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # a list may state any year
        return None
