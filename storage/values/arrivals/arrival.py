"""What comes in: bytes with their origin, the stamp of a file, the scan of a folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from storage.values.net.transfer import Transfer
from storage.values.refusals import Refused


class FileStamp(NamedTuple):
    """What `stat` says of a file: enough to tell that it was not touched; times in ns.

    A tuple, as 100,000 of them are made in each scan.
    """

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """One item that a source yielded: bytes to be kept, or a refusal, or a look without change.

    `place` names the file (and the record in it) as `origin` would, `locator` is the origin of
    what it holds: they differ by the `.gz` of a gzipped file. `raw` is None where nothing could
    be read. `looked` says that the bytes are those of the last look: only the stamp is noted.
    `captures` is how many a web archive holds.
    `transfer` is how the bytes came over the wire, where an imported capture tells it.
    """

    place: str
    locator: str
    path: str
    member: str
    stamp: FileStamp
    observed_at: datetime
    raw: bytes | None = None
    digest: bytes | None = None
    hints: Mapping[str, str | None] | None = None
    refused: Refused | None = None
    container: bool = False
    captures: int = 0
    looked: bool = False
    transfer: Transfer | None = None


@dataclass(frozen=True, slots=True)
class Scan:
    """A pass over a folder, from its start to what it found.

    `clock_at` is what the clock showed at the start, where that is far from the archive's time.
    """

    id: int
    source_id: int
    started_at: datetime
    clock_at: datetime | None = None
