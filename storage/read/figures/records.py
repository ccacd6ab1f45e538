"""The figures of sources, of jobs, of edits, and of the archive."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from storage.values.answer import Answer
from storage.values.draft import (
    Json,
)


@dataclass(frozen=True, slots=True)
class SourceFigures(Answer):
    """The records that came from one source, and the state of the addresses that it watches.

    `missing_since`: time of the last answer, if several intervals passed without one.
    `silent_since`: time of the last new entry, if the source usually lists one sooner.
    `missing_files`: number of files that are missing since `held_since` and do not count as deleted
    yet: the scans are held back.
    """

    source: str
    kind: str
    standing: bool
    articles: int
    observations: int
    scans: int
    last_scan: datetime | None
    watched: int = 0
    overdue: int = 0
    last_check: datetime | None = None
    last_answer: datetime | None = None
    missing_since: datetime | None = None
    last_news: datetime | None = None
    silent_since: datetime | None = None
    missing_files: int = 0
    held_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Coverage(Answer):
    """Number of checks of a source within one hour: answered, failed, denied."""

    source: str
    hour: datetime
    checks: int
    answered: int
    failed: int
    barred: int


@dataclass(frozen=True, slots=True)
class SourceRate(Answer):
    """Whether a source keeps up: checks and files per minute; addresses due, late and failing.

    `missing` are the files that its scans miss, which are held back.
    """

    source: str
    checks_a_minute: float
    addresses: int
    due: int
    late: int
    failing: int
    missing: int = 0


@dataclass(frozen=True, slots=True)
class JobProgress(Answer):
    """Progress of a job."""

    job: int
    kind: str
    source: str | None
    state: str
    created_at: datetime
    seen: int
    new_articles: int
    new_versions: int
    refused: int
    failed: int


@dataclass(frozen=True, slots=True)
class OutgoingFigures(Answer):
    """Messages of one kind to others: alerts, copies at other archives, or requests for stamps.

    `failing` ones are sent again, `given_up` ones are not; `dropped` ones became obsolete.
    `next_at` is the time of the next attempt, null if nothing is to be sent.
    """

    PARTS: ClassVar = ("waiting", "failing", "sent", "given_up", "dropped")
    kind: str
    waiting: int
    failing: int
    sent: int
    given_up: int
    dropped: int
    next_at: datetime | None

    def sentence(self) -> str | None:
        """Return the numbers of open and abandoned messages; None if there is no such message."""
        parts = {"waiting": self.waiting, "failing": self.failing, "given up": self.given_up}
        words = [f"{number} {part}" for part, number in parts.items() if number]
        return f"{self.kind}: {', '.join(words)}" if words else None


@dataclass(frozen=True, slots=True)
class WorkFigures(Answer):
    """State of the work at a moment: jobs, sources, outgoing messages, and rates per minute.

    `silent_seconds` holds, for each service that ever reported, the seconds since its last report.
    `unconfirmed` are the texts that are held back without a decision.
    """

    at: datetime
    ready: int
    running: int
    oldest_ready_seconds: float
    lapsed_leases: int
    to_read: int
    read_a_minute: float
    silent_seconds: Mapping[str, float]
    sources: tuple[SourceRate, ...]
    jobs: tuple[JobProgress, ...]
    outgoing: tuple[OutgoingFigures, ...]
    unconfirmed: int


@dataclass(frozen=True, slots=True)
class EditHour(Answer):
    """The edits of a source that were first seen within one hour.

    For the `certain` ones, the previous snapshot is in the same hour too; the others may be older.
    `silence_known` counts the edits that can be classified as silent or not; `headlines` those of
    a headline, `flips` those that restored an earlier headline.
    """

    source: str
    hour: datetime
    edits: int
    certain: int
    silent: int
    silence_known: int
    headlines: int
    flips: int


@dataclass(frozen=True, slots=True)
class EditFigures(Answer):
    """How the texts of a source are edited; times are in seconds, each as a minimum and a maximum.

    `fresh` articles were first seen close to their publication: half of their `first_edits` came
    within `first_edit_…`. Half of the wordings that an edit created were replaced within
    `half_life_…`, which is null if more than half are still current. `noise` are the differences
    that are no edits.
    """

    source: str
    articles: int
    edited: int
    edits: int
    noise: int
    certain: int
    silent: int
    silence_known: int
    silent_share: float | None
    headlines: int
    flips: int
    fresh: int
    first_edits: int
    first_edit_least: float | None
    first_edit_most: float | None
    half_life_least: float | None
    half_life_most: float | None


@dataclass(frozen=True, slots=True)
class Stats(Answer):
    """The figures of an archive; sizes in bytes.

    `open_jobs` includes parts of jobs; `is_stalled` is true if jobs are open and none is processed.
    `capabilities` are the figures of each capability, by its name.
    """

    schema: str
    articles: int
    versions: int
    wordings: int
    observations: int
    captures: int
    raw_bytes: int
    stored_bytes: int
    database_bytes: int
    copies: int
    refusals: Mapping[str, int]
    jobs: Mapping[str, int]
    open_jobs: int
    is_stalled: bool
    to_read: int
    to_index: int
    to_relate: int
    first_seen: datetime | None
    last_seen: datetime | None
    sources: tuple[SourceFigures, ...]
    capabilities: Mapping[str, Json]
