"""PURE: what a draft can mean for the archive, and what the archive knows when it is asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

from storage.record import Draft, Extractor, Json, Listing, Refused
from storage.traces import Traces

if TYPE_CHECKING:
    from storage.vocabulary import Tokens  # loads NumPy, which only writers need

VerdictKind = Literal["new_article", "new_version", "unchanged", "copy", "refused"]


@dataclass(frozen=True, slots=True)
class Signature:
    """A MinHash signature with all that is needed to compare it: 32-bit values, little endian."""

    algorithm: str
    seed: int
    values: bytes


@dataclass(frozen=True, slots=True)
class Captured:
    """One captured item that waits to be read; `raw` is None for an absence."""

    observation_id: int
    capture_id: int
    source_id: int
    locator_id: int
    locator: str
    observed_at: datetime
    hints: Mapping[str, Json]
    raw: bytes


@dataclass(frozen=True, slots=True)
class Reading:
    """A captured item with what the text core read out of it, ready to be kept.

    `tokens` are the finished stems for full text, None where there is nothing to index;
    `timezone` goes for dates of the draft that name no zone. `traces` are the numbers under which
    copies are found, `day` is when the text was published, else seen.
    """

    captured: Captured
    outcome: Draft | Refused | Listing
    context: str
    digest: bytes | None = None
    tokens: "Tokens | None" = None
    signature: Signature | None = None
    timezone: str = "UTC"
    traces: Traces | None = None
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """A capture that is to be read anew: `context` is that of its first reading."""

    captured: Captured
    context: str


@dataclass(frozen=True, slots=True)
class Reread:
    """What `extractor` made of a capture that another one read before, with the same context."""

    reading: Reading
    context: str
    extractor: Extractor


@dataclass(frozen=True, slots=True)
class Known:
    """What the archive knows about the place of a draft at the moment of its decision.

    `before` and `after` are the wordings of the neighbouring sights in time (digests), as the
    reader of the draft reads them; where it cannot, that of the draft stands there.
    `elsewhere` is the article that already has this wording at another origin. `words` is how
    many words were read there last, where we fetched it ourselves; `is_noise` says that the draft
    differs from a neighbour by noise alone.
    """

    article_exists: bool
    before: bytes | None
    after: bytes | None
    elsewhere: int | None
    words: int | None = None
    is_noise: bool = False


@dataclass(frozen=True, slots=True)
class NewArticle:
    """A wording that stands nowhere else, at an origin that was not known."""


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A wording that differs from its neighbours in time at the same origin."""


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The wording of a neighbour in time."""


@dataclass(frozen=True, slots=True)
class Copy:
    """An origin that was not known, with a wording that stands in article `of`."""

    of: int


@dataclass(frozen=True, slots=True)
class Refuse:
    """Not an article, and why."""

    refused: Refused


Verdict = NewArticle | NewVersion | Unchanged | Copy | Refuse

KIND: dict[type, VerdictKind] = {
    NewArticle: "new_article",
    NewVersion: "new_version",
    Unchanged: "unchanged",
    Copy: "copy",
    Refuse: "refused",
}


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of an ingestion; `seen` is the sum of the six.

    Absences stand outside it, and what was passed over: records of web archives without a text.
    """

    new_articles: int = 0
    new_versions: int = 0
    unchanged: int = 0
    copies: int = 0
    refused: int = 0
    failed: int = 0
    gone: int = 0
    passed_over: int = 0

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


COUNT_OF: dict[VerdictKind, str] = {
    "new_article": "new_articles",
    "new_version": "new_versions",
    "unchanged": "unchanged",
    "copy": "copies",
    "refused": "refused",
}
