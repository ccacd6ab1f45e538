"""The kinds of orders about persons: how each is listed and repeated."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, select

from storage.capabilities.hooks import ListedOrder, OrderKind
from storage.capabilities.quotations import store
from storage.capabilities.quotations.tables import (
    PERSON_PARTED,
    PERSON_REDACTION,
    PERSON_REDACTION_LIFTED,
)
from storage.values.redaction import RedactionReason


def _load_persons(connection: Connection) -> Iterator[ListedOrder]:
    for row in connection.execute(select(PERSON_REDACTION).order_by(PERSON_REDACTION.c.id)):
        yield ListedOrder(
            "person", row.id, row.recorded_at, row.actor, row.reason, digest=row.digest
        )


def _load_lifted(connection: Connection) -> Iterator[ListedOrder]:
    ended = PERSON_REDACTION_LIFTED.c.redaction_id == PERSON_REDACTION.c.id
    query = select(PERSON_REDACTION_LIFTED, PERSON_REDACTION.c.digest).join(PERSON_REDACTION, ended)
    for row in connection.execute(query.order_by(PERSON_REDACTION_LIFTED.c.id)):
        yield ListedOrder(
            "person_lifted", row.id, row.recorded_at, row.actor, digest=row.digest,
            ends=row.redaction_id,
        )  # fmt: skip


def _load_parted(connection: Connection) -> Iterator[ListedOrder]:
    for row in connection.execute(select(PERSON_PARTED).order_by(PERSON_PARTED.c.id)):
        articles = (row.observation_id, row.other_id)
        rows = tuple(("observation", each) for each in articles if each is not None)
        yield ListedOrder("parted", row.id, row.parted_at, row.actor, rows=rows, digest=row.digest)


def _repeat_person(archive: Any, given: ListedOrder, _prepare: Any) -> bool:
    store.redact_person(
        archive, given.digest or "", RedactionReason(given.reason or ""), given.actor
    )
    return True


def _repeat_lifted(archive: Any, given: ListedOrder, _prepare: Any) -> bool:
    return store.lift_redaction(archive, given.digest or "", given.actor)


def _repeat_parted(archive: Any, given: ListedOrder, _prepare: Any) -> bool:
    """Keep a name apart in the articles that were restored; one of them alone stands alone."""
    if not given.rows or given.digest is None:
        return False
    observations = [number for _table, number in given.rows]
    archive.transact(store.add_parted, observations, given.digest, given.actor, given.at)
    return True


KINDS = (
    OrderKind("person", "person", "persons", "person_redaction", _load_persons, _repeat_person),
    OrderKind(
        "person_lifted", "person listed again", "persons listed again", "person_redaction_lifted",
        _load_lifted, _repeat_lifted,
    ),
    OrderKind(
        "parted", "parted identity", "parted identities", "person_parted", _load_parted,
        _repeat_parted,
    ),
)  # fmt: skip
