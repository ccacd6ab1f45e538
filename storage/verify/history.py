"""Check the cached values of every article against its history, computed from the observations."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection

from storage.database.rows import Row, stream
from storage.database.view_queries.scans import scan_start
from storage.database.views import snapshots_query
from storage.diff.change import METHOD, CaptureContent, CapturePair, TextChange
from storage.history.change_events import changes_by_key, current_changes
from storage.history.changes import REDACTED_CONTENT, content_of_row
from storage.history.corrected_times import clock_corrections, last_sight, time_after_corrections
from storage.history.runs import LastSight, Run, Snapshot, Transition, runs
from storage.history.snapshots import SnapshotReading, readings_by_other_versions
from storage.history.steps import STEP, Steps
from storage.history.unconfirmed.counted import find_held_back
from storage.history.unconfirmed.doubts import (
    RecordedDoubts,
    StoredDoubts,
    leave_out_held,
    load_doubts,
)
from storage.history.versions import HELD_BACK, outcome_in_history
from storage.values.digest import canonical
from storage.values.outcome import STATES
from storage.verify.finding import UNREADABLE, BrokenObject, Findings, PassedItem, Scope

CHUNK_ARTICLES = 500

_ARTICLES = """
SELECT a.id, a.public_id, a.versions, a.head_version_id, a.first_seen, a.last_seen, a.latest_at,
    a.state, a.source_id, a.origin_id, a.content_at, r.public_id AS own_id,
    ao.article_id AS answering
FROM article a
LEFT JOIN origin r ON r.id = a.origin_id
LEFT JOIN article_origin ao ON ao.origin_id = a.origin_id
WHERE a.id > :after AND {recorded} ORDER BY a.id LIMIT :rows
"""
_RECORDED = "a.id IN (SELECT article_id FROM snapshot WHERE observation_id > :begin)"
_VERSIONS = """
SELECT id, article_id, number, wording_id, derivation_id, observation_id, changed_after,
    changed_by, last_seen, changes, silent, words_added, words_removed, removed, added, before_id,
    after_id, noise, notices, entries, method
FROM version WHERE article_id IN :ids ORDER BY article_id, number
"""
_SNAPSHOTS = """
SELECT s.article_id, s.origin_id, s.observation_id, s.observed_at, s.outcome, s.version,
    s.wording_id, coalesce(s.wording_id, d.wording_id) AS shown_id, s.is_foreign,
    s.derivation_id, s.source_id, w.digest, b.digest AS raw, d.capture_id, d.context,
    d.extractor, d.extractor_version, d.config
FROM snapshot s LEFT JOIN derivation d ON d.id = s.derivation_id
LEFT JOIN wording w ON w.id = coalesce(s.wording_id, d.wording_id)
LEFT JOIN capture b ON b.id = d.capture_id
WHERE s.article_id IN :ids
"""
_NOISE = """
SELECT ao.article_id, n.a_derivation_id, n.b_derivation_id, n.a_wording_id, n.b_wording_id,
    u.id AS undone_id
FROM noise_step n JOIN article_origin ao ON ao.origin_id = n.origin_id
LEFT JOIN noise_step_undone u ON u.noise_step_id = n.id WHERE ao.article_id IN :ids
"""
_IS_SCAN = f"""
SELECT 1 FROM scan
WHERE source_id = :source AND complete = TRUE AND {scan_start("scan")} = :moment LIMIT 1
"""
_EVENTS = """
SELECT article_id, wording_id, occurrence, kind FROM change_event
WHERE article_id IN :ids ORDER BY id
"""
_SCANS = f"""
SELECT {scan_start("scan")} AS started_at FROM scan
WHERE source_id = :source AND complete = TRUE AND {scan_start("scan")} BETWEEN :first AND :last
ORDER BY id
"""


@dataclass(slots=True)
class _Article:
    """One article with all inputs of its history."""

    row: Row
    versions: list[Row] = field(default_factory=list)
    snapshots: list[Row] = field(default_factory=list)
    confirmed: dict[int, Row] = field(default_factory=dict)
    noise: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    doubts: StoredDoubts = field(default_factory=StoredDoubts)

    def is_torn(self) -> bool:
        """Check whether an input row is missing; the check `references` reports it."""
        worded = [snapshot for snapshot in self.snapshots if shows_text(snapshot)]
        return any(None in (snapshot["digest"], snapshot["raw"]) for snapshot in worded)

    @property
    def undone(self) -> set[frozenset[int]]:
        """Return the pairs of wordings whose noise decision was undone."""
        return {_wordings(row) for row in self.noise if row["undone_id"] is not None}

    def noise_pairs(self) -> frozenset[tuple[int, int]]:
        """Return the noise decisions in force."""
        undone = self.undone
        return frozenset(
            (row["a_derivation_id"], row["b_derivation_id"])
            for row in self.noise
            if _wordings(row) not in undone
        )


def _wordings(row: Row) -> frozenset[int]:
    return frozenset((row["a_wording_id"], row["b_wording_id"]))


def articles(connection: Connection, scope: Scope) -> Findings:
    """Compute the versions of every article and compare them with the stored ones.

    Changes are computed for the articles of the sample only.
    """
    yield from _check_corrected_scans(connection)
    scans = _ScanTimes(connection)
    sight = partial(last_sight, clock_corrections(connection))
    for article in _articles(connection, scope):
        number = scope.reached = article.row["id"]
        if article.is_torn():
            message = "a wording, derivation or capture of its history is not there"
            yield BrokenObject("article", number, "history_torn", message)
            continue
        try:
            broken = list(_wrong(connection, article, scans, sight, scope))
        except UNREADABLE as error:
            message = f"a stored value is not readable: {type(error).__name__}: {error}"
            broken = [("value_unreadable", message)]
        yield from (BrokenObject("article", number, kind, message) for kind, message in broken)
        if not broken:
            yield PassedItem(older_steps=sum(map(is_older, article.versions)))


Wrong = Iterator[tuple[str, str]]


class _ScanTimes:
    """The scan times of each source, loaded on demand."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[tuple[int, datetime], bool] = {}

    def has(self, source: int, moment: datetime) -> bool:
        """Check whether a complete scan of a source began at this moment."""
        key = (source, moment)
        if key not in self._known:
            values = {"source": source, "moment": moment}
            self._known[key] = any(stream(self._connection, _IS_SCAN, values))
        return self._known[key]


def _wrong(
    connection: Connection, article: _Article, scans: _ScanTimes, sight: LastSight, scope: Scope
) -> Wrong:
    """Yield the errors of an article; its changes are checked only if there are no others."""
    history = _history(connection, article)
    held = find_held_back(history, RecordedDoubts(article.doubts)).held
    found = runs(leave_out_held(history, held), article.noise_pairs(), sight)
    broken = [
        *_wrong_versions(article, found, scans),
        *_wrong_snapshots(article, found, held),
        *_wrong_article(article, found),
        *_wrong_events(article),
    ]
    yield from broken
    if not broken and scope.takes(article.row["id"]):
        for message in wrong_steps(connection, article.versions, found, article.undone):
            yield "step_wrong", message


def _wrong_events(article: _Article) -> Wrong:
    """Compare the changes that the change feed has reported with those of the versions."""
    rows = ((row["number"], row["wording_id"], None) for row in article.versions)
    events = (((row["wording_id"], row["occurrence"]), row["kind"]) for row in article.events)
    if current_changes(events) != changes_by_key(rows).keys():
        yield "events_wrong", "the change feed has reported other changes than its versions have"


def _articles(connection: Connection, scope: Scope) -> Iterator[_Article]:
    """Yield the articles with an observation in the scope."""
    query = _ARTICLES.format(recorded="TRUE" if scope.begin < 0 else _RECORDED)
    asked = {"rows": CHUNK_ARTICLES, **({} if scope.begin < 0 else {"begin": scope.begin})}
    after = scope.after
    while True:
        chunk = {
            row["id"]: _Article(row) for row in stream(connection, query, {**asked, "after": after})
        }
        if not chunk:
            return
        ids = {"ids": list(chunk)}
        for row in stream(connection, _VERSIONS, ids):
            chunk[row["article_id"]].versions.append(row)
        for row in stream(connection, _EVENTS, ids):
            chunk[row["article_id"]].events.append(row)
        for row in stream(connection, _SNAPSHOTS, ids):
            chunk[row["article_id"]].snapshots.append(row)
        for row in stream(connection, _NOISE, ids):
            chunk[row["article_id"]].noise.append(row)
        for number, doubts in load_doubts(connection, list(chunk)).items():
            chunk[number].doubts = doubts
        for row in stream(connection, _confirmation_query(connection), ids):
            chunk[row["article_id"]].confirmed[row["observation_id"]] = row
        yield from chunk.values()
        after = max(chunk)


def _confirmation_query(connection: Connection) -> str:
    return (
        "SELECT q.article_id, q.observation_id, q.observed_at, q.until "
        f"FROM ({snapshots_query(connection)}) q WHERE q.article_id IN :ids AND q.until IS NOT NULL"
    )


def _history(connection: Connection, article: _Article) -> list[Snapshot]:
    """Return the snapshots with a wording, and the scans that confirmed them."""
    worded = [snapshot for snapshot in article.snapshots if shows_text(snapshot)]
    moments = [snapshot["observed_at"] for snapshot in worded if snapshot["wording_id"]]
    other_readings = readings_by_other_versions(connection, map(_read, worded))
    return [
        Snapshot(
            observed_at=snapshot["observed_at"],
            observation_id=snapshot["observation_id"],
            wording_id=snapshot["shown_id"],
            digest=bytes(snapshot["digest"]),
            derivation_id=snapshot["derivation_id"],
            confirmed=_confirmations(connection, article, snapshot, moments),
            raw=bytes(snapshot["raw"]),
            reader=_read(snapshot).reader,
            other_readings=other_readings.get(snapshot["derivation_id"], {}),
            foreign=snapshot["is_foreign"],
        )
        for snapshot in worded
    ]


def _read(snapshot: Row) -> SnapshotReading:
    reader = (snapshot["extractor"], snapshot["extractor_version"], snapshot["config"])
    return SnapshotReading(
        snapshot["derivation_id"], snapshot["capture_id"], snapshot["context"], reader
    )


def _confirmations(
    connection: Connection, article: _Article, snapshot: Row, moments: Iterable[datetime]
) -> tuple[datetime, ...]:
    """Return the first and the last scan; all scans if another snapshot is in between."""
    row = article.confirmed.get(snapshot["observation_id"])
    if row is None:
        return ()
    first, last = row["observed_at"], row["until"]
    if not any(first <= moment <= last for moment in moments):
        return (first, last)
    asked = {"source": snapshot["source_id"], "first": first, "last": last}
    return tuple(scan["started_at"] for scan in stream(connection, _SCANS, asked))


def _wrong_versions(article: _Article, computed: Sequence[Run], scans: _ScanTimes) -> Wrong:
    if [row["number"] for row in article.versions] != [run.number for run in computed]:
        yield (
            "versions_wrong",
            f"has {len(article.versions)} versions, its observations make {len(computed)}",
        )
        return
    for row, run in zip(article.versions, computed, strict=True):
        names = list(_differing(row, run))
        if names == ["last_seen"] and run is computed[-1] and _is_earlier(article, row, run, scans):
            continue
        for name in names:
            yield "version_wrong", f"version {run.number}: {name} is not what was observed"


def _differing(row: Row, run: Run) -> Iterator[str]:
    names = ("wording_id", "derivation_id", "observation_id", "changed_after", "changed_by")
    for name in (*names, "last_seen"):
        if row[name] != getattr(run, name):
            yield name


def _is_earlier(article: _Article, row: Row, run: Run, scans: _ScanTimes) -> bool:
    """Check whether the newest version was seen then; later scans are not stored in its row."""
    moment, ids = row["last_seen"], {*run.observation_ids}
    mine = [each for each in article.snapshots if each["observation_id"] in ids]
    if not max(each["observed_at"] for each in mine) <= moment < run.last_seen:
        return False
    moments = {each["observed_at"] for each in mine}
    return moment in moments or any(
        scans.has(source, moment) for source in {each["source_id"] for each in mine}
    )


def shows_text(snapshot: Row) -> bool:
    """Check whether a snapshot shows a text, even if it is held back."""
    is_held = snapshot["outcome"] == HELD_BACK["outcome"]
    return snapshot["wording_id"] is not None or (is_held and snapshot["shown_id"] is not None)


def _wrong_snapshots(article: _Article, computed: Sequence[Run], held: Collection[int]) -> Wrong:
    number = {each: run.number for run in reversed(computed) for each in run.observation_ids}
    first = {run.observation_id for run in computed}
    for snapshot in article.snapshots:
        observation = snapshot["observation_id"]
        is_held = snapshot["wording_id"] is None and shows_text(snapshot)
        if is_held != (observation in held):
            message = "counts, but is doubtful" if observation in held else "is held back"
            yield "snapshot_wrong", f"observation {observation} {message}"
        elif snapshot["version"] != number.get(observation):
            yield "snapshot_wrong", f"observation {observation} is filed under another version"
        elif snapshot["wording_id"] is not None:
            expected = outcome_in_history(snapshot["outcome"], is_first=observation in first)
            if snapshot["outcome"] != expected:
                message = f"observation {observation} is {snapshot['outcome']}, not {expected}"
                yield "outcome_wrong", message


def _check_corrected_scans(connection: Connection) -> Findings:
    """Compare the corrected starts of scans with the clock corrections."""
    corrections = clock_corrections(connection)
    query = (
        "SELECT s.id, s.started_at AS recorded_at, k.started_at FROM scan s "
        "LEFT JOIN corrected_scan k ON k.scan_id = s.id WHERE k.scan_id IS NOT NULL OR s.id < :last"
    )
    last = {"last": max((each.id for each in corrections), default=0)}
    for row in stream(connection, query, last):
        expected = time_after_corrections(corrections, row["id"], row["recorded_at"])
        if (row["started_at"] or row["recorded_at"]) != expected:
            message = f"began at {expected}, not at {row['started_at']}"
            yield BrokenObject("scan", row["id"], "time_wrong", message)


def _wrong_article(article: _Article, computed: Sequence[Run]) -> Wrong:
    row = article.row
    if row["public_id"] != row["own_id"] or row["answering"] != row["id"]:
        yield "origin_wrong", f"does not answer to its own origin under {row['public_id']}"
    worded = [each for each in article.snapshots if each["wording_id"] is not None]
    for name, rows in (("source_id", article.snapshots), ("origin_id", worded)):
        if rows and row[name] not in {each[name] for each in rows}:
            yield "article_wrong", f"{name} is {row[name]}, and nothing of it was observed there"
    head = article.versions[-1] if article.versions else None
    expected: Mapping[str, Any] = {
        "versions": len(article.versions),
        "head_version_id": head["id"] if head else None,
        "first_seen": computed[0].changed_by if computed else row["first_seen"],
        "last_seen": head["last_seen"] if head else row["last_seen"],
        "content_at": max((each["observed_at"] for each in worded), default=row["content_at"]),
        **_latest(article),
    }
    for name, value in expected.items():
        if row[name] != value:
            yield "article_wrong", f"{name} is {row[name]}, its observations say {value}"


def _latest(article: _Article) -> dict[str, Any]:
    """Return the result of the latest observation; refused ones do not count."""
    answered = [snapshot for snapshot in article.snapshots if snapshot["outcome"] in STATES]
    if not answered:
        return {"state": "present"}
    last = max(answered, key=lambda snapshot: (snapshot["observed_at"], snapshot["observation_id"]))
    state = STATES[last["outcome"]]
    return {"latest_at": last["observed_at"], "state": state}


OTHERS_SAY = frozenset({"box", "teaser"})
"""Rules of noise that depended on other articles at the time of the decision; these are
accepted.
"""

_CONTENTS = """
SELECT d.id, d.detail, w.title, w.text FROM derivation d JOIN wording w ON w.id = d.wording_id
WHERE d.id IN :ids AND d.detail IS NOT NULL AND w.text IS NOT NULL
"""


def wrong_steps(
    connection: Connection,
    versions: Sequence[Row],
    runs: Sequence[Run],
    undone: Collection[frozenset[int]],
) -> Iterator[str]:
    """Yield the columns of the versions of an article that contradict its captures.

    Articles with redacted captures and changes classified by older rules are skipped.
    """
    pairs = [run.step.pair for run in runs if run.step is not None]
    first = {run.derivation_id for run in runs[:1]}
    contents = _contents(connection, first.union(*pairs))
    if any(number not in contents for pair in pairs for number in pair):
        return
    steps = Steps(_StoredNoise(versions, contents, undone), {}, {}, list)
    for row, run in zip(versions, runs, strict=True):
        if is_older(row):
            steps.keep(run.number, run.wording_id, {name: row[name] for name in STEP})
            continue
        expected = steps.of(run)
        for name in STEP:
            if name == "method" and row[name] in range(METHOD):
                continue  # a first version has no change
            if _plain(row[name]) != _plain(expected[name]):
                yield f"version {run.number}: {name} is not what its captures say"


def is_older(row: Row) -> bool:
    """Check whether the change was classified by older rules."""
    return row["number"] > 1 and row["method"] in range(METHOD)


class _StoredNoise:
    """Computes changes again, and accepts stored noise only if it depended on other articles."""

    def __init__(
        self,
        versions: Sequence[Row],
        contents: Mapping[int, CaptureContent],
        undone: Collection[frozenset[int]],
    ) -> None:
        self._contents, self._undone = contents, undone
        self._noise = {(row["before_id"], row["after_id"]): row["noise"] for row in versions}

    def content(self, derivation_id: int) -> CaptureContent:
        return self._contents.get(derivation_id, REDACTED_CONTENT)

    def change(self, step: Transition) -> TextChange:
        a, b = step.pair
        pair = CapturePair(self._contents[a], self._contents[b])
        if frozenset(step.wordings) in self._undone:
            return pair.plain_change()
        said = {
            canonical(text): each["rule"]
            for each in self._noise.get(step.pair) or ()
            if each["rule"] in OTHERS_SAY
            for text in (*each["removed"], *each["added"])
        }
        return pair.change(
            {each: said[each] for each in pair.boilerplate_candidates if each in said}
        )


def _contents(connection: Connection, derivations: Collection[int]) -> dict[int, CaptureContent]:
    if not derivations:
        return {}
    found: dict[int, CaptureContent] = {}
    for row in stream(connection, _CONTENTS, {"ids": sorted(derivations)}):
        try:
            found[row["id"]] = content_of_row(row["detail"], row["title"], row["text"])
        except (IndexError, KeyError, TypeError):
            continue  # the check of derivations reports it
    return found


def _plain(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
