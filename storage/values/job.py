"""The claim of a worker on a job, and its loss."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.values.locator import escape_locator, without_gz

ADDRESS_KINDS = frozenset({"web", "history"})
"""Kinds of places whose locator is an address."""

Progress = Callable[[str, int], None]
"""Reports from time to time the current task and the number of completed items."""


class StaleLeaseError(Exception):
    """The lease was lost to another worker: no result of this unit may be stored. Do not retry."""

    def __init__(self, job_id: int) -> None:
        super().__init__(f"job {job_id} was taken over by another worker")
        self.job_id = job_id


@dataclass(frozen=True, slots=True)
class Claim:
    """A job held by this process until its lease expires; `claimed_at` is in the archive's time."""

    job_id: int
    token: str
    kind: str
    source_id: int | None
    parent_id: int | None
    trigger: str
    single: bool
    attempts: int
    arguments: Mapping[str, Any]
    lease_seconds: float
    claimed_at: datetime


def addresses_of(place: Mapping[str, Any]) -> list[str]:
    """Return the addresses in the archive that a single place of a job may refer to.

    >>> kept = {"locator": "/a/b/c.txt.gz", "prefix": "seed:a/", "root": "b", "is_scan": False}
    >>> addresses_of(kept)
    ['seed:a/b/c.txt.gz', 'seed:a/b/c.txt']
    """
    told = [place["origin"]] if place.get("origin") else []
    if place["is_scan"]:
        return told
    if place.get("kind") in ADDRESS_KINDS:
        return [*told, place["locator"]]
    below = f"{place['root']}/" if place["root"] else ""
    path = f"{place['prefix']}{below}{escape_locator(place['locator'].rpartition('/')[2])}"
    return [*told, path, without_gz(path)]
