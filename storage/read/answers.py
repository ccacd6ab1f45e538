"""The records that reading returns; the keys of their `to_dict()` are the fields of the contract.

Every row of a list carries `cursor`, an opaque text from which the same list continues.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from storage.values.answer import Answer
from storage.values.arrivals.counts_sentence import counts_sentence
from storage.values.draft import (
    CleaningStep,
    Extractor,
    Field,
    Json,
    Notice,
    Paragraph,
    PartialDate,
    Quote,
    as_dict,
)

_BESIDE: dict[str, bool] = {"beside": True}
"""Marks a field of the flat form alone: JSON has it inside a date."""


@dataclass(frozen=True, slots=True)
class _ArticleFields(Answer):
    """Fields that an article and a hit have in common."""

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
    """An article as `list` prints it."""

    cursor: str
    published_from: datetime | None = field(default=None, metadata=_BESIDE)
    published_to: datetime | None = field(default=None, metadata=_BESIDE)


@dataclass(frozen=True, slots=True)
class Hit(_ArticleFields):
    """A version that a search found; `current` is true for the latest version of its article."""

    version: int
    current: bool
    snippet: str
    score: float
    cursor: str
    published_from: datetime | None = field(default=None, metadata=_BESIDE)
    published_to: datetime | None = field(default=None, metadata=_BESIDE)


@dataclass(frozen=True, slots=True)
class _StepFields(Answer):
    """Fields that a version line and a change have in common."""

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
    """A version as `history` prints it."""

    cursor: str


@dataclass(frozen=True, slots=True)
class Change(_StepFields):
    """A step between two versions, with the deleted and inserted passages.

    `noise` lists the differences that rules excluded. `notices` are the correction notices that
    appeared with the change, each with the version whose change it refers to. `method` is the
    version of the rules that classified the change.
    """

    removed: tuple[str, ...]
    added: tuple[str, ...]
    noise: tuple[Json, ...]
    notices: tuple[Json, ...]
    method: int
    cursor: str


@dataclass(frozen=True, slots=True)
class NoiseStep(Answer):
    """A step between two wordings of an article that counts as noise, and the difference.

    `rules` are the rules that apply, `reasons` their descriptions; `version` is the version that
    continues across the step.
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
class ObservationSpan(Answer):
    """When a wording was seen; `certain` is false if a date falls between two snapshots."""

    changed_after: datetime | None
    changed_by: datetime
    last_seen: datetime
    certain: bool


@dataclass(frozen=True, slots=True)
class Digests(Answer):
    """Digests that prove a version: of its bytes, of its wording, of its link in the chain."""

    raw: str
    wording: str
    link: str | None


@dataclass(frozen=True, slots=True)
class Rights(Answer):
    """A declaration about the use of a text, with the period in which it was seen.

    `found_in` is its place: `header`, `page`, `feed` or `robots.txt`.
    `machine_readable` is false for prose. `changed_after` is the last check before it, `ended_by`
    the first check without it; None if there is none.
    """

    origin: str
    found_in: str
    protocol: str
    name: str
    value: str
    machine_readable: bool
    changed_after: datetime | None
    first_seen: datetime
    last_seen: datetime
    ended_by: datetime | None


@dataclass(frozen=True, slots=True)
class RightsDeclaration(Rights):
    """A declaration in a list; `checks` counts the answers with it, `foreign` means imported."""

    article: str | None
    checks: int
    foreign: bool
    cursor: str


@dataclass(frozen=True, slots=True)
class Teaser(Answer):
    """A teaser of a front page at one check, at `observed_at`.

    `origin` is the address to which it links, `article` its article if there is one. `position`
    counts from 1. `heading_level` is 1 for h1; None for a link without a heading.
    """

    front: str
    observed_at: datetime
    position: int
    origin: str
    article: str | None
    headline: str
    kicker: str | None
    heading_level: int | None
    picture: bool
    foreign: bool
    cursor: str


@dataclass(frozen=True, slots=True)
class FrontStay(Answer):
    """The time that a headline was on a front page without a gap.

    `position` is the best one, `heading_level` the highest. `headline_test`: the headline
    alternated with another one. `changed_after` is the last check before it, `ended_by` the first
    check without it; None if there is none. `seconds` is the time from `first_seen` to `last_seen`.
    """

    front: str
    origin: str
    article: str | None
    headline: str
    kicker: str | None
    position: int
    first_position: int
    last_position: int
    heading_level: int | None
    picture: bool
    headline_test: bool
    changed_after: datetime | None
    first_seen: datetime
    last_seen: datetime
    ended_by: datetime | None
    seconds: float
    checks: int
    foreign: bool
    cursor: str


@dataclass(frozen=True, slots=True)
class OutsideCopy(Answer):
    """The answer of another archive: it has a copy at `address`, made at `captured_at`.

    The copy was not compared with the text. `recorded_at` is when the answer arrived.
    """

    archive: str
    address: str
    captured_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class VersionText(Answer):
    """One complete version, as `show` prints it; a redacted one has neither title nor text.

    `rights` are the declarations that were seen while the version was online, `outside_copies` the
    copies of its page at other archives, `steps` the changes on the way from the captured bytes to
    the text.
    """

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
    observed: ObservationSpan
    digests: Digests
    extractor: Extractor
    rights: tuple[Rights, ...] = ()
    outside_copies: tuple[OutsideCopy, ...] = ()
    steps: tuple[CleaningStep, ...] = ()
    cursor: str = field(default="", metadata=_BESIDE)


@dataclass(frozen=True, slots=True)
class Blame(Answer):
    """A sentence of `version`, and the number of its paragraph among `paragraphs`.

    `since_version` is the version since which the sentence is present without a break (or
    absent, for a deleted one). That change took place between the snapshots `changed_after` and
    `changed_by`. `returned` is true if the sentence was absent in between. `first_article` is the
    other article in which the archive saw it earliest, if that was earlier.
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
class Sentence(Blame):
    """A sentence of a version with its history, and where else it is now.

    `number` is its position in the text, from 1. `current_in` are the ids of other articles that
    are not gone and whose current version contains the sentence, the earliest first. `is_cut` is
    true if there are more.
    """

    number: int
    current_in: tuple[str, ...]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Citation(Answer):
    """A reference to a version, or to a passage of it.

    `revision` names the wording by its digest, which stays valid when versions are renumbered.
    `start` and `end` are code points of `text`; without a passage, the fields from `start` to
    `suffix` are null.
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
    """The word-level operations that turn revision `a` into revision `b`.

    `to_dict` lists the paragraph breaks (operations `split` and `join`) apart, as `breaks`.
    """

    a: str
    b: str
    operations: tuple[Any, ...]

    def to_dict(self) -> dict[str, Json]:
        operations = [as_dict(operation) for operation in self.operations if operation.is_edit]
        breaks = [
            {"op": each.op, "role": each.role, "a_start": each.a_start, "b_start": each.b_start}
            for each in self.operations
            if not each.is_edit
        ]
        return {"a": self.a, "b": self.b, "operations": operations, "breaks": breaks}

    @property
    def is_same(self) -> bool:
        """Check whether the texts are equal."""
        return all(operation.op == "equal" for operation in self.operations)


@dataclass(frozen=True, slots=True)
class Raw:
    """The captured bytes of a version, unchanged, with a file name to save them under."""

    data: bytes
    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Observation(Answer):
    """One check of one place; consecutive scans of an unchanged file are one row with `checks`.

    `outside_copies` are the copies of the page at other archives that followed this check.
    """

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
    outside_copies: tuple[OutsideCopy, ...]
    cursor: str


@dataclass(frozen=True, slots=True)
class _RelationFields(Answer):
    """Fields of a relation with and without its explanation."""

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
    """A relation between two articles; `evidence` is the data on which the method decided."""

    cursor: str


@dataclass(frozen=True, slots=True)
class Difference(Answer):
    """A place at which a and b differ in otherwise equal context."""

    a: str
    b: str
    in_title: bool


@dataclass(frozen=True, slots=True)
class Explanation(Answer):
    """Why two articles are related, computed again from the two texts that were compared.

    `a_seen` and `b_seen` are *our* first snapshots of these wordings, `a_published` and
    `b_published` the dates that the articles claim. Redacted texts are not quoted.
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
    differing: tuple[Difference, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    refers_to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExplainedRelation(_RelationFields):
    """A relation with its explanation."""

    explanation: Explanation
    cursor: str


@dataclass(frozen=True, slots=True)
class Refusal(Answer):
    """A refused document or address, with the reason and the remedy.

    Repeated refusals for the same reason are one row: `times` is their number, `at` the last and
    `first_at` the first time.
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
    """A job with the counts of its summary; a job with parts includes the counts of all parts."""

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
    noise: int
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
    """The result of an SQL query: column names, then the rows as an iterator."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[Json, ...]]


@dataclass(frozen=True, slots=True)
class SourceFigures(Answer):
    """The records that came from one source, and the state of the addresses that it watches.

    `missing_since`: time of the last answer, if several intervals passed without one.
    `silent_since`: time of the last new entry, if the source usually lists one sooner.
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
    """Number of checks of a source within one hour: answered, failed, denied."""

    source: str
    hour: datetime
    checks: int
    answered: int
    failed: int
    barred: int


@dataclass(frozen=True, slots=True)
class SourceRate(Answer):
    """Whether a source keeps up: checks and files per minute; addresses due, late and failing."""

    source: str
    checks_a_minute: float
    addresses: int
    due: int
    late: int
    failing: int


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
class WorkFigures(Answer):
    """State of the work at a moment: jobs, sources, and rates per minute.

    `silent_seconds` holds, for each service that ever reported, the seconds since its last report.
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

    `open_jobs` includes parts of jobs; `is_idle` is true if jobs are open and no worker runs.
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
