"""Captures before and after extraction, as passed between reading and storing."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from storage.database.capture_store import StoredBytes, load_all
from storage.database.compression import DamagedBytesError
from storage.similarity.index_keys import IndexKeys
from storage.values.draft import Draft, Extractor, Json
from storage.values.net.addresses import AddressList
from storage.values.refusals import RefusalReason

if TYPE_CHECKING:
    from storage.database.capture_store import OpenArchive
    from storage.language.vocabulary import Tokens  # imports NumPy, which only writers need


@dataclass(frozen=True, slots=True)
class CapturedItem:
    """One captured item to read.

    If its bytes were deleted, `raw` is empty, and `kept` is the earlier extraction, in the
    context `kept_context`; or it states that nothing can be read any more.
    """

    observation_id: int
    capture_id: int
    source_id: int
    locator_id: int
    locator: str
    observed_at: datetime
    hints: Mapping[str, Json]
    raw: bytes
    kept: Draft | RefusalReason | None = None
    kept_context: str | None = None


def parse_captured(
    archive: "OpenArchive", rows: Iterable[Any]
) -> Iterator[CapturedItem | DamagedBytesError]:
    """Yield captured items, or the error in their bytes, from rows.

    The rows have the columns of `CapturedItem`, with those of `StoredBytes` in place of the bytes.
    Raises: CapturesAwayError, CapturesUnsetError.
    """
    given = list(rows)
    loaded = load_all(archive, map(_captured_item, given))
    for row, raw in zip(given, loaded, strict=True):
        number, capture, source, locator_id, locator, observed_at, hints = row[:7]
        if isinstance(raw, DamagedBytesError):
            yield raw
        else:
            yield CapturedItem(
                number, capture, source, locator_id, locator, observed_at, hints or {}, raw
            )


def _captured_item(row: Any) -> StoredBytes:
    return StoredBytes(bytes(row[7]), row[8], row[9])


@dataclass(frozen=True, slots=True)
class Reading:
    """A captured item with the result of extraction, ready to be stored.

    `tokens` are the stems for full text, None if there is nothing to index; `sentence_keys` find
    texts with the same sentence (`storage.language.sentences`); `timezone` applies to dates of the
    draft without a zone. `index_keys` find copies; `day` is the day of publication, otherwise of
    observation.
    """

    captured: CapturedItem
    outcome: Draft | RefusalReason | AddressList
    context: str
    digest: bytes | None = None
    tokens: "Tokens | None" = None
    sentence_keys: tuple[str, ...] = ()
    timezone: str = "UTC"
    index_keys: IndexKeys | None = None
    day: date | None = None


class IndexInput(NamedTuple):
    """A wording and its input for the full-text index."""

    wording_id: int
    tokens: "Tokens"
    sentence_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReExtraction:
    """A capture to extract again: `context` is that of its first reading."""

    captured: CapturedItem
    context: str


@dataclass(frozen=True, slots=True)
class ReExtracted:
    """Result of `extractor` for a capture that another one read before, in the same context."""

    reading: Reading
    context: str
    extractor: Extractor
