"""Collect the places of an ingest job: list files, store new bytes, report deleted files."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from storage.record.suppression import redacted_addresses
from storage.schedule import queue
from storage.schedule.watches import create_check_jobs
from storage.settings import Settings
from storage.values import job as jobs
from storage.values.lazy import LazyModule
from storage.values.net.addresses import ListedAddress
from storage.values.net.origin_name import origin_of
from storage.values.net.private_hosts import hosts_by_port
from storage.values.refusals import RefusalReason
from storage.values.verdict import Counts
from storage.write.archive import Archive
from storage.write.store_captures import (
    record_refusal,
    refuse_places,
)
from worker.address import parse_address, without_trackers
from worker.flow.collect.folder import FolderCollector
from worker.flow.collect.hints import hints_of
from worker.flow.collect.targets import CollectionResult, IngestTarget, Progress
from worker.sources.folders.files import Patience
from worker.sources.folders.members import Splitter

if TYPE_CHECKING:
    from worker.flow.history import run as history_runs
else:
    history_runs = LazyModule("worker.flow.history.run")


def collect(
    archive: Archive,
    claim: jobs.Claim,
    settings: Settings,
    patience: Patience,
    progress: Progress = lambda _seen, _changed: None,
    *,
    split: Splitter,
) -> "CollectionResult":
    """Collect all places of an ingest job, finish it, and insert jobs that read the captures.

    `split` is called for documents that may contain several texts. The job can be repeated after a
    crash: stored captures remain and are not counted twice. Raises: jobs.StaleLeaseError.
    """
    counts, news, reason = Counts(), CollectionResult(), None
    places = _without_redacted(archive, claim, settings)
    for place in places:
        if place.kind == "folder":
            hints = hints_of(settings, place.type, split)
            looked = FolderCollector(
                archive, claim, settings, patience, progress, place, hints=hints
            )
            looked.run()
            counts += looked.counts()
            news += looked.news()
            reason = reason or looked.reason
    collect_addresses(archive, claim, settings, [p for p in places if p.kind == "web"])
    histories = [each for each in places if each.kind == "history"]
    if histories:
        imported = history_runs.collect_history(archive, claim, settings, histories, progress)
        if imported is None:
            return news
        counts += imported
    archive.transact(queue.finish, claim, counts, reason)
    return news


def _without_redacted(
    archive: Archive, claim: jobs.Claim, settings: Settings
) -> list[IngestTarget]:
    """Return the places of a job without redacted addresses, which are refused and removed from
    it.
    """
    places = [IngestTarget(**entry) for entry in claim.arguments["places"]]
    redacted = archive.read(redacted_addresses)
    left = [redacted.left_of(*_addresses(each, settings)) for each in places]
    named = zip(claim.arguments["places"], left, strict=True)
    gone = [(entry, name) for entry, name in named if name is not None]
    if gone:
        refuse_places(archive, claim, gone)
    return [each for each, name in zip(places, left, strict=True) if name is None]


def _addresses(place: IngestTarget, settings: Settings) -> Iterator[str]:
    """Yield the names that the content of a single place may have in the archive."""
    yield from jobs.addresses_of(asdict(place))
    if place.kind == "web" and not place.is_scan:
        found = _requested_address(place, settings)
        if isinstance(found, ListedAddress):
            yield found.origin


def collect_addresses(
    archive: Archive, claim: jobs.Claim, settings: Settings, places: Sequence[IngestTarget]
) -> None:
    """Insert jobs that check the addresses of places, and the due addresses of their sources.

    Raises: jobs.StaleLeaseError.
    """
    if not places:
        return
    named: dict[int, list[ListedAddress]] = {
        place.source_id: [] for place in places if not place.is_scan
    }
    for place in places:
        if place.is_scan:
            continue
        found = _requested_address(place, settings)
        if isinstance(found, RefusalReason):
            record_refusal(archive, claim, place.source_id, place.locator, found)
        else:
            named[place.source_id].append(found)
    scans = [place.source_id for place in places if place.is_scan]
    archive.transact(create_check_jobs, claim, scans, named, settings.batch_items)


def _requested_address(place: IngestTarget, settings: Settings) -> ListedAddress | RefusalReason:
    allowed = hosts_by_port(settings.allow_hosts)
    address = parse_address(place.locator, lambda host, port: (host, port) in allowed)
    if isinstance(address, RefusalReason):
        return address
    hints = {} if place.browser is None else {"browser": place.browser}
    return ListedAddress(
        origin_of(address.text), without_trackers(address).text, place.type or "web", hints=hints
    )
