"""One version with all of its parts, and what is asked of its text."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from storage.diff.operation import Operation
from storage.read.answers.articles import BESIDE
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
