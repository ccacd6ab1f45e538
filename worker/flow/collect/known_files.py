"""The files of a place that earlier jobs stored, and which of them a pass found again."""

from collections.abc import Collection

from storage.record.presences import Presence, presences
from storage.schedule import progress as job_progress
from storage.values.arrivals.arrival import FileStamp
from storage.values.verdict import Counts
from storage.write.archive import Archive


class KnownFiles:
    """The stored files and members of one place, and the counts of those without news."""

    def __init__(self, job_id: int, *, is_scan: bool) -> None:
        self._job_id, self._is_scan = job_id, is_scan
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
