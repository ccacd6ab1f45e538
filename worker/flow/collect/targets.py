"""The places of an ingest job, and what collecting them brought."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Progress = Callable[[int, int], None]
"""Called from time to time with the numbers of files checked and of items to be read."""


@dataclass(frozen=True, slots=True)
class IngestTarget:
    """One locator of a job, as resolved by `worker.flow.order`.

    `is_scan` says that a complete listing covers the whole source, so files missing from it are
    deleted. `prefix` turns a path below `root` into an origin. For the kind `web` the locator is an
    address or, in a scan, all watched addresses of a source. For the kind `history` it is an
    address, and `history` contains the web archive with the selection of captures. `is_confirmed`
    says that a person confirmed that the missing files were deleted.
    `browser` is the wish of the command.
    """

    source_id: int
    locator: str
    root: str
    prefix: str
    is_scan: bool
    type: str | None = None
    origin: str | None = None
    observed_at: str | None = None
    kind: str = "folder"
    history: Mapping[str, Any] | None = None
    is_confirmed: bool = False
    browser: str | None = None


@dataclass(frozen=True, slots=True)
class CollectionResult:
    """Results of collecting places: captures to be read, refusals, and deletions."""

    came_in: int = 0
    refused: int = 0
    gone: int = 0

    def __add__(self, other: "CollectionResult") -> "CollectionResult":
        return CollectionResult(
            self.came_in + other.came_in, self.refused + other.refused, self.gone + other.gone
        )
