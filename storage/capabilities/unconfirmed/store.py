"""Record what persons decided about unconfirmed readings, and undo it."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from storage.capabilities.hooks import CapabilityError
from storage.database.rows import fetch
from storage.database.tables import (
    DERIVATION,
    DOUBT_SETTLED,
    DOUBT_SETTLED_UNDONE,
    SNAPSHOT,
)
from storage.database.unit import Unit
from storage.database.views import view_query
from storage.history.versions import rebuild_all
from storage.values.messages import message_text
from storage.write.readings.confirmed import settle_confirmed


class DecisionError(CapabilityError):
    """No reading is to be decided; the message states the reason."""


@dataclass(frozen=True, slots=True)
class HeldReading:
    """A reading to decide: its article, the newest check that shows it, and its wording."""

    article_id: int
    observation_id: int
    wording_id: int


def find_reading(
    connection: Connection, article_id: int, wording: str | None, *, is_open: bool = True
) -> HeldReading:
    """Return the reading of an article to decide: the newest open one, or that of a wording.

    `wording` is the name of a wording or its beginning. Raises: DecisionError.
    """
    query = (
        "SELECT q.wording_id AS wording_id, q.wording AS wording "
        f"FROM ({view_query('unconfirmed', connection)}) q WHERE q.article_id = :article "
        + ("AND q.decision IS NULL " if is_open and wording is None else "")
        + "ORDER BY q.last_seen DESC, q.id DESC"
    )
    rows = fetch(connection, query, {"article": article_id})
    named = [row for row in rows if wording is None or row["wording"].startswith(wording)]
    if not named:
        raise DecisionError(message_text("unconfirmed_none"))
    number = named[0]["wording_id"]
    shown = (
        select(SNAPSHOT.c.observation_id)
        .join(DERIVATION, DERIVATION.c.id == SNAPSHOT.c.derivation_id)
        .where(SNAPSHOT.c.article_id == article_id, DERIVATION.c.wording_id == number)
        .order_by(SNAPSHOT.c.observation_id.desc())
        .limit(1)
    )
    return HeldReading(article_id, connection.execute(shown).scalar_one(), number)


def list_open(
    connection: Connection, source_id: int, *, newest_alone: bool
) -> list[tuple[int, str]]:
    """Return the open readings of the articles of a source: article and wording, oldest first."""
    query = (
        "SELECT q.article_id AS article_id, q.wording AS wording "
        f"FROM ({view_query('unconfirmed', connection)}) q "
        "JOIN article own ON own.id = q.article_id "
        "WHERE own.source_id = :source AND q.decision IS NULL ORDER BY q.last_seen, q.id"
    )
    found = [
        (row["article_id"], row["wording"])
        for row in fetch(connection, query, {"source": source_id})
    ]
    return list(dict(found).items()) if newest_alone else found


def settle(unit: Unit, reading: HeldReading, decision: str, decided_by: str) -> int:
    """Record a decision and compute the versions again; return its id."""
    _undo_all(unit, reading, decided_by)
    number = unit.number()
    unit.add(
        DOUBT_SETTLED,
        {
            "id": number, "observation_id": reading.observation_id, "decision": decision,
            "decided_by": decided_by, "decided_at": unit.now, "recorded_at": unit.now,
            "is_foreign": False,
        },
    )  # fmt: skip
    _follow(unit, reading.article_id)
    return number


def undo_decision(unit: Unit, reading: HeldReading, undone_by: str) -> list[int]:
    """Undo the decisions about a reading; return their ids. Raises: DecisionError."""
    undone = _undo_all(unit, reading, undone_by)
    if not undone:
        raise DecisionError(message_text("unconfirmed_undecided"))
    _follow(unit, reading.article_id)
    return undone


def _undo_all(unit: Unit, reading: HeldReading, undone_by: str) -> list[int]:
    found = [row.id for row in _standing(unit, reading)]
    for number in found:
        unit.add(
            DOUBT_SETTLED_UNDONE,
            {
                "id": unit.number(), "doubt_settled_id": number, "undone_by": undone_by,
                "undone_at": unit.now, "recorded_at": unit.now,
            },
        )  # fmt: skip
    return found


def _standing(unit: Unit, reading: HeldReading) -> list[Any]:
    """Return the decisions in force about the wording of a reading at its article."""
    query = (
        select(DOUBT_SETTLED.c.id)
        .join(SNAPSHOT, SNAPSHOT.c.observation_id == DOUBT_SETTLED.c.observation_id)
        .join(DERIVATION, DERIVATION.c.id == SNAPSHOT.c.derivation_id)
        .outerjoin(
            DOUBT_SETTLED_UNDONE, DOUBT_SETTLED_UNDONE.c.doubt_settled_id == DOUBT_SETTLED.c.id
        )
        .where(
            SNAPSHOT.c.article_id == reading.article_id,
            DERIVATION.c.wording_id == reading.wording_id,
            DOUBT_SETTLED_UNDONE.c.id.is_(None),
        )
    )
    return list(unit.connection.execute(query))


def _follow(unit: Unit, article_id: int) -> None:
    unit.flush()
    settle_confirmed(unit, rebuild_all(unit, {article_id: True}))
