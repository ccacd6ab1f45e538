"""PURE: verdicts on drafts, and the knowledge of the archive at the time of the decision."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from storage.values.outcome import Event
from storage.values.refusals import RefusalReason

VerdictKind = Literal["new_article", "new_version", "unchanged", "copy", "refused", "unconfirmed"]


@dataclass(frozen=True, slots=True)
class OriginKnowledge:
    """The knowledge of the archive about the origin of a draft at the moment of its decision.

    `is_version` is the result of the history function: false if the draft belongs to the version
    before or after it, or differs from it by noise alone (`is_noise`). `elsewhere` is the article
    that has this wording at another origin. `words` is the number of words at the last fetch of
    this origin. `is_held`: it is held back, because it may be a page in place of the article;
    `is_again`: as one before it, and no check can confirm it.
    """

    article_exists: bool
    is_version: bool
    elsewhere: int | None
    words: int | None = None
    is_noise: bool = False
    is_held: bool = False
    is_again: bool = False


@dataclass(frozen=True, slots=True)
class NewArticle:
    """A new wording at a new origin."""

    kind: ClassVar[VerdictKind] = "new_article"
    counted_as: ClassVar[str] = "new_articles"
    event: ClassVar[Event | None] = "first"


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A wording that differs from its neighbours in time at the same origin."""

    kind: ClassVar[VerdictKind] = "new_version"
    counted_as: ClassVar[str] = "new_versions"
    event: ClassVar[Event | None] = "changed"


@dataclass(frozen=True, slots=True)
class UnchangedVerdict:
    """The wording of a neighbour in time, apart from noise; the next check depends on the check."""

    kind: ClassVar[VerdictKind] = "unchanged"
    counted_as: ClassVar[str] = "unchanged"
    event: ClassVar[Event | None] = None
    is_noise: bool = False


@dataclass(frozen=True, slots=True)
class Copy:
    """A new origin with the wording of the article `of`."""

    kind: ClassVar[VerdictKind] = "copy"
    counted_as: ClassVar[str] = "copies"
    event: ClassVar[Event | None] = "first"
    of: int


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """A text that is held back until it is certain: nothing changes.

    `is_again`: the article had such a page before, which no check can confirm.
    """

    kind: ClassVar[VerdictKind] = "unconfirmed"
    counted_as: ClassVar[str] = "unchanged"
    is_again: bool = False

    @property
    def event(self) -> Event | None:
        return "barred" if self.is_again else "doubtful"


@dataclass(frozen=True, slots=True)
class Refuse:
    """Not an article, with the reason."""

    kind: ClassVar[VerdictKind] = "refused"
    counted_as: ClassVar[str] = "refused"
    event: ClassVar[Event | None] = "barred"
    refused: RefusalReason


Verdict = NewArticle | NewVersion | UnchangedVerdict | Copy | Unconfirmed | Refuse
"""Each verdict with its recorded kind, its count in the summary, and its meaning for a watch."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of an ingestion; `seen` is the sum of the six.

    Missing files and skipped records of web archives are not part of the sum. `noise` is the part
    of `unchanged` that differs by noise alone, `unconfirmed` the part that is held back.
    """

    new_articles: int = 0
    new_versions: int = 0
    unchanged: int = 0
    noise: int = 0
    copies: int = 0
    refused: int = 0
    failed: int = 0
    gone: int = 0
    passed_over: int = 0
    unconfirmed: int = 0

    @property
    def seen(self) -> int:
        return (
            self.new_articles
            + self.new_versions
            + self.unchanged
            + self.copies
            + self.refused
            + self.failed
        )

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, n) + getattr(other, n) for n in Counts.__slots__))

    def __sub__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, n) - getattr(other, n) for n in Counts.__slots__))
