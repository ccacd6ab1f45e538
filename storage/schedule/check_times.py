"""When the addresses of a job are checked next."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select, tuple_

from storage.capabilities import PAGE_KINDS
from storage.database.tables import SOURCE, WATCH
from storage.database.unit import IN_CHUNK, Unit, update_rows
from storage.record.reading import CapturedItem, Reading
from storage.schedule.interval import HOUR, MINUTE, IntervalRange, jitter, next_interval
from storage.values.net.addresses import Key
from storage.values.outcome import Event, page_outcome
from storage.values.verdict import Refuse, Unconfirmed, Verdict

LISTS = frozenset({"feed", "sitemap", "opml", "list", *PAGE_KINDS})
"""The kinds of watches whose content lists addresses; those of a capability are not fetched."""
DEFAULT_EVERY = {
    "feed": 15 * MINUTE,
    **{each.name: each.every_seconds for each in PAGE_KINDS.values()},
    "sitemap": HOUR,
    "opml": 24 * HOUR,
    "list": HOUR,
}
_CHUNK = IN_CHUNK // 20


def intervals_of(
    options: Mapping[str, Any], every_seconds: float | None, kind: str, *, is_root: bool
) -> IntervalRange:
    """Return how often an address is checked, by the options of its source.

    >>> intervals_of({}, None, "feed", is_root=True).longest
    900.0
    """
    if kind in LISTS or (is_root and every_seconds is not None):
        seconds = every_seconds if every_seconds is not None else DEFAULT_EVERY.get(kind, HOUR)
        return IntervalRange(seconds, seconds)
    recheck = options.get("recheck") or {}
    return IntervalRange(
        **{name: recheck[name] for name in ("first", "longest", "growth", "off") if name in recheck}
    )


def rows_by_key(connection: Connection, query: Any, keys: Sequence[Key]) -> Iterable[Any]:
    pair = tuple_(WATCH.c.source_id, WATCH.c.origin_id)
    for start in range(0, len(keys), _CHUNK):
        yield from connection.execute(query.where(pair.in_(keys[start : start + _CHUNK])))


class Schedule:
    """Calculates, within one transaction, when watches are due after a check."""

    def __init__(self, unit: Unit, keys: Sequence[Key]) -> None:
        self.unit = unit
        query = select(
            *WATCH.c, SOURCE.c.options, SOURCE.c.every_seconds, SOURCE.c.standing, SOURCE.c.cron
        ).join(SOURCE, SOURCE.c.id == WATCH.c.source_id)
        found = [row._asdict() for row in rows_by_key(unit.connection, query, keys)]
        self.rows = {(row["source_id"], row["origin_id"]): row for row in found}

    def changes_after(
        self, key: Key, event: Event, *, kind: str | None = None, age: float | None = None
    ) -> dict[str, Any]:
        """Return the columns of the watch `key` that `event` changes."""
        row = self.rows[key]
        failures = row["failures"] + 1 if event == "failed" else 0
        interval_range = self._intervals(row, kind)
        interval = next_interval(
            interval_range, row["interval_seconds"], event, failures=failures, age=age,
            seed=f"{key[1]}", confirm_after=self.unit.confirm_seconds,
        )  # fmt: skip
        values = {
            "interval_seconds": interval.interval,
            "quiet": row["quiet"] + 1 if event == "quiet" else 0,
            "failures": failures,
            "next_check": self._check_time(row, interval.due_in),
        }
        row |= values
        return values

    def next_check_if_quiet(self, key: Key) -> datetime | None:
        """Return when an address would be due if it were found unchanged now."""
        row = self.rows[key]
        intervals = self._intervals(row, None)
        interval = min(row["interval_seconds"] or intervals.first, intervals.longest)
        return self._check_time(row, None if intervals.off else interval * jitter(f"{key[1]}"))

    @staticmethod
    def _intervals(row: Mapping[str, Any], kind: str | None) -> IntervalRange:
        is_root = row["listed_by"] is None
        every = row["every_seconds"]
        return intervals_of(row["options"] or {}, every, kind or row["kind"], is_root=is_root)

    def _check_time(self, row: Mapping[str, Any], due_in: float | None) -> datetime | None:
        """Return the time of the next check; None if it follows a cron line or is only checked on
        request.
        """
        has_cron = row["listed_by"] is None and row["cron"] is not None
        if due_in is None or not row["standing"] or not row["active"] or has_cron:
            return None
        return self.unit.clock + timedelta(seconds=due_in)


def record_reading(unit: Unit, decided: Sequence[tuple[Reading, Verdict]]) -> None:
    """Update watches after their last capture was read.

    The validators of a barred page are deleted, so that the server sends the page again.
    """
    found = {
        (reading.captured.source_id, watch): (reading, verdict)
        for reading, verdict in decided
        if (watch := reading.captured.hints.get("watch")) is not None
    }
    if not found:
        return
    schedule = Schedule(unit, list(found))
    rows = []
    for key, (reading, verdict) in found.items():
        row, event = schedule.rows.get(key), verdict.event
        captured = reading.captured
        if row is None or row["observation_id"] != captured.observation_id:
            continue
        values = {name: row[name] for name in READ}
        if event is not None:
            values |= schedule.changes_after(key, event, age=_publication_age(captured))
        if isinstance(verdict, Refuse):
            values["outcome"] = page_outcome(verdict.refused.code)
        elif isinstance(verdict, Unconfirmed):
            values["outcome"] = verdict.kind
        else:
            values["outcome"] = "content" if event is not None else "unchanged"
            values["reached_at"] = captured.observed_at
        if event == "changed":
            values["changed_at"] = captured.observed_at
        if event == "barred":
            values |= dict.fromkeys(("etag", "last_modified", "observation_id", "capture_id"))
        rows.append(values)
    update_rows(unit.connection, WATCH, ("source_id", "origin_id"), rows)


READ = (
    "source_id", "origin_id", "outcome", "reached_at", "etag", "last_modified",
    "observation_id", "capture_id", "changed_at", "interval_seconds", "quiet", "failures",
    "next_check",
)  # fmt: skip
"""Columns of a watch that a reading may change."""


def _publication_age(captured: CapturedItem) -> float | None:
    """Return for how many seconds a text has been published, as stated by the list."""
    listed = captured.hints.get("listed") or {}
    earlier = [
        datetime.fromisoformat(listed[name]) for name in ("since", "changed") if listed.get(name)
    ]
    if not earlier:
        return None
    return max(0.0, (captured.observed_at - max(earlier)).total_seconds())
