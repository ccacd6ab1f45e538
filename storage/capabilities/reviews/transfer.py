"""Reviews in a WARC file: in the metadata of the check that shows the version after the change.

>>> when = "2026-01-02T03:04:05+00:00"
>>> good = {"label": "important", "reviewer": "ada", "reviewed_at": when, "note": 5}
>>> [(act["label"], act["note"]) for act, _end in REVIEWS.parse([good, {"label": "x"}, 7])]
[('important', None)]
"""

from typing import Any

from storage.capabilities.reviews.store import LABEL, LONGEST_NOTE
from storage.capabilities.reviews.tables import REVIEW, REVIEW_WITHDRAWN
from storage.history.acts_in_files import ActEnd, ActsInFiles
from storage.values.net.token import TOKEN_NAME
from storage.values.settings.entered_text import make_storable


def _parse_label(value: Any) -> str | None:
    is_label = isinstance(value, str) and LABEL.fullmatch(value) and value == value.lower()
    return value if is_label else None


def _parse_note(value: Any) -> str | None:
    is_note = isinstance(value, str) and 0 < len(value) <= LONGEST_NOTE
    return make_storable(value) if is_note else None


def _parse_name(value: Any) -> str | None:
    return value if isinstance(value, str) and TOKEN_NAME.fullmatch(value) else None


REVIEWS = ActsInFiles(
    REVIEW,
    {"label": _parse_label, "note": _parse_note, "reviewer": _parse_name},
    by="reviewer",
    at="reviewed_at",
    others={"before_id": None, "is_foreign": True},
    optional=("note",),
    end=ActEnd(REVIEW_WITHDRAWN, "review_id", "reviewer", "withdrawn_at", "withdrawn_by"),
)
facts_of_checks, store_facts = REVIEWS.facts_of_checks, REVIEWS.store_facts
