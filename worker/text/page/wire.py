"""Serialise hints, drafts and refusals as JSON for the pipe between processes."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from storage.values.draft import (
    Candidate,
    CleaningStep,
    Draft,
    EntryRange,
    Extractor,
    Field,
    Mark,
    Notice,
    Paragraph,
    as_dict,
    quote_of,
)
from storage.values.refusals import RefusalReason
from worker.text.hints import Hints, SourceValue


def pack_answer(answer: Draft | RefusalReason) -> bytes:
    """Serialise a draft or refusal; lone surrogates stay escaped, so any text is valid."""
    kind = "refused" if isinstance(answer, RefusalReason) else "draft"
    return json.dumps({kind: as_dict(answer)}, separators=(",", ":")).encode("ascii")


def unpack_answer(data: bytes) -> Draft | RefusalReason:
    """Parse the output of `pack_answer`.

    Raises: ValueError, KeyError or TypeError for other input.
    """
    values = json.loads(data)
    return RefusalReason(**values["refused"]) if "refused" in values else _draft(values["draft"])


def pack_parts(parts: Sequence[tuple[str, bytes]]) -> bytes:
    """Serialise named parts of a document: a line with their names and sizes, then their bytes."""
    head = json.dumps([(name, len(raw)) for name, raw in parts]).encode("ascii")
    return b"".join((head, b"\n", *(raw for _name, raw in parts)))


def unpack_parts(data: bytes) -> list[tuple[str, bytes]] | RefusalReason:
    """Parse the output of `pack_parts`, or that of `pack_answer` for a refusal.

    Raises: ValueError, KeyError or TypeError for other input.
    """
    head, _, rest = data.partition(b"\n")
    listed = json.loads(head)
    if isinstance(listed, dict):
        return RefusalReason(**listed["refused"])
    parts, at = [], 0
    for name, size in listed:
        parts.append((name, rest[at : at + size]))
        at += size
    return parts


def pack_hints(hints: Hints) -> bytes:
    return json.dumps(as_dict(hints)).encode("ascii")


def unpack_hints(data: bytes) -> Hints:
    values = json.loads(data)
    observed_at = datetime.fromisoformat(values["observed_at"])
    source_values = tuple(SourceValue(**value) for value in values["source_values"])
    return Hints(**values | {"observed_at": observed_at, "source_values": source_values})


def _draft(values: Mapping[str, Any]) -> Draft:
    observed_at = values["observed_at"]
    return Draft(
        title=values["title"],
        paragraphs=tuple(_paragraph(p) for p in values["paragraphs"]),
        extractor=Extractor(**values["extractor"]),
        fields={name: _field(value) for name, value in values["fields"].items()},
        flags=tuple(values["flags"]),
        steps=tuple(CleaningStep(**step) for step in values["steps"]),
        quotes=tuple(map(quote_of, values["quotes"])),
        indirect_quotes=tuple(map(quote_of, values["indirect_quotes"])),
        notices=tuple(Notice(**notice) for notice in values["notices"]),
        address=values["address"],
        observed_at=datetime.fromisoformat(observed_at) if observed_at else None,
        raw_output=values["raw_output"],
        around=tuple(values["around"]),
        entries=tuple(EntryRange(**entry) for entry in values["entries"]),
        signs=None if values["signs"] is None else tuple(values["signs"]),
    )


def _paragraph(values: Mapping[str, Any]) -> Paragraph:
    return Paragraph(
        values["role"], values["text"], tuple(Mark(**mark) for mark in values["marks"])
    )


def _field(values: Mapping[str, Any]) -> Field:
    candidates = tuple(Candidate(**candidate) for candidate in values["candidates"])
    return Field(values["value"], values["found_in"], values["confidence"], candidates)
