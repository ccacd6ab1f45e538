"""Frozen values that the sources and the flow exchange."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from storage.values.arrivals.arrival import FileStamp
from storage.values.arrivals.foreign_capture import Import
from storage.values.locator import origin_path
from storage.values.refusals import RefusalReason

Detect = Callable[[str, bytes], str | RefusalReason]
"""Detects the type of a document from its name and first bytes, or returns a refusal."""

HEAD_BYTES = 4096
"""Number of first bytes passed to `Detect`."""


class FoundFile(NamedTuple):
    """A regular file of a listing; `path` is the system's path, `locator` the one in the
    archive.
    """

    path: str
    locator: str
    stamp: FileStamp


@dataclass(frozen=True, slots=True)
class Item:
    r"""The exact bytes of one capture.

    `locator` is the real file (escaped, relative to the source). `member` is empty or begins with
    `#`: `#key`, `#line`, `#path/in/archive`, `#path/in/archive.jsonl#key`. `line` is the line where
    the record begins, or its position, from 1, in a JSON list. `charset` is only set if the bytes
    were created here (rows of a table). `flags` are codes of `values.refusals`. `has_text` is False
    for a record without a text field, from which nothing can be read.

    The bytes of a gzipped document are the decompressed ones. So `a.txt` and `a.txt.gz` are the
    same capture of the same origin, and `lesart raw` returns the document itself.
    """

    locator: str
    member: str
    raw: bytes
    type: str
    charset: str | None = None
    line: int | None = None
    flags: tuple[str, ...] = ()
    has_text: bool = True

    @property
    def origin_path(self) -> str:
        """Return the path of the origin: without `.gz`, with the member."""
        return origin_path(self.locator, self.member)


@dataclass(frozen=True, slots=True)
class RefusedDocument:
    """A refused document; `raw` holds its bytes as far as they are stored."""

    locator: str
    member: str
    refused: RefusalReason
    raw: bytes | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class UnsettledFile:
    """A file that may still be being written, with its state at `seen_ns` (wall clock).

    Pass it to the next try, so that a file with a time in the future can settle.
    """

    stamp: FileStamp
    seen_ns: int

    @property
    def is_from_future(self) -> bool:
        return self.stamp.mtime_ns > self.seen_ns


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for reading; sizes in bytes.

    `document` limits one document, `list` a JSON list of documents (held in memory), and
    `container` a file of many documents and its decompressed content. `entries` limits the members
    of an archive, `rows` the records of one table or list, `parts` those of a gzip stream. Data
    that grows more than `ratio` times is refused as a decompression bomb after the first
    `ratio_free` bytes. `web_archive` replaces `container` for WARC files, which are streamed record
    by record.
    """

    document: int = 20 * 1024 * 1024
    list: int = 50 * 1024 * 1024
    container: int = 1_000_000_000
    entries: int = 100_000
    rows: int = 20_000
    parts: int = 100_000
    web_archive: int = 50_000_000_000
    ratio: int = 200
    ratio_free: int = 10_000_000


@dataclass(frozen=True, slots=True)
class Foreign:
    """A capture that another program made, in the record `member` of the file `locator`."""

    locator: str
    member: str
    capture: Import


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A record of a web archive without a text; it is only counted."""

    reason: str
