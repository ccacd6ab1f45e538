"""Values: captures that were made elsewhere, as a source hands them over."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from storage.values.draft import Json
from storage.values.net.transfer import Transfer
from storage.values.refusals import Refused


@dataclass(frozen=True, slots=True)
class KeptRecord:
    """One record of a web archive, kept bit for bit.

    Its bytes are `head`, then `opening` (the HTTP head, or the whole block of a small record),
    then `payload`. `digest` is the SHA-256 of all of them: a record that was kept is known again,
    whichever file brings it. `payload_digest` names the payload as the web archive does, in the
    form `sha1:HEX`; records that repeat a payload (revisits) name it so.
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
    """Which capture has the payload that a record of a web archive says it repeats (a revisit)."""

    payload_digest: str | None = None
    name: str | None = None
    origin: str | None = None
    observed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Import:
    """A capture that was made elsewhere: what stood at `origin` at `observed_at`.

    `locator` is the record in its file. `outcome` is `captured` with the bytes to be read in
    `raw`, or what the transport said otherwise. `repeats` stands instead of the bytes where
    another capture has them. `records` are the exact records: that of the capture first, then
    its companions, and the one on the file itself; of one that `is_withheld` no record is kept.
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
    refused: Refused | None = None
    repeats: Repeats | None = None
    is_withheld: bool = False

    @property
    def is_readable(self) -> bool:
        """Return whether a text is expected of it."""
        return self.outcome == "captured" and self.refused is None

    @property
    def is_repeat(self) -> bool:
        """Return whether its bytes are those of another capture."""
        return self.repeats is not None and self.outcome == "captured"

    @property
    def size(self) -> int:
        """Return how many bytes are to be kept of it."""
        return sum(map(len, filter(None, [self.raw, *(each.payload for each in self.records)])))
