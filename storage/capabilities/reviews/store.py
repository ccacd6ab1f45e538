"""Record reviews and withdraw them."""

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from storage.capabilities.hooks import CapabilityError
from storage.capabilities.reviews.tables import REVIEW, REVIEW_WITHDRAWN
from storage.database.tables import ACCESS_TOKEN, ARTICLE, VERSION
from storage.database.unit import Unit
from storage.values.errors import NoSuchError, did_you_mean
from storage.values.messages import message_text

LABEL = re.compile(r"[^\W_][\w-]{0,39}")
"""A label: a word of up to 40 letters, digits, `-` and `_`.

>>> bool(LABEL.fullmatch("meinungs-stück")), bool(LABEL.fullmatch("zwei wörter"))
(True, False)
"""
OPPOSITES = ("important", "unimportant")
"""The labels of which a reviewer can give only one to a change."""
LONGEST_NOTE = 2_000
SCOPES = ("review", "write")


class ReviewError(CapabilityError):
    """A change cannot be labelled; the message states the reason."""


@dataclass(frozen=True, slots=True)
class ReviewedChange:
    """A change by the first observations of the version before it and of the one after it."""

    before_id: int
    observation_id: int


def find_change(connection: Connection, article: str, version: int) -> ReviewedChange:
    """Return the change that created a version. Raises: ReviewError."""
    if version == 1:
        raise ReviewError(message_text("review_first", article=article))
    query = (
        select(VERSION.c.observation_id)
        .join(ARTICLE, ARTICLE.c.id == VERSION.c.article_id)
        .where(ARTICLE.c.public_id == article, VERSION.c.number.in_((version - 1, version)))
        .order_by(VERSION.c.number)
    )
    before, after = connection.execute(query).scalars()
    return ReviewedChange(before, after)


def require_reviewer(connection: Connection, name: str | None) -> str:
    """Return the name of a token that may review: this one, or the only one.

    Raises: NoSuchError, ReviewError.
    """
    query = select(ACCESS_TOKEN.c.name).where(
        ACCESS_TOKEN.c.scope.in_(SCOPES), ACCESS_TOKEN.c.revoked_at.is_(None)
    )
    names = sorted(connection.execute(query).scalars())
    if name is None:
        if len(names) != 1:
            raise ReviewError(message_text("review_by_whom", names=", ".join(names) or "none"))
        return str(names[0])
    if name not in names:
        hint = did_you_mean(name, names) + message_text("where_review_tokens")
        raise NoSuchError(message_text("token"), name, hint)
    return name


def add_review(
    unit: Unit, change: ReviewedChange, label: str, note: str | None, reviewer: str
) -> int:
    """Record a label and return its id; the same label with the same note stays unchanged.

    It replaces the reviewer's earlier label of this name, and `important` replaces `unimportant`
    and the reverse: those are withdrawn. Raises: ReviewError.
    """
    label, note = label.strip().lower(), (note or "").strip() or None
    if LABEL.fullmatch(label) is None:
        raise ReviewError(message_text("review_label", label=label[:60]))
    if note is not None and len(note) > LONGEST_NOTE:
        raise ReviewError(message_text("review_note", limit=LONGEST_NOTE))
    replaced = {label, *(OPPOSITES if label in OPPOSITES else ())}
    for row in _standing(unit, change, reviewer):
        if (row.label, row.note) == (label, note):
            return int(row.id)
        if row.label in replaced:
            _withdraw(unit, row.id, reviewer)
    number = unit.number()
    unit.add(
        REVIEW,
        {
            "id": number, "observation_id": change.observation_id, "before_id": change.before_id,
            "label": label, "note": note, "reviewer": reviewer, "reviewed_at": unit.now,
            "recorded_at": unit.now, "is_foreign": False,
        },
    )  # fmt: skip
    return number


def withdraw_reviews(
    unit: Unit, change: ReviewedChange, label: str | None, reviewer: str
) -> list[int]:
    """Withdraw a label of a reviewer, or all of them; return the ids. Raises: NoSuchError."""
    rows = _standing(unit, change, reviewer)
    gone = [row.id for row in rows if label is None or row.label == label.strip().lower()]
    if not gone:
        hint = message_text("where_reviews", reviewer=reviewer)
        raise NoSuchError(message_text("review"), label or "*", hint)
    for number in gone:
        _withdraw(unit, number, reviewer)
    return gone


def _standing(unit: Unit, change: ReviewedChange, reviewer: str) -> list[Any]:
    """Return the reviews of a change by a reviewer that were not withdrawn."""
    query = (
        select(REVIEW.c.id, REVIEW.c.label, REVIEW.c.note)
        .outerjoin(REVIEW_WITHDRAWN, REVIEW_WITHDRAWN.c.review_id == REVIEW.c.id)
        .where(
            REVIEW.c.observation_id == change.observation_id,
            REVIEW.c.before_id == change.before_id,
            REVIEW.c.reviewer == reviewer,
            REVIEW_WITHDRAWN.c.id.is_(None),
        )
    )
    return list(unit.connection.execute(query))


def _withdraw(unit: Unit, review: int, reviewer: str) -> None:
    unit.add(
        REVIEW_WITHDRAWN,
        {
            "id": unit.number(), "review_id": review, "reviewer": reviewer,
            "withdrawn_at": unit.now, "recorded_at": unit.now,
        },
    )  # fmt: skip
