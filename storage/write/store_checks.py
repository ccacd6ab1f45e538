"""Store checks of addresses: each exchange is an observation with its transferred bytes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update

from storage.capabilities import load_parts
from storage.database.tables import HOST, RIGHTS_FILE, VERDICT, WATCH
from storage.database.unit import Unit, rows_in, update_rows
from storage.history.absences import record_absences
from storage.record.captures import Packed, pack_all, store_captures
from storage.record.observations import (
    add_observation,
    add_refusal,
    add_verdict,
    ensure_origins,
    store_transfers,
)
from storage.schedule import queue
from storage.schedule.check_times import LISTS, Schedule
from storage.schedule.watches import postpone
from storage.values import job as jobs
from storage.values.net.addresses import Check, CheckedExchange, HostNews, Key
from storage.values.net.rights import RightsFile
from storage.values.net.transfer import Transfer
from storage.values.outcome import OUTCOMES
from storage.values.refusals import RefusalReason
from storage.values.verdict import Counts
from storage.write.archive import Archive
from storage.write.readings.confirmed import settle_confirmed
from storage.write.redaction.without_redacted import checks_without_redacted
from storage.write.store_captures import putting_again, store_bytes


@putting_again
def store_checks(
    archive: Archive,
    claim: jobs.Claim,
    checks: Sequence[Check],
    news: Sequence[HostNews],
    put_off: Mapping[Key, datetime],
    ending: Callable[[Unit, jobs.Claim, Counts], None] = queue.count,
) -> int:
    """Store checks of addresses and the new state of servers; return the counts.

    The addresses `put_off` are checked later; `ending` states how the job continues.
    Raises: jobs.StaleLeaseError; nothing is stored then.
    """
    checks = archive.read(checks_without_redacted, checks)
    packed = store_bytes(archive, _pack_checks(checks, news))
    with archive.unit() as unit:
        queue.renew(unit, claim)
        counts = _store_checks(unit, claim, checks, news, packed)
        postpone(unit, put_off)
        ending(unit, claim, counts)
    return len(checks)


def _pack_checks(checks: Iterable[Check], news: Iterable[HostNews]) -> Packed:
    """Compress the bytes of checks before the write lock is taken."""
    exchanges = [each for check in checks for each in check.exchanges]
    exchanges += [each.exchange for each in news if each.exchange is not None]
    files = [each.screenshot for each in exchanges if each.screenshot is not None]
    files += [each.thumbnail for each in files if each.thumbnail is not None]
    raws = [(each.digest, each.raw) for each in exchanges]
    raws += [(own.digest, own.raw) for each in exchanges for own in each.resources]
    return pack_all(raws + [(each.digest, each.raw) for each in files])


def _store_checks(
    unit: Unit, claim: jobs.Claim, checks: Sequence[Check], news: Sequence[HostNews], packed: Packed
) -> Counts:
    """Write the checks of a job and the new state of servers; return the counts.

    The check of a watch that another job claimed meanwhile is dropped.
    """
    keys = [check.key for check in checks]
    schedule = Schedule(unit, keys)
    mine = [c for c in checks if c.key in schedule.rows
            and schedule.rows[c.key]["job_id"] == claim.job_id]  # fmt: skip
    keeper = _CheckWriter(unit, claim, store_captures(unit, packed))
    keeper.keep(mine, news)
    _note_watches(unit, schedule, mine, keeper)
    _note_hosts(unit, news)
    unit.flush()
    settle_confirmed(unit, record_absences(unit, keeper.without_text))
    _order_reading(unit, claim, keeper)
    return _counts(unit, mine)


class _CheckWriter:
    """Writes the observations, transfers and refusals of one unit of work."""

    def __init__(self, unit: Unit, claim: jobs.Claim, captures: Mapping[bytes, int]) -> None:
        self.unit, self.claim, self.captures = unit, claim, captures
        self.numbers: dict[int, int] = {}
        self.origins: dict[str, int] = {}
        self.to_read: dict[int, list[int]] = {}
        self.without_text: list[int] = []
        self._transfers: dict[int, Transfer] = {}
        self._with_files: dict[int, CheckedExchange] = {}

    def keep(self, checks: Sequence[Check], news: Sequence[HostNews]) -> None:
        asked = [each.exchange for each in news if each.exchange is not None]
        all_of_them = [each for check in checks for each in check.exchanges]
        self.origins = ensure_origins(self.unit, [e.origin for e in (*asked, *all_of_them)])
        for each in news:
            if each.exchange is not None and each.source_id is not None:
                self._exchange(each.source_id, each.exchange)
        for check in checks:
            for exchange in check.exchanges:
                self._exchange(check.source_id, exchange)
        store_transfers(self.unit, self._transfers, self.captures)
        for part in load_parts("check_files") if self._with_files else ():
            part.store_files(self.unit, self._with_files, self.captures)

    def capture_of(self, exchange: CheckedExchange) -> int | None:
        return self.captures.get(exchange.digest) if exchange.digest is not None else None

    def _exchange(self, source_id: int, exchange: CheckedExchange) -> None:
        hints = dict(exchange.hints)
        if exchange.confirms is not None:
            hints["confirms"] = exchange.confirms
        number = self.numbers[id(exchange)] = add_observation(
            self.unit,
            source_id=source_id,
            job_id=self.claim.job_id,
            locator_id=self.origins[exchange.origin],
            observed_at=self.unit.time_of(exchange.observed_at, self.claim.claimed_at),
            clock_at=exchange.observed_at,
            outcome=exchange.outcome,
            capture_id=self.capture_of(exchange),
            hints=hints,
            http_status=exchange.http_status,
            note=exchange.note,
        )
        if exchange.transfer is not None:
            self._transfers[number] = exchange.transfer
        if exchange.screenshot is not None or exchange.resources:
            self._with_files[number] = exchange
        if exchange.refused is not None:
            self._refuse(source_id, number, exchange, exchange.refused)
        if exchange.outcome == "captured":
            self.to_read.setdefault(source_id, []).append(number)
        else:
            self.without_text.append(number)

    def _refuse(
        self, source_id: int, number: int, exchange: CheckedExchange, reason: RefusalReason
    ) -> None:
        if exchange.outcome == "refused":
            add_verdict(self.unit, self.claim.job_id, number)
        add_refusal(
            self.unit, reason, exchange.origin, job_id=self.claim.job_id, source_id=source_id,
            observation_id=number, capture_id=self.capture_of(exchange),
        )  # fmt: skip


def _order_reading(unit: Unit, claim: jobs.Claim, keeper: _CheckWriter) -> None:
    for source_id, items in keeper.to_read.items():
        queue.add_job(
            unit, "read", claim.trigger, source_id=source_id,
            parent_id=claim.parent_id or claim.job_id, arguments={"items": items},
        )  # fmt: skip


NOTED = (
    "source_id", "origin_id", "job_id", "kind", "outcome", "checked_at", "reached_at", "moved_to",
    "observation_id", "capture_id", "final_id", "etag", "last_modified", "interval_seconds",
    "quiet", "failures", "next_check",
)  # fmt: skip
"""The columns of a watch that a check may change."""


def _note_watches(
    unit: Unit, schedule: Schedule, checks: Sequence[Check], keeper: _CheckWriter
) -> None:
    rows = []
    for check in checks:
        last, row = check.last, schedule.rows[check.key]
        is_captured, outcome = last.outcome == "captured", OUTCOMES[last.outcome]
        event = "first" if is_captured and row["checked_at"] is None else outcome.event
        values = {name: row[name] for name in NOTED} | {
            "job_id": None, "kind": check.kind, "outcome": last.outcome,
            "checked_at": last.observed_at, "moved_to": check.moved_to,
            **schedule.changes_after(check.key, event, kind=check.kind),
        }  # fmt: skip
        if outcome.answered and not is_captured:  # extraction decides whether it is a paywall
            values["reached_at"] = last.observed_at
        if is_captured:
            values |= {
                "observation_id": keeper.numbers[id(last)], "capture_id": keeper.capture_of(last),
                "final_id": keeper.origins[last.origin],
            }  # fmt: skip
        if last.outcome in {"captured", "unchanged"}:
            values |= {"etag": check.etag, "last_modified": check.last_modified}
        rows.append(values)
    update_rows(unit.connection, WATCH, ("source_id", "origin_id"), rows)


def _note_rights_file(unit: Unit, key: str, file: RightsFile) -> None:
    own = (RIGHTS_FILE.c.host_key == key) & (RIGHTS_FILE.c.address == file.address)
    unit.connection.execute(delete(RIGHTS_FILE).where(own))
    unit.add(RIGHTS_FILE, {
        "host_key": key, "address": file.address, "status": file.status,
        "rules": [(pattern, each.to_json()) for pattern, each in file.rules],
        "fetched_at": file.fetched_at,
    })  # fmt: skip
    unit.flush()


def _note_hosts(unit: Unit, news: Sequence[HostNews]) -> None:
    known = set(
        unit.connection.execute(
            select(HOST.c.key).where(HOST.c.key.in_([each.key for each in news]))
        ).scalars()
    )
    for each in news:
        if each.rights_file is not None:
            _note_rights_file(unit, each.key, each.rights_file)
            continue
        values: dict[str, Any] = {}
        if each.exchange is not None and each.robots_status is not None:
            values |= {
                "robots_status": each.robots_status, "robots_body": each.robots_body,
                "robots_note": each.robots_note, "delay": each.delay,
                "robots_fetched_at": each.exchange.observed_at,
            }  # fmt: skip
        if each.failures is not None:
            values |= {
                "failures": each.failures, "retry_until": each.retry_until,
                "retry_note": each.retry_note,
            }  # fmt: skip
        if each.key not in known:
            known.add(each.key)
            empty = dict.fromkeys(
                ("next_at", "retry_until", "retry_note", "delay", "robots_status", "robots_body",
                 "robots_note", "robots_fetched_at")
            )  # fmt: skip
            unit.add(HOST, {"key": each.key, "failures": 0, **empty, **values})
            unit.flush()
        elif values:
            unit.connection.execute(update(HOST).where(HOST.c.key == each.key).values(**values))


def _counts(unit: Unit, checks: Sequence[Check]) -> Counts:
    """Count checks, except those whose content is counted when it is read."""
    confirmed = {each.last.confirms for each in checks} - {None}
    query = select(VERDICT.c.observation_id)
    read = {row[0] for row in rows_in(unit.connection, query, VERDICT.c.observation_id, confirmed)}
    totals: dict[str, int] = {}
    for check in checks:
        name = OUTCOMES[check.last.outcome].counted_as
        is_unread = check.last.confirms is not None and check.last.confirms not in read
        if name is None or (name == "unchanged" and (is_unread or check.kind in LISTS)):
            continue
        totals[name] = totals.get(name, 0) + 1
    return Counts(**totals)
