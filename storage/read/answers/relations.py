"""Relations between articles, and how two texts compare."""

from dataclasses import dataclass
from datetime import datetime

from storage.values.answer import Answer
from storage.values.draft import (
    Json,
)


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
