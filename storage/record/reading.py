"""A capture that was read: what it held, and what the reading of it recorded."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from storage.database.capture_store import Held, load_all
from storage.database.compression import DamagedBytesError
from storage.similarity.index_keys import IndexKeys
from storage.values.draft import Draft, Extractor, Json
from storage.values.net.addresses import AddressList
from storage.values.refusals import Refused

if TYPE_CHECKING:
    from storage.language.vocabulary import Tokens  # loads NumPy, which only writers need


@dataclass(frozen=True, slots=True)
class Captured:
    """One captured item that waits to be read.

    Where its bytes are gone, `raw` is empty, and `kept` what was read out of them before, in the
    context `kept_context`; or it says that nothing can be read any more.
    """

    observation_id: int
    capture_id: int
    source_id: int
    locator_id: int
    locator: str
    observed_at: datetime
    hints: Mapping[str, Json]
    raw: bytes
    kept: Draft | Refused | None = None
    kept_context: str | None = None


def captured_of(rows: Iterable[Any]) -> Iterator[Captured | DamagedBytesError]:
    """Yield what waits to be read, or what is wrong with its bytes, out of rows.

    They have the columns of `Captured`, with those of `Held` in the place of the bytes.
    Raises: CapturesAwayError, CapturesUnsetError.
    """
    given = list(rows)
    for row, raw in zip(given, load_all(_held(each) for each in given), strict=True):
        number, capture, source, locator_id, locator, observed_at, hints = row[:7]
        if isinstance(raw, DamagedBytesError):
            yield raw
        else:
            yield Captured(
                number, capture, source, locator_id, locator, observed_at, hints or {}, raw
            )


def _held(row: Any) -> Held:
    return Held(bytes(row[7]), row[8], row[9])


@dataclass(frozen=True, slots=True)
class Reading:
    """A captured item with what the text core read out of it, ready to be kept.

    `tokens` are the finished stems for full text, None where there is nothing to index,
    `sentence_keys` find texts with a sentence (`storage.language.sentences`); `timezone` goes for
    dates of the draft that name no zone. `index_keys` are the numbers under
    which copies are found, `day` is when the text was published, else seen.
    """

    captured: Captured
    outcome: Draft | Refused | AddressList
    context: str
    digest: bytes | None = None
    tokens: "Tokens | None" = None
    sentence_keys: tuple[str, ...] = ()
    timezone: str = "UTC"
    index_keys: IndexKeys | None = None
    day: date | None = None


class ToIndex(NamedTuple):
    """A wording with what full text is to know of it."""

    wording_id: int
    tokens: "Tokens"
    sentence_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReExtraction:
    """A capture that is to be read anew: `context` is that of its first reading."""

    captured: Captured
    context: str


@dataclass(frozen=True, slots=True)
class ReExtracted:
    """What `extractor` made of a capture that another one read before, with the same context."""

    reading: Reading
    context: str
    extractor: Extractor
