"""What a reader is given beside the bytes, and how documents of one type are read."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from storage.values.draft import Draft, Extractor, Json
from storage.values.refusals import RefusalReason

NAME = "lesart-text"
VERSION = "22"
"""Incremented with every change that can alter a text, role, mark or field."""
PAGE_VERSION = "35"
"""The same for pages."""
MAX_PARAGRAPHS = 20_000
"""Maximum number of paragraphs of an article: each one is processed and compared separately."""


@dataclass(frozen=True, slots=True)
class SourceValue:
    """A value that a source supplies for a field of a text, such as a title from a feed.

    `field` is title, authors (a list), published, modified (ISO 8601, in the source's precision),
    lead, tags (a list), section or language; `found_in` begins with the kind of the source, such as
    "feed title". The value becomes one candidate among those of the page.
    """

    field: str
    value: Json
    found_in: str


@dataclass(frozen=True, slots=True)
class Hints:
    """Metadata of a capture that does not come from its bytes.

    `type` is the result of `detect_type` or the user's choice; `name` is used in messages only;
    `charset` is declared outside the bytes; `observed_at` (time zone aware) is the time of the
    capture; `source_values` are candidates for the fields of a page. Without `has_capture_time`,
    `observed_at` is only the time of the import: relative times such as "3 hours ago" are ignored.
    """

    type: str
    name: str
    charset: str | None
    observed_at: datetime
    url: str | None
    source_values: tuple[SourceValue, ...] = ()
    has_capture_time: bool = True


@dataclass(frozen=True, slots=True)
class TextSettings:
    """Settings that can change the result of the extraction."""

    languages: tuple[str, ...] = ("de", "en")
    timezone: str = "UTC"


@lru_cache(maxsize=16)
def extractor(settings: TextSettings) -> Extractor:
    """Return the identity of the extractor under `settings`; only texts with equal ones are
    compared.

    >>> extractor(TextSettings()).config
    'languages=de,en;timezone=UTC'
    """
    languages = ",".join(settings.languages)
    return Extractor(NAME, VERSION, f"languages={languages};timezone={settings.timezone}")


EXTRACTOR = extractor(TextSettings())


class TypeReader(NamedTuple):
    """How documents of one type are read.

    Isolated documents are read in a child process, whatever their size; their drafts may depend on
    the time of the capture. `split` returns the texts of a document that contains several.
    """

    read: Callable[[bytes, Hints, TextSettings], Draft | RefusalReason]
    extractor: Callable[[TextSettings], Extractor] = extractor
    is_isolated: bool = False
    split: Callable[[bytes], list[tuple[str, bytes]] | RefusalReason] | None = None
