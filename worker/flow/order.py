"""Create a job from the locators of a user: targets with their sources, then one row."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from storage.capabilities import PAGE_KINDS
from storage.record.sources import source_watching, was_source
from storage.record.suppression import redacted_addresses
from storage.schedule import progress as job_progress
from storage.schedule import queue
from storage.schedule.watches import create_due_check_jobs, due_watches
from storage.settings import Settings
from storage.values.arrivals.source import NoSuchSourceError, Source
from storage.values.locator import escape_locator
from storage.values.messages import message_text
from storage.values.net.origin_name import origin_of
from storage.values.net.web_archive import web_archives
from storage.values.refusals import RefusalReason
from storage.write.archive import Archive
from worker.address import without_secrets
from worker.errors import LocatorError
from worker.flow.collect.targets import IngestTarget
from worker.sources.locators import (
    ADDRESS_TYPES,
    file_path,
    is_address,
    listing_root,
    parse_locator,
)

DEFAULT_SOURCE = "seeds"
NO_SITE = "addresses"
"""The source of invalid addresses, which are never requested."""
NO_FOLDERS = "this machine reads no files and folders, because LESART_WORKER_FOLDERS is false"
MOST_AT_ONCE = 2_000
"""Maximum number of addresses that are assigned to jobs at a time."""


def default_source(archive: Archive, settings: Settings) -> Source | None:
    """Return the source that watches the seeds folder; it is created if the folder exists.

    None on a machine that does not share folders: its own has another content.
    """
    root = str(settings.seeds.absolute())
    if not settings.worker_folders:
        return None
    try:
        found = archive.source(DEFAULT_SOURCE)
    except NoSuchSourceError:
        if not Path(root).is_dir() or archive.read(was_source, DEFAULT_SOURCE):
            return None
        return archive.ensure_source(
            DEFAULT_SOURCE, "folder", root, standing=True, every_seconds=settings.every,
            options={"default": True},
        )  # fmt: skip
    if found.options.get("default") and found.locator != root and Path(root).is_dir():
        return archive.change_source(DEFAULT_SOURCE, locator=root)
    return found


def target_at(
    archive: Archive,
    settings: Settings,
    locator: str,
    *,
    source: str | None = None,
    type: str | None = None,  # noqa: A002  # the word of the command line
    origin: str | None = None,
    observed_at: datetime | None = None,
) -> IngestTarget:
    """Return the target of `locator`, under the standing source that contains it.

    Raises: LocatorError.
    """
    if not locator:
        raise LocatorError("''", message_text("name_one"))
    if is_address(locator):
        is_capture = bool(origin or observed_at)
        return _address_target(archive, settings, locator, source, type, is_capture=is_capture)
    if not settings.worker_folders:
        raise LocatorError(locator, NO_FOLDERS)
    path = file_path(locator)
    root = listing_root(path, locator)
    owner, prefix = _owner(archive, settings, path, root, source)
    below = os.path.relpath(root, owner.locator)
    return IngestTarget(
        source_id=owner.id,
        locator=path,
        root="" if below == "." else escape_locator(below),
        prefix=prefix,
        is_scan=path == owner.locator and Path(path).is_dir() and type not in PAGE_KINDS,
        type=type,
        origin=origin,
        observed_at=observed_at.isoformat() if observed_at else None,
    )


def history_targets(
    archive: Archive,
    settings: Settings,
    url: str,
    options: Mapping[str, Any],
    names: Sequence[str],
    *,
    read_as: str | None = None,
) -> list[IngestTarget]:
    """Return the history of an address in each of the web archives `names` (default: all).

    Each web archive is a source with its name. With `read_as` the captures are read as pages of
    this kind. Raises: LocatorError.
    """
    address = parse_locator(settings, url)
    if isinstance(address, RefusalReason):
        raise LocatorError(without_secrets(url), address.message)
    known = web_archives(settings.web_archives)
    if not known:
        raise LocatorError("--history", "no web archive is configured: set LESART_WEB_ARCHIVES")
    targets = []
    for name in names or known:
        if name not in known:
            reason = f"there is no web archive with this name; there is {', '.join(known)}"
            raise LocatorError(name, reason)
        source = archive.ensure_source(name, "web_archive", known[name].index)
        if source.kind != "web_archive":
            raise LocatorError(name, "a source of another kind has the name of this web archive")
        targets.append(IngestTarget(
            source.id, address.text, "", "", is_scan=False, type=read_as,
            origin=origin_of(address.text), kind="history", history={**options, "archive": name},
        ))  # fmt: skip
    return targets


def target_of(source: Source) -> IngestTarget:
    """Return a whole source as a target.

    Raises: LocatorError if it cannot be read, such as a source of another kind.
    """
    if source.kind == "web":
        return IngestTarget(source.id, source.locator, "", "", is_scan=True, kind="web")
    if source.kind != "folder":
        raise LocatorError(source.locator, f"sources of kind {source.kind} cannot be read")
    return IngestTarget(
        source_id=source.id,
        locator=source.locator,
        root="",
        prefix=_prefix(source),
        is_scan=True,
        type=source.options.get("type"),
    )


def order(
    archive: Archive, targets: Sequence[IngestTarget], trigger: str, slot: str | None = None
) -> int | None:
    """Insert the job that collects `targets` and return its id; None if its slot is taken.

    A job with a folder belongs to the source of that folder: see `queue.READS_FOLDERS`.
    """
    first = next((each for each in targets if each.kind == "folder"), targets[0])
    return archive.transact(
        queue.add_collecting, trigger, first.source_id, _arguments(targets), slot
    )


def unfinished_job(archive: Archive, targets: Sequence[IngestTarget]) -> int | None:
    """Return the unfinished job of an earlier, equal command that was interrupted."""
    return archive.read(job_progress.unfinished_job, "command", _arguments(targets))


def _arguments(targets: Sequence[IngestTarget]) -> dict[str, Any]:
    return {"places": [asdict(each) for each in targets]}


def _address_target(
    archive: Archive,
    settings: Settings,
    locator: str,
    name: str | None,
    kind: str | None,
    *,
    is_capture: bool,
) -> IngestTarget:
    """Return an address as a target, under the source that watches it or the specified source.

    Raises: LocatorError.
    """
    locator = without_secrets(locator)
    if is_capture:
        raise LocatorError(locator, "it is fetched now; --origin and --observed-at apply to "
                           "files with captures that were made elsewhere")  # fmt: skip
    if kind is not None and kind not in ADDRESS_TYPES:
        raise LocatorError(locator, f"--type of an address is one of {', '.join(ADDRESS_TYPES)}")
    owner = _address_owner(archive, settings, locator, name)
    if owner.kind != "web":
        raise LocatorError(
            locator, f"source {owner.name} watches a folder: choose another --source"
        )
    kind = "list" if kind == "urls" else kind
    address = parse_locator(settings, locator)
    origin = None if isinstance(address, RefusalReason) else origin_of(address.text)
    return IngestTarget(
        owner.id, locator, "", "", is_scan=False, type=kind, origin=origin, kind="web"
    )


def _address_owner(archive: Archive, settings: Settings, locator: str, name: str | None) -> Source:
    """Return the source that watches an address, the specified source, or the source of its
    site.
    """
    address = parse_locator(settings, locator)
    if isinstance(address, RefusalReason):
        return archive.ensure_source(name or NO_SITE, "web", "")
    origin = origin_of(address.text)
    watching = None if name else archive.read(source_watching, origin)
    if watching is not None:
        return watching
    site = urlunsplit((*urlsplit(address.text)[:2], "", "", ""))
    name = None if name is None else check_source_name(archive, name)
    is_gone = archive.read(redacted_addresses).left_of(origin) is not None
    return archive.ensure_source(
        name or site, "web", address.text if name and not is_gone else site
    )


def order_due(archive: Archive, settings: Settings) -> list[int]:
    """Insert jobs for the watched addresses that are due, and return their ids."""
    if not archive.read(due_watches, archive.read_shared_clock(), 1):
        return []
    return archive.transact(create_due_check_jobs, MOST_AT_ONCE, settings.batch_items)


def _owner(
    archive: Archive, settings: Settings, path: str, root: str, name: str | None
) -> tuple[Source, str]:
    if name is not None:
        found = archive.ensure_source(check_source_name(archive, name), "folder", root)
        if not _holds(found.locator, root):
            raise LocatorError(
                path, f"it lies outside the folder of source {name}, {found.locator}"
            )
        return found, _prefix(found)
    if _holds(str(settings.seeds.absolute()), root):
        default_source(archive, settings)
    standing = [s for s in archive.sources(standing=True) if _holds(s.locator, root)]
    if standing:
        nearest = max(standing, key=lambda each: len(each.locator))
        return nearest, _prefix(nearest)
    name = f"file://{escape_locator(root)}"
    found = archive.ensure_source(name, "folder", root)
    return found, _prefix(found)


def is_source_name(name: str) -> bool:
    r"""Check whether a source may have this name.

    >>> [is_source_name(each) for each in ("Bote am Sonntag", "", "a/b", "a\n")]
    [True, False, False, False]
    """
    return name.strip() == name != "" and "/" not in name and escape_locator(name) == name


def check_source_name(archive: Archive, name: str) -> str:
    """Check and return the name of a source for standard input.

    Raises: LocatorError if the name is invalid and no source has it.
    """
    if not is_source_name(name) and all(each.name != name for each in archive.sources()):
        raise LocatorError(
            repr(name), "the name of a source must not contain /, line breaks or control characters"
        )
    return name


def _prefix(source: Source) -> str:
    if source.name.startswith("file://"):
        return source.name.rstrip("/") + "/"
    return f"seed:{source.name}/"


def _holds(folder: str, path: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
