"""What front pages showed."""

from dataclasses import dataclass
from datetime import datetime

from storage.values.answer import Answer


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
