"""PURE: what a derivation keeps of a draft, and the columns that are copies of its fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.record.reading import Reading
from storage.values.dates import span
from storage.values.draft import TEXT_ROLES, Draft, Field, PartialDate, as_dict

PLAIN = (str, int, float, type(None))


@dataclass(frozen=True, slots=True)
class Name:
    """The origin and the time that a document names for itself, and whether it is foreign."""

    address: str | None
    moment: datetime
    foreign: bool


def named(reading: Reading) -> Name:
    """Return what a reading says of its own origin and time: the command's word goes first.

    What we fetched ourselves stands where we fetched it, whatever the page says.
    """
    captured, outcome = reading.captured, reading.outcome
    if captured.hints.get("fetched"):
        return Name(None, captured.observed_at, False)
    address, moment = captured.hints.get("origin"), captured.hints.get("observed_at")
    imported = bool(address or moment)
    if isinstance(outcome, Draft):
        address = address or outcome.address
        if not imported and outcome.address and outcome.observed_at is not None:
            return Name(outcome.address, outcome.observed_at, True)
    at = datetime.fromisoformat(moment) if moment else captured.observed_at
    return Name(address, at, imported)


def value_of(draft: Draft, name: str) -> Any:
    """Return the value of a field, None where there is none."""
    field = draft.fields.get(name)
    return field.value if field is not None else None


def published_columns(reading: Reading) -> dict[str, Any]:
    """Return the columns of the date of publication, all null where there is none."""
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
    """Return what a derivation keeps of a draft; `stored` are the paragraphs of its wording."""
    return {
        "title": draft.title,
        "paragraphs": layout(draft, stored),
        "fields": {name: _field(field) for name, field in draft.fields.items()},
        "flags": list(draft.flags),
        "steps": [as_dict(step) for step in draft.steps],
        "quotes": [
            {
                "text": q.text,
                "speaker": q.speaker,
                "cue": q.cue,
                "paragraph": q.paragraph,
                "speaker_resolved": q.speaker_resolved,
            }
            for q in draft.quotes
        ],
        "notices": [as_dict(notice) for notice in draft.notices],
        "address": draft.address,
        "observed_at": draft.observed_at.isoformat() if draft.observed_at else None,
        **({"around": list(draft.around)} if draft.around else {}),
    }


def _field(field: Field) -> dict[str, Any]:
    """Return what `as_dict` would, without looking at each part: an article has a dozen."""
    return {
        "value": field.value if isinstance(field.value, PLAIN) else as_dict(field.value),
        "found_in": field.found_in,
        "confidence": field.confidence,
        "candidates": [as_dict(candidate) for candidate in field.candidates],
    }


def layout(draft: Draft, stored: Sequence[str]) -> list[dict[str, Any]]:
    """Return the paragraphs, pointing into the stored wording where the text is the same."""
    entries: list[dict[str, Any]] = []
    index = 0
    for paragraph in draft.paragraphs:
        entry: dict[str, Any] = {"role": paragraph.role}
        if paragraph.role in TEXT_ROLES:
            if index < len(stored) and stored[index] == paragraph.text:
                entry["w"] = index
            index += 1
        if "w" not in entry:
            entry["text"] = paragraph.text
        if paragraph.marks:
            entry["marks"] = [[m.kind, m.start, m.end] for m in paragraph.marks]
        entries.append(entry)
    return entries
