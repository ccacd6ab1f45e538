"""Reviews in a WARC file: in the metadata of the check that shows the version after the change."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from storage.capabilities.reviews.store import LABEL, LONGEST_NOTE
from storage.capabilities.reviews.tables import REVIEW, REVIEW_WITHDRAWN
from storage.database.tables import SNAPSHOT
from storage.database.unit import Unit, rows_in
from storage.history.corrected_times import clock_corrections, time_of_act
from storage.values.draft import Json
from storage.values.net.token import TOKEN_NAME
from storage.values.settings.entered_text import make_storable

MOST_REVIEWS = 200
"""Maximum number of reviews of one check that are read from a file."""
_Key = tuple[int, str, str, datetime]


class _ReviewInFile(NamedTuple):
    """A review as a file states it."""

    label: str
    note: str | None
    reviewer: str
    reviewed_at: datetime
    withdrawn_by: str | None
    withdrawn_at: datetime | None


def facts_of_checks(connection: Connection, articles: Sequence[int]) -> Mapping[int, Json]:
    """Return the reviews of articles by the check that shows the version after the change."""
    query = (
        select(
            REVIEW.c.observation_id, REVIEW.c.label, REVIEW.c.note, REVIEW.c.reviewer,
            REVIEW.c.reviewed_at, REVIEW_WITHDRAWN.c.reviewer.label("withdrawn_by"),
            REVIEW_WITHDRAWN.c.withdrawn_at,
            REVIEW.c.id, REVIEW.c.recorded_at.label("made"), REVIEW_WITHDRAWN.c.id.label("end_id"),
            REVIEW_WITHDRAWN.c.recorded_at.label("ended"),
        )
        .join(SNAPSHOT, SNAPSHOT.c.observation_id == REVIEW.c.observation_id)
        .outerjoin(REVIEW_WITHDRAWN, REVIEW_WITHDRAWN.c.review_id == REVIEW.c.id)
    )  # fmt: skip
    found: dict[int, Any] = {}
    corrections = clock_corrections(connection)
    for row in rows_in(connection, query, SNAPSHOT.c.article_id, articles):
        told = dict(zip(_ReviewInFile._fields, row[1:], strict=False))
        told["reviewed_at"] = time_of_act(corrections, row.id, row.reviewed_at, row.made)
        if row.end_id is not None:
            told["withdrawn_at"] = time_of_act(corrections, row.end_id, row.withdrawn_at, row.ended)
        texts = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in told.items()}
        found.setdefault(row.observation_id, []).append(
            {name: value for name, value in texts.items() if value is not None}
        )
    return found


def store_facts(unit: Unit, facts: Mapping[int, Json]) -> None:
    """Store the reviews of imported checks by observation; known ones may have been withdrawn."""
    if not facts:
        return
    known = _load_known(unit.connection, facts)
    for observation, value in facts.items():
        for each in _parse(value):
            key = (observation, each.label, each.reviewer, each.reviewed_at)
            number, is_withdrawn = known.get(key) or (_add(unit, observation, each), False)
            if each.withdrawn_at is not None and not is_withdrawn:
                unit.add(
                    REVIEW_WITHDRAWN,
                    {
                        "id": unit.number(), "review_id": number, "reviewer": each.withdrawn_by,
                        "withdrawn_at": each.withdrawn_at, "recorded_at": unit.now,
                    },
                )  # fmt: skip
            known[key] = number, is_withdrawn or each.withdrawn_at is not None


def _load_known(
    connection: Connection, observations: Mapping[int, Json]
) -> dict[_Key, tuple[int, bool]]:
    query = select(
        REVIEW.c.observation_id, REVIEW.c.label, REVIEW.c.reviewer, REVIEW.c.reviewed_at,
        REVIEW.c.id, REVIEW_WITHDRAWN.c.id.is_not(None),
    ).outerjoin(REVIEW_WITHDRAWN, REVIEW_WITHDRAWN.c.review_id == REVIEW.c.id)  # fmt: skip
    rows = rows_in(connection, query, REVIEW.c.observation_id, observations)
    return {(row[0], row[1], row[2], row[3]): (row[4], bool(row[5])) for row in rows}


def _add(unit: Unit, observation: int, stated: _ReviewInFile) -> int:
    number = unit.number()
    unit.add(
        REVIEW,
        {
            "id": number, "observation_id": observation, "before_id": None,
            "label": stated.label, "note": stated.note, "reviewer": stated.reviewer,
            "reviewed_at": stated.reviewed_at, "recorded_at": unit.now, "is_foreign": True,
        },
    )  # fmt: skip
    return number


def _parse(value: Json) -> Iterator[_ReviewInFile]:
    """Yield the reviews in the metadata of a file; wrong ones are left out.

    >>> when = "2026-01-02T03:04:05+00:00"
    >>> good = {"label": "important", "reviewer": "ada", "reviewed_at": when, "note": 5}
    >>> [(each.label, each.note) for each in _parse([good, {"label": "x"}, 7])]
    [('important', None)]
    """
    for each in value[:MOST_REVIEWS] if isinstance(value, list) else ():
        told = each if isinstance(each, dict) else {}
        label, note, reviewer = (told.get(name) for name in ("label", "note", "reviewer"))
        at, gone_at = (_parse_time(told.get(name)) for name in ("reviewed_at", "withdrawn_at"))
        if (
            isinstance(label, str) and LABEL.fullmatch(label) and label == label.lower()
            and isinstance(reviewer, str) and TOKEN_NAME.fullmatch(reviewer) and at is not None
        ):  # fmt: skip
            is_note = isinstance(note, str) and 0 < len(note) <= LONGEST_NOTE
            gone_by = told.get("withdrawn_by")
            is_name = isinstance(gone_by, str) and TOKEN_NAME.fullmatch(gone_by)
            yield _ReviewInFile(
                label, make_storable(note) if is_note else None, reviewer, at,
                gone_by if is_name else reviewer, gone_at,
            )  # fmt: skip


def _parse_time(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else None
