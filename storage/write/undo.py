"""Undo a decision of the archive: a relation, a lineage, or noise.

The decision stays on record, and is not repeated.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Table, or_, select, text

from storage.database.tables import (
    ARTICLE_ORIGIN,
    LINEAGE,
    LINEAGE_UNDONE,
    NOISE_STEP,
    NOISE_STEP_UNDONE,
    RELATION,
    RELATION_UNDONE,
)
from storage.database.unit import Unit
from storage.database.view_queries.sql_words import RESTRICTED
from storage.history.lineages import regroup
from storage.history.renewals import NONE_NAMED, NamingVersions, find_naming
from storage.history.versions import rebuild_all
from storage.relations.clusters import gather
from storage.values.answer import Answer
from storage.values.errors import NoSuchError
from storage.values.messages import message_text

_WHERE = message_text("where_decisions")


@dataclass(frozen=True, slots=True)
class UndoneDecision(Answer):
    """An undone decision, now or before."""

    id: int
    kind: str
    undone_at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of decision: its table, that of its undoing, and the follow-up.

    All ids of the record come from one counter, so a number identifies one decision of any kind.
    """

    name: str
    decided: Table
    undone: Table
    follow: Callable[[Unit, int, NamingVersions], None]


def find_naming_versions(connection: Connection, number: int) -> NamingVersions:
    """Find the fields that name a hidden article whose addresses an undoing parts."""
    query = text(
        "SELECT DISTINCT ao.article_id FROM lineage l "
        "JOIN article_origin ao ON ao.origin_id IN (l.origin_id, l.to_origin_id) "
        f"WHERE l.id = :number AND ao.article_id IN {RESTRICTED}"
    )
    return find_naming(connection, connection.execute(query, {"number": number}).scalars())


def undo(
    unit: Unit, number: int, reason: str | None = None, naming: NamingVersions = NONE_NAMED
) -> UndoneDecision:
    """Undo the decision with that number; one that was undone before stays unchanged.

    `naming` was found before, so that little is left to search while others wait.
    Raises: NoSuchError.
    """
    for kind in _KINDS:
        query = select(kind.decided.c.id).where(kind.decided.c.id == number)
        if unit.connection.execute(query).first() is not None:
            return _undo(unit, kind, number, reason, naming)
    raise NoSuchError(message_text("decision"), str(number), _WHERE)


def _undo(
    unit: Unit, kind: _Kind, number: int, reason: str | None, naming: NamingVersions
) -> UndoneDecision:
    undone, reference = kind.undone, f"{kind.decided.name}_id"
    before = unit.connection.execute(select(undone).where(undone.c[reference] == number)).first()
    if before is not None:
        return UndoneDecision(number, kind.name, before.undone_at, before.reason)
    unit.add(
        undone,
        {"id": unit.number(), reference: number, "reason": reason, "undone_at": unit.now},
    )
    unit.flush()
    kind.follow(unit, number, naming)
    return UndoneDecision(number, kind.name, unit.now, reason)


def _part_articles(unit: Unit, number: int, _naming: NamingVersions) -> None:
    """Recompute which articles are copies of each other."""
    query = (
        select(ARTICLE_ORIGIN.c.article_id)
        .join(
            RELATION,
            or_(
                RELATION.c.a_origin_id == ARTICLE_ORIGIN.c.origin_id,
                RELATION.c.b_origin_id == ARTICLE_ORIGIN.c.origin_id,
            ),
        )
        .where(RELATION.c.id == number)
    )
    gather(unit, unit.connection.execute(query).scalars().all())


def _part_addresses(unit: Unit, number: int, naming: NamingVersions) -> None:
    """Separate two addresses into two articles again."""
    query = select(LINEAGE.c.origin_id, LINEAGE.c.to_origin_id).where(LINEAGE.c.id == number)
    regroup(unit, unit.connection.execute(query).one(), naming)


def _record_versions(unit: Unit, number: int, _naming: NamingVersions) -> None:
    """Rebuild versions from a step that counts as a change again."""
    query = (
        select(ARTICLE_ORIGIN.c.article_id)
        .join(NOISE_STEP, NOISE_STEP.c.origin_id == ARTICLE_ORIGIN.c.origin_id)
        .where(NOISE_STEP.c.id == number)
    )
    for article_id in unit.connection.execute(query).scalars().all():
        rebuild_all(unit, {article_id: True})


_KINDS = (
    _Kind("relation", RELATION, RELATION_UNDONE, _part_articles),
    _Kind("lineage", LINEAGE, LINEAGE_UNDONE, _part_addresses),
    _Kind("noise", NOISE_STEP, NOISE_STEP_UNDONE, _record_versions),
)
