"""The records that reading gives; the keys of their `to_dict()` are the fields of the contract.

Every row of a list carries `cursor`, an opaque text from which the same list goes on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from storage.values.answer import Answer
from storage.values.arrivals.counts_sentence import counts_sentence
from storage.values.draft import Extractor, Field, Json, Notice, Paragraph, PartialDate, Quote

_BESIDE: dict[str, bool] = {"beside": True}
"""Marks a field that only the flat form tells: JSON has it inside a date."""


@dataclass(frozen=True, slots=True)
class _ArticleFields(Answer):
    """What a line on an article and a hit both say."""

    article: str
    origin: str
    origins: tuple[str, ...]
    source: str
    title: str | None
    published: PartialDate | None
    language: str | None
    publisher: str | None
    versions: int
    state: str
    first_seen: datetime
    last_seen: datetime
    cluster: str | None


@dataclass(frozen=True, slots=True)
class ArticleLine(_ArticleFields):
    """An article as `list` tells it."""

    cursor: str
    published_from: datetime | None = field(default=None, metadata=_BESIDE)
    published_to: datetime | None = field(default=None, metadata=_BESIDE)


@dataclass(frozen=True, slots=True)
class Hit(_ArticleFields):
    """A version that a search found; `current` says that it is the latest of its article."""

    version: int
    current: bool
    snippet: str
    score: float
    cursor: str
    published_from: datetime | None = field(default=None, metadata=_BESIDE)
    published_to: datetime | None = field(default=None, metadata=_BESIDE)


@dataclass(frozen=True, slots=True)
class _StepFields(Answer):
    """What a line on a version and a change both say."""

    article: str
    version: int
    wording: str
    changed_after: datetime | None
    changed_by: datetime
    first_seen: datetime
    last_seen: datetime
    title: str | None
    changes: tuple[str, ...]
    silent: bool | None
    words_added: int
    words_removed: int


@dataclass(frozen=True, slots=True)
class VersionLine(_StepFields):
    """A version as `history` tells it."""

    cursor: str


@dataclass(frozen=True, slots=True)
class Change(_StepFields):
    """A step between two versions, with the passages that went and came.

    `noise` is what was left out of it, by rule; `notices` are those that came with it, each with
    the version whose change it speaks of.
    """

    removed: tuple[str, ...]
    added: tuple[str, ...]
    noise: tuple[Json, ...]
    notices: tuple[Json, ...]
    cursor: str


@dataclass(frozen=True, slots=True)
class NoiseStep(Answer):
    """A step between two wordings of an article that counts as noise, and what differs in it.

    `rules` are the rules by which it does, `reasons` what they say; `version` is the version
    that goes on across it.
    """

    id: int
    article: str | None
    version: int | None
    observed_at: datetime | None
    rules: tuple[str, ...]
    reasons: tuple[str, ...]
    removed: tuple[str, ...]
    added: tuple[str, ...]
    wording_before: str
    wording_after: str
    method: str
    decided_at: datetime
    undone_at: datetime | None
    cursor: str


@dataclass(frozen=True, slots=True)
class Observed(Answer):
    """When a wording was seen; `certain` is false where a date fell between two snapshots."""

    changed_after: datetime | None
    changed_by: datetime
    last_seen: datetime
    certain: bool


@dataclass(frozen=True, slots=True)
class Digests(Answer):
    """What proves a version: of its bytes, of its wording, of its link in the chain."""

    raw: str
    wording: str
    link: str | None


@dataclass(frozen=True, slots=True)
class VersionText(Answer):
    """One version, whole, as `show` tells it; a redacted one has neither title nor text."""

    article: str
    id: str
    origin: str
    origins: tuple[str, ...]
    source: str
    state: str
    version: int
    versions: int
    wording: str
    title: str | None
    lead: str | None
    text: str | None
    paragraphs: tuple[Paragraph, ...]
    language: str | None
    authors: tuple[Json, ...]
    publisher: str | None
    section: Json
    tags: tuple[Json, ...]
    published: PartialDate | None
    modified: PartialDate | None
    word_count: int | None
    quotes: tuple[Quote, ...]
    notices: tuple[Notice, ...]
    flags: tuple[str, ...]
    fields: Mapping[str, Field]
    observed: Observed
    digests: Digests
    extractor: Extractor
    cursor: str = field(default="", metadata=_BESIDE)


@dataclass(frozen=True, slots=True)
class Blame(Answer):
    """A sentence as `version` has it, in that one of its `paragraphs`.

    `since_version` is the version since which it stands there without a break (or stands there
    no more), `changed_after` and `changed_by` the two snapshots between which that came about.
    `returned` says that it was absent in between; `first_article` is another article in which we
    saw it earlier, the earliest.
    """

    sentence: str
    paragraph: int
    since_version: int
    changed_after: datetime | None
    changed_by: datetime
    returned: bool
    first_article: str | None
    version: int
    cursor: str


@dataclass(frozen=True, slots=True)
class Citation(Answer):
    """What a reference to a version, or to a passage of it, has to say.

    `revision` names the wording by its digest: it keeps its meaning when versions are counted
    anew. `start` and `end` are code points of `text`; without a passage all from `start` to
    `suffix` is null.
    """

    article: str
    version: int
    revision: str
    origin: str
    title: str | None
    authors: tuple[Json, ...]
    publisher: str | None
    published: PartialDate | None
    language: str | None
    changed_after: datetime | None
    changed_by: datetime
    last_seen: datetime
    certain: bool
    wording: str
    raw: str
    start: int | None
    end: int | None
    exact: str | None
    prefix: str | None
    suffix: str | None


@dataclass(frozen=True, slots=True)
class Diff(Answer):
    """The word-level way from revision `a` to revision `b`."""

    a: str
    b: str
    operations: tuple[Any, ...]

    @property
    def is_same(self) -> bool:
        """True where nothing but equal passages is left."""
        return all(operation.op == "equal" for operation in self.operations)


@dataclass(frozen=True, slots=True)
class Raw:
    """The captured bytes of a version, bit for bit, with a file name to save them under."""

    data: bytes
    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Observation(Answer):
    """One check of one place; scans that found a file unchanged are told as one with `checks`."""

    article: str | None
    origin: str
    observed_at: datetime
    recorded_at: datetime
    foreign: bool
    outcome: str
    http_status: int | None
    version: int | None
    wording: str | None
    raw_digest: str | None
    note: str | None
    checks: int
    until: datetime | None
    cursor: str


@dataclass(frozen=True, slots=True)
class _RelationFields(Answer):
    """What a relation says with and without the reason for it."""

    id: int
    a: str | None
    b: str | None
    kind: str
    score: float
    method: str
    threshold: float
    earlier: str
    agency: str | None
    decided_at: datetime
    undone_at: datetime | None
    evidence: Json


@dataclass(frozen=True, slots=True)
class Relation(_RelationFields):
    """A relation between two articles; `evidence` is what the method gave for a reason."""

    cursor: str


@dataclass(frozen=True, slots=True)
class Differing(Answer):
    """What a says where b says something else in the same frame."""

    a: str
    b: str
    in_title: bool


@dataclass(frozen=True, slots=True)
class Explanation(Answer):
    """Why two articles are related, worked out anew from the two texts that were compared.

    `a_seen` and `b_seen` are *our* first snapshots of these wordings, `a_published` and
    `b_published` what the articles claim. Of texts that were redacted nothing is quoted.
    """

    reason: str
    sentence: str
    a_revision: str | None
    b_revision: str | None
    a_seen: datetime | None
    b_seen: datetime | None
    a_published: str | None
    b_published: str | None
    a_share: float | None
    b_share: float | None
    passages: tuple[str, ...]
    differing: tuple[Differing, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    refers_to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExplainedRelation(_RelationFields):
    """A relation with the reason for it."""

    explanation: Explanation
    cursor: str


@dataclass(frozen=True, slots=True)
class Refusal(Answer):
    """What was not taken, why, and what to do about it.

    What was refused `times` over, for the same reason, is one row: it tells of the last time (`at`)
    and when it came first (`first_at`).
    """

    job: int | None
    locator: str
    code: str
    message: str
    hint: str
    kept: bool
    raw_digest: str | None
    at: datetime
    source: str | None
    times: int
    first_at: datetime
    cursor: str


@dataclass(frozen=True, slots=True)
class Job(Answer):
    """A unit of work with the counts of its summary; a fanned-out one tells of all its parts."""

    job: int
    kind: str
    source: str | None
    state: str
    trigger: str
    attempts: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    reason: str | None
    seen: int
    new_articles: int
    new_versions: int
    unchanged: int
    copies: int
    refused: int
    failed: int
    gone: int
    passed_over: int
    seconds: float | None
    parent: int | None
    cursor: str

    def to_shown(self) -> dict[str, Json]:
        """Return the columns of a table, with the counts as one sentence `result`."""
        row = self.to_flat()
        is_any = self.seen or self.gone or self.passed_over
        return row | {"result": counts_sentence(row) if is_any else None}


@dataclass(frozen=True, slots=True)
class Rows:
    """The answer to a query in SQL: names of the columns, then rows as they come."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[Json, ...]]


@dataclass(frozen=True, slots=True)
class SourceFigures(Answer):
    """What came from one source, and how the addresses that it watches stand.

    `missing_since`: it has not answered since, though it should have some times over.
    `silent_since`: it has named nothing new since, though it usually does sooner.
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


@dataclass(frozen=True, slots=True)
class Coverage(Answer):
    """How often a source was looked at within one hour: answered, failed, not let in."""

    source: str
    hour: datetime
    checks: int
    answered: int
    failed: int
    barred: int


@dataclass(frozen=True, slots=True)
class SourceRate(Answer):
    """How a source keeps up: checks and files a minute, addresses due, late and failing."""

    source: str
    checks_a_minute: float
    addresses: int
    due: int
    late: int
    failing: int


@dataclass(frozen=True, slots=True)
class JobProgress(Answer):
    """How far a job has come."""

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
class WorkFigures(Answer):
    """How the work stands at a moment: jobs, sources, and how much is done a minute.

    `silent_seconds` tells of each part that ever spoke for how long it has been silent.
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


@dataclass(frozen=True, slots=True)
class EditHour(Answer):
    """The edits of a source that were first seen within one hour.

    Of `certain` ones the snapshot before lies in the hour too; the others may be older.
    `silence_known` counts those of which can be said whether they were silent; `headlines` those
    of a headline, `flips` those that brought back a headline from before the one that they took.
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
    """How the texts of a source are edited; times in seconds, the least and the most they can be.

    `fresh` articles were seen first near their publication: half of their `first_edits` came
    within `first_edit_…`. Half of the wordings that an edit brought were replaced within
    `half_life_…`; it is null where more than half still stand.
    """

    source: str
    articles: int
    edited: int
    edits: int
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

    `open_jobs` counts parts of jobs too; `is_idle` says that some are open and nobody works.
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
    is_idle: bool
    to_read: int
    to_index: int
    to_relate: int
    first_seen: datetime | None
    last_seen: datetime | None
    sources: tuple[SourceFigures, ...]
