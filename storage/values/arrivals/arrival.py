"""Incoming documents: bytes with their origin, the stamp of a file, the scan of a folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from storage.values.net.transfer import Transfer
from storage.values.refusals import RefusalReason


class FileStamp(NamedTuple):
    """The `stat` values of a file that show whether it changed; times in ns.

    It is a tuple because each scan creates one per file.
    """

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """One document from a source: bytes to store, a refusal, or a confirmation without change.

    `place` identifies the file (and the record in it), `locator` is the origin of its content: they
    differ by the `.gz` of a gzipped file. `raw` is None if nothing could be read. `looked` is true
    if the bytes are those of the last scan, so that only the stamp is stored. `captures` is the
    number of captures in a web archive. `transfer` is the exchange of an imported capture, if
    known.
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
    refused: RefusalReason | None = None
    container: bool = False
    captures: int = 0
    looked: bool = False
    transfer: Transfer | None = None


@dataclass(frozen=True, slots=True)
class Scan:
    """A pass over a folder, from its start to its result.

    `clock_at` is the reading of the clock at the start, if it differs much from the archive's time.
    """

    id: int
    source_id: int
    started_at: datetime
    clock_at: datetime | None = None
