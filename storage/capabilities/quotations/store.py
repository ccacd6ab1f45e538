"""Leave the quotations of a name out of all lists, and list them again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, or_, select, text, update

from storage.capabilities.hooks import CapabilityError
from storage.capabilities.quotations.speakers import HiddenNames, load_hidden, name_digest
from storage.capabilities.quotations.tables import (
    PERSON_PARTED,
    PERSON_REDACTION,
    PERSON_REDACTION_LIFTED,
    QUOTATION,
)
from storage.capabilities.quotations.wording_rows import HIDDEN, number_again, read_again
from storage.database.tables import ARTICLE, VERSION
from storage.database.unit import Unit, rows_in
from storage.language.folded_names import fold_name
from storage.values.errors import NoSuchError, did_you_mean
from storage.values.messages import message_text
from storage.values.redaction import RedactionReason

WORDINGS_AT_ONCE = 100


class PersonError(CapabilityError):
    """A name cannot be left out; the message states the reason."""


def fold_person(name: str) -> str:
    """Return a folded name that the text of a redaction may state. Raises: PersonError."""
    folded = fold_name(name)
    if folded is None:
        raise PersonError(message_text("person_name", given=name[:60]))
    return folded


def person_digest(name: str) -> str:
    """Return the digest by which orders recognise a name. Raises: PersonError."""
    return name_digest(fold_person(name))


class SpeakersOfName(NamedTuple):
    """The folded names and words of speakers that an order concerns, and the wordings with them."""

    names: frozenset[str]
    wordings: tuple[int, ...]


def redact_person(archive: Any, digest: str, reason: RedactionReason, actor: str) -> int:
    """Record that a name is left out of all lists, and empty its rows; return their number.

    An order that stands is not recorded again. Texts that arrive meanwhile lose the name, too. The
    quotations of several speakers are read again, because the other ones stay.
    """
    number, named = 0, archive.read(find_named, digest)
    while True:
        number += int(archive.transact(_hide, named, digest, reason, actor))
        read_rows_again(archive, named.wordings)
        named = archive.read(find_named, digest)
        if not named.names:
            return number


def find_named(connection: Connection, digest: str) -> SpeakersOfName:
    """Return what the quotations of a name call it."""
    hidden, found, wordings = HiddenNames(frozenset([digest])), set[str](), set[int]()
    for column, concerns in (
        (QUOTATION.c.person, hidden.has),
        (QUOTATION.c.spoken, hidden.has),
        (QUOTATION.c.speaker, hidden.is_in),
    ):
        words = connection.execute(select(column).where(column.is_not(None)).distinct()).scalars()
        named = {each for each in words if concerns(each)}
        query = select(QUOTATION.c.wording_id)
        wordings |= {row[0] for row in rows_in(connection, query, column, named)}
        found |= named if column is not QUOTATION.c.speaker else set()
    return SpeakersOfName(frozenset(found), tuple(sorted(wordings)))


def plan_redaction(connection: Connection, name: str) -> list[dict[str, Any]]:
    """Return the speakers that an order about a name concerns, with the number of quotations.

    `effect` is `left_out`, `name_removed` for another one of several speakers, or `stays` for
    another person whose words contain the name.
    """
    digest, folded = person_digest(name), fold_person(name)
    hidden, found = HiddenNames(frozenset([digest])), []
    columns = (QUOTATION.c.speaker, QUOTATION.c.name)
    query = select(*columns, func.count()).group_by(*columns).order_by(*columns)
    for speaker, own, number in connection.execute(query.where(QUOTATION.c.is_hidden.is_(False))):
        if hidden.has(own) or hidden.has(speaker):
            effect = "left_out"
        elif hidden.is_in(speaker):
            effect = "name_removed"
        elif f" {folded}" in f" {fold_name(speaker)} {fold_name(own)}":
            effect = "stays"
        else:
            continue
        found.append({"speaker": speaker, "name": own, "quotations": number, "effect": effect})
    return found


def require_person(connection: Connection, name: str, *, has_rows: bool) -> None:
    """Raise NoSuchError for a name that no quotation has, and that is not left out yet."""
    digest = person_digest(name)
    if has_rows or digest in load_hidden(connection).digests:
        return
    words = {*fold_person(name).split()}
    known = connection.execute(
        select(QUOTATION.c.name).where(QUOTATION.c.speaker_kind == "person").distinct()
    ).scalars()
    begun = {each[0] for each in words}
    similar = [each for each in known if begun <= {w[0] for w in (fold_name(each) or "").split()}]
    hint = did_you_mean(name, similar) + message_text("where_persons")
    raise NoSuchError(message_text("person"), name[:100], hint)


def _hide(
    unit: Unit, named: SpeakersOfName, digest: str, reason: RedactionReason, actor: str
) -> int:
    if digest not in load_hidden(unit.connection).digests:
        row = {"id": unit.number(), "digest": digest, "reason": reason.value, "actor": actor}
        unit.add(PERSON_REDACTION, {**row, "recorded_at": unit.now})
    own = or_(QUOTATION.c.person.in_(named.names), QUOTATION.c.spoken.in_(named.names))
    wordings = [*unit.connection.execute(select(QUOTATION.c.wording_id).where(own)).scalars()]
    unit.connection.execute(update(QUOTATION).where(own).values(**HIDDEN))
    number_again(unit, wordings)
    return len(wordings)


def lift_redaction(archive: Any, digest: str, actor: str) -> bool:
    """Record that a name is listed again, and read its quotations; False if no order stands."""
    if not archive.transact(_lift, digest, actor):
        return False
    read_rows_again(archive, archive.read(load_emptied))
    return True


def _lift(unit: Unit, digest: str, actor: str) -> bool:
    query = (
        select(PERSON_REDACTION.c.id)
        .outerjoin(
            PERSON_REDACTION_LIFTED,
            PERSON_REDACTION_LIFTED.c.redaction_id == PERSON_REDACTION.c.id,
        )
        .where(PERSON_REDACTION.c.digest == digest, PERSON_REDACTION_LIFTED.c.id.is_(None))
    )
    number = unit.connection.execute(query).scalar()
    if number is not None:
        row = {"id": unit.number(), "redaction_id": number, "actor": actor}
        unit.add(PERSON_REDACTION_LIFTED, {**row, "recorded_at": unit.now})
    return number is not None


def part_persons(unit: Unit, name: str, a: tuple[str, int], b: tuple[str, int], actor: str) -> None:
    """Record that a name means two persons in two articles, given with their versions.

    Raises: NoSuchError, PersonError.
    """
    digest = person_digest(name)
    if a[0] == b[0]:
        raise PersonError(message_text("part_one_article", article=a[0]))
    first, other = (_find_observation(unit.connection, *each) for each in (a, b))
    add_parted(unit, (first, other), digest, actor, unit.now)


def add_parted(
    unit: Unit, observations: Sequence[int], digest: str, actor: str, parted_at: datetime
) -> None:
    """Record the order that a name means two persons in the articles of two observations.

    The article of one observation stands alone.
    """
    first, other = (*observations, None)[:2]
    unit.add(
        PERSON_PARTED,
        {
            "id": unit.number(), "observation_id": first, "other_id": other, "digest": digest,
            "actor": actor, "parted_at": parted_at, "recorded_at": unit.now,
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
    # as text: SQLite uses the partial index only for its own words, without "= 1"
    query = select(QUOTATION.c.wording_id).where(text("is_hidden")).distinct()
    return sorted(connection.execute(query).scalars())


def read_rows_again(archive: Any, wordings: Sequence[int]) -> None:
    """Read the quotations of wordings again, without the names that are left out now."""
    for start in range(0, len(wordings), WORDINGS_AT_ONCE):
        archive.transact(_read_again, wordings[start : start + WORDINGS_AT_ONCE])


def _read_again(unit: Unit, wordings: Sequence[int]) -> None:
    query = select(QUOTATION.c.wording_id, QUOTATION.c.derivation_id)
    rows = rows_in(unit.connection, query, QUOTATION.c.wording_id, wordings)
    read_again(unit, {row[0]: row[1] for row in rows})
