"""Frozen values that the sources hand to each other and to the flow."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from storage.values.arrivals.arrival import FileStamp
from storage.values.arrivals.foreign_capture import Import
from storage.values.locator import origin_path
from storage.values.refusals import Refused

Detect = Callable[[str, bytes], str | Refused]
"""Says by a name and the first bytes which type a document has, or why it is none."""

HEAD_BYTES = 4096
"""How many of the first bytes `Detect` is given."""


class FoundFile(NamedTuple):
    """A regular file of a listing; `path` is for the system, `locator` is for the archive."""

    path: str
    locator: str
    stamp: FileStamp


@dataclass(frozen=True, slots=True)
class Item:
    r"""The bytes of one capture, exactly as they are to be kept.

    `locator` is the real file (escaped, relative to the source); `member` is empty or begins
    with `#`: `#key`, `#line`, `#path/in/archive`, `#path/in/archive.jsonl#key`. `line` is the
    line where the record begins, or its place, from 1, in a JSON list. `charset` is only set
    where the bytes were made here (rows of a table). `flags` are codes of `values.refusals`.
    `has_text` is False for a record that names no text, so that nothing can be read out of it.

    The bytes of a gzipped document are those that were compressed, not the compressed ones:
    so `a.txt` and `a.txt.gz` are the same capture of the same origin, and `lesart raw` gives
    the document and not its wrapping.
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
        """Return the path that makes the origin: `.gz` is no part of it, the member is."""
        return origin_path(self.locator, self.member)


@dataclass(frozen=True, slots=True)
class Rejected:
    """Something that did not become an item; `raw` holds its bytes as far as they are kept."""

    locator: str
    member: str
    refused: Refused
    raw: bytes | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A file that may still be being written, as it was seen at `seen_ns` (wall clock).

    Handed back with the next try it lets a file whose time lies in the future settle.
    """

    stamp: FileStamp
    seen_ns: int


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is read at most; sizes in bytes.

    `document` is one document, `list` a JSON list of documents (held in memory), `container`
    a file of many documents and all that comes out of it, `entries` the members of an
    archive, `rows` the records of one table or list, `parts` those of a gzip stream. What grows
    more than `ratio` times is a bomb once it has given `ratio_free`. `web_archive` goes instead
    of `container` for WARC files, which are streamed record by record.
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
    """A capture that was made elsewhere, in the record `member` of the file `locator`."""

    locator: str
    member: str
    capture: Import


@dataclass(frozen=True, slots=True)
class PassedOver:
    """Something of a web archive that is no text and no word on one; it is only counted."""

    reason: str
