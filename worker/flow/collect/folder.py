"""Collect one place of files: store new bytes, and report deleted files."""

import socket
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from storage.capabilities import PAGE_KINDS
from storage.history.machines import record_view
from storage.record.presences import Presence, presences
from storage.record.suppression import redacted_addresses
from storage.schedule import progress as job_progress
from storage.schedule import queue
from storage.settings import Settings
from storage.values import job as jobs
from storage.values.arrivals.arrival import Arrival, FileStamp, Scan
from storage.values.digest import raw_digest
from storage.values.locator import origin_path
from storage.values.messages import message_text
from storage.values.refusals import refuse
from storage.values.verdict import Counts
from storage.write.archive import Archive
from storage.write.redaction.without_redacted import refusal_of_redacted
from storage.write.store_captures import finish_scan, start_scan, store_arrivals
from worker.flow.collect.import_captures import Importer
from worker.flow.collect.targets import CollectionResult, IngestTarget, Progress
from worker.sources.containers.items import (
    Foreign,
    FoundFile,
    Item,
    PassedOver,
    RefusedDocument,
    UnsettledFile,
)
from worker.sources.folders.capture import capture
from worker.sources.folders.files import SETTLE_SECONDS, Patience
from worker.sources.folders.folder import FolderListing, expand
from worker.sources.folders.members import MemberHints

LEAST_MISSING = 10
"""Fewer missing files are deleted files, unless the folder is empty."""
LEAST_KNOWN = 2
"""The only file of a source says nothing about the folder."""


@dataclass(frozen=True, slots=True)
class MissingFiles:
    """The files of a source that a listing lacks.

    `known` is the number of files that were there, `is_empty` says that none is left. `waiting` are
    the missing files that no scan has missed long enough, and `places` their ids with those of
    their members that have no mark yet. `returned` are ids of files with a mark that are there.
    """

    known: int
    is_empty: bool
    waiting: frozenset[str]
    places: tuple[int, ...]
    returned: tuple[int, ...]

    @property
    def is_doubtful(self) -> bool:
        """Check whether the files may be out of reach instead of deleted."""
        number = len(self.waiting)
        if self.is_empty:
            return number > 0 and self.known >= LEAST_KNOWN
        return number >= LEAST_MISSING and 2 * number > self.known


def find_missing(
    stored: Mapping[tuple[str, str], Presence],
    found: Collection[str],
    now: datetime,
    confirm_after: float,
) -> MissingFiles:
    """Compare the stored files of a source, by path and member, with the paths of a listing.

    A file that was missing `confirm_after` seconds ago and is missing `now` is not waiting.
    """
    rows: dict[str, list[Presence]] = defaultdict(list)
    for (path, _member), each in stored.items():
        if path and not each.gone:  # the row of a redacted address has no path
            rows[path].append(each)
    earliest = now - timedelta(seconds=confirm_after)
    missing = {path: own for path, own in rows.items() if path not in found}
    waiting = {
        path: own
        for path, own in missing.items()
        if all(each.missing_since is None or each.missing_since > earliest for each in own)
    }
    unmarked = [e.place_id for own in waiting.values() for e in own if e.missing_since is None]
    returned = [
        each.place_id
        for path in rows.keys() - missing.keys()
        for each in rows[path]
        if each.missing_since is not None
    ]
    is_empty = len(missing) == len(rows)
    places = (tuple(sorted(unmarked)), tuple(sorted(returned)))
    return MissingFiles(len(rows), is_empty, frozenset(waiting), *places)


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

    def list_entries(self, listing: FolderListing) -> Iterator[FoundFile | RefusedDocument]:
        """Yield the entries of a listing, and renew the lease meanwhile."""
        for each in listing:
            self.renew_lease()
            yield each

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
            counts = store_arrivals(
                self.archive, self.claim, self.place.source_id, self._batch.arrivals, self._scan
            )
            self.refused += counts.refused
            self.gone += counts.gone
            self._batch = _Batch()
        self._progress(self.checked, self.changed)

    @property
    def scan(self) -> Scan | None:
        """Return the scan that was started; None if the place is a part of a source."""
        return self._scan

    def finish(
        self,
        listing: FolderListing,
        absent: Sequence[int] | None,
        missing: MissingFiles | None,
    ) -> None:
        """Finish the scan, if there is one; `absent` are the places of files that are gone.

        It is None if the scan is held back, and `missing` if the listing is not complete.
        """
        if self._scan is not None:
            self.gone += finish_scan(
                self.archive,
                self.claim,
                self._scan,
                complete=listing.complete and absent is not None,
                listing_digest=bytes.fromhex(listing.digest),
                files=listing.files,
                changed=self.changed,
                absent=absent or (),
                gone_before=self.gone,
                missing=() if missing is None or absent is not None else missing.places,
                returned=() if missing is None else missing.returned,
            )

    def record_view(self, listing: FolderListing) -> None:
        """Record which files this machine found, if workers may run on others."""
        if self._scan is None or not listing.complete:
            return
        if self.archive.engine.dialect.name == "postgresql":
            self.archive.transact_unnumbered(
                record_view, self.place.source_id, socket.gethostname(), listing.names,
                listing.files,
            )  # fmt: skip


class KnownFiles:
    """The stored files and members of one place, and the counts of those without news."""

    def __init__(self, job_id: int, confirm_after: float, *, is_scan: bool) -> None:
        self._job_id, self._is_scan = job_id, is_scan
        self._confirm_after = confirm_after
        self._stored: dict[tuple[str, str], Presence] = {}
        self._members: dict[str, list[str]] = {}
        self._found: set[tuple[str, str]] = set()
        self.unchanged = self.refused = 0
        self.unread: list[int] = []

    def load(self, archive: Archive, source_id: int) -> None:
        """Load the stored files of a source."""
        self._stored = archive.read(presences, source_id)
        for path, member in self._stored:
            if member:
                self._members.setdefault(path, []).append(member)

    def present(self, path: str, member: str) -> Presence | None:
        """Return a stored file, unless it was deleted."""
        found = self._stored.get((path, member))
        return None if found is None or found.gone else found

    def is_current(self, present: Presence) -> bool:
        """Check whether a scan, or this job itself, already stored this state."""
        return self._is_scan or present.job_id == self._job_id

    def is_as_before(self, path: str, stamp: FileStamp) -> bool:
        """Check whether a whole file has the stamp that was stored."""
        present = self.present(path, "")
        return present is not None and present.stamp == stamp and self.is_current(present)

    def mark_found(self, path: str, member: str) -> None:
        """Record that a file or member exists."""
        self._found.add((path, member))

    def mark_unknown(self, path: str, below: str = "") -> None:
        """Record that no member that starts with `below` counts as absent: it was not read."""
        members = self._members.get(path, ())
        self._found.update((path, each) for each in members if each.startswith(below))
        if not below:
            self.mark_found(path, "")

    def find_missing(self, found: Collection[str], now: datetime) -> MissingFiles:
        """Return the stored files that are not among the paths `found`."""
        return find_missing(self._stored, found, now, self._confirm_after)

    def absent(self) -> list[int]:
        """Return the places of the stored files that were not found."""
        return [
            present.place_id
            for key, present in self._stored.items()
            if key not in self._found and not present.gone
        ]

    def count_as_before(self, archive: Archive, path: str) -> None:
        """Count a file and its members as unchanged, those included that are not read yet."""
        for member in ("", *self._members.get(path, ())):
            self.mark_found(path, member)
            present = self._stored[path, member]
            if present.job_id == self._job_id:
                continue
            if present.captures:  # of a web archive
                unread = archive.read(
                    job_progress.unread_captures, present.place_id, present.job_id
                )
                self.unread += unread
                self.unchanged += present.captures - len(unread)
            if not present.container and not present.gone:
                self.count(present)

    def count(self, present: Presence) -> None:
        """Count one file as unchanged, unless this job stored it."""
        if present.job_id == self._job_id:
            return
        if present.refused:
            self.refused += 1
        elif present.unread and present.observation_id is not None:
            self.unread.append(present.observation_id)
        else:
            self.unchanged += 1

    def is_refused_as_before(
        self, path: str, member: str, content: tuple[FileStamp, bytes | None] | None = None
    ) -> bool:
        """Check whether a file was refused already, with this stamp and digest; then count it."""
        present = self.present(path, member)
        if present is None or not present.refused:
            return False
        if content is not None and content != (present.stamp, present.digest):
            return False
        self.refused += present.job_id != self._job_id
        return True


def counts_of(archive: Archive, unread: Collection[int]) -> Counts:
    """Count the captures of earlier jobs that were found again before they were read.

    Captures read meanwhile count as unchanged, those of abandoned jobs as failed. Captures that
    another job still reads are counted there only.
    """
    found = archive.read(job_progress.read_so_far, unread)
    return Counts(unchanged=found.read, failed=found.stopped)


RECHECKED_REFUSALS = frozenset({"unreadable", "not_settled"})
"""Refusals that do not depend on the bytes: the next scan checks the file again."""
NO_STAMP = FileStamp(0, 0, 0, 0)


class FolderCollector:
    """One pass over one place."""

    def __init__(
        self,
        archive: Archive,
        claim: jobs.Claim,
        settings: Settings,
        patience: Patience,
        progress: Progress,
        place: IngestTarget,
        *,
        hints: MemberHints,
    ) -> None:
        self.patience, self.place = patience, place
        self.reason: str | None = None
        self._unread_part: str | None = None
        self._store = ArrivalStore(archive, claim, place, progress, settings.batch_items)
        self._known = KnownFiles(claim.job_id, settings.confirm_after, is_scan=place.is_scan)
        self._redacted = archive.read(redacted_addresses)
        self._unsettled: list[tuple[FoundFile, UnsettledFile]] = []
        self._hints = hints
        self._importer = Importer(archive, claim, place.source_id, settings.batch_items)
        self._late: list[Arrival] = []
        self._textless = TextlessRows(settings.max_document_bytes)

    def counts(self) -> Counts:
        """Return the counts of this pass without those of stored or read captures."""
        counted = self._importer.counted
        return Counts(
            unchanged=self._known.unchanged + counted.unchanged,
            refused=self._known.refused,
            passed_over=counted.passed_over,
        ) + counts_of(self._store.archive, [*self._known.unread, *counted.unread])

    def news(self) -> CollectionResult:
        """Return the news of the place: everything except the unchanged count."""
        counted = self._importer.counted
        known = counted.unchanged + len(counted.unread)
        refused = self._store.refused + counted.refused
        changed = max(0, self._store.changed - known - refused)
        return CollectionResult(changed, refused, self._store.gone)

    def run(self) -> None:
        """Process all files of the place."""
        self._store.start()
        self._known.load(self._store.archive, self.place.source_id)
        listing = expand(self.place.locator)
        entries = list(self._store.list_entries(listing))
        missing = self._find_missing(listing, entries)
        if missing is not None and missing.is_doubtful and not self.place.is_confirmed:
            self.reason = message_text(
                "scan_held_back", missing=len(missing.waiting), known=missing.known
            )
            self._store.finish(listing, None, missing)
            self._store.record_view(listing)
            return
        for found in entries:
            self._check_file(found, listing)
        self._read_unsettled(listing)
        self._importer.finish()
        for arrival in self._late:
            self._store.add(arrival)
        self._store.flush()
        if self.place.is_scan and not listing.complete:
            self.reason = f"not read to its end: {self._unread_part or self.place.locator}"
        self._store.finish(listing, self._known.absent(), missing)
        self._store.record_view(listing)

    def _find_missing(
        self, listing: FolderListing, entries: Sequence[FoundFile | RefusedDocument]
    ) -> MissingFiles | None:
        """Return the missing files of a scan; None if the listing cannot show them."""
        scan = self._store.scan
        if scan is None or not listing.complete:
            return None
        found = {self._path(each.locator) for each in entries}
        return self._known.find_missing(found, scan.started_at)

    # ------------------------------------------------------------------- one file

    def _check_file(self, file: FoundFile | RefusedDocument, listing: FolderListing) -> None:
        self._store.count_checked()
        if isinstance(file, RefusedDocument):
            if file.refused.code == "unreadable" and self._unread_part is None:
                self._unread_part = f"{self._path(file.locator)}: {file.refused.message}"
            self._reject(self._path(file.locator), file, NO_STAMP)
            return
        path = self._path(file.locator)
        if self._is_redacted(path, "", file.stamp):
            return
        if self._known.is_as_before(path, file.stamp):
            self._known.count_as_before(self._store.archive, path)
            return
        self._read(file, listing, replace(self.patience, wait=False))

    def _read_unsettled(self, listing: FolderListing) -> None:
        """Try again what had not settled.

        A schedule leaves it to the next scan, unless its time is in the future: no scan would
        find that past, so the file is looked at twice.
        """
        waits = self.patience.wait
        unsettled = [each for each in self._unsettled if waits or each[1].is_from_future]
        if unsettled and not waits:
            self.patience.sleep(SETTLE_SECONDS)
        for found, earlier in unsettled:
            self._read(found, listing, self.patience, earlier)

    def _read(
        self,
        file: FoundFile,
        listing: FolderListing,
        patience: Patience,
        earlier: UnsettledFile | None = None,
    ) -> None:
        path = self._path(file.locator)
        is_container, captures = False, 0
        waited = self._importer.waits
        for item in capture(listing.root, file.path, self._hints, patience, earlier):
            self._store.renew_lease()
            match item:
                case UnsettledFile():
                    self._known.mark_unknown(path)
                    self._unsettled.append((file, item))
                    return
                case RefusedDocument(member=""):
                    self._known.mark_unknown(path)
                    self._reject(path, item, file.stamp)
                case RefusedDocument():
                    is_container |= bool(item.member)
                    self._reject(path, item, file.stamp)
                case Item():
                    is_container |= bool(item.member)
                    self._take(path, item, file.stamp)
                case Foreign():
                    is_container = True
                    captures += item.capture.is_readable
                    self._import(path, item)
                case PassedOver():
                    is_container = True
                    self._importer.counted.passed_over += 1
        self._reject_textless(path, file)
        if is_container:
            self._importer.flush()
            self._finish_container(path, file.stamp, captures, self._importer.waits - waited)

    def _finish_container(self, path: str, stamp: FileStamp, captures: int, waiting: int) -> None:
        """Record that a file was read, unless only its lists were: a scan reads the rest."""
        self._known.mark_found(path, "")
        if self.place.type in PAGE_KINDS:
            return
        arrival = self._arrival(path, "", stamp, container=True, captures=captures - waiting)
        if waiting:  # not complete before the other captures are stored
            self._late.append(arrival)
        else:
            self._store.add(arrival)

    def _import(self, path: str, foreign: Foreign) -> None:
        self._store.changed += 1
        place = f"{self.place.prefix}{path}"
        self._importer.add(place, replace(foreign.capture, locator=f"{place}{foreign.member}"))

    def _reject_textless(self, path: str, file: FoundFile) -> None:
        for rejected in self._textless.take(file.locator):
            self._reject(path, rejected, file.stamp)

    def _is_redacted(self, path: str, member: str, stamp: FileStamp) -> bool:
        """Check whether an address was redacted; its file is refused once."""
        if not self._redacted.origins:
            return False
        bare = refusal_of_redacted(self._arrival(path, member, stamp), self._redacted)
        if bare is None:
            return False
        self._known.mark_found(bare.path, bare.member)
        if self._known.is_refused_as_before(bare.path, bare.member):
            return True
        self._store.changed += 1
        self._store.add(bare)
        return True

    def _take(self, path: str, item: Item, stamp: FileStamp) -> None:
        if self._is_redacted(path, item.member, stamp):
            return
        present = self._known.present(path, item.member)
        if not item.has_text and present is None:
            self._textless.add(item)
            return
        digest = raw_digest(item.raw)
        self._known.mark_found(path, item.member)
        if present is not None and present.digest == digest and self._known.is_current(present):
            self._known.count(present)
            self._store.add(self._arrival(path, item.member, stamp, looked=True))
            return
        hints: dict[str, Any] = {"type": item.type, "name": item.locator.rpartition("/")[2]}
        extra = {
            "charset": item.charset,
            "flags": list(item.flags) or None,
            "origin": self.place.origin,
            "observed_at": self.place.observed_at,
        }
        hints.update({name: value for name, value in extra.items() if value is not None})
        self._store.changed += 1
        self._store.add(
            self._arrival(path, item.member, stamp, raw=item.raw, digest=digest, hints=hints)
        )

    def _reject(self, path: str, rejected: RefusedDocument, stamp: FileStamp) -> None:
        if self._is_redacted(path, rejected.member, stamp):
            return
        self._known.mark_found(path, rejected.member)
        if rejected.refused.code == "too_many_rows":  # the state of the others is unknown
            self._known.mark_unknown(path, f"{rejected.member}#")
        if rejected.refused.code in RECHECKED_REFUSALS:
            stamp = NO_STAMP
        digest = raw_digest(rejected.raw) if rejected.raw is not None else None
        if self._known.is_refused_as_before(path, rejected.member, (stamp, digest)):
            return
        self._store.changed += 1
        self._store.add(
            self._arrival(
                path, rejected.member, stamp, raw=rejected.raw, digest=digest,
                refused=rejected.refused,
            )
        )  # fmt: skip

    def _arrival(self, path: str, member: str, stamp: FileStamp, **more: Any) -> Arrival:
        prefix = self.place.prefix
        return Arrival(
            place=f"{prefix}{path}{member}",
            locator=f"{prefix}{origin_path(path, member)}",
            path=path,
            member=member,
            stamp=stamp,
            observed_at=self._store.archive.clock(),
            **more,
        )

    # -------------------------------------------------------------------- helpers

    def _path(self, locator: str) -> str:
        """Return the path relative to the source's folder: a place may be a part of it."""
        below = self.place.root
        return f"{below}/{locator}" if below else locator
