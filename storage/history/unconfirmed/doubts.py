"""The doubts about steps of articles and the decisions of persons, loaded and recorded."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, select

from storage.database.tables import (
    ARTICLE,
    ARTICLE_ORIGIN,
    DERIVATION,
    DOUBT,
    DOUBT_SETTLED,
    DOUBT_SETTLED_UNDONE,
    ORIGIN,
    SNAPSHOT,
)
from storage.database.unit import Unit, rows_in
from storage.history.changes import CaptureComparer
from storage.history.corrected_times import clock_corrections, time_of_act
from storage.history.runs import Pair, Snapshot, compared
from storage.history.unconfirmed.counted import Decision
from storage.history.unconfirmed.relaunch import load_relaunched, may_be_confirmed
from storage.history.unconfirmed.rule import GRADES, Doubt, doubt_grade
from storage.values.net.site import site_of


@dataclass(slots=True)
class StoredDoubts:
    """The doubts about steps of one article, and what persons decided about its wordings.

    `relaunched` are the steps to pages of a relaunch, `beside` the other articles of its pages.
    """

    doubts: dict[Pair, Doubt] = field(default_factory=dict)
    settled: dict[int, Decision] = field(default_factory=dict)
    relaunched: frozenset[Pair] = frozenset()
    beside: frozenset[int] = frozenset()


def find_doubted(connection: Connection, articles: Collection[int]) -> set[int]:
    """Return the articles with a doubtful step: they are computed from all of their readings."""
    if _is_empty(connection, DOUBT):
        return set()
    query = select(ARTICLE_ORIGIN.c.article_id).join(
        DOUBT, DOUBT.c.origin_id == ARTICLE_ORIGIN.c.origin_id
    )
    return {row[0] for row in rows_in(connection, query, ARTICLE_ORIGIN.c.article_id, articles)}


def _is_empty(connection: Connection, table: Table) -> bool:
    return connection.execute(select(table.c.id).limit(1)).first() is None


def load_doubts(connection: Connection, articles: Collection[int]) -> dict[int, StoredDoubts]:
    """Return the recorded doubts and decisions of articles."""
    found = {number: StoredDoubts() for number in articles}
    if _is_empty(connection, DOUBT) and _is_empty(connection, DOUBT_SETTLED):
        return found
    query = (
        select(
            ARTICLE_ORIGIN.c.article_id, DOUBT.c.a_derivation_id, DOUBT.c.b_derivation_id,
            DOUBT.c.grade, DOUBT.c.signs, DOUBT.c.wait_seconds,
        )
        .join(DOUBT, DOUBT.c.origin_id == ARTICLE_ORIGIN.c.origin_id)
        .order_by(DOUBT.c.id)
    )  # fmt: skip
    for article, a, b, grade, signs, seconds in rows_in(
        connection, query, ARTICLE_ORIGIN.c.article_id, articles
    ):
        _keep(found[article].doubts, (a, b), Doubt(grade, tuple(signs), seconds))
    corrections = clock_corrections(connection)
    decided = [
        (time_of_act(corrections, number, *times), decision, number, article, wording)
        for article, wording, decision, number, *times in rows_in(
            connection, _SETTLED, SNAPSHOT.c.article_id, articles
        )
    ]
    for _at, decision, _number, article, wording in sorted(decided):
        found[article].settled[wording] = decision
    lost = {number: _list_lost(stored) for number, stored in found.items() if _list_lost(stored)}
    for article, (pairs, others) in load_relaunched(connection, lost).items():
        found[article].relaunched, found[article].beside = pairs, others
    return found


def _list_lost(stored: StoredDoubts) -> list[Pair]:
    return [
        pair
        for pair, doubt in stored.doubts.items()
        if doubt.grade == GRADES[-1] and may_be_confirmed(doubt.signs)
    ]


_SETTLED = (
    select(
        SNAPSHOT.c.article_id, DERIVATION.c.wording_id, DOUBT_SETTLED.c.decision,
        DOUBT_SETTLED.c.id, DOUBT_SETTLED.c.decided_at, DOUBT_SETTLED.c.recorded_at,
    )
    .join(DOUBT_SETTLED, DOUBT_SETTLED.c.observation_id == SNAPSHOT.c.observation_id)
    .join(DERIVATION, DERIVATION.c.id == SNAPSHOT.c.derivation_id)
    .outerjoin(DOUBT_SETTLED_UNDONE, DOUBT_SETTLED_UNDONE.c.doubt_settled_id == DOUBT_SETTLED.c.id)
    .where(DOUBT_SETTLED_UNDONE.c.id.is_(None), DERIVATION.c.wording_id.is_not(None))
)  # fmt: skip
"""The decisions in force. The last one of a wording counts, in an order that all archives share."""


def _keep(doubts: dict[Pair, Doubt], pair: Pair, doubt: Doubt) -> None:
    """Keep the strongest doubt about a step."""
    known = doubts.get(pair)
    if known is None or GRADES.index(known.grade) < GRADES.index(doubt.grade):
        doubts[pair] = doubt


def step_pair(before: Snapshot | None, own: Snapshot) -> Pair:
    """Return the derivations of a step, by one extractor if possible; one twice without a text
    before.
    """
    if before is None:
        return own.derivation_id, own.derivation_id
    a, b = compared(before, own) or (before, own)
    return a.derivation_id, b.derivation_id


class RecordedDoubts:
    """The recorded doubts of an article, without new ones."""

    def __init__(self, stored: StoredDoubts) -> None:
        self._stored = stored

    def find_doubt(self, before: Snapshot | None, own: Snapshot) -> Doubt | None:
        return self._stored.doubts.get(step_pair(before, own))

    def find_decision(self, own: Snapshot) -> Decision | None:
        return self._stored.settled.get(own.wording_id)

    def is_relaunch(self, before: Snapshot | None, own: Snapshot) -> bool:
        return step_pair(before, own) in self._stored.relaunched


class DecidedDoubts(RecordedDoubts):
    """The doubts of an article: recorded ones, and those that are decided now.

    `certain` are steps of versions: a step is decided once, but with `looks_back` a text that other
    addresses show since is doubtful later. `repeated` collects these other articles, `relaunching`
    those with a new doubt about a page that may belong to a relaunch. With `records` new doubts are
    added to the record.
    """

    def __init__(
        self,
        unit: Unit,
        comparing: CaptureComparer,
        article: Any,
        stored: StoredDoubts,
        certain: Collection[Pair],
        repeated: set[int],
        *,
        records: bool,
        looks_back: bool = False,
        relaunching: set[int] | None = None,
    ) -> None:
        super().__init__(stored)
        self._unit, self._comparing, self._article = unit, comparing, article
        self._certain, self._repeated, self._records = certain, repeated, records
        self._looks_back = looks_back
        self._relaunching = set() if relaunching is None else relaunching
        self._decided: dict[Pair, Doubt | None] = {}

    def find_doubt(self, before: Snapshot | None, own: Snapshot) -> Doubt | None:
        pair = step_pair(before, own)
        if pair not in self._decided:
            self._decided[pair] = self._decide(pair, before, own)
        return self._decided[pair]

    def _decide(self, pair: Pair, before: Snapshot | None, own: Snapshot) -> Doubt | None:
        known = self._stored.doubts.get(pair)
        is_certain = known is None and pair in self._certain
        if is_certain and not self._looks_back:
            return None
        if not self._comparing.decides or (known is not None and known.grade == GRADES[-1]):
            return known
        contents = self._comparing.contents(pair)
        if len(contents) < len(pair):
            return known
        earlier = None if before is None else contents[0]
        found = None if is_certain else doubt_grade(earlier, contents[1])
        is_wall = found is not None and found[0] == GRADES[-1]
        if not is_wall and (before is not None or found is not None):
            found = self._repeated_grade(earlier, contents[1], before, own) or found
        if found is None or (known is not None and known.grade == found[0]):
            return known
        doubt = Doubt(*found, self._unit.confirm_seconds)
        if self._records:
            self._record(pair, own, doubt)
        return doubt

    def _repeated_grade(
        self, earlier: Any, content: Any, before: Snapshot | None, own: Snapshot
    ) -> Any:
        """Return the grade of a text that other articles of the site show, too."""
        found = doubt_grade(earlier, content, is_repeated=True)
        if found is None or found[0] != GRADES[-1]:
            return None
        others = self._others_with(own.wording_id, before)
        self._repeated |= others
        return found if others else None

    def _record(self, pair: Pair, own: Snapshot, doubt: Doubt) -> None:
        self._stored.doubts[pair] = doubt
        if doubt.grade == GRADES[-1] and may_be_confirmed(doubt.signs):
            self._relaunching.add(self._article.id)
        self._unit.add(
            DOUBT,
            {
                "id": self._unit.number(), "origin_id": self._article.origin_id,
                "observation_id": own.observation_id, "a_derivation_id": pair[0],
                "b_derivation_id": pair[1], "signs": list(doubt.signs), "grade": doubt.grade,
                "wait_seconds": doubt.seconds, "decided_at": self._unit.now,
            },
        )  # fmt: skip

    def _others_with(self, wording: int, before: Snapshot | None) -> set[int]:
        """Return the other articles of the site that showed a wording.

        Those that had the text before too, or no other text, are other addresses of this article.
        """
        query = _SHOWING.where(
            DERIVATION.c.wording_id == wording, SNAPSHOT.c.article_id != self._article.id
        )
        if before is not None:
            others = _ANOTHER.where(_READ.c.wording_id != wording)
            same = _ANOTHER.where(_READ.c.wording_id == before.wording_id)
            query = query.where(others.exists(), ~same.exists())
        site = self._comparing.site(self._article.id)
        shown = self._unit.connection.execute(query)
        return {article for article, origin in shown if site_of(origin) == site}


_SHOWN, _READ = SNAPSHOT.alias(), DERIVATION.alias()
_ANOTHER = (
    select(_SHOWN.c.observation_id)
    .join(_READ, _READ.c.id == _SHOWN.c.derivation_id)
    .where(_SHOWN.c.article_id == SNAPSHOT.c.article_id)
    .correlate(SNAPSHOT)
)
MOST_OTHERS = 50
"""Number of other addresses with a text that are looked at: two are enough for a decision."""
_SHOWING = (
    select(SNAPSHOT.c.article_id, ORIGIN.c.origin)
    .join(DERIVATION, DERIVATION.c.id == SNAPSHOT.c.derivation_id)
    .join(ARTICLE, ARTICLE.c.id == SNAPSHOT.c.article_id)
    .join(ORIGIN, ORIGIN.c.id == ARTICLE.c.origin_id)
    .distinct()
    .limit(MOST_OTHERS)
)


def list_certain_steps(versions: Mapping[int, Any]) -> set[Pair]:
    """Return the steps that stored versions show, and that to the first one."""
    first = versions.get(1)
    steps = {(row.before_id, row.after_id) for row in versions.values()}
    return steps | ({(first.derivation_id, first.derivation_id)} if first else set())


def leave_out_held(snapshots: Sequence[Any], held: Iterable[int]) -> list[Any]:
    """Return the snapshots that count."""
    left_out = {*held}
    return [each for each in snapshots if each.observation_id not in left_out]
