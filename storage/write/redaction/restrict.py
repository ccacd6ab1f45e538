"""Hide articles until the restriction is lifted; everything stays stored."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, select

from storage.database.tables import (
    ARTICLE_ORIGIN,
    ORIGIN,
    RESTRICTION,
    RESTRICTION_LIFTED,
)
from storage.database.unit import Unit, rows_in
from storage.history.corrected_times import clock_corrections, time_after_corrections
from storage.history.renewals import NONE_NAMED, NamingVersions, renew_hidden
from storage.values.redaction import RedactionReason


def restrict(
    unit: Unit,
    articles: Iterable[int],
    reason: RedactionReason,
    actor: str,
    naming: NamingVersions = NONE_NAMED,
) -> list[int]:
    """Restrict articles at all their addresses; return the newly restricted ones.

    `naming` was found before, so that little is left to search while others wait.
    """
    new: set[int] = set()
    held = {*_standing(unit, articles).values()}
    for article, origin in _origins(unit, articles):
        if origin not in held:
            row = {"id": unit.number(), "origin_id": origin, "reason": reason.value}
            unit.add(RESTRICTION, {**row, "actor": actor, "at": unit.now})
            new.add(article)
    return renew_hidden(unit, new, naming)


def lift(
    unit: Unit, articles: Iterable[int], actor: str, naming: NamingVersions = NONE_NAMED
) -> list[int]:
    """Lift the restrictions of articles; return those that were restricted."""
    lifted: set[int] = set()
    articles_of = {origin: article for article, origin in _origins(unit, articles)}
    for number, origin in _standing(unit, articles).items():
        row = {"id": unit.number(), "restriction_id": number, "actor": actor, "at": unit.now}
        unit.add(RESTRICTION_LIFTED, row)
        lifted.add(articles_of[origin])
    return renew_hidden(unit, lifted, naming)


def _origins(unit: Unit, articles: Iterable[int]) -> list[tuple[int, int]]:
    query = select(ARTICLE_ORIGIN.c.article_id, ARTICLE_ORIGIN.c.origin_id)
    rows = rows_in(unit.connection, query, ARTICLE_ORIGIN.c.article_id, articles)
    return sorted((row[0], row[1]) for row in rows)


def _standing(unit: Unit, articles: Iterable[int]) -> dict[int, int]:
    """Return the active restrictions of articles by number, each with its origin."""
    query = (
        select(RESTRICTION.c.id, RESTRICTION.c.origin_id)
        .outerjoin(RESTRICTION_LIFTED, RESTRICTION_LIFTED.c.restriction_id == RESTRICTION.c.id)
        .where(RESTRICTION_LIFTED.c.id.is_(None))
    )
    origins = [origin for _, origin in _origins(unit, articles)]
    rows = rows_in(unit.connection, query, RESTRICTION.c.origin_id, origins)
    return {row[0]: row[1] for row in rows}


def restrictions(connection: Connection) -> list[dict[str, Any]]:
    """Return each restriction: number, origin, reason, actor and time, and its lifting if any."""
    query = (
        select(
            RESTRICTION.c.id, ORIGIN.c.origin, RESTRICTION.c.reason, RESTRICTION.c.actor,
            RESTRICTION.c.at, RESTRICTION_LIFTED.c.at.label("lifted_at"),
            RESTRICTION_LIFTED.c.actor.label("lifted_by"), RESTRICTION_LIFTED.c.id.label("end"),
        )
        .join(ORIGIN, ORIGIN.c.id == RESTRICTION.c.origin_id)
        .outerjoin(RESTRICTION_LIFTED, RESTRICTION_LIFTED.c.restriction_id == RESTRICTION.c.id)
        .order_by(RESTRICTION.c.id)
    )  # fmt: skip
    corrections, found = clock_corrections(connection), []
    for row in connection.execute(query).mappings():
        ends = {"lifted_at": (row["end"], row["lifted_at"]), "at": (row["id"], row["at"])}
        times = {
            name: moment and time_after_corrections(corrections, number, moment)
            for name, (number, moment) in ends.items()
        }
        found.append({name: value for name, value in {**row, **times}.items() if name != "end"})
    return found
