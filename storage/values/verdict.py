"""PURE: verdicts on drafts, and the knowledge of the archive at the time of the decision."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

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


_COUNTED = (
    ("new_articles", "new article", "new articles"),
    ("new_versions", "new version", "new versions"),
    ("copies", "copy", "copies"),
    ("unchanged", "unchanged", "unchanged"),
    ("failed", "failed", "failed"),
)


def counts_sentence(counts: Mapping[str, Any]) -> str:
    """Return the counts of an ingestion or a job as a sentence.

    >>> counts_sentence({"seen": 19, "new_articles": 16, "new_versions": 2, "copies": 1})
    '19 documents read: 16 new articles, 2 new versions, 1 copy. Nothing refused.'
    >>> counts_sentence({"seen": 2, "unchanged": 1, "refused": 1, "gone": 3})
    '2 documents read: 1 unchanged. 3 gone. 1 refused.'
    >>> counts_sentence({"seen": 3, "unchanged": 3, "noise": 1})
    '3 documents read: 3 unchanged. 1 differs by noise only. Nothing refused.'
    >>> counts_sentence({"seen": 0, "passed_over": 2})
    'No documents read. 2 records without a text skipped. Nothing refused.'
    """
    parts = ", ".join(
        f"{number:,} {one if number == 1 else many}"
        for name, one, many in _COUNTED
        if (number := counts.get(name) or 0)
    )
    seen, refused = counts["seen"] or 0, counts.get("refused") or 0
    head = f"{seen:,} document{'' if seen == 1 else 's'} read" if seen else "No documents read"
    sentences = [f"{head}: {parts}" if parts else head]
    if noise := counts.get("noise"):
        sentences.append(f"{noise:,} differ{'s' if noise == 1 else ''} by noise only")
    if held := counts.get("unconfirmed"):
        sentences.append(f"{held:,} held back as unconfirmed")
    if gone := counts.get("gone"):
        sentences.append(f"{gone:,} gone")
    if skipped := counts.get("passed_over"):
        sentences.append(f"{skipped:,} record{'' if skipped == 1 else 's'} without a text skipped")
    sentences.append(f"{refused:,} refused" if refused else "Nothing refused")
    return ". ".join(sentences) + "."
