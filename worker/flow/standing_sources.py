"""Create sources with a schedule from addresses, and change their schedules."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from storage.capabilities import find_page_kind, load_parts
from storage.record.sources import source_watching
from storage.record.suppression import redacted_addresses
from storage.schedule.watches import reschedule, watch_at_once
from storage.settings import Settings
from storage.values.arrivals.source import Source
from storage.values.failures import naming_file
from storage.values.messages import message_text
from storage.values.net.addresses import ListedAddress
from storage.values.net.origin_name import origin_of
from storage.values.refusals import RefusalReason
from storage.write.archive import Archive
from worker.address import Address, parse_address, split_secrets, without_secrets, without_trackers
from worker.errors import LocatorError, ScheduleError
from worker.flow.order import check_source_name, history_targets, is_source_name, order
from worker.sources.listings.url_list import OpmlFeed, read_opml
from worker.sources.locators import ADDRESS_TYPES, parse_locator
from worker.text.file_types import HEAD_BYTES
from worker.web.kind import kind_of


def watch_address(
    archive: Archive,
    settings: Settings,
    locator: str,
    *,
    name: str | None = None,
    kind: str | None = None,
    options: dict[str, Any] | None = None,
    **schedule: Any,
) -> Source:
    """Watch an address from now on; it is first checked as soon as possible.

    Raises: LocatorError, ScheduleError.
    """
    locator, secrets = split_secrets(locator)
    if secrets:
        options = {**(options or {}), "secrets": secrets}
    address = parse_locator(settings, locator)
    if isinstance(address, RefusalReason):
        raise LocatorError(without_secrets(locator), address.sentences)
    if kind is not None and kind not in ADDRESS_TYPES:
        raise LocatorError(locator, f"--type of an address is one of {', '.join(ADDRESS_TYPES)}")
    origin = origin_of(address.text)
    if archive.read(redacted_addresses).left_of(origin) is not None:
        raise LocatorError(message_text("web_address"), message_text("address_redacted"))
    chosen = origin if name is None else check_source_name(archive, name)
    refuse_second_source(archive, "web", address.text)
    taken = [each for each in archive.sources() if each.name == chosen]
    if taken and (taken[0].standing or taken[0].kind != "web"):
        raise ScheduleError(message_text("source_exists", name=chosen))
    source = archive.ensure_source(
        chosen, "web", address.text, standing=True, paused=False, options=options or {}, **schedule
    )
    asked = without_trackers(address).text
    named = ListedAddress(origin, asked, {"urls": "list"}.get(kind or "", kind or "web"))
    archive.transact(watch_at_once, source.id, named)
    return source


def refuse_second_source(archive: Archive, kind: str, locator: str) -> None:
    """Refuse a folder or an address that another source watches.

    Raises: ScheduleError.
    """
    place = origin_of(locator) if kind == "web" else locator
    for each in archive.sources(standing=True):
        known = origin_of(each.locator) if each.kind == "web" else each.locator
        if (each.kind, known) == (kind, place):
            raise ScheduleError(message_text(
                "source_watches", name=each.name, place=place, quoted=shlex.quote(each.name)
            ))  # fmt: skip


def watch_with_history(
    archive: Archive, settings: Settings, locator: str, **options: Any
) -> Source:
    """Watch an address, and insert the job that imports its captures from all web archives.

    `options` are those of `watch_address`. Raises: LocatorError, ScheduleError.
    """
    source = watch_address(archive, settings, locator, **options)
    targets = history_targets(
        archive, settings, source.locator, {}, (), read_as=find_page_kind(options.get("kind"))
    )
    order(archive, targets, "command")
    return source


def add_options_of_capabilities(
    archive: Archive, settings: Settings, options: Mapping[str, Any], given: Mapping[str, str]
) -> dict[str, Any]:
    """Return the options of a source with those of capabilities that were given.

    Raises: ScheduleError.
    """
    found = dict(options)
    for part in load_parts("source_options"):
        found = part.add_options(archive, settings, found, given)
    return found


def is_subscriptions(path: Path) -> bool:
    """Check whether a file is the subscription list of a feed reader (OPML)."""
    with naming_file(path), path.open("rb") as file:
        return kind_of(file.read(HEAD_BYTES), None) == "opml"


def watch_feeds(archive: Archive, settings: Settings, path: Path, **schedule: Any) -> list[Source]:
    """Watch each feed of a subscription list; feeds that are already watched stay unchanged.

    Raises: LocatorError.
    """
    feeds = read_opml(path.read_bytes())
    if isinstance(feeds, RefusalReason):
        raise LocatorError(str(path), feeds.message)
    names = {each.name for each in archive.sources()}
    return [_watch_feed(archive, settings, feed, names, schedule) for feed in feeds]


def _watch_feed(
    archive: Archive, settings: Settings, feed: OpmlFeed, names: set[str], schedule: dict[str, Any]
) -> Source:
    address = parse_address(split_secrets(feed.address)[0])
    origin = origin_of(address.text) if isinstance(address, Address) else feed.address
    known = archive.read(source_watching, origin)
    if known is not None and origin_of(known.locator) == origin:
        return known
    is_free = feed.title not in names and is_source_name(feed.title or "")
    name = feed.title if is_free else None
    names.add(name or origin)
    return watch_address(archive, settings, feed.address, name=name, kind="feed", **schedule)


def apply_schedule(archive: Archive, source: Source) -> None:
    """Apply the new schedule of a source to its addresses from now on."""
    if source.kind == "folder":
        return
    archive.transact(reschedule, source.id, None)
