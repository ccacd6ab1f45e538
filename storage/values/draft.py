"""Frozen values that the worker, the archive and its readers exchange."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from functools import cache
from itertools import accumulate
from types import NoneType
from typing import Any, Literal

Json = Any  # None, bool, int, float, str, list or dict, as in the json module

Role = Literal[
    "headline",
    "lead",
    "subheading",
    "text",
    "quote",
    "list",
    "promo",
    "aside",
    "caption",
    "notice",
]
TEXT_ROLES: frozenset[str] = frozenset({"lead", "subheading", "text", "quote", "list", "notice"})
"""Roles whose paragraphs form `text` and, with the title, the digest of the wording."""

EXTRACT_STEP = "extract"
"""Name of the step that finds the article on a web page; other documents have no such step."""

Precision = Literal["year", "month", "day", "minute", "second"]


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A date exactly as precise as its source; no digit is added.

    `value` is ISO 8601 truncated to `precision` (`2024`, `2024-06`, `2024-06-18`,
    `2024-06-18T13:34`, `2024-06-18T13:34:05`) in local time of the source; `zone` is the
    offset as given (`+02:00`, `Z` becomes `+00:00`), or None if the source states none.
    """

    value: str
    precision: Precision
    zone: str | None
    found_in: str

    def to_dict(self) -> dict[str, Json]:
        found: dict[str, Json] = as_dict(self)
        return found


@dataclass(frozen=True, slots=True)
class Mark:
    """A span inside one paragraph; offsets in code points, `end` exclusive."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One block of a text with its role; `text` never contains a blank line."""

    role: Role
    text: str
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value that a part of the input provides for a field, chosen or not."""

    value: Json
    found_in: str


@dataclass(frozen=True, slots=True)
class Field:
    """A metadata value with its source.

    `candidates` are the other values in the document; for a page they are all values, including the
    chosen one, in their original form.
    """

    value: Json
    found_in: str
    confidence: float | None = None
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class CleaningStep:
    """One named, reproducible change on the way from bytes to text."""

    name: str
    detail: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NamedSpeaker:
    """Who speaks: the fullest name in the text without office, title and party, and the office.

    `kind` is person, organisation, document or unknown; `name` is None if only the office is known.
    """

    name: str | None
    office: str | None
    kind: str


@dataclass(frozen=True, slots=True)
class Quote:
    """A quotation of `kind` direct or indirect; `paragraph` is the index of its paragraph.

    `speaker` are the words of the text, which may be a pronoun or a role; `speaker_resolved` is the
    fullest name of this person in the text. `speakers` has one entry for each of several speakers.
    `confidence` is the probability of an indirect quotation.
    """

    text: str
    speaker: str | None
    cue: str | None
    paragraph: int
    speaker_resolved: str | None = None
    kind: str = "direct"
    speakers: tuple[NamedSpeaker, ...] = ()
    confidence: float | None = None


def quote_of(values: Mapping[str, Any]) -> Quote:
    """Return a quotation from its dict form."""
    speakers = tuple(NamedSpeaker(**each) for each in values.get("speakers", ()))
    return Quote(**{**values, "speakers": speakers})


@dataclass(frozen=True, slots=True)
class Notice:
    """A correction or editorial note in the text, or declared by the page for machines.

    `passage` is the sentence that it describes, or None if that is unknown. `date` is the declared
    date of a correction, in the dict form of `PartialDate`.
    """

    kind: str
    text: str
    passage: str | None = None
    date: Json = None


@dataclass(frozen=True, slots=True)
class EntryRange:
    """An entry of a live blog: the paragraphs of the draft from `start` to before `end`.

    `id` is that of the page, otherwise derived from time and text; it is unique in a draft. `time`
    is ISO 8601 as the page states it, `13:34` if it states no day.
    """

    id: str
    time: str | None
    start: int
    end: int


BY_BROWSER = ";browser=1"
"""End of the configuration of extractors that read pages as a browser has them."""


@dataclass(frozen=True, slots=True)
class Extractor:
    """The extractor of a text; texts are compared only if their extractors are equal."""

    name: str
    version: str
    config: str


@dataclass(frozen=True, slots=True)
class Draft:
    """The text and metadata extracted from one capture.

    `address` and `observed_at` are the statements of the document itself (`url:`, canonical link,
    `observed_at:`); a document with both is an imported capture. `fields` contains all metadata
    values by name (title, lead, published, modified, authors, language, publisher, section, tags …
    and unknown fields of the input); a value of `published` and `modified` is the dict form of
    `PartialDate`. `around` are the keys (`paragraph_key`) of the other paragraphs of the page.
    `pieces` is the text split at blanks, if the reader has it. `entries` are those of a live blog.
    `signs` are the signs of an article and of a page in its place (`worker.text.page.signs`); None
    if no server sent the page.
    """

    title: str | None
    paragraphs: tuple[Paragraph, ...]
    extractor: Extractor
    fields: Mapping[str, Field] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    steps: tuple[CleaningStep, ...] = ()
    quotes: tuple[Quote, ...] = ()
    indirect_quotes: tuple[Quote, ...] = ()
    notices: tuple[Notice, ...] = ()
    address: str | None = None
    observed_at: datetime | None = None
    raw_output: str | None = None
    around: tuple[int, ...] = ()
    entries: tuple[EntryRange, ...] = ()
    signs: tuple[str, ...] | None = None
    pieces: list[str] | None = field(default=None, compare=False, repr=False)

    def all_quotes(self) -> tuple[Quote, ...]:
        """Return direct and indirect quotations in order of their paragraphs."""
        return tuple(
            sorted((*self.quotes, *self.indirect_quotes), key=lambda quote: quote.paragraph)
        )

    def text_paragraphs(self) -> tuple[str, ...]:
        return tuple(p.text for p in self.paragraphs if p.role in TEXT_ROLES)


def paragraphs_in(detail: Mapping[str, Json] | None, text: str | None) -> tuple[Paragraph, ...]:
    """Return the paragraphs stored in a derivation; `text` is that of its wording.

    Redacted paragraphs are omitted; if only the derivation was redacted, all paragraphs are plain
    text.

    >>> paragraphs_in({"paragraphs": [{"role": "lead", "w": 0}]}, "Es hält.")
    (Paragraph(role='lead', text='Es hält.', marks=()),)
    """
    if text is None:
        return ()
    stored = text.split("\n\n")
    if detail is None:
        return tuple(Paragraph("text", each) for each in stored)
    return tuple(
        Paragraph(
            role=entry["role"],
            text=stored[entry["w"]] if "w" in entry else entry["text"],
            marks=tuple(Mark(*mark) for mark in entry.get("marks") or ()),
        )
        for entry in layout_in(detail)
    )


def layout_in(detail: Mapping[str, Json]) -> Iterator[Mapping[str, Any]]:
    """Yield for each paragraph its role, and its text or its index in the wording (`w`).

    An entry without both is the next paragraph of the wording; it may be its role alone, a list of
    its role and its marks, or, for plain text with quotations, their starts and ends.

    >>> detail = {"paragraphs": ["lead", {"role": "list", "w": 7}, [0, 3]]}
    >>> [(each["role"], each["w"], each.get("marks")) for each in layout_in(detail)]
    [('lead', 0, None), ('list', 7, None), ('text', 8, [['quote', 0, 3]])]
    """
    place = 0
    for entry in detail["paragraphs"]:
        kept: Mapping[str, Any] = entry
        if isinstance(entry, str):
            kept = {"role": entry}
        elif isinstance(entry, list) and isinstance(entry[0], int):
            marks = [["quote", *span] for span in zip(entry[::2], entry[1::2], strict=True)]
            kept = {"role": "text", "marks": marks}
        elif isinstance(entry, list):
            kept = {"role": entry[0], "marks": entry[1:]}
        if "text" not in kept:
            kept = {"w": place, **kept}
            place = kept["w"] + 1
        yield kept


def entries_in(detail: Mapping[str, Json]) -> tuple[EntryRange, ...]:
    """Return the entries of a live blog stored in a derivation."""
    return tuple(EntryRange(*each) for each in detail.get("entries") or ())


def entries_of_text(entries: Sequence[EntryRange], roles: Sequence[str]) -> tuple[EntryRange, ...]:
    """Return entries with the numbers of paragraphs of the text alone; `roles` are those of all.

    >>> entries_of_text([EntryRange("a", None, 1, 3)], ["text", "aside", "text"])
    (EntryRange(id='a', time=None, start=1, end=2),)
    """
    if not entries:
        return ()
    places = [0, *accumulate(int(role in TEXT_ROLES) for role in roles)]
    return tuple(
        EntryRange(each.id, each.time, places[each.start], places[each.end])
        for each in entries
        if each.end < len(places)
    )


def quotes_in(
    detail: Mapping[str, Json] | None, paragraphs: Sequence[Paragraph], kind: str = "direct"
) -> tuple[Quote, ...]:
    """Return the quotations of a kind stored in a derivation with these `paragraphs`."""
    return tuple(each for each in all_quotes_in(detail, paragraphs) if each.kind == kind)


SAME_NAME = 0
"""Stands for a name that is the same as the one before it in a stored quotation."""
USUAL_SPEAKER = (SAME_NAME, None, "person")
"""The parts of a speaker that are omitted at the end of its stored form."""


def all_quotes_in(
    detail: Mapping[str, Json] | None, paragraphs: Sequence[Paragraph]
) -> tuple[Quote, ...]:
    """Return the direct and the indirect quotations stored in a derivation.

    A quotation that occurs verbatim in its paragraph is stored as its position there, with its
    speaker, its cue, and what differs from their defaults of: resolved speaker, speakers, kind and
    confidence; older rows name these parts. `SAME_NAME` is the resolved speaker that is called as
    in the text, and the name of a speaker that is the resolved one.

    >>> detail = {"quotes": [[0, 1, 9, "Ada", "sagte", 0, [[0]]]]}
    >>> quotes_in(detail, [Paragraph("text", "„Es hält.“, sagte Ada.")])[0].text
    'Es hält.'
    """
    kept = map(quote_parts, (detail or {}).get("quotes") or ())
    found = (_quote(each, paragraphs) for each in kept)
    return tuple(each for each in found if each is not None)


def _quote(kept: Any, paragraphs: Sequence[Paragraph]) -> Quote | None:
    if isinstance(kept, Mapping):
        return quote_of(kept)
    number, start, end, speaker, cue, *more = kept
    if number >= len(paragraphs):
        return None
    text = paragraphs[number].text[start:end]
    usual: list[Any] = [speaker, (), "direct", None]
    resolved, speakers, kind, confidence = more + usual[len(more) :]
    named = tuple(NamedSpeaker(*each) for each in speakers)
    return Quote(text, speaker, cue, number, resolved, kind, named, confidence)


def quote_parts(kept: Any) -> Any:
    """Return a quotation in its stored form with all names: position and parts, or named parts.

    >>> quote_parts({"at": [0, 1, 9], "speaker": "Ada", "cue": "sagte"})
    [0, 1, 9, 'Ada', 'sagte']
    >>> quote_parts([0, 1, 9, "Ada", "sagte", 0, [[0], ["Eva", "Dr."]]])
    [0, 1, 9, 'Ada', 'sagte', 'Ada', [['Ada', None, 'person'], ['Eva', 'Dr.', 'person']]]
    """
    if isinstance(kept, Mapping):
        resolved = [kept["speaker_resolved"]] if "speaker_resolved" in kept else []
        return [*kept["at"], kept["speaker"], kept["cue"], *resolved] if "at" in kept else kept
    parts = list(kept)
    if parts[5:6] == [SAME_NAME]:
        parts[5] = parts[3]
    if len(parts) > 6:
        parts[6] = [
            [parts[5] if name == SAME_NAME else name, *rest, *USUAL_SPEAKER[1 + len(rest) :]]
            for name, *rest in parts[6]
        ]
    return parts


def field_in(kept: Mapping[str, Any]) -> Field:
    """Return a field from its stored form, in which missing parts are omitted."""
    candidates = tuple(Candidate(**each) for each in kept.get("candidates", ()))
    return Field(kept["value"], kept["found_in"], kept.get("confidence"), candidates)


PLAIN = frozenset({str, int, float, bool, NoneType})
"""Types that JSON supports directly."""


@cache
def _names_of(kind: type) -> tuple[str, ...] | None:
    """Return the field names of a record class, None for other types."""
    if is_dataclass(kind):
        return tuple(each.name for each in fields(kind))
    return getattr(kind, "_fields", None)


def as_dict(value: Any) -> Any:
    """Return `value` as plain JSON types: records as dicts, tuples as lists, times as ISO 8601."""
    kind = value.__class__
    if kind in PLAIN:
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    names = _names_of(kind)
    if names is not None:
        return {
            name: part if (part := getattr(value, name)).__class__ in PLAIN else as_dict(part)
            for name in names
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        found = [each if each.__class__ in PLAIN else as_dict(each) for each in value]
        return sorted(found) if isinstance(value, (set, frozenset)) else found
    if isinstance(value, Mapping):
        return {
            str(k): part if part.__class__ in PLAIN else as_dict(part) for k, part in value.items()
        }
    return value
