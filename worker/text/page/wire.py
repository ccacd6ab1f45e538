"""Write what the text core answers as JSON and read it back, for the pipe between processes."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from storage.values.draft import (
    Candidate,
    CleaningStep,
    Draft,
    Extractor,
    Field,
    Mark,
    Notice,
    Paragraph,
    Quote,
    as_dict,
)
from storage.values.refusals import Refused
from worker.text.hints import Hints, Offer


def pack_answer(answer: Draft | Refused) -> bytes:
    """Return an answer as JSON; lone surrogates stay escaped, so any text passes."""
    kind = "refused" if isinstance(answer, Refused) else "draft"
    return json.dumps({kind: as_dict(answer)}, separators=(",", ":")).encode("ascii")


def unpack_answer(packed: bytes) -> Draft | Refused:
    """Return the answer that `pack_answer` wrote.

    Raises: ValueError, KeyError or TypeError for anything else.
    """
    found = json.loads(packed)
    return Refused(**found["refused"]) if "refused" in found else _draft(found["draft"])


def pack_hints(hints: Hints) -> bytes:
    return json.dumps(as_dict(hints)).encode("ascii")


def unpack_hints(packed: bytes) -> Hints:
    found = json.loads(packed)
    observed_at = datetime.fromisoformat(found["observed_at"])
    offers = tuple(Offer(**offer) for offer in found["offers"])
    return Hints(**found | {"observed_at": observed_at, "offers": offers})


def _draft(found: Mapping[str, Any]) -> Draft:
    observed_at = found["observed_at"]
    return Draft(
        title=found["title"],
        paragraphs=tuple(_paragraph(p) for p in found["paragraphs"]),
        extractor=Extractor(**found["extractor"]),
        fields={name: _field(value) for name, value in found["fields"].items()},
        flags=tuple(found["flags"]),
        steps=tuple(CleaningStep(**step) for step in found["steps"]),
        quotes=tuple(Quote(**quote) for quote in found["quotes"]),
        notices=tuple(Notice(**notice) for notice in found["notices"]),
        address=found["address"],
        observed_at=datetime.fromisoformat(observed_at) if observed_at else None,
        raw_output=found["raw_output"],
        around=tuple(found["around"]),
    )


def _paragraph(found: Mapping[str, Any]) -> Paragraph:
    return Paragraph(found["role"], found["text"], tuple(Mark(**mark) for mark in found["marks"]))


def _field(found: Mapping[str, Any]) -> Field:
    candidates = tuple(Candidate(**candidate) for candidate in found["candidates"])
    return Field(found["value"], found["found_in"], found["confidence"], candidates)
