"""Whether a scan is held back: most files of its source are missing, or all of them.

An unmounted disk, an empty volume or another clone at the same path looks like a folder whose files
were deleted. Nothing of such a scan is read, because its other files may be those of a clone. The
files count as deleted once a later scan still misses them, or if a person confirms it.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.record.presences import Presence

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
