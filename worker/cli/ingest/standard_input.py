"""Ingest standard input: the bytes are stored first, then a worker reads them."""

import sys
from dataclasses import replace
from datetime import datetime
from typing import Any

from storage.database.process_identity import process_identity
from storage.schedule import queue
from storage.settings import Settings
from storage.values.arrivals.arrival import Arrival
from storage.values.arrivals.formats import TYPES, unknown_type
from storage.values.digest import raw_digest
from storage.values.verdict import Counts
from storage.write.archive import Archive
from storage.write.store_captures import store_arrivals
from worker.errors import LocatorError
from worker.flow.collect.folder import NO_STAMP, counts_of
from worker.flow.collect.hints import hints_of
from worker.flow.collect.import_captures import Importer
from worker.flow.read import Reader
from worker.sources.containers.items import Foreign, Item, PassedOver
from worker.sources.folders.members import members_of_input

STANDARD_INPUT = "stdin"


def ingest_input(
    archive: Archive,
    settings: Settings,
    *,
    source: str | None,
    type: str | None,  # noqa: A002  # the word of the command line
    origin: str | None,
    observed_at: datetime | None,
) -> int:
    """Store standard input and return the job that reads it.

    Raises: LocatorError without a known type.
    """
    if type is None:
        raise LocatorError("-", f"standard input needs --type TYPE: {', '.join(TYPES)}")
    if type not in TYPES:
        raise LocatorError("--type", unknown_type(type))
    owner = archive.ensure_source(source or STANDARD_INPUT, "input", "-")
    job_id = archive.transact(
        queue.add_job, "ingest", "command", source_id=owner.id, arguments={"places": []}
    )
    held = archive.claim(settings.lease_seconds, process_identity(), job_id=job_id)
    assert held is not None
    batch: list[Arrival] = []
    importer = Importer(archive, held, owner.id, settings.batch_items)
    with Reader(settings) as reader:
        hints = hints_of(settings, type, reader.split)
        for item in members_of_input(sys.stdin.buffer, hints):
            match item:
                case Foreign(member=member, capture=capture):
                    place = f"seed:{owner.name}/-"
                    importer.add(place, replace(capture, locator=f"{place}{member}"))
                case PassedOver():
                    importer.counted.passed_over += 1
                case _:
                    batch.append(_arrival(archive, owner.name, item, origin, observed_at))
            if len(batch) >= settings.batch_items:
                store_arrivals(archive, held, owner.id, batch)
                batch = []
    importer.finish()
    if batch:
        store_arrivals(archive, held, owner.id, batch)
    counted = importer.counted
    counts = Counts(unchanged=counted.unchanged, passed_over=counted.passed_over)
    again = counts_of(archive, counted.unread)
    archive.transact(queue.finish, held, counts + again)
    return job_id


def _arrival(
    archive: Archive, source: str, item: Any, origin: str | None, observed_at: datetime | None
) -> Arrival:
    raw = item.raw
    digest = raw_digest(raw) if raw is not None else None
    name = digest.hex()[:16] if digest is not None and not item.member else "-"
    locator = f"seed:{source}/{name}{item.member}"
    hints: dict[str, Any] = {}
    if isinstance(item, Item):
        hints = {"type": item.type, "name": "-", "charset": item.charset, "origin": origin}
        hints["flags"] = list(item.flags) or None
        hints["observed_at"] = observed_at.isoformat() if observed_at else None
    return Arrival(
        place=locator,
        locator=locator,
        path=name,
        member=item.member,
        stamp=NO_STAMP,
        observed_at=archive.clock(),
        raw=raw,
        digest=digest,
        hints={key: value for key, value in hints.items() if value is not None},
        refused=None if isinstance(item, Item) else item.refused,
    )
