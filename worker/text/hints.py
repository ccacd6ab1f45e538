"""What is known about bytes before they are read, and the settings that reading depends on."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from storage.values.draft import Extractor, Json

NAME = "lesart-text"
VERSION = "6"
"""Counts up with every change that can give another text, role, mark or field."""
MOST_PARAGRAPHS = 20_000
"""No press text has more: each is looked at on its own, here and wherever texts are compared."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A value that a source gives for a field of a text, such as what a feed says of a page.

    `field` is title, authors (a list), published, modified (ISO 8601, as precise as given), lead,
    tags (a list), section or language; `found_in` begins with the kind of the source: "feed
    title". It is one candidate among those of the page.
    """

    field: str
    value: Json
    found_in: str


@dataclass(frozen=True, slots=True)
class Hints:
    """What the source knows about a capture from outside its bytes.

    `type` is what `detect_type` answers or the user names; `name` serves messages only;
    `charset` is declared outside the bytes; `observed_at` (aware) is when the bytes were seen;
    `offers` are candidates for the fields of a page.
    """

    type: str
    name: str
    charset: str | None
    observed_at: datetime
    url: str | None
    offers: tuple[Offer, ...] = ()


@dataclass(frozen=True, slots=True)
class TextSettings:
    """The settings that may change what is read out of the same bytes."""

    languages: tuple[str, ...] = ("de", "en")
    timezone: str = "UTC"


@lru_cache(maxsize=16)
def extractor(settings: TextSettings) -> Extractor:
    """Name who reads under `settings`: two texts compare only if these are equal.

    >>> extractor(TextSettings()).config
    'languages=de,en;timezone=UTC'
    """
    languages = ",".join(settings.languages)
    return Extractor(NAME, VERSION, f"languages={languages};timezone={settings.timezone}")


EXTRACTOR = extractor(TextSettings())
