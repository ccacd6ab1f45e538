"""Turn what the user names into a job: places with their sources, then one row."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from storage import queue
from storage.archive import Archive
from storage.settings import Settings
from storage.source import NoSuchSourceError, Source
from worker.collect import Place
from worker.errors import LocatorError, LocatorMissingError
from worker.sources.folder import expand
from worker.sources.locator import escape_locator

DEFAULT_SOURCE = "seeds"


def default_source(archive: Archive, settings: Settings) -> Source | None:
    """Return the source that watches the seeds folder, making it when the folder is there."""
    root = str(settings.seeds.absolute())
    try:
        found = archive.source(DEFAULT_SOURCE)
    except NoSuchSourceError:
        if not Path(root).is_dir() or archive.knew_source(DEFAULT_SOURCE):
            return None
        return archive.ensure_source(
            DEFAULT_SOURCE, "folder", root, standing=True, every_seconds=settings.every,
            options={"default": True},
        )  # fmt: skip
    if found.options.get("default") and found.locator != root and Path(root).is_dir():
        return archive.change_source(DEFAULT_SOURCE, locator=root)
    return found


def resolve(
    archive: Archive,
    settings: Settings,
    locator: str,
    *,
    source: str | None = None,
    type: str | None = None,  # noqa: A002  # the word of the command line
    origin: str | None = None,
    observed_at: datetime | None = None,
) -> Place:
    """Return the place that `locator` names, under a standing source where it belongs to one.

    Raises: LocatorError.
    """
    path = _path_of(locator)
    listing_root = _listing_root(path, locator)
    owner, prefix = _owner(archive, settings, path, listing_root, source)
    below = os.path.relpath(listing_root, owner.locator)
    return Place(
        source_id=owner.id,
        locator=path,
        root="" if below == "." else escape_locator(below),
        prefix=prefix,
        is_scan=path == owner.locator and Path(path).is_dir(),
        type=type,
        origin=origin,
        observed_at=observed_at.isoformat() if observed_at else None,
    )


def place_of(source: Source) -> Place:
    """Return the whole of a folder source as a place.

    Raises: LocatorError where it cannot be read, such as a source of another kind.
    """
    if source.kind != "folder":
        raise LocatorError(source.locator, f"sources of kind {source.kind} cannot be read")
    return Place(
        source_id=source.id,
        locator=source.locator,
        root="",
        prefix=_prefix(source),
        is_scan=True,
        type=source.options.get("type"),
    )


def order(
    archive: Archive, places: Sequence[Place], trigger: str, slot: str | None = None
) -> int | None:
    """Write the job that collects `places` and return its id; None where its slot is taken."""
    with archive.unit() as unit:
        if slot is not None and queue.slot_is_taken(unit.connection, places[0].source_id, slot):
            return None
        return queue.add_job(
            unit, "ingest", trigger, source_id=places[0].source_id, slot=slot,
            arguments=_arguments(places),
        )  # fmt: skip


def unfinished(archive: Archive, places: Sequence[Place]) -> int | None:
    """Return the job of an earlier, equal command that was ended before it was through."""
    with archive.looking() as connection:
        return queue.unfinished(connection, "command", _arguments(places))


def _arguments(places: Sequence[Place]) -> dict[str, Any]:
    return {"places": [asdict(place) for place in places]}


def _path_of(locator: str) -> str:
    parts = urlsplit(locator) if "://" in locator else None
    if parts is not None and parts.scheme == "file":
        return _absolute(parts.path)
    if parts is not None and not os.path.lexists(locator):
        raise LocatorError(locator, "addresses are not fetched by this version; save the page")
    return _absolute(locator)


def _listing_root(path: str, locator: str) -> str:
    if Path(path).is_dir():
        return path
    if os.path.lexists(path):
        return str(Path(path).parent)
    if not set("*?[").isdisjoint(path):
        return str(expand(path).root)
    raise LocatorMissingError(locator, "there is no such file or folder")


def _owner(
    archive: Archive, settings: Settings, path: str, listing_root: str, name: str | None
) -> tuple[Source, str]:
    if name is not None:
        found = archive.ensure_source(name, "folder", listing_root)
        if not _holds(found.locator, listing_root):
            raise LocatorError(
                path, f"it lies outside the folder of source {name}, {found.locator}"
            )
        return found, _prefix(found)
    if _holds(str(settings.seeds.absolute()), listing_root):
        default_source(archive, settings)
    standing = [s for s in archive.sources(standing=True) if _holds(s.locator, listing_root)]
    if standing:
        nearest = max(standing, key=lambda each: len(each.locator))
        return nearest, _prefix(nearest)
    name = f"file://{escape_locator(listing_root)}"
    found = archive.ensure_source(name, "folder", listing_root)
    return found, _prefix(found)


def _prefix(source: Source) -> str:
    if source.name.startswith("file://"):
        return source.name.rstrip("/") + "/"
    return f"seed:{source.name}/"


def _holds(folder: str, path: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _absolute(path: str) -> str:
    """Return `path` without `.` and `..`, links left as they are."""
    return os.path.abspath(path)  # noqa: PTH100  # resolve() would follow links
