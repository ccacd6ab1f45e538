"""PURE: metadata of a capture in Lesart's own WARC files (decision 9)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from storage.values.net.addresses import FRONT
from storage.values.net.origin_name import clean_address
from storage.values.net.rights import Declared, stored_declarations
from storage.values.net.token import TOKEN_NAME
from worker.sources.web_archives.record_group import RecordGroup

MOST_JOINED = 16
_KINDS = frozenset({"redirect", "canonical", "guid"})
_LONGEST = 5_000
_ELSEWHERE = ("robots.txt", "feed", "tdmrep.json", "rsl")


@dataclass(frozen=True, slots=True)
class RecordedCheck:
    """A check as recorded by the writer: its outcome, a note, the addresses that it joined, and the
    declarations about the use of the text outside of the answer.

    Each entry of `joined` is a reason (`redirect`, `canonical`, `guid`) with an address.
    `submitted_by` is the name of the token that submitted a capture. `is_front`: it was read as a
    front page.
    """

    outcome: str | None = None
    note: str | None = None
    joined: tuple[tuple[str, str], ...] = ()
    submitted_by: str | None = None
    is_front: bool = False
    declared: Declared | None = None


def read_own_metadata(exchange: RecordGroup) -> RecordedCheck:
    """Return the contents of Lesart's metadata among the companions; empty if there is none."""
    for companion in exchange.companions:
        kind = (companion.field("content-type") or "").partition(";")[0].strip().lower()
        if companion.kind == "metadata" and kind == "application/json":
            facts = _parsed(companion.block)
            return RecordedCheck(
                outcome=_text(facts.get("outcome")),
                note=_text(facts.get("note")),
                joined=_joined_addresses(facts.get("joined")),
                submitted_by=_token_name(facts.get("submitted_by")),
                is_front=facts.get("type") == FRONT,
                declared=stored_declarations(facts.get("rights"), _ELSEWHERE),
            )
    return RecordedCheck()


def _parsed(block: bytes) -> Mapping[str, Any]:
    try:
        facts = json.loads(block)
    except (ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _text(value: Any) -> str | None:
    return value[:_LONGEST] if isinstance(value, str) else None


def _token_name(value: Any) -> str | None:
    return value if isinstance(value, str) and TOKEN_NAME.fullmatch(value) else None


def _joined_addresses(value: Any) -> tuple[tuple[str, str], ...]:
    given = value[:MOST_JOINED] if isinstance(value, list) else ()
    pairs = [(e.get("by"), _text(e.get("with"))) for e in given if isinstance(e, dict)]
    named = [(kind, clean_address(text)) for kind, text in pairs if kind in _KINDS and text]
    return tuple((kind, origin) for kind, origin in named if origin)
