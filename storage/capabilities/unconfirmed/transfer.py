"""Decisions of persons in a WARC file: in the metadata of the check that shows the text."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from storage.database.tables import DOUBT_SETTLED, DOUBT_SETTLED_UNDONE, SNAPSHOT
from storage.database.unit import Unit, rows_in
from storage.history.corrected_times import clock_corrections, time_of_act
from storage.history.versions import rebuild_all
from storage.values.draft import Json
from storage.write.readings.confirmed import settle_confirmed

MOST_DECISIONS = 50
"""Maximum number of decisions about one check that are read from a file."""
LONGEST_NAME = 200
DECISIONS = ("confirmed", "dismissed")
_Key = tuple[int, str, str, datetime]


class _DecisionInFile(NamedTuple):
    """A decision as a file states it."""

    decision: str
    decided_by: str
    decided_at: datetime
    undone_by: str | None
    undone_at: datetime | None


def facts_of_checks(connection: Connection, articles: Sequence[int]) -> Mapping[int, Json]:
    """Return the decisions of persons about readings of articles, by check."""
    query = (
        select(
            DOUBT_SETTLED.c.observation_id, DOUBT_SETTLED.c.decision, DOUBT_SETTLED.c.decided_by,
            DOUBT_SETTLED.c.decided_at, DOUBT_SETTLED_UNDONE.c.undone_by,
            DOUBT_SETTLED_UNDONE.c.undone_at,
            DOUBT_SETTLED.c.id, DOUBT_SETTLED.c.recorded_at.label("made"),
            DOUBT_SETTLED_UNDONE.c.id.label("end_id"),
            DOUBT_SETTLED_UNDONE.c.recorded_at.label("ended"),
        )
        .join(SNAPSHOT, SNAPSHOT.c.observation_id == DOUBT_SETTLED.c.observation_id)
        .outerjoin(
            DOUBT_SETTLED_UNDONE, DOUBT_SETTLED_UNDONE.c.doubt_settled_id == DOUBT_SETTLED.c.id
        )
    )  # fmt: skip
    found: dict[int, Any] = {}
    corrections = clock_corrections(connection)
    for row in rows_in(connection, query, SNAPSHOT.c.article_id, articles):
        told = dict(zip(_DecisionInFile._fields, row[1:], strict=False))
        told["decided_at"] = time_of_act(corrections, row.id, row.decided_at, row.made)
        if row.end_id is not None:
            told["undone_at"] = time_of_act(corrections, row.end_id, row.undone_at, row.ended)
        texts = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in told.items()}
        found.setdefault(row.observation_id, []).append(
            {name: value for name, value in texts.items() if value is not None}
        )
    return found


def store_facts(unit: Unit, facts: Mapping[int, Json]) -> None:
    """Store the decisions about imported checks; known ones may have been undone.

    Checks that were read before change their articles now, others when they are read.
    """
    if not facts:
        return
    known = _load_known(unit.connection, facts)
    for observation, value in facts.items():
        for each in _parse(value):
            key = (observation, each.decision, each.decided_by, each.decided_at)
            number, is_undone = known.get(key) or (_add(unit, observation, each), False)
            if each.undone_at is not None and not is_undone:
                unit.add(
                    DOUBT_SETTLED_UNDONE,
                    {
                        "id": unit.number(), "doubt_settled_id": number,
                        "undone_by": each.undone_by or each.decided_by,
                        "undone_at": each.undone_at, "recorded_at": unit.now,
                    },
                )  # fmt: skip
            known[key] = number, is_undone or each.undone_at is not None
    unit.flush()
    query = select(SNAPSHOT.c.article_id)
    shown = rows_in(unit.connection, query, SNAPSHOT.c.observation_id, facts)
    articles = sorted({row[0] for row in shown})
    settle_confirmed(unit, rebuild_all(unit, dict.fromkeys(articles, True)))


def _load_known(
    connection: Connection, observations: Mapping[int, Json]
) -> dict[_Key, tuple[int, bool]]:
    query = select(
        DOUBT_SETTLED.c.observation_id, DOUBT_SETTLED.c.decision, DOUBT_SETTLED.c.decided_by,
        DOUBT_SETTLED.c.decided_at, DOUBT_SETTLED.c.id, DOUBT_SETTLED_UNDONE.c.id.is_not(None),
    ).outerjoin(
        DOUBT_SETTLED_UNDONE, DOUBT_SETTLED_UNDONE.c.doubt_settled_id == DOUBT_SETTLED.c.id
    )  # fmt: skip
    rows = rows_in(connection, query, DOUBT_SETTLED.c.observation_id, observations)
    return {(row[0], row[1], row[2], row[3]): (row[4], bool(row[5])) for row in rows}


def _add(unit: Unit, observation: int, stated: _DecisionInFile) -> int:
    number = unit.number()
    unit.add(
        DOUBT_SETTLED,
        {
            "id": number, "observation_id": observation, "decision": stated.decision,
            "decided_by": stated.decided_by, "decided_at": stated.decided_at,
            "recorded_at": unit.now, "is_foreign": True,
        },
    )  # fmt: skip
    return number


def _parse(value: Json) -> Iterator[_DecisionInFile]:
    """Yield the decisions in the metadata of a file; wrong ones are left out.

    >>> when = "2026-01-02T03:04:05+00:00"
    >>> good = {"decision": "confirmed", "decided_by": "ada", "decided_at": when}
    >>> [each.decided_by for each in _parse([good, {"decision": "perhaps"}, 7])]
    ['ada']
    """
    for each in value[:MOST_DECISIONS] if isinstance(value, list) else ():
        told = each if isinstance(each, dict) else {}
        decision, name = told.get("decision"), _parse_name(told.get("decided_by"))
        at, undone_at = (_parse_time(told.get(key)) for key in ("decided_at", "undone_at"))
        if decision in DECISIONS and name is not None and at is not None:
            undone_by = _parse_name(told.get("undone_by"))
            yield _DecisionInFile(decision, name, at, undone_by, undone_at)


def _parse_name(value: Any) -> str | None:
    is_name = isinstance(value, str) and 0 < len(value) <= LONGEST_NAME and "\0" not in value
    return value if is_name else None


def _parse_time(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else None
