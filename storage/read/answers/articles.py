"""Articles, hits, versions, changes and noise, as lists print them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from storage.values.answer import Answer
from storage.values.draft import (
    Json,
    PartialDate,
)

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
