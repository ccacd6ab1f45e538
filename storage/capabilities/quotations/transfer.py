"""Orders about persons in a WARC file: in the metadata of the check that shows the article."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from storage.capabilities.quotations.tables import PERSON_PARTED
from storage.database.tables import SNAPSHOT
from storage.database.unit import Unit, rows_in
from storage.history.corrected_times import clock_corrections, time_of_act
from storage.values.draft import Json

MOST_ORDERS = 200
"""Maximum number of orders of one check that are read from a file."""
MOST_LETTERS = 100
_DIGEST_LETTERS = frozenset("0123456789abcdef")


class _OrderInFile(NamedTuple):
    """An order that a name means another person, as a file states it."""

    digest: str
    actor: str
    parted_at: datetime


def facts_of_checks(connection: Connection, articles: Sequence[int]) -> Mapping[int, Json]:
    """Return the orders about persons by the check that shows the article."""
    query = select(
        PERSON_PARTED.c.observation_id, PERSON_PARTED.c.digest, PERSON_PARTED.c.actor,
        PERSON_PARTED.c.id, PERSON_PARTED.c.parted_at, PERSON_PARTED.c.recorded_at,
    ).join(SNAPSHOT, SNAPSHOT.c.observation_id == PERSON_PARTED.c.observation_id)  # fmt: skip
    found: dict[int, list[Json]] = {}
    corrections = clock_corrections(connection)
    for observation, digest, actor, *act in rows_in(
        connection, query, SNAPSHOT.c.article_id, articles
    ):
        at = time_of_act(corrections, *act)
        order: Json = {"digest": digest, "actor": actor, "parted_at": at.isoformat()}
        found.setdefault(observation, []).append(order)
    return dict(found)


def store_facts(unit: Unit, facts: Mapping[int, Json]) -> None:
    """Store the orders of imported checks: their articles stand alone."""
    if not facts:
        return
    query = select(
        PERSON_PARTED.c.observation_id, PERSON_PARTED.c.digest, PERSON_PARTED.c.actor,
        PERSON_PARTED.c.parted_at,
    )  # fmt: skip
    rows = rows_in(unit.connection, query, PERSON_PARTED.c.observation_id, facts)
    known = {tuple(row) for row in rows}
    for observation, value in facts.items():
        for each in _parse(value):
            if (observation, *each) in known:
                continue
            known.add((observation, *each))
            unit.add(
                PERSON_PARTED,
                {
                    "id": unit.number(), "observation_id": observation, "other_id": None,
                    **each._asdict(), "recorded_at": unit.now,
                },
            )  # fmt: skip


def _parse(value: Json) -> Iterator[_OrderInFile]:
    """Yield the orders in the metadata of a file; wrong ones are left out.

    >>> when = "2026-01-02T03:04:05+00:00"
    >>> good = {"digest": "0" * 64, "actor": "ada", "parted_at": when}
    >>> [each.actor for each in _parse([good, {**good, "digest": "x"}, {**good, "actor": ""}, 7])]
    ['ada']
    """
    for each in value[:MOST_ORDERS] if isinstance(value, list) else ():
        told = each if isinstance(each, dict) else {}
        digest, actor, at = (told.get(name) for name in _OrderInFile._fields)
        try:
            moment = datetime.fromisoformat(at) if isinstance(at, str) else None
        except ValueError:
            continue
        if (
            isinstance(digest, str) and len(digest) == 64 and _DIGEST_LETTERS.issuperset(digest)
            and isinstance(actor, str) and 0 < len(actor) <= MOST_LETTERS and actor.isprintable()
            and moment is not None and moment.tzinfo is not None
        ):  # fmt: skip
            yield _OrderInFile(digest, actor, moment)
