"""The claim of a worker on a job, and how a claim is lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class StaleLeaseError(Exception):
    """The lease was lost to another worker: nothing of this unit may be kept; try never."""

    def __init__(self, job_id: int) -> None:
        super().__init__(f"job {job_id} was taken over by another worker")
        self.job_id = job_id


@dataclass(frozen=True, slots=True)
class Claim:
    """A job in our hands until its lease runs out."""

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
