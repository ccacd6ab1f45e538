"""Captures from other archives, as a source provides them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from storage.capabilities import find_page_kind
from storage.values.draft import Json
from storage.values.net.transfer import Transfer
from storage.values.refusals import RefusalReason

PART_OF_PAGE = ("WARC-Resource-Type", "subresource")
"""The field of our WARC records with answers that a page got, which are no texts themselves."""


@dataclass(frozen=True, slots=True)
class KeptRecord:
    """One record of a web archive, stored unchanged.

    Its bytes are `head`, then `opening` (the HTTP header, or the whole block of a small record),
    then `payload`. `digest` is the SHA-256 of all of them and identifies the record in any file.
    `payload_digest` is the digest of the payload as stated by the web archive, in the form
    `sha1:HEX`; records that repeat a payload (revisits) refer to it.
    """

    kind: str
    number: int
    digest: bytes
    head: bytes
    opening: bytes = field(repr=False)
    payload: bytes | None = field(default=None, repr=False)
    name: str | None = None
    payload_digest: str | None = None


@dataclass(frozen=True, slots=True)
class Repeats:
    """The capture whose payload a record of a web archive repeats (a revisit)."""

    payload_digest: str | None = None
    name: str | None = None
    origin: str | None = None
    observed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Import:
    """A capture of another archive: the content of `origin` at `observed_at`.

    `locator` is the record in its file. `outcome` is `captured` with the bytes to read in `raw`, or
    the result of the transport. `repeats` replaces the bytes if another capture has them. `records`
    are the exact records: the capture first, then its companions, and the record about the file
    itself. If `is_withheld` is true, no record is stored. `recorded` is what capabilities of the
    other archive recorded about the check, by their names.
    """

    locator: str
    origin: str
    observed_at: datetime
    outcome: str
    transfer: Transfer
    records: tuple[KeptRecord, ...]
    hints: Mapping[str, Json] = field(default_factory=dict)
    raw: bytes | None = None
    http_status: int | None = None
    note: str | None = None
    refused: RefusalReason | None = None
    repeats: Repeats | None = None
    is_withheld: bool = False
    recorded: Mapping[str, Json] = field(default_factory=dict)

    @property
    def is_readable(self) -> bool:
        """Check whether the capture should contain a text."""
        return self.outcome == "captured" and self.refused is None

    @property
    def read_as(self) -> str | None:
        """Return the kind of page as which a capability reads the capture; None for an article."""
        return find_page_kind(self.hints.get("type"))

    @property
    def is_repeat(self) -> bool:
        """Check whether the bytes belong to another capture."""
        return self.repeats is not None and self.outcome == "captured"

    @property
    def size(self) -> int:
        """Return the number of bytes to store."""
        return sum(map(len, filter(None, [self.raw, *(each.payload for each in self.records)])))
