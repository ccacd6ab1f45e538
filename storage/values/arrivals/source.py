"""A source of texts, as stored in the archive."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class NoSuchSourceError(LookupError):
    """There is no source with this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no source {name!r}: `lesart source list` names the sources")
        self.name = name


@dataclass(frozen=True, slots=True)
class Source:
    """A place that texts come from; `standing` sources have a schedule."""

    id: int
    name: str
    kind: str
    locator: str
    standing: bool
    paused: bool
    every_seconds: float | None
    cron: str | None
    timezone: str | None
    options: Mapping[str, Any]
