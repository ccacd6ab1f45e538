"""The records that reading returns; the keys of their `to_dict()` are the fields of the contract.

Every row of a list carries `cursor`, an opaque text from which the same list continues.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from storage.diff.operation import Operation
from storage.values.answer import Answer
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
from storage.values.verdict import counts_sentence

BESIDE: dict[str, bool] = {"beside": True}
"""Marks a field of the flat form alone: JSON has it inside a date."""


class ArticleName(NamedTuple):
    """The current title of an article, and its publisher or else its source."""

    title: str | None
    outlet: str


@dataclass(frozen=True, slots=True)
class _ArticleFields(Answer):
    """Fields that an article and a hit have in common.

    The latest version, or the one that was found, appeared between `changed_after` and
    `changed_by`.
    """

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
    changed_after: datetime | None
    changed_by: datetime | None


@dataclass(frozen=True, slots=True)
class ArticleLine(_ArticleFields):
    """An article as `list` prints it."""

    cursor: str
    published_from: datetime | None = field(default=None, metadata=BESIDE)
    published_to: datetime | None = field(default=None, metadata=BESIDE)


@dataclass(frozen=True, slots=True)
class Hit(_ArticleFields):
    """A version that a search found; `current` is true for the latest version of its article."""

    version: int
    current: bool
    snippet: str
    score: float
    cursor: str
    published_from: datetime | None = field(default=None, metadata=BESIDE)
    published_to: datetime | None = field(default=None, metadata=BESIDE)


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
    version of the rules that classified the change. `occurrence` counts the versions with that
    wording: article, wording and occurrence identify the change.
    """

    removed: tuple[str, ...]
    added: tuple[str, ...]
    noise: tuple[Json, ...]
    notices: tuple[Json, ...]
    method: int
    occurrence: int
    cursor: str


@dataclass(frozen=True, slots=True)
class ChangeEvent(Answer):
    """A row of the change feed, with the fields of the change as it is now.

    `kind` is `change` for a new change, `update` if `update` names what became different of it,
    and `withdrawn` if the change turned out not to exist: then only the article, the wording with
    its title, and the interval are known. `change` is the number of the row that reported the
    change first. `recorded_at` is the time of the row, None in rows of an older schema.
    """

    kind: str
    update: tuple[str, ...]
    change: int
    article: str
    version: int | None
    wording: str
    occurrence: int
    changed_after: datetime | None
    changed_by: datetime
    first_seen: datetime
    last_seen: datetime | None
    title: str | None
    changes: tuple[str, ...]
    silent: bool | None
    words_added: int | None
    words_removed: int | None
    removed: tuple[str, ...]
    added: tuple[str, ...]
    noise: tuple[Json, ...]
    notices: tuple[Json, ...]
    method: int | None
    recorded_at: datetime | None
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
class OutsideCopy(Answer):
    """The answer of another archive: it has a copy at `address`, made at `captured_at`.

    The copy was not compared with the text. `recorded_at` is when the answer arrived.
    """

    archive: str
    address: str
    captured_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class CheckPicture(Answer):
    """A picture of the page of a check, at /a/ARTICLE/pictures/ID; `event` is what became of it."""

    id: int
    event: str


@dataclass(frozen=True, slots=True)
class UnconfirmedReading(Answer):
    """A text that was held back because it may be a page in place of the article.

    `until` is the time from which a check that agrees confirms it; None if only a person does.
    `decision` is confirmed or dismissed, None while it is open; `decided_by` is a person, None if
    later checks decided.
    """

    id: int
    article: str | None
    origin: str | None
    wording: str
    observed_at: datetime
    last_seen: datetime
    checks: int
    signs: tuple[str, ...]
    grade: str
    title: str | None
    text: str | None
    until: datetime | None
    decision: str | None
    decided_by: str | None
    decided_at: datetime | None
    cursor: str


@dataclass(frozen=True, slots=True)
class VersionText(Answer):
    """One complete version, as `show` prints it; a redacted one has neither title nor text.

    `rights` are the declarations that were seen while the version was online, `outside_copies` the
    copies of its page at other archives, `unconfirmed` the readings of the article that are held
    back, `steps` the changes on the way from the captured bytes to the text.
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
    unconfirmed: tuple[UnconfirmedReading, ...] = ()
    steps: tuple[CleaningStep, ...] = ()
    indirect_quotes: tuple[Quote, ...] = ()
    published_from: datetime | None = field(default=None, metadata=BESIDE)
    published_to: datetime | None = field(default=None, metadata=BESIDE)
    cursor: str = field(default="", metadata=BESIDE)


@dataclass(frozen=True, slots=True)
class Blame(Answer):
    """A sentence of `version`, and the number of its paragraph among `paragraphs`.

    `since_version` is the version since which the sentence is present without a break (or
    absent, for a deleted one). That change took place between the snapshots `changed_after` and
    `changed_by`. `returned` is true if the sentence was absent in between, None if a version in
    between was redacted. `first_article` is the other article in which the archive saw it
    earliest, if that was earlier.
    """

    sentence: str
    paragraph: int
    since_version: int
    changed_after: datetime | None
    changed_by: datetime
    returned: bool | None
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

    `a_certain` and `b_certain` are false if a date falls between two snapshots.
    `to_dict` lists the paragraph breaks (operations `split` and `join`) apart, as `breaks`. For two
    texts with entries of a live blog, `grouped` has the differences by entry; `to_dict` lists them
    as `entries`.
    """

    a: str
    b: str
    operations: tuple[Operation, ...]
    grouped: Any = field(default=None, metadata=BESIDE)
    a_certain: bool = True
    b_certain: bool = True

    def to_dict(self) -> dict[str, Json]:
        breaks = [
            {"op": each.op, "role": each.role, "a_start": each.a_start, "b_start": each.b_start}
            for each in self.operations
            if not each.is_edit
        ]
        entries = () if self.grouped is None else self.grouped.entries
        return {
            "a": self.a, "b": self.b, "a_certain": self.a_certain, "b_certain": self.b_certain,
            "operations": _edits(self.operations), "breaks": breaks,
            "entries": [{**each.to_dict(), "operations": _edits(each.operations)}
                        for each in entries],
        }  # fmt: skip

    @property
    def is_same(self) -> bool:
        """Check whether the texts are equal."""
        return all(operation.op == "equal" for operation in self.operations)


def _edits(operations: Iterable[Operation]) -> list[Json]:
    return [as_dict(operation) for operation in operations if operation.is_edit]


@dataclass(frozen=True, slots=True)
class Raw:
    """The captured bytes of a version, unchanged, with a file name to save them under."""

    data: bytes
    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Observation(Answer):
    """One check of one place; consecutive scans of an unchanged file are one row with `checks`.

    `outside_copies` are the copies of the page at other archives that followed this check, and
    `pictures` those of the page, its screenshot included.
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
    pictures: tuple[CheckPicture, ...]
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
    `b_published` the dates that the articles claim, with their first moments in UTC. Redacted texts
    are not quoted.
    """

    reason: str
    sentence: str
    a_revision: str | None
    b_revision: str | None
    a_seen: datetime | None
    b_seen: datetime | None
    a_published: str | None
    b_published: str | None
    a_published_from: datetime | None
    b_published_from: datetime | None
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
class LineageDecision(Answer):
    """Two addresses of one article; `kind` is redirect, guid (of a feed) or canonical."""

    id: int
    article: str | None
    kind: str
    origin: str
    to_origin: str
    decided_at: datetime
    undone_at: datetime | None
    reason: str | None
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
    unconfirmed: int
    cursor: str

    def to_shown(self) -> dict[str, Json]:
        """Return the columns of a table, with the counts as one sentence `result`."""
        row = self.to_flat()
        is_any = self.seen or self.gone or self.passed_over
        return row | {"result": counts_sentence(row) if is_any else None}


@dataclass(frozen=True, slots=True)
class Rows:
    """The result of an SQL query: column names, then the rows as an iterator.

    `note` lists rights of the PostgreSQL role in addition to selecting from the views.
    """

    columns: tuple[str, ...]
    rows: Iterator[tuple[Json, ...]]
    note: str | None = None
