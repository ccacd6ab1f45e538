"""Collect one place of files: store new bytes, and report deleted files."""

from dataclasses import replace
from typing import Any

from storage.record.suppression import redacted_addresses
from storage.settings import Settings
from storage.values import job as jobs
from storage.values.arrivals.arrival import Arrival, FileStamp
from storage.values.digest import raw_digest
from storage.values.locator import origin_path
from storage.values.net.addresses import FRONT
from storage.values.verdict import Counts
from storage.write.archive import Archive
from storage.write.redaction.without_redacted import refusal_of_redacted
from worker.flow.collect.arrival_store import ArrivalStore, TextlessRows
from worker.flow.collect.import_captures import Importer
from worker.flow.collect.known_files import KnownFiles, counts_of
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
        self._known = KnownFiles(claim.job_id, is_scan=place.is_scan)
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
        for found in listing:
            self._check_file(found, listing)
        self._read_unsettled(listing)
        self._importer.finish()
        for arrival in self._late:
            self._store.add(arrival)
        self._store.flush()
        if self.place.is_scan and not listing.complete:
            self.reason = f"not read to its end: {self._unread_part or self.place.locator}"
        self._store.finish(listing, self._known.absent())

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
        """Record that a file was read, unless only its front pages were: a scan reads the rest."""
        self._known.mark_found(path, "")
        if self.place.type == FRONT:
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
