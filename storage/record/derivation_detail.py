"""PURE: the JSON detail of a derivation, and the columns copied from its fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.record.reading import CapturedItem, Reading
from storage.values.dates import span
from storage.values.draft import (
    SAME_NAME,
    TEXT_ROLES,
    USUAL_SPEAKER,
    Draft,
    Field,
    NamedSpeaker,
    Paragraph,
    PartialDate,
    Quote,
    as_dict,
)
from storage.values.net.addresses import AddressList
from storage.values.refusals import RefusalReason

PLAIN = (str, int, float, type(None))


@dataclass(frozen=True, slots=True)
class Name:
    """Origin and time that a document claims, and whether it is foreign."""

    address: str | None
    moment: datetime
    foreign: bool


def named(reading: Reading) -> Name:
    """Return the claims of a reading about its origin and time (see `name_of`)."""
    return name_of(reading.captured, reading.outcome)


def name_of(captured: CapturedItem, outcome: Draft | RefusalReason | AddressList) -> Name:
    """Return the origin and the time of a document that was read (see `name_from`)."""
    address, seen_at = None, None
    if isinstance(outcome, Draft):
        address, seen_at = outcome.address, outcome.observed_at
    return name_from(captured.hints, captured.observed_at, address, seen_at)


def name_from(
    hints: Mapping[str, Any],
    captured_at: datetime,
    address: str | None,
    seen_at: datetime | None,
) -> Name:
    """Return the origin and the time of a document; the hints of the command take precedence.

    `address` and `seen_at` are the claims of the document itself. A page that this archive
    fetched belongs to the address that it was fetched from, whatever the page claims.
    """
    if hints.get("fetched"):
        return Name(None, captured_at, False)
    claimed, moment = hints.get("origin"), hints.get("observed_at")
    imported = bool(claimed or moment)
    if not imported and address and seen_at is not None:
        return Name(address, seen_at, True)
    at = datetime.fromisoformat(moment) if moment else captured_at
    return Name(claimed or address, at, imported)


def value_of(draft: Draft, name: str) -> Any:
    """Return the value of a field, None if it is missing."""
    field = draft.fields.get(name)
    return field.value if field is not None else None


def publication_columns(reading: Reading) -> dict[str, Any]:
    """Return the columns of the publication date, all None if there is none."""
    assert isinstance(reading.outcome, Draft)
    value = value_of(reading.outcome, "published")
    empty = dict.fromkeys(("published", "published_precision", "published_from", "published_to"))
    if not isinstance(value, Mapping):
        return empty
    date = PartialDate(value["value"], value["precision"], value["zone"], value["found_in"])
    start, end = span(date, reading.timezone)
    return {
        "published": date.value, "published_precision": date.precision,
        "published_from": start, "published_to": end,
    }  # fmt: skip


def detail_of(draft: Draft, stored: Sequence[str]) -> dict[str, Any]:
    """Return the JSON detail of a draft; `stored` are the paragraphs of its wording."""
    given = {
        "notices": [as_dict(notice) for notice in draft.notices],
        "address": draft.address,
        "observed_at": draft.observed_at.isoformat() if draft.observed_at else None,
        "around": list(draft.around),
        "entries": [[each.id, each.time, each.start, each.end] for each in draft.entries],
    }
    return {
        "title": draft.title,
        "paragraphs": layout(draft, stored),
        "fields": {name: _field(field) for name, field in draft.fields.items()},
        "flags": list(draft.flags),
        "steps": [as_dict(step) for step in draft.steps],
        "quotes": [_quote(each, draft.paragraphs) for each in draft.all_quotes()],
        **{name: value for name, value in given.items() if value},
        **({} if draft.signs is None else {"signs": list(draft.signs)}),
    }


def _quote(quote: Quote, paragraphs: Sequence[Paragraph]) -> Any:
    """Return a quotation as its position in its paragraph, if the paragraph contains it
    verbatim.
    """
    start = paragraphs[quote.paragraph].text.find(quote.text)
    if start < 0:
        return as_dict(quote)
    place = [quote.paragraph, start, start + len(quote.text)]
    resolved = quote.speaker_resolved
    speakers = [_speaker(each, resolved) for each in quote.speakers]
    same = SAME_NAME if resolved == quote.speaker else resolved
    more: list[Any] = [same, speakers, quote.kind, quote.confidence]
    usual: list[Any] = [SAME_NAME, [], "direct", None]
    while more and more[-1] == usual[len(more) - 1]:
        more.pop()
    return [*place, quote.speaker, quote.cue, *more]


def _speaker(speaker: NamedSpeaker, resolved: str | None) -> list[Any]:
    name = SAME_NAME if speaker.name == resolved else speaker.name
    if speaker.kind != USUAL_SPEAKER[-1]:
        return [name, speaker.office, speaker.kind]
    return [name] if speaker.office is None else [name, speaker.office]


def _field(field: Field) -> dict[str, Any]:
    """Return the result of `as_dict` for a field, without recursion: an article has a dozen."""
    kept = {
        "value": field.value if isinstance(field.value, PLAIN) else as_dict(field.value),
        "found_in": field.found_in,
    }
    if field.confidence is not None:
        kept["confidence"] = field.confidence
    if field.candidates:
        kept["candidates"] = [as_dict(candidate) for candidate in field.candidates]
    return kept


def layout(draft: Draft, stored: Sequence[str]) -> list[Any]:
    """Return the paragraphs as references to the stored wording if the text is the same.

    An item without text or number is the next paragraph of the wording, with its role and marks.
    """
    entries: list[Any] = []
    index = place = 0
    for paragraph in draft.paragraphs:
        entry: dict[str, Any] = {"role": paragraph.role}
        is_stored = False
        if paragraph.role in TEXT_ROLES:
            is_stored = index < len(stored) and stored[index] == paragraph.text
            index += 1
        if not is_stored:
            entry["text"] = paragraph.text
        elif index - 1 != place:
            entry["w"] = index - 1
        if is_stored:
            place = index
        marks = [[m.kind, m.start, m.end] for m in paragraph.marks]
        if len(entry) > 1:
            entries.append({**entry, "marks": marks} if marks else entry)
        elif marks and paragraph.role == "text" and all(mark[0] == "quote" for mark in marks):
            entries.append([edge for mark in marks for edge in mark[1:]])
        else:
            entries.append([paragraph.role, *marks] if marks else paragraph.role)
    return entries
