"""Find the changes that match alerts, in commit order.

An alert has a cursor: the `seq` up to which changes were matched. A pass reads the changes after
it, matches without a lock, and writes the deliveries and the new cursor in one transaction.
A pass that is killed before the commit is repeated, so each change is reported once.

A redaction, an undo or a new derivation rewrites versions and gives them a new `seq`. These are no
new changes: their verdicts are before the cursor. So a cursor never lies within a unit of work, and
is never before a verdict on a change that was matched.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby
from math import inf
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    Connection,
    Engine,
    and_,
    func,
    literal_column,
    select,
    text,
    tuple_,
    update,
)

from storage.capabilities import load_parts
from storage.database.engine import database_epoch, read_connection
from storage.database.outgoing import ALERTS
from storage.database.rows import fetch
from storage.database.tables import (
    ALERT,
    ALERT_CHANNEL,
    ALERT_DELIVERY,
    ARTICLE,
    DERIVATION,
    SNAPSHOT,
    SOURCE,
    VERDICT,
    VERSION,
    WORDING,
)
from storage.database.unit import Clock, Unit, writing
from storage.database.view_queries.sql_words import RESTRICTED
from storage.history.alerts.lists import Alert, alerts, is_correction, is_unmatched
from storage.history.alerts.rule import (
    GONE,
    GONE_BEFORE,
    AlertStep,
    Condition,
    StepTexts,
    Why,
    damped,
    find_absence,
    fires,
    is_news,
    may_match,
    next_digest,
)
from storage.history.change_conditions import selecting_query
from storage.values.change_class import ChangeClass
from storage.values.freshness import is_fresh

STEPS_AT_ONCE = 100
RECENT = timedelta(days=30)
"""Period during which a wording that an alert reported is a known state of its article."""


@dataclass(frozen=True, slots=True)
class AlertMatch:
    """An alert, a matching change, and the reason."""

    alert: Alert
    step: AlertStep
    why: Why


def match(engine: Engine, clock: Clock) -> int:
    """Match all new changes; return the number of deliveries written."""
    written = 0
    while True:
        with read_connection(engine) as connection:
            behind = [each for each in alerts(connection) if not each.paused]
        behind.sort(key=lambda each: each.cursor)
        groups = [list(group) for _cursor, group in groupby(behind, key=lambda each: each.cursor)]
        found = [_match_next(engine, clock, group) for group in groups]
        written += sum(each or 0 for each in found)
        if all(each is None for each in found):
            return written


def _match_next(engine: Engine, clock: Clock, group: Sequence[Alert]) -> int | None:
    """Match the next changes for alerts with one cursor; None if there are none."""
    with read_connection(engine) as connection:
        newest = _read_newest(connection)
        steps, cursor = _next_steps(connection, group[0].cursor, newest)
        found = [] if not steps else _match_alerts(connection, group, steps)
    if cursor <= group[0].cursor:
        return None
    with writing(engine, clock) as unit:
        return _keep(unit, group, found, cursor)


def _read_newest(connection: Connection) -> int:
    """Return the number of the newest version, absence or verdict, also of a hidden article: a
    change that was matched while a restriction hid it is no news once it is shown again, nor is one
    that was noise then and no longer is.
    """
    gone = SNAPSHOT.c.outcome == literal_column(f"'{GONE}'")
    queries = (
        select(func.max(VERSION.c.seq)),
        select(func.max(SNAPSHOT.c.observation_id)).where(gone),
        select(func.max(VERDICT.c.id)),
    )
    return max(connection.execute(query).scalar() or 0 for query in queries)


def _next_steps(
    connection: Connection, cursor: int, newest: int
) -> tuple[Sequence[AlertStep], int]:
    """Return the next changes of whole units of work, and the cursor after them."""
    limit = STEPS_AT_ONCE
    while True:
        both = [
            *_steps(connection, cursor, newest, limit), *_absences(connection, cursor, limit),
            *_steps_with_marks(connection, cursor, limit),
        ]  # fmt: skip
        steps = sorted(both, key=lambda each: each.seq)[:limit]
        if len(steps) < limit:
            return steps, max(newest, _cursor_after(steps))
        if cut := _end_of_unit(steps):
            return steps[:cut], _cursor_after(steps[:cut])
        limit *= 2


def _cursor_after(steps: Sequence[AlertStep]) -> int:
    """Return the cursor after these changes: the verdict on a new article is behind its version."""
    return max((max(each.seq, each.read_at or 0) for each in steps), default=0)


def _end_of_unit(steps: Sequence[AlertStep]) -> int:
    """Return how many of the steps are surely of complete units of work."""
    earliest = inf
    for number in range(len(steps) - 1, 0, -1):
        if not steps[number].is_absence:
            earliest = min(earliest, steps[number].read_at or steps[number].seq)
        if earliest > steps[number - 1].seq:
            return number
    return 0


def _steps(connection: Connection, cursor: int, newest: int, limit: int) -> list[AlertStep]:
    query = (
        _STEPS.where(is_unmatched(cursor), VERSION.c.seq <= newest)
        .order_by(VERSION.c.seq)
        .limit(limit)
    )
    return _read_steps(connection, query)


def _steps_with_marks(connection: Connection, cursor: int, limit: int) -> list[AlertStep]:
    """Return the changes about which a capability recorded something since."""
    found = []
    for part in load_parts("change_marks"):
        marks = part.find_marks(connection, cursor, limit)
        if not marks:
            continue
        query = _STEPS.where(VERSION.c.article_id.in_({each.article_id for each in marks}))
        steps = {(s.article_id, s.number): s for s in _read_steps(connection, query)}
        for each in marks:
            if (step := steps.get((each.article_id, each.version))) is not None:
                recorded = (each.condition, each.value)
                found.append(replace(step, seq=each.seq, read_at=each.seq, recorded=recorded))
    return found


_STEPS = (
        select(
            VERSION.c.seq, VERSION.c.article_id, VERSION.c.number, VERSION.c.wording_id,
            VERSION.c.changes, VERSION.c.silent, ARTICLE.c.public_id, DERIVATION.c.language,
            SOURCE.c.name.label("source"),
            func.coalesce(VERSION.c.confirmed_id, VERDICT.c.id).label("read_at"),
        )
        .join(ARTICLE, ARTICLE.c.id == VERSION.c.article_id)
        .join(DERIVATION, DERIVATION.c.id == VERSION.c.derivation_id)
        .join(SOURCE, SOURCE.c.id == ARTICLE.c.source_id)
        .join(VERDICT, VERDICT.c.observation_id == VERSION.c.observation_id, isouter=True)
        .where(text(f"version.article_id NOT IN {RESTRICTED}"))
    )  # fmt: skip
"""The changes with what a rule asks for."""


def _read_steps(connection: Connection, query: Any) -> list[AlertStep]:
    rows = connection.execute(query).all()
    wordings = _wordings(connection, {row.article_id for row in rows})
    return [
        AlertStep(
            seq=row.seq, article_id=row.article_id, article=row.public_id, number=row.number,
            wording_id=row.wording_id, before_id=wordings[row.article_id].get(row.number - 1),
            occurrence=_occurrence(wordings[row.article_id], row.number, row.wording_id),
            read_at=row.read_at, source=row.source, language=row.language,
            classes=tuple(row.changes), silent=row.silent,
        )
        for row in rows
    ]  # fmt: skip


def _absences(connection: Connection, cursor: int, limit: int) -> list[AlertStep]:
    """Return the checks that first found an article gone."""
    query = (
        select(
            SNAPSHOT.c.observation_id, SNAPSHOT.c.article_id, ARTICLE.c.public_id, VERSION.c.number,
            VERSION.c.wording_id, DERIVATION.c.language, SOURCE.c.name.label("source"),
        )
        .join(ARTICLE, ARTICLE.c.id == SNAPSHOT.c.article_id)
        .join(
            VERSION,
            and_(VERSION.c.article_id == ARTICLE.c.id, VERSION.c.number == ARTICLE.c.versions),
        )
        .join(DERIVATION, DERIVATION.c.id == VERSION.c.derivation_id)
        .join(SOURCE, SOURCE.c.id == ARTICLE.c.source_id)
        .where(SNAPSHOT.c.outcome == literal_column(f"'{GONE}'"))  # uses the partial index
        .where(SNAPSHOT.c.observation_id > cursor, text(f"article.id NOT IN {RESTRICTED}"))
        .order_by(SNAPSHOT.c.observation_id)
        .limit(limit)
    )  # fmt: skip
    rows = connection.execute(query).all()
    checks = _checks(connection, {row.article_id for row in rows})
    found = []
    for row in rows:
        own = checks[row.article_id]
        absences = sorted(number for number, outcome in own if outcome == GONE)
        found.append(
            AlertStep(
                seq=row.observation_id, article_id=row.article_id, article=row.public_id,
                number=row.number, wording_id=row.wording_id, before_id=row.wording_id,
                occurrence=-1 - absences.index(row.observation_id),
                read_at=row.observation_id if find_absence(own) == row.observation_id else 0,
                source=row.source, language=row.language, classes=(GONE,), silent=None,
            )
        )  # fmt: skip
    return found


def _checks(connection: Connection, articles: Iterable[int]) -> dict[int, list[tuple[int, str]]]:
    """Return the number and outcome of each check of articles, in chronological order."""
    query = (
        select(SNAPSHOT.c.article_id, SNAPSHOT.c.observation_id, SNAPSHOT.c.outcome)
        .where(SNAPSHOT.c.article_id.in_(list(articles)))
        .order_by(SNAPSHOT.c.observed_at, SNAPSHOT.c.observation_id)
    )
    found: dict[int, list[tuple[int, str]]] = {}
    for article, number, outcome in connection.execute(query):
        found.setdefault(article, []).append((number, outcome))
    return found


def _wordings(connection: Connection, articles: Iterable[int]) -> dict[int, dict[int, int]]:
    """Return the wordings by article and version number."""
    query = select(VERSION.c.article_id, VERSION.c.number, VERSION.c.wording_id)
    found: dict[int, dict[int, int]] = {}
    for article, number, wording in connection.execute(
        query.where(VERSION.c.article_id.in_(list(articles)))
    ):
        found.setdefault(article, {})[number] = wording
    return found


def _occurrence(wordings: Mapping[int, int], number: int, wording: int) -> int:
    return sum(1 for each, found in wordings.items() if each <= number and found == wording)


def _match_alerts(
    connection: Connection, group: Sequence[Alert], steps: Sequence[AlertStep]
) -> list[AlertMatch]:
    """Return the matches of all alerts, in the order of the changes."""
    pairs = [
        (alert, step)
        for step in steps
        for alert in group
        if is_news(step, alert.since)
        and may_match(alert.rule, step)
        and ChangeClass.REDACTED not in step.classes  # the difference is unknown
    ]
    asked = [step for alert, step in pairs if alert.rule.wants_text]
    wordings = {each for s in asked for each in (s.wording_id, s.before_id) if each is not None}
    texts = _load_texts(connection, wordings)
    conditions = {each for alert, _step in pairs for each in alert.rule.in_texts}
    counted = {each: _count_found(connection, each, wordings) for each in conditions}
    found = []
    for alert, step in pairs:
        before = texts.get(step.before_id, ()) if step.before_id is not None else ()
        after = () if step.is_absence else texts.get(step.wording_id, ())
        met = {
            each: (numbers[step.before_id or 0], numbers[step.wording_id])
            for each, numbers in counted.items()
        }
        why = fires(alert.rule, step, StepTexts(before, after, met))
        if why is not None:
            found.append(AlertMatch(alert, step, why))
    return found


def _load_texts(connection: Connection, wordings: Collection[int]) -> dict[int, tuple[str, ...]]:
    query = select(WORDING.c.id, WORDING.c.title, WORDING.c.text)
    if not wordings:
        return {}
    return {
        row.id: (row.title or "", *(row.text or "").split("\n\n"))
        for row in connection.execute(query.where(WORDING.c.id.in_(wordings)))
    }


def _count_found(
    connection: Connection, condition: Condition, wordings: Collection[int]
) -> Counter[int]:
    """Return how often each of some texts meets a condition of a capability."""
    query, parameters = selecting_query(condition[0], condition[1:], connection)
    statement = (
        f"SELECT f.wording_id AS wording, count(*) AS n FROM ({query}) f "
        "WHERE f.wording_id IN :wordings GROUP BY f.wording_id"
    )
    rows = fetch(connection, statement, {**parameters, "wordings": [*wordings]})
    return Counter({row["wording"]: row["n"] for row in rows})


def _keep(unit: Unit, group: Sequence[Alert], matches: Sequence[AlertMatch], cursor: int) -> int:
    """Write deliveries and the new cursor for the alerts that were not changed meanwhile."""
    ids = [each.id for each in group]
    still = select(ALERT.c.id).where(
        ALERT.c.id.in_(ids), ALERT.c.cursor == group[0].cursor, ALERT.c.paused.is_(False)
    )
    open_ids = set(unit.connection.execute(still).scalars())
    fired = [each for each in matches if each.alert.id in open_ids]
    written = _write(unit, fired) if fired else 0
    unit.connection.execute(update(ALERT).where(ALERT.c.id.in_(open_ids)).values(cursor=cursor))
    return written


def _write(unit: Unit, fired: Sequence[AlertMatch]) -> int:
    reported = _ReportedChanges(unit, fired)
    query = select(ALERT_CHANNEL.c.id, ALERT_CHANNEL.c.alert_id, ALERT_CHANNEL.c.kind).order_by(
        ALERT_CHANNEL.c.id
    )
    wanted = ALERT_CHANNEL.c.alert_id.in_({each.alert.id for each in fired})
    channels = unit.connection.execute(query.where(wanted)).all()
    now, written = database_epoch(unit.connection), 0
    for each in fired:
        if reported.has(each):
            continue
        note, turn = reported.damping(each), reported.next_turn(each)
        reported.add(each)
        for channel in channels:
            if channel.alert_id == each.alert.id:
                unit.add(ALERT_DELIVERY, _row(unit, each, channel, turn, note, now))
                written += 1
    return written


def _row(
    unit: Unit, fired: AlertMatch, channel: Any, turn: int, note: str | None, now: float
) -> dict[str, object]:
    number, alert, step = unit.number(), fired.alert, fired.step
    next_at = now
    if alert.daily_at is not None and channel.kind != "webhook":
        next_at = next_digest(unit.now, alert.daily_at, ZoneInfo(alert.timezone)).timestamp()
    return {
        "id": number, "alert_id": alert.id, "channel_id": channel.id, "kind": channel.kind,
        "article_id": step.article_id, "wording_id": step.wording_id, "before_id": step.before_id,
        "occurrence": step.occurrence, "turn": turn, "version": step.number, "why": list(fired.why),
        "state": "waiting" if note is None else "damped", "attempts": 0, "next_at": next_at,
        "lease_until": None, "token": None, "message_id": None, "note": note,
        "made_at": unit.now, "sent_at": None,
    }  # fmt: skip


_Key = tuple[int, int, int, int]
"""An alert, an article, a wording and its occurrence."""


def _is_corrected(row: Any) -> bool:
    return is_correction(row.turn) and row.state == ALERTS.sent


class _ReportedChanges:
    """The changes that alerts already reported of some articles, and the recently reported
    wordings. A change that was corrected since is not reported.
    """

    def __init__(self, unit: Unit, fired: Sequence[AlertMatch]) -> None:
        own = ALERT_DELIVERY.c
        query = (
            select(own.alert_id, own.article_id, own.wording_id, own.before_id, own.occurrence,
                   own.made_at, own.turn, own.state)
            .where(
                tuple_(own.alert_id, own.article_id).in_(
                    {(each.alert.id, each.step.article_id) for each in fired}
                )
            )
            .order_by(own.turn)
        )  # fmt: skip
        self._newest: dict[_Key, Any] = {}
        self._wordings: dict[tuple[int, int], set[int]] = {}
        self._gone: set[tuple[int, int]] = set()
        for row in unit.connection.execute(query):
            self._newest[row[0], row[1], row[2], row[4]] = row
        self._steps = {key for key, row in self._newest.items() if not _is_corrected(row)}
        for row in (self._newest[key] for key in self._steps):
            if is_fresh(row.made_at, unit.now, RECENT):
                self._note(
                    row.alert_id, row.article_id, row.occurrence, row.wording_id, row.before_id
                )

    def has(self, fired: AlertMatch) -> bool:
        return self._key(fired) in self._steps

    def next_turn(self, fired: AlertMatch) -> int:
        newest = self._newest.get(self._key(fired))
        return 0 if newest is None else newest.turn + 1

    def damping(self, fired: AlertMatch) -> str | None:
        told = fired.alert.id, fired.step.article_id
        if fired.step.is_absence:
            return GONE_BEFORE if told in self._gone else None
        return damped(fired.step, self._wordings.get(told, set()))

    def add(self, fired: AlertMatch) -> None:
        self._steps.add(self._key(fired))
        step = fired.step
        self._note(
            fired.alert.id, step.article_id, step.occurrence, step.wording_id, step.before_id
        )

    def _key(self, fired: AlertMatch) -> _Key:
        step = fired.step
        return fired.alert.id, step.article_id, step.wording_id, step.occurrence

    def _note(self, alert: int, article: int, occurrence: int, *wordings: int | None) -> None:
        if occurrence < 0:
            self._gone.add((alert, article))
            return
        sent = self._wordings.setdefault((alert, article), set())
        sent.update(each for each in wordings if each is not None)
