"""Import captures of web archives in batches, file by file."""

from dataclasses import dataclass, field

from storage.values import job as jobs
from storage.values.arrivals.foreign_capture import Import
from storage.write.archive import Archive
from storage.write.store_captures import import_captures

BATCH_BYTES = 8 * 1024 * 1024
MOST_WAITING = 10_000
"""Maximum number of repeats that wait for their originals; each takes a few kilobytes."""


@dataclass(slots=True)
class ImportCounts:
    """Captures counted outside the jobs that read: known before, refused, skipped.

    `unread` are known captures that had not been read when they were found again.
    """

    unchanged: int = 0
    passed_over: int = 0
    refused: int = 0
    unread: list[int] = field(default_factory=list)


class Importer:
    """Stores captures in batches; repeats of later captures are stored at the end."""

    def __init__(
        self, archive: Archive, claim: jobs.Claim, source_id: int, batch_items: int
    ) -> None:
        self._archive, self._held = archive, claim
        self._source_id, self._batch_items = source_id, batch_items
        self._batch: list[Import] = []
        self._bytes = 0
        self._container = ""
        self._waiting: list[tuple[str, Import]] = []
        self.counted = ImportCounts()

    @property
    def waits(self) -> int:
        """Return the number of repeats that wait for their originals."""
        return len(self._waiting)

    def add(self, container: str, capture: Import) -> None:
        """Add a capture of the file `container`, a place.

        Raises: jobs.StaleLeaseError.
        """
        if container != self._container:
            self.flush()
            self._container = container
        self._batch.append(capture)
        self._bytes += capture.size
        if len(self._batch) >= self._batch_items or self._bytes >= BATCH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Store the captures added so far.

        Raises: jobs.StaleLeaseError.
        """
        if self._batch:
            is_full = len(self._waiting) >= MOST_WAITING
            waiting = self._keep(self._container, self._batch, is_last=is_full)
            self._waiting += [(self._container, each) for each in waiting]
        self._batch, self._bytes = [], 0

    def finish(self) -> None:
        """Store the repeats whose originals have arrived, and refuse the others.

        Raises: jobs.StaleLeaseError.
        """
        self.flush()
        waiting, self._waiting = self._waiting, []
        for start in range(0, len(waiting), self._batch_items):
            by_container: dict[str, list[Import]] = {}
            for container, each in waiting[start : start + self._batch_items]:
                by_container.setdefault(container, []).append(each)
            for container, batch in by_container.items():
                self._keep(container, batch, is_last=True)

    def _keep(self, container: str, batch: list[Import], *, is_last: bool) -> tuple[Import, ...]:
        imported = import_captures(
            self._archive, self._held, self._source_id, container, batch, is_last=is_last
        )
        self.counted.unchanged += imported.counts.unchanged
        self.counted.refused += imported.counts.refused
        self.counted.unread += imported.unread
        return imported.waiting
