"""The kinds of orders that remove or hide something: how each is listed and repeated.

`lesart redact --list`, the file that it writes, `restore --redactions` and `merge` are derived from
`load_kinds`. An order is listed by the rows that it names, without their content.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from storage.capabilities import load_parts
from storage.capabilities.hooks import ListedOrder, OrderKind
from storage.database.tables import (
    ARCHIVE,
    ARTICLE_ORIGIN,
    REDACTION,
    RESTRICTION,
    RESTRICTION_LIFTED,
    SUPPRESSION,
)
from storage.database.unit import Unit, rows_in
from storage.history.corrected_times import clock_corrections, time_after_corrections
from storage.history.renewals import find_naming
from storage.history.totals import stored_fact
from storage.record.suppression import OF_PASSAGE, SALT
from storage.values.redaction import RedactionReason
from storage.write.archive import Archive
from storage.write.redaction.orders import order
from storage.write.redaction.passage import Prepare
from storage.write.redaction.redact_articles import finish_redactions
from storage.write.redaction.restrict import lift, restrict

NOT_REPEATED: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(
        ("relation_undone", "lineage_undone", "noise_step_undone"),
        "it joins or parts articles and versions, and hides no text",
    )
    | dict.fromkeys(
        ("doubt_settled", "doubt_settled_undone"), "a decision on a reading hides no text"
    )
)
"""The tables of other acts of people, and why a restored archive does not repeat them.

A capability states it in `without`.
"""


@cache
def load_kinds() -> Mapping[str, OrderKind]:
    """Return all kinds of orders by name."""
    more = [each for part in load_parts("orders") for each in part.KINDS]
    return {each.name: each for each in (*_KINDS, *more)}


def load_orders(connection: Connection) -> list[ListedOrder]:
    """Return all orders of an archive in the order of their acts, with corrected times."""
    corrections = clock_corrections(connection)
    found = [
        each._replace(at=time_after_corrections(corrections, each.act, each.at))
        for kind in load_kinds().values()
        for each in kind.load(connection)
    ]
    return sorted(found, key=lambda each: each.act)


def count_orders(numbers: Mapping[str, int]) -> str:
    """Return the numbers of orders of each kind as a phrase.

    >>> count_orders({"restriction": 1, "redaction": 2, "restriction_lifted": 0})
    '2 redactions, 1 restriction'
    """
    phrases = [
        f"{number} {kind.one if number == 1 else kind.many}"
        for kind in load_kinds().values()
        if (number := numbers.get(kind.name, 0))
    ]
    return ", ".join(phrases) or "no orders"


def _load_redactions(connection: Connection) -> Iterator[ListedOrder]:
    acts: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(select(REDACTION).order_by(REDACTION.c.id)):
        acts[row.id if row.act_id is None else row.act_id].append(row)
    passages = _load_passages(connection)
    for act, rows in acts.items():
        named = tuple((row.table_name, row.row_id) for row in rows)
        yield ListedOrder(
            "redaction", act, rows[0].at, rows[0].actor, rows[0].reason, named,
            passage=passages.get(act),
        )  # fmt: skip


def _load_passages(connection: Connection) -> dict[int, dict[str, Any]]:
    """Return how the passage of each act is recognised: the salt, and digests with their forms."""
    query = select(SUPPRESSION.c.act_id, SUPPRESSION.c.digest, SUPPRESSION.c.form)
    query = query.where(SUPPRESSION.c.kind == OF_PASSAGE, SUPPRESSION.c.words == 0)
    salt, found = stored_fact(connection, SALT), defaultdict[int, list[Any]](list)
    for act, digest, form in connection.execute(query.order_by(SUPPRESSION.c.digest)):
        found[act].append({"digest": bytes(digest).hex(), "form": form})
    return {act: {"salt": salt, "places": places} for act, places in found.items()}


def _repeat_redaction(archive: Archive, given: ListedOrder, _prepare: Prepare) -> bool:
    """Empty the rows of a redaction, and suppress its passage; `repeat_orders` removes that."""
    act = archive.transact(_order_rows, given)
    finish_redactions(archive)
    return act is not None


def _order_rows(unit: Unit, given: ListedOrder) -> int | None:
    rows: dict[str, set[int]] = defaultdict(set)
    for table, number in given.rows:
        rows[table].add(number)
    act = order(unit, rows, RedactionReason(given.reason or ""), given.actor)
    if act is not None and given.passage is not None:
        places = {bytes.fromhex(each["digest"]): each["form"] for each in given.passage["places"]}
        held = rows_in(unit.connection, select(SUPPRESSION.c.digest), SUPPRESSION.c.digest, places)
        for digest in places.keys() - {bytes(row[0]) for row in held}:
            values = {"digest": digest, "kind": OF_PASSAGE, "words": 0, "act_id": act}
            unit.connection.execute(insert(SUPPRESSION).values(**values, form=places[digest]))
    return act


def adopt_salt(unit: Unit, orders: Iterable[ListedOrder]) -> None:
    """Store the salt of listed passages in an archive that has none yet: then they are refused."""
    salt = next((each.passage["salt"] for each in orders if each.passage is not None), None)
    if salt is not None and stored_fact(unit.connection, SALT) is None:
        unit.connection.execute(insert(ARCHIVE).values(key=SALT, value=salt))


def _load_restrictions(connection: Connection) -> Iterator[ListedOrder]:
    """Yield the restrictions: one for all addresses that were restricted together."""
    for rows in _group_restrictions(connection):
        named = tuple(("origin", row.origin_id) for row in rows)
        first = rows[0]
        yield ListedOrder("restriction", first.id, first.at, first.actor, first.reason, named)


def _group_restrictions(connection: Connection) -> Iterable[list[Row[Any]]]:
    groups: dict[Any, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(select(RESTRICTION).order_by(RESTRICTION.c.id)):
        groups[row.at, row.actor, row.reason].append(row)
    return groups.values()


def _load_lifted(connection: Connection) -> Iterator[ListedOrder]:
    begun = {row.id: (rows[0].id, row) for rows in _group_restrictions(connection) for row in rows}
    groups: dict[Any, list[Row[Any]]] = defaultdict(list)
    query = select(RESTRICTION_LIFTED).order_by(RESTRICTION_LIFTED.c.id)
    for row in connection.execute(query):
        groups[row.at, row.actor, begun[row.restriction_id][0]].append(row)
    for (at, actor, ends), rows in groups.items():
        named = tuple(("origin", begun[row.restriction_id][1].origin_id) for row in rows)
        yield ListedOrder("restriction_lifted", rows[0].id, at, actor, None, named, ends=ends)


def _repeat_restriction(archive: Archive, given: ListedOrder, _prepare: Prepare) -> bool:
    return _change(archive, given, restrict, RedactionReason(given.reason or ""))


def _repeat_lifted(archive: Archive, given: ListedOrder, _prepare: Prepare) -> bool:
    return _change(archive, given, lift)


def _change(archive: Archive, given: ListedOrder, act: Callable[..., Any], *reason: Any) -> bool:
    articles = archive.read(_articles_at, [number for _table, number in given.rows])
    naming = archive.read(find_naming, articles)
    return bool(archive.transact(act, articles, *reason, given.actor, naming))


def _articles_at(connection: Connection, origins: Iterable[int]) -> list[int]:
    query = select(ARTICLE_ORIGIN.c.article_id)
    return sorted(
        {row[0] for row in rows_in(connection, query, ARTICLE_ORIGIN.c.origin_id, origins)}
    )


_KINDS = (
    OrderKind(
        "redaction", "redaction", "redactions", "redaction", _load_redactions, _repeat_redaction
    ),
    OrderKind(
        "restriction", "restriction", "restrictions", "restriction", _load_restrictions,
        _repeat_restriction,
    ),
    OrderKind(
        "restriction_lifted", "lifted restriction", "lifted restrictions", "restriction_lifted",
        _load_lifted, _repeat_lifted,
    ),
)  # fmt: skip
