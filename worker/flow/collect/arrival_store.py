"""Store the arrivals of one pass over a place: in batches, with its counts and its lease."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from storage.schedule import queue
from storage.values import job as jobs
from storage.values.arrivals.arrival import Arrival, Scan
from storage.values.refusals import refuse
from storage.write.archive import Archive
from storage.write.store_captures import finish_scan, start_scan, store_arrivals
from worker.flow.collect.targets import IngestTarget, Progress
from worker.sources.containers.items import Item, RefusedDocument
from worker.sources.folders.folder import FolderListing


@dataclass(slots=True)
class _Rows:
    line: int
    count: int = 0
    size: int = 0
    raw: list[bytes] = field(default_factory=list)


class TextlessRows:
    """The rows of one file that have no text, by table.

    Their bytes are stored together, unless they exceed `limit_bytes`.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._tables: dict[str, _Rows] = {}

    def add(self, item: Item) -> None:
        """Count a row."""
        table = item.member.rpartition("#")[0]
        rows = self._tables.setdefault(table, _Rows(item.line or 1))
        rows.count += 1
        rows.size += len(item.raw) + 1
        if rows.size <= self._limit:
            rows.raw.append(item.raw)

    def take(self, locator: str) -> Iterator[RefusedDocument]:
        """Yield one refusal for each table, and reset."""
        tables, self._tables = self._tables, {}
        for table, rows in tables.items():
            refused = refuse("rows_without_text", count=rows.count, line=rows.line)
            raw = b"\n".join(rows.raw) if rows.size <= self._limit else None
            yield RefusedDocument(locator, f"{table}#rows-without-text", refused, raw)


BATCH_BYTES = 8 * 1024 * 1024
PROGRESS_EVERY = 200
HOLD_SECONDS = 5.0


@dataclass(slots=True)
class _Batch:
    arrivals: list[Arrival] = field(default_factory=list)
    bytes: int = 0


class ArrivalStore:
    """Stores the arrivals of one place, and counts what was checked, changed, refused and gone."""

    def __init__(
        self,
        archive: Archive,
        claim: jobs.Claim,
        place: IngestTarget,
        progress: Progress,
        batch_items: int,
    ) -> None:
        self.archive, self.claim, self.place = archive, claim, place
        self.changed = self.checked = self.refused = self.gone = 0
        self._progress, self._batch_items = progress, batch_items
        self._held_at = time.monotonic()
        self._batch = _Batch()
        self._scan: Scan | None = None

    def start(self) -> None:
        """Start a scan if the place is one of a source."""
        if self.place.is_scan:
            self._scan = start_scan(self.archive, self.place.source_id)

    def count_checked(self) -> None:
        """Count a file, and report the progress from time to time."""
        self.checked += 1
        if self.checked % PROGRESS_EVERY == 0:
            self._progress(self.checked, self.changed)

    def renew_lease(self) -> None:
        """Renew the lease from time to time, even if nothing of a file is stored.

        Raises: jobs.StaleLeaseError.
        """
        now = time.monotonic()
        if now - self._held_at > min(HOLD_SECONDS, self.claim.lease_seconds / 3):
            self._held_at = now
            self.archive.transact(queue.renew, self.claim)
            self._progress(self.checked, self.changed)

    def add(self, arrival: Arrival) -> None:
        """Add an arrival; a full batch is stored."""
        self._batch.arrivals.append(arrival)
        self._batch.bytes += len(arrival.raw or b"")
        is_full = len(self._batch.arrivals) >= self._batch_items
        if is_full or self._batch.bytes >= BATCH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Store the arrivals of the batch."""
        if self._batch.arrivals:
            self.refused += store_arrivals(
                self.archive, self.claim, self.place.source_id, self._batch.arrivals, self._scan
            ).refused
            self._batch = _Batch()
        self._progress(self.checked, self.changed)

    def finish(self, listing: FolderListing, absent: Sequence[int]) -> None:
        """Finish the scan, if there is one; `absent` are the places of files that are gone."""
        if self._scan is not None:
            self.gone = finish_scan(
                self.archive,
                self.claim,
                self._scan,
                complete=listing.complete,
                listing_digest=bytes.fromhex(listing.digest),
                files=listing.files,
                changed=self.changed,
                absent=absent,
            )
