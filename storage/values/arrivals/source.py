"""A source of texts, as stored in the archive."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from storage.values.errors import did_you_mean


class NoSuchSourceError(LookupError):
    """There is no source with this name."""

    def __init__(self, name: str, known: Iterable[str] = ()) -> None:
        similar = did_you_mean(name, known)
        super().__init__(
            f"there is no source {name!r}: {similar}`lesart source list` names the sources"
        )
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
