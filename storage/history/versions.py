"""Update the stored versions of an article from its observations."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import Row, delete, func, select

from storage.database.tables import ARTICLE, OBSERVATION, REBUILD_DUE, SNAPSHOT, VERSION
from storage.database.unit import Unit, rows_in, update_rows
from storage.database.view_facts import FIELD_BLOCK, SNAPSHOT_BLOCK
from storage.history.article_rows import add_version
from storage.history.change_events import record_changes
from storage.history.changes import CaptureComparer
from storage.history.corrected_times import clock_corrections, last_sight
from storage.history.noise.decisions import NoiseDecisions, decided, delete_pending
from storage.history.runs import Pair, Run, Snapshot, runs, steps
from storage.history.snapshots import StoredSnapshot, add_all_confirmations, snapshots_by_article
from storage.history.steps import Passages, Steps, step_of
from storage.history.unconfirmed.counted import find_held_back
from storage.history.unconfirmed.doubts import (
    DecidedDoubts,
    find_doubted,
    leave_out_held,
    list_certain_steps,
    load_doubts,
)
from storage.values.outcome import STATES

NOTHING: Mapping[int, frozenset[Pair]] = MappingProxyType({})
_EARLIER = SNAPSHOT.alias()
_LATEST = (
    select(SNAPSHOT.c.article_id, SNAPSHOT.c.observed_at, SNAPSHOT.c.outcome)
    .where(
        SNAPSHOT.c.article_id == ARTICLE.c.id,
        SNAPSHOT.c.observed_at
        == select(_EARLIER.c.observed_at)
        .where(_EARLIER.c.article_id == ARTICLE.c.id, _EARLIER.c.outcome.in_(STATES))
        .order_by(_EARLIER.c.observed_at.desc())
        .limit(1)
        .correlate(ARTICLE)
        .scalar_subquery(),
        SNAPSHOT.c.outcome.in_(STATES),
    )
    .order_by(SNAPSHOT.c.observation_id)
)
"""Time and outcome of the latest observation of articles."""


def rebuild_all(
    unit: Unit,
    articles: Mapping[int, bool],
    comparing: CaptureComparer | None = None,
    stale: Mapping[int, frozenset[Pair]] = NOTHING,
    *,
    keeps_versions: bool = False,
) -> frozenset[int]:
    """Update the rows of versions, snapshots and articles from the observations.

    Returns the articles with a text that was held back and counts now.

    If nothing arrived out of order (`articles` maps to False), only the snapshots since the last
    one with a wording are read: they extend the newest version or follow it. `stale` are steps
    to compare again because other articles have new texts, or because the rules are older; with
    `keeps_versions` they are not decided again to be noise.
    """
    comparing = comparing or CaptureComparer(unit.connection, unit.since)
    undecided = NOTHING if keeps_versions else stale
    confirmed, repeated, relaunched = set[int](), set[int](), set[int]()
    while articles:
        unit.flush()
        updater = _VersionUpdater(
            unit, comparing, articles, stale, undecided, _Again(repeated, relaunched)
        )
        left = updater.update()
        confirmed |= updater.results.confirmed
        repeated = updater.results.repeated
        again = updater.results.relaunched - relaunched
        relaunched |= again
        articles = dict.fromkeys(sorted({*left, *repeated, *again}), True)
    return frozenset(confirmed)


def compare_again(
    unit: Unit, comparing: CaptureComparer, waiting: Mapping[int, Mapping[Pair, set[int]]]
) -> None:
    """Compare steps again for which other articles have new texts.

    Steps without a new result stay pending.
    """
    if steps := comparing.steps_to_recheck(waiting):
        delete_pending(unit, steps)
        rebuild_all(unit, dict.fromkeys(steps, True), comparing, steps)


@dataclass(slots=True)
class _Results:
    """Changed rows of versions and snapshots; the runs and the newest version by article.

    `read` are all snapshots, also those held back. `confirmed` are the articles with a text
    that was held back and counts now, `repeated` those that show the text of another one,
    `relaunched` those with pages that may be a relaunch of their site.
    """

    versions: list[dict[str, Any]] = field(default_factory=list)
    snapshots: list[dict[str, Any]] = field(default_factory=list)
    found: dict[int, tuple[Run, ...]] = field(default_factory=dict)
    heads: dict[int, int] = field(default_factory=dict)
    read: dict[int, list[StoredSnapshot]] = field(default_factory=dict)
    confirmed: set[int] = field(default_factory=set)
    repeated: set[int] = field(default_factory=set)
    relaunched: set[int] = field(default_factory=set)


class _Again(NamedTuple):
    """The articles that are updated again because of others of their site: those with a repeated
    text, and those with pages that may be a relaunch.
    """

    repeated: Collection[int]
    relaunched: Collection[int]


class _VersionUpdater:
    """Updates several articles of one unit of work; their data is read together."""

    def __init__(
        self,
        unit: Unit,
        comparing: CaptureComparer,
        articles: Mapping[int, bool],
        stale: Mapping[int, frozenset[Pair]],
        undecided: Mapping[int, frozenset[Pair]],
        again: _Again,
    ) -> None:
        self.unit = unit
        self.comparing = comparing
        self.stale, self.undecided = stale, undecided
        doubted = find_doubted(unit.connection, articles)
        articles = {**articles, **dict.fromkeys(doubted, True)}
        self.articles = _articles(unit, articles)
        newest = [row for row in self.articles.values() if not articles[row.id]]
        self.known = _versions(unit, self.articles, newest)
        self.since: dict[int, datetime | None] = {
            row.id: row.content_at if not articles[row.id] and self.known[row.id] else None
            for row in self.articles.values()
        }
        self.left = _may_last_beyond(unit, [n for n, since in self.since.items() if since])
        for number in self.left:
            del self.since[number]
        recent = {number: since for number, since in self.since.items() if since}
        others = self.since.keys() - recent.keys()
        self.results = _Results()
        self.results.read = snapshots_by_article(unit.connection, recent, with_held=True)
        whole = dict.fromkeys(sorted(others))
        self.results.read |= snapshots_by_article(unit.connection, whole, with_held=True)
        self.stored = self._counting_snapshots(again)
        self.corrections = clock_corrections(unit.connection)

    def _counting_snapshots(self, again: _Again) -> dict[int, list[StoredSnapshot]]:
        """Return the snapshots that are not held back, by article.

        A doubt about one of the newest snapshots needs all of them.
        """
        doubts = load_doubts(self.unit.connection, self.results.read)
        found: dict[int, list[StoredSnapshot]] = {}
        for article, snapshots in self.results.read.items():
            is_whole = self.since[article] is None
            certain = list_certain_steps(self.known[article])
            if not is_whole:
                first = min(snapshots, key=lambda each: each.place, default=None)
                certain |= {(first.derivation_id,) * 2} if first else set()
            deciding = DecidedDoubts(
                self.unit, self.comparing, self.articles[article], doubts[article], certain,
                self.results.repeated, records=is_whole, looks_back=article in again.repeated,
                relaunching=self.results.relaunched,
            )  # fmt: skip
            if article in again.relaunched:
                self.results.relaunched |= doubts[article].beside
            held = find_held_back(snapshots, deciding).held
            if held and not is_whole:
                self.left.append(article)
                continue
            found[article] = leave_out_held(snapshots, held)
        self.results.repeated -= self.results.read.keys()
        return found

    def update(self) -> list[int]:
        """Write the results; return the articles that need more snapshots."""
        connection = self.unit.connection
        snapshots = add_all_confirmations(connection, self.stored)
        known = {article: steps(each) for article, each in snapshots.items()}
        earlier = decided(connection, known)
        past = _past(self.unit, [number for number, since in self.since.items() if since])
        for article, those in known.items():
            decisions = NoiseDecisions(
                self.unit, self.comparing, self.articles[article], those, earlier
            )
            self._update_article(article, snapshots[article], decisions, past.get(article, {}))
        self._write()
        return self.left

    def _update_article(
        self,
        article_id: int,
        snapshots: Sequence[Snapshot],
        decisions: NoiseDecisions,
        past: dict[int, int],
    ) -> None:
        known, stale = self.known[article_id], self.stale.get(article_id, frozenset())
        changes = {(row.before_id, row.after_id) for row in known.values()}
        changes -= self.undecided.get(article_id, frozenset())
        found = runs(snapshots, decisions.settle(changes), partial(last_sight, self.corrections))
        head = None if self.since[article_id] is None else known[max(known)]
        if head is not None:
            if not found or not _goes_on(head, found[0], self.stored[article_id]):
                self.left.append(article_id)
                return
            found = _extend_head(head, found)
        passages = partial(_passages, self.unit, article_id, head)
        stored_steps = Steps(decisions, known, past, passages, stale)
        self.results.found[article_id] = found
        is_scanned = bool(self.corrections) or any(each.confirmed for each in snapshots)
        after = self._record_versions(article_id, found, stored_steps, is_scanned=is_scanned)
        article = self.articles[article_id]
        record_changes(self.unit, article, known, after, [*past.values()])
        self._record_snapshots(article_id, found)

    def _record_versions(
        self, article_id: int, found: Sequence[Run], stored_steps: Steps, *, is_scanned: bool
    ) -> list[tuple[int, dict[str, Any]]]:
        """Insert and update the rows of versions; return their values by number."""
        after = []
        known = self.known[article_id]
        # only the newest version is shown with the times of later scans
        was_newest, is_newest = max(known, default=0), found[-1].number if found else 0
        for run in found:
            row = known.get(run.number)
            if row is not None and run.step is None and run.number > 1:
                step = step_of(row)  # the newest stored version is extended
                stored_steps.keep(run.number, run.wording_id, step)
            else:
                step = stored_steps.of(run)
            values = {**_place_run(run), **step}
            values["confirmed_id"] = self._confirmation(article_id, run)
            after.append((run.number, values))
            if row is None:
                number = add_version(self.unit, article_id, run.number, values)
            else:
                number = row.id
                is_moved = (run.number == was_newest) != (run.number == is_newest)
                if (is_scanned and is_moved) or any(
                    getattr(row, name) != value for name, value in values.items()
                ):
                    seq = self.unit.number(FIELD_BLOCK)
                    self.results.versions.append({"id": row.id, "seq": seq, **values})
            self.results.heads[article_id] = number
        return after

    def _confirmation(self, article_id: int, run: Run) -> int | None:
        """Return the number of the act that confirmed the first text of a version, if any."""
        own = (
            each for each in self.stored[article_id] if each.observation_id == run.observation_id
        )
        if any(each.is_held for each in own):
            self.results.confirmed.add(article_id)
            return self.unit.number()
        rows = self.known[article_id].values()
        return next(
            (row.confirmed_id for row in rows if row.observation_id == run.observation_id), None
        )

    def _record_snapshots(self, article_id: int, found: Sequence[Run]) -> None:
        number = {each: run.number for run in reversed(found) for each in run.observation_ids}
        first = {run.observation_id for run in found}
        counted = {each.observation_id for each in self.stored[article_id]}
        for snapshot in self.results.read[article_id]:
            observation = snapshot.observation_id
            values: dict[str, Any] = dict(HELD_BACK)
            if observation in counted:
                known = snapshot.answer if snapshot.is_held else snapshot.outcome
                outcome = outcome_in_history(known, is_first=observation in first)
                values = {"version": number[observation], "outcome": outcome}
                values["wording_id"] = snapshot.wording_id
            stored = None if snapshot.is_held else snapshot.wording_id
            if (snapshot.version, snapshot.outcome, stored) != (
                values["version"], values["outcome"], values["wording_id"],
            ):  # fmt: skip
                seq = self.unit.number(SNAPSHOT_BLOCK)
                values |= {"observation_id": observation, "seq": seq}
                self.results.snapshots.append(values)

    def _write(self) -> None:
        unit = self.unit
        update_rows(unit.connection, VERSION, ("id",), self.results.versions)
        gone = [
            row.id
            for article, found in self.results.found.items()
            for row in self.known[article].values()
            if row.number > (found[-1].number if found else 0)
        ]
        if gone:
            unit.connection.execute(delete(VERSION).where(VERSION.c.id.in_(gone)))
        unit.flush()
        update_rows(unit.connection, SNAPSHOT, ("observation_id",), self.results.snapshots)
        states = latest_states(unit, self.results.found)
        rows = [self._article(self.articles[number], states) for number in self.results.found]
        update_rows(unit.connection, ARTICLE, ("id",), rows)
        foreign = [
            n for n in self.results.found if any(snapshot.foreign for snapshot in self.stored[n])
        ]
        if foreign:
            unit.connection.execute(
                delete(REBUILD_DUE).where(REBUILD_DUE.c.article_id.in_(foreign))
            )
        for number in foreign:
            _note_return(unit, number, self.stored[number], self.results.found[number])

    def _article(
        self, article: Row[Any], states: Mapping[int, tuple[datetime, str]]
    ) -> dict[str, Any]:
        found, stored = self.results.found[article.id], self.stored[article.id]
        latest_at, state = states.get(article.id, (article.latest_at, "present"))
        seen = max((snapshot.observed_at for snapshot in stored), default=article.content_at)
        is_whole = self.since[article.id] is None
        return {
            "id": article.id,
            "seq": self.unit.number(),
            "versions": found[-1].number if found else 0,
            "head_version_id": self.results.heads.get(article.id),
            "first_seen": found[0].changed_by if found and is_whole else article.first_seen,
            "last_seen": found[-1].last_seen if found else article.last_seen,
            "content_at": seen,
            "latest_at": latest_at,
            "state": state,
        }


HELD_BACK: Mapping[str, Any] = MappingProxyType(
    {"version": None, "outcome": "unconfirmed", "wording_id": None}
)
"""The columns of a snapshot that is held back: its derivation has the text that it shows."""


def _goes_on(head: Row[Any], run: Run, snapshots: Sequence[StoredSnapshot]) -> bool:
    """Check whether the first run of the newest snapshots is or extends the newest version.

    Its wording may differ if another extractor read it.
    """
    if run.last_seen < head.last_seen:
        return False
    if run.wording_id == head.wording_id:
        return True
    stored = {each.observation_id for each in snapshots if each.version == head.number}
    return run.observation_ids[0] in stored


def outcome_in_history(known: str, *, is_first: bool) -> str:
    """Return the outcome of a snapshot with a wording; answers of servers are unchanged.

    >>> outcome_in_history("unchanged", is_first=True)
    'content'
    >>> outcome_in_history("not_modified", is_first=False)
    'not_modified'
    """
    if known == "not_modified":
        return known
    return "content" if is_first else "unchanged"


def rebuild_returned(unit: Unit, source_id: int) -> None:
    """After a scan, restore versions whose text is still in files of the source."""
    query = select(REBUILD_DUE.c.article_id).where(REBUILD_DUE.c.source_id == source_id)
    if due := unit.connection.execute(query).scalars().all():
        rebuild_all(unit, dict.fromkeys(due, True))


def _note_return(
    unit: Unit, article_id: int, snapshots: Sequence[StoredSnapshot], found: Sequence[Run]
) -> None:
    """Queue an article if the next scan may do more than extend the newest version.

    Either an imported capture is newer than the last check of a file with another wording,
    which the next scan finds again, or its time is in the future.
    """
    own = [snapshot for snapshot in snapshots if not snapshot.foreign]
    if not own:
        return
    newest = max(own, key=lambda snapshot: snapshot.observation_id)
    is_shown = (
        found[-1].wording_id == newest.wording_id
        or newest.observation_id in found[-1].observation_ids
    )
    is_past = all(snapshot.observed_at <= unit.now for snapshot in snapshots)
    if (is_shown and is_past) or _was_followed(unit, newest):
        return
    unit.add(REBUILD_DUE, {"article_id": article_id, "source_id": newest.source_id})


def _was_followed(unit: Unit, snapshot: StoredSnapshot) -> bool:
    query = select(OBSERVATION.c.id).where(
        OBSERVATION.c.source_id == snapshot.source_id,
        OBSERVATION.c.locator_id == snapshot.locator_id,
        OBSERVATION.c.id > snapshot.observation_id,
    )
    return unit.connection.execute(query.limit(1)).first() is not None


def _may_last_beyond(unit: Unit, article_ids: Collection[int]) -> list[int]:
    """Return the articles whose scans may confirm a snapshot before the newest one.

    That is impossible if the file observed then is the only one of the article.
    """
    files = (
        select(
            SNAPSHOT.c.article_id, SNAPSHOT.c.source_id, SNAPSHOT.c.locator_id,
            func.max(SNAPSHOT.c.observation_id), SNAPSHOT.c.observed_at == ARTICLE.c.content_at,
        )
        .join(ARTICLE, ARTICLE.c.id == SNAPSHOT.c.article_id)
        .where(
            SNAPSHOT.c.wording_id.is_not(None),
            SNAPSHOT.c.is_foreign.is_(False),
            SNAPSHOT.c.observed_at <= ARTICLE.c.content_at,
        )
        .group_by(
            SNAPSHOT.c.article_id, SNAPSHOT.c.source_id, SNAPSHOT.c.locator_id,
            SNAPSHOT.c.observed_at == ARTICLE.c.content_at,
        )
    )  # fmt: skip
    newest: dict[int, tuple[int, int, int]] = {}
    earlier: dict[int, list[tuple[int, int, int]]] = {}
    for article, source, locator, number, is_newest in rows_in(
        unit.connection, files, SNAPSHOT.c.article_id, article_ids
    ):
        each = (number, source, locator)
        if is_newest:
            newest[article] = max(each, newest.get(article, each))
        else:
            earlier.setdefault(article, []).append(each)
    return [article for article, those in earlier.items() if _others(newest.get(article), those)]


def _others(newest: tuple[int, int, int] | None, earlier: Sequence[tuple[int, int, int]]) -> bool:
    """Check whether an earlier snapshot is of another file than the newest, or arrived later.

    >>> _others((2, 7, 1), [(1, 7, 1)]), _others((2, 7, 1), [(1, 7, 1), (1, 7, 2)])
    (False, True)
    """
    return newest is None or any(each[1:] != newest[1:] or each[0] > newest[0] for each in earlier)


def _articles(unit: Unit, article_ids: Iterable[int]) -> dict[int, Row[Any]]:
    rows = rows_in(unit.connection, select(ARTICLE), ARTICLE.c.id, article_ids)
    return {row.id: row for row in rows}


def _versions(
    unit: Unit, articles: Mapping[int, Row[Any]], partial: Sequence[Row[Any]]
) -> dict[int, dict[int, Row[Any]]]:
    """Return the stored versions by article and number; of those in `partial` only the newest."""
    found: dict[int, dict[int, Row[Any]]] = {number: {} for number in articles}
    heads = [row.head_version_id for row in partial if row.head_version_id is not None]
    whole = articles.keys() - {row.id for row in partial}
    for column, values in ((VERSION.c.id, heads), (VERSION.c.article_id, whole)):
        for row in rows_in(unit.connection, select(VERSION), column, values):
            found[row.article_id][row.number] = row
    return found


def _past(unit: Unit, article_ids: Collection[int]) -> dict[int, dict[int, int]]:
    """Return the wordings of all versions but the newest, by article and number."""
    query = (
        select(VERSION.c.article_id, VERSION.c.number, VERSION.c.wording_id)
        .join(ARTICLE, ARTICLE.c.id == VERSION.c.article_id)
        .where(VERSION.c.id != ARTICLE.c.head_version_id)
    )
    found: dict[int, dict[int, int]] = {}
    for article, number, wording in rows_in(
        unit.connection, query, VERSION.c.article_id, article_ids
    ):
        found.setdefault(article, {})[number] = wording
    return found


def _passages(unit: Unit, article_id: int, head: Row[Any] | None) -> Passages:
    """Return the removed and added passages of the versions before `head`."""
    if head is None:
        return []
    query = (
        select(VERSION.c.number, VERSION.c.removed, VERSION.c.added)
        .where(VERSION.c.article_id == article_id, VERSION.c.number < head.number)
        .order_by(VERSION.c.number)
    )
    return [
        (number, [*(removed or ()), *(added or ())])
        for number, removed, added in unit.connection.execute(query)
    ]


def _extend_head(head: Row[Any], found: Sequence[Run]) -> tuple[Run, ...]:
    last_seen = max(head.last_seen, found[0].last_seen)
    if len(found) > 1 and found[1].changed_after is not None:
        last_seen = max(head.changed_by, found[1].changed_after)
    first = replace(
        found[0],
        wording_id=head.wording_id,
        derivation_id=head.derivation_id,
        observation_id=head.observation_id,
        changed_after=head.changed_after,
        changed_by=head.changed_by,
        last_seen=last_seen,
    )
    shift = head.number - 1
    return tuple(replace(run, number=run.number + shift) for run in (first, *found[1:]))


def _place_run(run: Run) -> dict[str, Any]:
    names = (
        "wording_id", "derivation_id", "observation_id", "changed_after", "changed_by",
        "last_seen",
    )  # fmt: skip
    return {name: getattr(run, name) for name in names}


def latest_states(unit: Unit, article_ids: Iterable[int]) -> dict[int, tuple[datetime, str]]:
    """Return the time and state of the latest observation of articles."""
    rows = rows_in(unit.connection, _LATEST, ARTICLE.c.id, article_ids)
    return {article: (moment, STATES[outcome]) for article, moment, outcome in rows}
