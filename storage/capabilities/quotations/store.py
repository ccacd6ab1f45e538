"""Leave the quotations of a name out of all lists, and list them again."""

from collections.abc import Sequence

from sqlalchemy import Connection, or_, select, update

from storage.capabilities.hooks import CapabilityError
from storage.capabilities.quotations.tables import (
    PERSON_PARTED,
    PERSON_REDACTION,
    PERSON_REDACTION_LIFTED,
    QUOTATION,
)
from storage.capabilities.quotations.wording_rows import (
    HIDDEN,
    load_hidden,
    name_digest,
    number_again,
    read_again,
)
from storage.database.tables import ARTICLE, VERSION
from storage.database.unit import Unit, rows_in
from storage.language.folded_names import fold_name
from storage.values.errors import NoSuchError
from storage.values.messages import message_text
from storage.values.redaction import RedactionReason


class PersonError(CapabilityError):
    """A name cannot be left out; the message states the reason."""


def fold_person(name: str) -> str:
    """Return a folded name that the text of a redaction may state. Raises: PersonError."""
    folded = fold_name(name)
    if folded is None:
        raise PersonError(message_text("person_name", given=name[:60]))
    return folded


def redact_person(unit: Unit, name: str, reason: RedactionReason, actor: str) -> int:
    """Record that a name is left out of all lists, and empty its rows; return their number.

    Raises: PersonError.
    """
    folded = fold_person(name)
    digest = name_digest(folded)
    if digest not in load_hidden(unit.connection):
        unit.add(
            PERSON_REDACTION,
            {
                "id": unit.number(), "digest": digest, "reason": reason.value, "actor": actor,
                "recorded_at": unit.now,
            },
        )  # fmt: skip
    own = or_(QUOTATION.c.person == folded, QUOTATION.c.spoken == folded)
    wordings = [*unit.connection.execute(select(QUOTATION.c.wording_id).where(own)).scalars()]
    unit.connection.execute(update(QUOTATION).where(own).values(**HIDDEN))
    number_again(unit, wordings)
    return len(wordings)


def lift_redaction(unit: Unit, name: str, actor: str) -> None:
    """Record that a name is listed again. Raises: NoSuchError, PersonError."""
    digest = name_digest(fold_person(name))
    query = (
        select(PERSON_REDACTION.c.id)
        .outerjoin(
            PERSON_REDACTION_LIFTED,
            PERSON_REDACTION_LIFTED.c.redaction_id == PERSON_REDACTION.c.id,
        )
        .where(PERSON_REDACTION.c.digest == digest, PERSON_REDACTION_LIFTED.c.id.is_(None))
    )
    number = unit.connection.execute(query).scalar()
    if number is None:
        hint = message_text("where_person_redactions")
        raise NoSuchError(message_text("person_redaction"), name[:100], hint)
    unit.add(
        PERSON_REDACTION_LIFTED,
        {"id": unit.number(), "redaction_id": number, "actor": actor, "recorded_at": unit.now},
    )
    unit.flush()


def part_persons(unit: Unit, name: str, a: tuple[str, int], b: tuple[str, int], actor: str) -> None:
    """Record that a name means two persons in two articles, given with their versions.

    Raises: NoSuchError, PersonError.
    """
    digest = name_digest(fold_person(name))
    if a[0] == b[0]:
        raise PersonError(message_text("part_one_article", article=a[0]))
    first, other = (_find_observation(unit.connection, *each) for each in (a, b))
    unit.add(
        PERSON_PARTED,
        {
            "id": unit.number(), "observation_id": first, "other_id": other, "digest": digest,
            "actor": actor, "parted_at": unit.now, "recorded_at": unit.now,
        },
    )  # fmt: skip


def _find_observation(connection: Connection, article: str, version: int) -> int:
    query = (
        select(VERSION.c.observation_id)
        .join(ARTICLE, ARTICLE.c.id == VERSION.c.article_id)
        .where(ARTICLE.c.public_id == article, VERSION.c.number == version)
    )
    number = connection.execute(query).scalar()
    if number is None:
        raise NoSuchError(message_text("appearance"), article, message_text("where_appearances"))
    return int(number)


def load_emptied(connection: Connection) -> list[int]:
    """Return the wordings with rows that were emptied for a name."""
    query = select(QUOTATION.c.wording_id).where(QUOTATION.c.is_hidden).distinct()
    return sorted(connection.execute(query).scalars())


def read_emptied(unit: Unit, wordings: Sequence[int]) -> None:
    """Read the quotations of wordings again, without the names that are still left out."""
    query = select(QUOTATION.c.wording_id, QUOTATION.c.derivation_id)
    rows = rows_in(unit.connection, query, QUOTATION.c.wording_id, wordings)
    read_again(unit, {row[0]: row[1] for row in rows})
