"""The index of traces in the database: which wordings may be worth comparing with a new one.

A trace leads to `MOST_HOLDERS` wordings at most: what stands in more texts is said by everybody, or
they are found by their other traces. So a look-up costs the same whatever the archive holds.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from storage.database.engine import insert_integers
from storage.database.tables import TraceRow
from storage.database.unit import table_of
from storage.similarity.index_keys import BAND, DAY, NUMBER, PASSAGE, TITLE, Traces, kind_of

TRACE = table_of(TraceRow)

MOST_HOLDERS = 32
MOST_OF_A_DAY = 256
MOST_COMPARED = 12
"""Wordings that a new one is compared with."""
LEAST_WEIGHT = 0.4
"""What the shared traces of two texts must weigh: a trace weighs 1 by the others that have it."""
WINDOW_DAYS = 45
"""Days between two texts of which one may be cut out of, or embedded in, the other."""
COMMON_HOLDERS = 5
"""From so many holders on a passage may be one that everybody uses."""


@dataclass(frozen=True, slots=True)
class Trail:
    """A new wording with its traces; `own` are the wordings that its article had before."""

    wording_id: int
    traces: Traces
    day: int
    own: frozenset[int] = frozenset()


@dataclass(slots=True)
class Met:
    """The wordings that a new one met: those that may share its text, those that it may follow,
    those that may follow it; and passages of it that stand in several texts, with their holders.
    """

    near: list[int] = field(default_factory=list)
    earlier: list[int] = field(default_factory=list)
    later: list[int] = field(default_factory=list)
    common: dict[int, list[int]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not (self.near or self.earlier or self.later)


def leave(connection: Connection, trails: Sequence[Trail]) -> dict[int, Met]:
    """Look up each trail in turn and lay it; return what they met, where they met anything.

    The caller holds the write lock: so of two texts the later one always meets the earlier.
    """
    wanted = {trace for trail in trails for trace in (*trail.traces.kept, *trail.traces.sought)}
    holders = found(connection, wanted)
    met: dict[int, Met] = {}
    rows: list[tuple[int, int, int]] = []
    for trail in trails:
        looked = look(trail, holders)
        if not looked.is_empty:
            met[trail.wording_id] = looked
        for trace in trail.traces.kept:
            known = holders[trace]
            if len(known) < most_holders(trace) and trail.own.isdisjoint(known):
                known[trail.wording_id] = trail.day
                rows.append((trace, trail.wording_id, trail.day))
    insert_integers(connection, TRACE, ("trace", "wording_id", "day"), sorted(rows))
    return met


Holders = defaultdict[int, dict[int, int]]
"""By trace: the wordings that have it, with their day."""


def found(connection: Connection, traces: Iterable[int]) -> Holders:
    """Return who has `traces`."""
    wanted = sorted(traces)
    holders: Holders = defaultdict(dict)
    if connection.dialect.name == "postgresql":
        query = "SELECT trace, wording_id, day FROM trace WHERE trace = ANY(%s::bigint[])"
        rows = connection.exec_driver_sql(query, (f"{{{','.join(map(str, wanted))}}}",))
    else:
        query = (
            "SELECT t.trace, t.wording_id, t.day FROM json_each(?) j "
            "CROSS JOIN trace t ON t.trace = j.value"
        )
        rows = connection.exec_driver_sql(query, (json.dumps(wanted),))
    for trace, wording_id, day in rows:
        holders[trace][wording_id] = day
    return holders


def look(trail: Trail, holders: Holders) -> Met:
    """Return what a trail meets among `holders`."""
    weights: dict[int, float] = defaultdict(float)
    apart: dict[int, int] = {}
    met = Met()
    for trace in trail.traces.sought:
        known = holders.get(trace)
        if not known:
            continue
        kind = kind_of(trace)
        if kind in {BAND, PASSAGE}:
            _weigh(weights, apart, known, trail, is_passage=kind == PASSAGE)
            if kind == PASSAGE and len(known) >= COMMON_HOLDERS:
                met.common[trace] = list(known)
        else:
            into = met.earlier if kind in {TITLE, NUMBER, DAY} else met.later
            into += [each for each in known if each not in into and each not in trail.own]
    likely = [each for each, weight in weights.items() if weight >= LEAST_WEIGHT]
    likely.sort(key=lambda each: (-weights[each], apart[each], each))
    met.near = likely[:MOST_COMPARED]
    return met


def _weigh(
    weights: dict[int, float],
    apart: dict[int, int],
    known: dict[int, int],
    trail: Trail,
    *,
    is_passage: bool,
) -> None:
    weight = 1 / len(known)
    for each, day in known.items():
        days = abs(day - trail.day) if day and trail.day else 0
        if each in trail.own or (is_passage and days > WINDOW_DAYS):
            continue
        weights[each] += weight
        apart[each] = days


def most_holders(trace: int) -> int:
    """Return how many wordings a trace may lead to."""
    return MOST_OF_A_DAY if kind_of(trace) == DAY else MOST_HOLDERS
