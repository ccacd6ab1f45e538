"""Watched addresses: which are due, which job checks them, and when they are checked again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, or_, select, text

from storage.database.planned_times import is_due
from storage.database.tables import CAPTURE, JOB, OBSERVATION, ORIGIN, PRESENCE, SOURCE, WATCH
from storage.database.unit import Unit, rows_in, update_rows
from storage.record.observations import ensure_origins
from storage.record.suppression import SuppressionLookup
from storage.schedule import queue
from storage.schedule.check_times import Schedule, rows_by_key
from storage.values.digest import origin_id
from storage.values.draft import Json
from storage.values.job import Claim
from storage.values.net.addresses import Key, ListedAddress, WatchedAddress

FINAL = ORIGIN.alias("final")


MOST_NAMES = 3
"""Maximum number of earlier addresses of a feed entry id that are considered."""
MOST_DUE = 1_000_000
MOST_AHEAD = timedelta(days=1)
"""How far ahead of ours the time of a change may be that a list states, often without a zone."""


# ------------------------------------------------------------------------------- due checks


@dataclass(frozen=True, slots=True)
class Due:
    """A watch that is due; `is_root` marks the address that the source was created for."""

    key: Key
    is_root: bool


def due_watches(
    connection: Connection,
    now: datetime,
    limit: int,
    *,
    source_id: int | None = None,
    with_root: bool = False,
) -> list[Due]:
    """Return the due watches that no job has, longest overdue first.

    `with_root` treats the addresses that `source_id` was created for as due.
    """
    due = is_due(WATCH.c.next_check, now)
    if with_root:
        due = or_(due, WATCH.c.listed_by.is_(None))
    query = (
        select(WATCH.c.source_id, WATCH.c.origin_id, WATCH.c.listed_by)
        .join(SOURCE, SOURCE.c.id == WATCH.c.source_id)
        .outerjoin(JOB, JOB.c.id == WATCH.c.job_id)
        .where(text("watch.active"), due, _is_free(), SOURCE.c.removed_at.is_(None))
        .order_by(WATCH.c.next_check, WATCH.c.origin_id)
        .limit(limit)
    )
    if source_id is None:
        query = query.where(SOURCE.c.standing, SOURCE.c.paused.is_(False))
    else:
        query = query.where(WATCH.c.source_id == source_id)
    return [Due((row[0], row[1]), row[2] is None) for row in connection.execute(query)]


def root_kind(connection: Connection, source_id: int) -> str | None:
    """Return the type of the address that a source was created for, None for a folder."""
    query = select(WATCH.c.kind).where(WATCH.c.source_id == source_id, WATCH.c.listed_by.is_(None))
    return connection.execute(query.order_by(WATCH.c.origin_id).limit(1)).scalar()


def _is_free() -> Any:
    return or_(
        WATCH.c.job_id.is_(None), JOB.c.id.is_(None), JOB.c.state.not_in(["ready", "running"])
    )


def insert_check_jobs(
    unit: Unit,
    keys: Sequence[Key],
    trigger: str,
    batch_items: int,
    parent_id: int | None = None,
    kind: str = "fetch",
) -> list[int]:
    """Insert jobs of a kind that check `keys`, up to `batch_items` each, and return their ids."""
    jobs = []
    for start in range(0, len(keys), batch_items):
        batch = keys[start : start + batch_items]
        sources = {source for source, _origin in batch}
        jobs.append(
            queue.add_job(
                unit, kind, trigger, parent_id=parent_id,
                source_id=sources.pop() if len(sources) == 1 else None,
                arguments={"items": [list(key) for key in batch]},
            )
        )  # fmt: skip
        assign(unit, batch, jobs[-1])
    return jobs


def create_due_check_jobs(unit: Unit, limit: int, batch_items: int) -> list[int]:
    """Insert jobs for watched addresses that are due, and return their ids."""
    due = due_watches(unit.connection, unit.clock, limit)
    jobs = []
    for trigger, is_root in (("schedule", True), ("recheck", False)):
        keys = [each.key for each in due if each.is_root == is_root]
        jobs += insert_check_jobs(unit, keys, trigger, batch_items)
    return jobs


def create_check_jobs(
    unit: Unit,
    claim: Claim,
    scans: Iterable[int],
    requested: Mapping[int, Sequence[ListedAddress]],
    batch_items: int,
) -> None:
    """Insert jobs that check the specified addresses, and the due addresses of the sources `scans`.

    Raises: StaleLeaseError.
    """
    queue.renew(unit, claim)
    keys = [
        each.key
        for source_id in scans
        for each in due_watches(
            unit.connection, unit.clock, MOST_DUE, source_id=source_id, with_root=True
        )
    ]
    for source_id, listed in requested.items():
        keys += watch_requested(unit, source_id, listed)
    insert_check_jobs(unit, list(dict.fromkeys(keys)), claim.trigger, batch_items, claim.job_id)


def hand_to_browser(unit: Unit, claim: Claim, keys: Sequence[Key]) -> None:
    """Give watches of a claimed job to a job that reads them by a browser.

    Raises: StaleLeaseError.
    """
    queue.renew(unit, claim)
    parent = claim.parent_id or claim.job_id
    insert_check_jobs(unit, keys, claim.trigger, len(keys), parent, "render")


def assign(unit: Unit, keys: Iterable[Key], job_id: int | None) -> None:
    """Assign watches to a job; None releases them."""
    unit.flush()
    rows = [{"source_id": s, "origin_id": o, "job_id": job_id} for s, o in keys]
    update_rows(unit.connection, WATCH, ("source_id", "origin_id"), rows)


def assigned_watches(
    connection: Connection, job_id: int, keys: Sequence[Key]
) -> list[WatchedAddress]:
    """Return those of `keys` that job `job_id` still has to check."""
    query = (
        select(
            WATCH.c.source_id, WATCH.c.origin_id, ORIGIN.c.origin, WATCH.c.address, WATCH.c.kind,
            WATCH.c.moved_to, FINAL.c.origin, WATCH.c.etag, WATCH.c.last_modified,
            WATCH.c.observation_id, CAPTURE.c.digest, WATCH.c.hints, SOURCE.c.locator,
            SOURCE.c.options, OBSERVATION.c.hints.label("read"),
        )
        .join(ORIGIN, ORIGIN.c.id == WATCH.c.origin_id)
        .join(SOURCE, SOURCE.c.id == WATCH.c.source_id)
        .outerjoin(FINAL, FINAL.c.id == WATCH.c.final_id)
        .outerjoin(CAPTURE, CAPTURE.c.id == WATCH.c.capture_id)
        .outerjoin(OBSERVATION, OBSERVATION.c.id == WATCH.c.observation_id)
        .where(WATCH.c.job_id == job_id)
    )  # fmt: skip
    found = []
    for *head, digest, hints, locator, options, read in rows_by_key(connection, query, keys):
        same = bytes(digest) if digest is not None else None
        read_as = (read or {}).get("type")
        found.append(WatchedAddress(*(*head, same, hints or {}, locator, options or {}, read_as)))
    return found


@dataclass(frozen=True, slots=True)
class WatchState:
    """How a source watches an address, and the result of its last check."""

    source: str
    kind: str
    outcome: str | None
    checked_at: datetime | None
    next_check: datetime | None


def watch_states(connection: Connection, origin: str) -> list[WatchState]:
    """Return the sources that watch an address, with the result of their last check."""
    query = (
        select(
            SOURCE.c.name, WATCH.c.kind, WATCH.c.outcome, WATCH.c.checked_at, WATCH.c.next_check
        )
        .join(SOURCE, SOURCE.c.id == WATCH.c.source_id)
        .join(ORIGIN, ORIGIN.c.id == WATCH.c.origin_id)
        .where(
            ORIGIN.c.public_id == origin_id(origin), WATCH.c.active,
            SOURCE.c.removed_at.is_(None),
        )
        .order_by(SOURCE.c.name)
    )  # fmt: skip
    return [WatchState(*row) for row in connection.execute(query)]


# --------------------------------------------------------------------------- listed addresses


def ensure_watches(
    unit: Unit,
    source_id: int,
    addresses: Sequence[ListedAddress],
    *,
    listed_by: int | None,
    is_standing: bool,
) -> list[Key]:
    """Watch the listed addresses; return the watches that are new or whose list reports a change.

    A standing source checks its addresses repeatedly, any other source only on request. Redacted
    addresses are not watched.
    """
    gone = SuppressionLookup(unit.connection).addresses(address.origin for address in addresses)
    addresses = [address for address in addresses if address.origin not in gone]
    origins = ensure_origins(unit, [address.origin for address in addresses])
    unit.flush()
    keys = [(source_id, origins[address.origin]) for address in addresses]
    query = select(
        WATCH.c.source_id, WATCH.c.origin_id, WATCH.c.active, WATCH.c.checked_at, WATCH.c.guid
    )
    known = {(row[0], row[1]): row for row in rows_by_key(unit.connection, query, keys)}
    guids = [a.guid for key, a in zip(keys, addresses, strict=True) if a.guid and key not in known]
    by_guid = _addresses_by_guid(unit, source_id, guids)
    keys_to_check: list[Key] = []
    changed: list[dict[str, Any]] = []
    for key, address in zip(keys, addresses, strict=True):
        row = known.get(key)
        if row is None:
            known[key] = (*key, True, None, address.guid)
            was = by_guid.get(address.guid or "", [])
            one = replace(address, hints={**address.hints, "was": was}) if was else address
            unit.add(WATCH, _watch_row(unit, key, one, listed_by, is_standing=is_standing))
            keys_to_check.append(key)
        elif not row[2] or row[3] is None or _is_newer(address.changed_at, row[3], unit.clock):
            keys_to_check.append(key)
        if row is not None and (address.hints or not row[2]):
            changed.append(
                {
                    "source_id": key[0], "origin_id": key[1], "active": True,
                    "hints": _hints_of(address), "guid": address.guid or row[4],
                }
            )  # fmt: skip
    update_rows(unit.connection, WATCH, ("source_id", "origin_id"), changed)
    unit.flush()
    return list(dict.fromkeys(keys_to_check))


def _addresses_by_guid(unit: Unit, source_id: int, guids: Sequence[str]) -> dict[str, list[str]]:
    """Return the addresses that a source stores for the entry ids of its feeds."""
    query = (
        select(WATCH.c.guid, ORIGIN.c.origin)
        .join(ORIGIN, ORIGIN.c.id == WATCH.c.origin_id)
        .where(WATCH.c.source_id == source_id)
        .order_by(WATCH.c.listed_at.desc())
    )
    found: dict[str, list[str]] = {}
    for guid, origin in rows_in(unit.connection, query, WATCH.c.guid, guids):
        found.setdefault(guid, []).append(origin)
    return {guid: origins[:MOST_NAMES] for guid, origins in found.items()}


def _hints_of(address: ListedAddress) -> dict[str, Json]:
    """Return the statements of a list about an address, with times both as moments and as
    written.
    """
    times = (("since", address.published_at), ("changed", address.changed_at))
    return {**address.hints, **{name: moment.isoformat() for name, moment in times if moment}}


def watch_requested(unit: Unit, source_id: int, addresses: Sequence[ListedAddress]) -> list[Key]:
    """Watch the addresses that a user specified for a source, and return all these watches."""
    query = select(SOURCE.c.standing).where(SOURCE.c.id == source_id)
    is_standing = bool(unit.connection.execute(query).scalar_one())
    ensure_watches(unit, source_id, addresses, listed_by=None, is_standing=is_standing)
    gone = SuppressionLookup(unit.connection).addresses(each.origin for each in addresses)
    origins = ensure_origins(unit, [each.origin for each in addresses if each.origin not in gone])
    return [(source_id, number) for number in origins.values()]


def watch_at_once(unit: Unit, source_id: int, address: ListedAddress) -> None:
    """Watch the address that a standing source was created for; all its watches are due now."""
    ensure_watches(unit, source_id, [address], listed_by=None, is_standing=True)
    reschedule(unit, source_id, timedelta(0))


def _is_newer(changed_at: datetime | None, checked_at: datetime, now: datetime) -> bool:
    """Check whether a list states a change after a check; a time of the far future is wrong."""
    return changed_at is not None and checked_at < changed_at <= now + MOST_AHEAD


def _watch_row(
    unit: Unit, key: Key, address: ListedAddress, listed_by: int | None, *, is_standing: bool
) -> dict[str, Any]:
    empty = dict.fromkeys(
        (
            "etag", "last_modified", "observation_id", "capture_id", "final_id", "moved_to",
            "job_id", "outcome", "interval_seconds", "checked_at", "reached_at", "changed_at",
        )
    )  # fmt: skip
    return {
        **empty,
        "source_id": key[0], "origin_id": key[1], "address": address.address, "kind": address.kind,
        "active": True, "quiet": 0, "failures": 0,
        "next_check": unit.clock if is_standing else None,
        "listed_by": listed_by, "listed_at": unit.now, "guid": address.guid,
        "hints": _hints_of(address),
    }  # fmt: skip


def reschedule(unit: Unit, source_id: int, soon: timedelta | None) -> None:
    """Apply the settings of a source to its watches, or make all of them due within `soon`.

    No check is postponed: an address that is due before the end of its new interval stays so.
    """
    query = select(WATCH.c.source_id, WATCH.c.origin_id).where(
        WATCH.c.source_id == source_id, WATCH.c.active
    )
    keys = [(row[0], row[1]) for row in unit.connection.execute(query)]
    schedule = Schedule(unit, keys)
    rows = []
    for key, row in schedule.rows.items():
        next_check = unit.clock + soon if soon is not None else schedule.next_check_if_quiet(key)
        planned = row["next_check"]
        moment = (
            next_check
            if planned is None or (next_check is not None and next_check < planned)
            else planned
        )
        rows.append({"source_id": key[0], "origin_id": key[1], "next_check": moment})
    update_rows(unit.connection, WATCH, ("source_id", "origin_id"), rows)


def forget_unlisted(unit: Unit, source_id: int, listed_by: int, origins: Iterable[int]) -> None:
    """Stop watching the addresses that a list no longer contains."""
    kept = set(origins)
    query = select(WATCH.c.origin_id).where(
        WATCH.c.source_id == source_id, WATCH.c.listed_by == listed_by, WATCH.c.active
    )
    gone = [each for each in unit.connection.execute(query).scalars() if each not in kept]
    rows = [
        {"source_id": source_id, "origin_id": each, "active": False, "next_check": None}
        for each in gone
    ]
    update_rows(unit.connection, WATCH, ("source_id", "origin_id"), rows)


def forget_lists(unit: Unit, source_id: int, places: Sequence[int]) -> None:
    """Stop watching the addresses that deleted files of a folder listed."""
    query = (
        select(WATCH.c.source_id, WATCH.c.origin_id)
        .join(PRESENCE, PRESENCE.c.locator_id == WATCH.c.listed_by)
        .where(PRESENCE.c.source_id == source_id, WATCH.c.active)
    )
    rows = [
        {"source_id": row[0], "origin_id": row[1], "active": False, "next_check": None}
        for row in rows_in(unit.connection, query, PRESENCE.c.place_id, places)
    ]
    update_rows(unit.connection, WATCH, ("source_id", "origin_id"), rows)


def postpone(unit: Unit, until: Mapping[Key, datetime]) -> None:
    """Postpone checks whose server must not be requested now."""
    rows = [
        {"source_id": s, "origin_id": o, "job_id": None, "next_check": moment}
        for (s, o), moment in until.items()
    ]
    update_rows(unit.connection, WATCH, ("source_id", "origin_id"), rows)


# ------------------------------------------------------------------------------- next check
