"""Repeat the orders of a list in a restored archive, and those of another archive after a merge."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select

from storage.capabilities.hooks import ListedOrder
from storage.database.archive_errors import ArchiveError
from storage.database.rows import STREAMING
from storage.database.table_facts import EMPTIED, RECORD_TABLES
from storage.database.tables import (
    ARCHIVE,
    ARTICLE_ORIGIN,
    CAPTURE,
    DERIVATION,
    FOREIGN_RECORD,
    OBSERVATION,
    ORIGIN,
    REDACTION,
    SNAPSHOT,
    TRANSFER,
    WORDING,
)
from storage.database.tables.kept import find_kept, table_named
from storage.database.unit import rows_in
from storage.history.totals import store_fact, stored_fact
from storage.language.passage import Passage
from storage.proof.log import numbers
from storage.record.suppressed_passages import SuppressedPassages
from storage.record.suppression import OF_PASSAGE, SuppressionLookup
from storage.values.redaction import RedactionReason
from storage.write.archive import Archive
from storage.write.redaction.order_kinds import adopt_salt, load_kinds, load_orders
from storage.write.redaction.orders import order
from storage.write.redaction.passage import Prepare
from storage.write.redaction.plan import RedactionTarget, addresses_of
from storage.write.redaction.redact_articles import (
    finish_redactions,
    redact_articles,
    redact_passage,
)

LAST_RESTORED = "last_restored"
"""Key of the last number of a restored archive, while orders are repeated: rows with a higher one
were written since, and no list names them."""
AT_ONCE = 1_000
_NAMED = {"origin": "origin", "observation": "observation"}
"""The tables that a list may name beside those of `EMPTIED`."""
_CARRIED = {table.name for table in RECORD_TABLES if table.transfer == "written"}
"""The tables whose rows a WARC file has, so that a merge need not repeat them."""
Key = tuple[Any, ...]


class ReplayError(ArchiveError):
    """A list of orders cannot be repeated in this archive; the message states the reason."""


def archive_id(connection: Connection) -> str | None:
    """Return the id of an archive, which its copies share."""
    return stored_fact(connection, "id")


def repeat_orders(
    archive: Archive, listed: Iterable[Mapping[str, Any]], prepare: Prepare
) -> Counter[str]:
    """Repeat the orders of a `lesart redact --list` of this archive, as after a restore.

    Missing rows are left out, and orders that the archive has already. Returns the number of orders
    of each kind that changed something. Raises: ReplayError; nothing is changed then.
    """
    archive.read(find_kept)
    own, given = archive.read(archive_id), list[ListedOrder]()
    for row in listed:
        if row.get("archive") != own:
            raise ReplayError(
                "the list of redactions and orders is of another archive: nothing was changed"
            )
        given.append(_parse(row))
    last = archive.transact_unnumbered(_last_restored)
    archive.transact(adopt_salt, given)
    done = Counter[str]()
    known = Counter(map(_key, archive.read(load_orders)))
    passages = archive.read(_find_passages, given)
    for each in sorted(given, key=lambda one: one.act):
        if known[_key(each)]:
            known[_key(each)] -= 1
            continue
        rows = archive.read(_find_rows, each, last)
        is_changed = _remove_passages(archive, each, passages.get(each.act, {}), prepare)
        is_changed |= load_kinds()[each.kind].repeat(archive, each._replace(rows=rows), prepare)
        done.update([each.kind] * is_changed)
    finish_redactions(archive)
    archive.transact_unnumbered(Connection.execute, delete(ARCHIVE).where(_IS_LAST))
    return done


_IS_LAST = ARCHIVE.c.key == LAST_RESTORED


def _last_restored(connection: Connection) -> int:
    """Return the last number of the restored archive, also after a failure in between."""
    last = stored_fact(connection, LAST_RESTORED)
    if last is None:
        last = str(numbers(connection)[0])
        store_fact(connection, LAST_RESTORED, last)
    return int(last)


def _key(given: ListedOrder) -> Key:
    """Return what two orders have in common that are the same."""
    return given.kind, given.reason, given.actor, given.rows, given.digest


def _parse(row: Mapping[str, Any]) -> ListedOrder:
    """Return an order of a list; older lists have redactions only. Raises: ReplayError."""
    try:
        kind, reason = load_kinds()[row.get("kind", "redaction")].name, row["reason"]
        found = ListedOrder(
            kind, int(row.get("act") or 0), datetime.fromisoformat(row["at"]), str(row["actor"]),
            None if reason is None else RedactionReason(reason).value,
            tuple(_parse_row(each) for each in row["rows"]), row.get("digest"), row.get("ends"),
            row.get("passage"),
        )  # fmt: skip
        _held_passages([found])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ReplayError(f"this is no list of redactions and other orders: {error}") from error
    return found


def _parse_row(named: str) -> tuple[str, int]:
    """Return table and number of `TABLE NUMBER`. Raises: ValueError."""
    table, number = named.split(" ")
    if table not in {*_NAMED, *EMPTIED}:
        raise ValueError(f"{table!r} is no table that an order names")
    return table, int(number)


def _find_rows(connection: Connection, given: ListedOrder, last: int) -> tuple[Any, ...]:
    """Return those rows of an order that the archive has had since it was restored."""
    wanted: dict[str, set[int]] = defaultdict(set)
    for table, number in given.rows:
        if number <= last:
            wanted[table].add(number)
    found = set()
    for table, those in wanted.items():
        column = table_named(_NAMED.get(table) or EMPTIED[table][0]).c.id
        found |= {(table, row[0]) for row in rows_in(connection, select(column), column, those)}
    return tuple(each for each in given.rows if each in found)


# ------------------------------------------------------------------------------------- passages


def _held_passages(orders: Iterable[ListedOrder]) -> SuppressedPassages | None:
    """Return the passages that these orders removed; None if there is none."""
    found = None
    for each in orders:
        if each.passage is not None:
            found = found or SuppressedPassages(bytes.fromhex(each.passage["salt"]), OF_PASSAGE)
            for place in each.passage["places"]:
                found.add(bytes.fromhex(place["digest"]), place["form"], each.act)
    return found


Places = dict[int, dict[Passage, set[int]]]
"""The articles with a passage, by the act that removed it elsewhere and by the passage."""


def _find_passages(connection: Connection, orders: Sequence[ListedOrder]) -> Places:
    """Return the articles that contain passages which these orders removed."""
    held, found = _held_passages(orders), defaultdict[int, dict[Passage, set[int]]](dict)
    if held is None:
        return found
    articles = sorted(connection.execute(select(SNAPSHOT.c.article_id).distinct()).scalars())
    query = select(SNAPSHOT.c.article_id, DERIVATION.c.detail, WORDING.c.title, WORDING.c.text)
    query = query.join(DERIVATION, DERIVATION.c.id == SNAPSHOT.c.derivation_id)
    query = query.join(WORDING, WORDING.c.id == DERIVATION.c.wording_id)
    for article in articles:
        places = addresses_of(connection, [article])
        texts = {
            text
            for row in rows_in(connection, query, SNAPSHOT.c.article_id, [article])
            for text in _strings([row.detail, row.title, row.text])
        }
        for text in texts:
            for act, passage in held.passages_in(text, places):
                found[act].setdefault(passage, set()).add(article)
    return found


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        inside = (*value, *value.values()) if isinstance(value, Mapping) else value
        for each in inside:
            yield from _strings(each)


def _remove_passages(
    archive: Archive, given: ListedOrder, places: Mapping[Passage, set[int]], prepare: Prepare
) -> bool:
    """Remove the passages of an order from articles; check whether something was removed."""
    is_changed = False
    for passage, articles in places.items():
        targets = [RedactionTarget(each) for each in sorted(articles)]
        reason = RedactionReason(given.reason or "")
        act = redact_passage(archive, targets, passage, reason, given.actor, prepare)
        is_changed |= act is not None
    return is_changed


# ---------------------------------------------------------------------------------------- merge


def repeat_from(
    archive: Archive, other: Connection, before: Mapping[str, int], prepare: Prepare
) -> Counter[str]:
    """Repeat the orders of another archive; return the number of each kind that changed something.

    Redacted content is recognised as at its arrival. An undoing holds only for an order that was
    repeated, and an order that this archive has undone is not repeated. An order without a known
    reason was not given by Lesart and is left out. The orders that came with the captures are
    counted by their number `before`.
    """
    reasons = {None, *RedactionReason}
    orders = [each for each in load_orders(other) if each.reason in reasons]
    done = _redact_from(archive, other, orders, prepare)
    known = Counter(map(_key, archive.read(load_orders)))
    here, acts = set(known), dict[int, Key]()
    for each in orders:
        kind = load_kinds()[each.kind]
        if kind.name == "redaction" or kind.table in _CARRIED:
            continue
        given = each._replace(rows=archive.read(_translate, other, each.rows))
        key = acts[each.act] = _key(given)
        if known[key]:
            known[key] -= 1
        elif given.ends is None or acts.get(given.ends) in here:
            done[each.kind] += kind.repeat(archive, given, prepare)
            here.add(key)
    after = count_by_kind(archive)
    for kind in load_kinds().values():
        if kind.table in _CARRIED:
            done[kind.name] += after[kind.name] - before.get(kind.name, 0)
    return done


def _translate(
    connection: Connection, other: Connection, rows: Iterable[tuple[str, int]]
) -> tuple[tuple[str, int], ...]:
    """Return the rows of this archive with the addresses of rows of the other one."""
    column = ORIGIN.c.id
    names = rows_in(other, select(ORIGIN.c.origin), column, [number for _table, number in rows])
    own = rows_in(connection, select(column), ORIGIN.c.origin, [row[0] for row in names])
    return tuple(("origin", number) for number in sorted(row[0] for row in own))


@dataclass(slots=True)
class _ReturnedRows:
    """Rows of this archive whose content another archive refuses, by the act there."""

    wordings: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    captures: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    origins: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))


def _find_returned(connection: Connection, other: Connection) -> _ReturnedRows:
    """Return the texts, bytes and addresses that the other archive would refuse as redacted."""
    lookup, found = SuppressionLookup(other), _ReturnedRows()
    if lookup.salt is None:
        return found
    act_of = {row.id: row.act_id or row.id for row in other.execute(select(REDACTION))}
    asked: tuple[tuple[Any, Any, Callable[[Any], Mapping[Any, int]], dict[int, set[int]]], ...] = (
        (WORDING, WORDING.c.digest, lookup.wordings, found.wordings),
        (CAPTURE, CAPTURE.c.digest, lookup.raw, found.captures),
        (ORIGIN, ORIGIN.c.origin, lookup.addresses, found.origins),
    )
    for table, column, ask, into in asked:
        query = select(table.c.id, column)
        with connection.execution_options(**STREAMING).execute(query) as result:
            for rows in result.partitions(AT_ONCE):
                ids = {bytes(v) if isinstance(v, memoryview) else v: number for number, v in rows}
                for value, act in ask(ids).items():
                    into[act_of.get(act, act)].add(ids[value])
    return found


def _redact_from(
    archive: Archive, other: Connection, orders: Sequence[ListedOrder], prepare: Prepare
) -> Counter[str]:
    """Redact here what the other archive redacted; deletions after some time are its own affair."""
    redactions = [
        each
        for each in orders
        if each.kind == "redaction" and each.reason != RedactionReason.RETENTION
    ]
    passages, done = archive.read(_find_passages, redactions), Counter[str]()
    for each in redactions:
        done[each.kind] += _remove_passages(archive, each, passages.get(each.act, {}), prepare)
    returned = archive.read(_find_returned, other)
    for each in redactions:
        if each.passage is None:
            done[each.kind] += _redact_returned(archive, returned, each)
    return done


def _redact_returned(archive: Archive, returned: _ReturnedRows, given: ListedOrder) -> bool:
    reason, act = RedactionReason(given.reason or ""), given.act
    targets, whole = archive.read(_find_targets, returned, act)
    acts = (
        redact_articles(archive, whole, reason, given.actor, with_addresses=True) if whole else []
    )
    if targets:
        acts += redact_articles(archive, targets, reason, given.actor)
    rows = archive.read(_rows_of_bytes, returned.captures[act])
    more = archive.transact(order, rows, reason, given.actor)
    finish_redactions(archive)
    return bool(acts) or more is not None


def _find_targets(
    connection: Connection, returned: _ReturnedRows, act: int
) -> tuple[list[RedactionTarget], list[RedactionTarget]]:
    """Return articles with redacted wordings, and articles whose address was redacted, too."""
    wordings: dict[int, set[int]] = defaultdict(set)
    query = select(SNAPSHOT.c.article_id, SNAPSHOT.c.wording_id)
    for article, wording in rows_in(
        connection, query, SNAPSHOT.c.wording_id, returned.wordings[act]
    ):
        wordings[article].add(wording)
    places = select(ARTICLE_ORIGIN.c.article_id)
    rows = rows_in(connection, places, ARTICLE_ORIGIN.c.origin_id, returned.origins[act])
    whole = sorted({row[0] for row in rows})
    return (
        [RedactionTarget(n, tuple(sorted(w))) for n, w in wordings.items() if n not in whole],
        [RedactionTarget(each) for each in whole],
    )


def _rows_of_bytes(connection: Connection, captures: Iterable[int]) -> dict[str, set[int]]:
    """Return captures with what servers and web archives said about them."""
    seen = rows_in(connection, select(OBSERVATION.c.id), OBSERVATION.c.capture_id, captures)
    observed = [row[0] for row in seen]
    found = {"capture": {*captures}}
    for table in (TRANSFER, FOREIGN_RECORD):
        rows = rows_in(connection, select(table.c.id), table.c.observation_id, observed)
        found[table.name] = {row[0] for row in rows}
    return found


def count_by_kind(archive: Archive) -> Counter[str]:
    """Return the number of orders of each kind."""
    return Counter(each.kind for each in archive.read(load_orders))
