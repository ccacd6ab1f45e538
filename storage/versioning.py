"""Bring the cached versions of one article up to date with its observations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, or_, select, update

from storage.compare import Text, classify, diff, passages, words_added, words_removed
from storage.history import Run, Sight, runs
from storage.record import TEXT_ROLES
from storage.tables import (
    FIELD_BLOCK,
    SIGHT_BLOCK,
    ArticleRow,
    CaptureRow,
    DerivationRow,
    ObservationRow,
    ScanRow,
    SightRow,
    VersionRow,
    WordingRow,
)
from storage.writing import Unit, rows_in, table_of, update_rows

ARTICLE, CAPTURE, DERIVATION = (
    table_of(ArticleRow),
    table_of(CaptureRow),
    table_of(DerivationRow),
)
OBSERVATION, SCAN = table_of(ObservationRow), table_of(ScanRow)
SIGHT, VERSION, WORDING = table_of(SightRow), table_of(VersionRow), table_of(WordingRow)

STATE_OF = {
    "gone": "gone",
    "unreachable": "unreachable",
    "rate_limited": "unreachable",
    "blocked": "blocked",
    "not_article": "blocked",
    "disallowed_by_robots": "blocked",
}
"""The state that an outcome puts an article in; every outcome but `refused` not named: present."""


def rebuild(unit: Unit, article_id: int, *, whole: bool) -> None:
    """Fit the rows of versions, sights and the article to the observations.

    Where nothing came in out of order, only the sights since the last one that had a wording
    are read (`whole` false): they prolong the newest version or follow it.
    """
    unit.flush()
    article = unit.connection.execute(select(ARTICLE).where(ARTICLE.c.id == article_id)).one()
    known = _versions(unit, article_id)
    since = None if whole or not known else article.content_at
    if since is not None and _may_last_beyond(unit, article_id, since):
        since = None
    sights = _sights(unit, article_id, since)
    found = runs(_confirmed(unit, sights))
    if since is not None:
        head = known[max(known)]
        if (
            not found
            or found[0].wording_id != head.wording_id
            or found[0].last_seen < head.last_seen
        ):
            rebuild(unit, article_id, whole=True)
            return
        found = _prolonged(head, found)
    _write_versions(unit, article_id, known, found)
    _write_sights(unit, sights, found)
    _write_article(unit, article, sights)


def _may_last_beyond(unit: Unit, article_id: int, moment: datetime) -> bool:
    """Tell whether scans after `moment` may confirm a sight from before it.

    Not so where the file that was seen at `moment` is the only one of the article.
    """
    live = (
        SIGHT.c.article_id == article_id,
        SIGHT.c.wording_id.is_not(None),
        SIGHT.c.is_foreign.is_(False),
    )
    query = (
        select(SIGHT.c.source_id, SIGHT.c.locator_id, SIGHT.c.observation_id)
        .where(*live, SIGHT.c.observed_at == moment)
        .order_by(SIGHT.c.observation_id.desc())
    )
    at_moment = unit.connection.execute(query).first()
    earlier = select(SIGHT.c.observation_id).where(*live, SIGHT.c.observed_at < moment)
    if at_moment is not None:
        source, locator, number = at_moment
        earlier = earlier.where(
            or_(
                SIGHT.c.source_id != source,
                SIGHT.c.locator_id != locator,
                SIGHT.c.observation_id > number,
            )
        )
    return unit.connection.execute(earlier.limit(1)).first() is not None


@dataclass(frozen=True, slots=True)
class _Look:
    """A stored sight that had a wording, with what is needed to confirm and to number it."""

    sight: Sight
    source_id: int
    locator_id: int
    foreign: bool
    outcome: str
    version: int | None


def confirmed_sights(unit: Unit, article_id: int) -> tuple[Sight, ...]:
    """Return all sights of an article that had a wording, with the scans that confirmed them."""
    return tuple(_confirmed(unit, _sights(unit, article_id, None)))


def _versions(unit: Unit, article_id: int) -> dict[int, Row[Any]]:
    query = select(VERSION).where(VERSION.c.article_id == article_id)
    return {row.number: row for row in unit.connection.execute(query)}


def _sights(unit: Unit, article_id: int, since: datetime | None) -> list[_Look]:
    query = (
        select(
            SIGHT.c.observed_at,
            SIGHT.c.observation_id,
            SIGHT.c.wording_id,
            WORDING.c.digest,
            SIGHT.c.derivation_id,
            SIGHT.c.source_id,
            SIGHT.c.locator_id,
            SIGHT.c.is_foreign,
            SIGHT.c.outcome,
            SIGHT.c.version,
            CAPTURE.c.digest.label("raw"),
        )
        .join(WORDING, WORDING.c.id == SIGHT.c.wording_id)
        .join(DERIVATION, DERIVATION.c.id == SIGHT.c.derivation_id)
        .join(CAPTURE, CAPTURE.c.id == DERIVATION.c.capture_id)
        .where(SIGHT.c.article_id == article_id)
    )
    if since is not None:
        query = query.where(SIGHT.c.observed_at >= since)
    return [
        _Look(
            Sight(moment, number, wording, bytes(digest), derivation, raw=bytes(raw)),
            source,
            locator,
            foreign,
            outcome,
            version,
        )
        for (
            moment,
            number,
            wording,
            digest,
            derivation,
            source,
            locator,
            foreign,
            outcome,
            version,
            raw,
        ) in unit.connection.execute(query)
    ]


def _confirmed(unit: Unit, looks: Sequence[_Look]) -> list[Sight]:
    """Add to each sight the first and last scan that found its file unchanged.

    Where another sight of the article falls between these two, all scans are added, since the
    other one may split them.
    """
    intervals = _Intervals(unit, looks)
    moments = [look.sight.observed_at for look in looks]
    sights = []
    for look in looks:
        scans = intervals.ends(look)
        if len(scans) == 2 and any(scans[0] < moment < scans[1] for moment in moments):
            scans = intervals.every(look)
        sights.append(replace(look.sight, confirmed=scans) if scans else look.sight)
    return sights


class _Intervals:
    """Finds the complete scans that confirm an observation of a file.

    They lie between it and the next observation of the file, or the next file of the article
    that brought another wording, whichever comes first: an unchanged file says nothing new.
    """

    def __init__(self, unit: Unit, looks: Sequence[_Look]) -> None:
        self.unit = unit
        own = [look for look in looks if not look.foreign]
        query = select(SCAN.c.source_id).where(SCAN.c.complete.is_(True)).distinct()
        sources = {look.source_id for look in own}
        self.scanned = {
            row[0] for row in rows_in(unit.connection, query, SCAN.c.source_id, sources)
        }
        self.bounds = self._bounds(own) if self.scanned else {}

    def ends(self, look: _Look) -> tuple[datetime, ...]:
        """Return the first and the last scan of the interval, one if they are the same."""
        bounds = self.bounds.get(look.sight.observation_id)
        if bounds is None:
            return ()
        for_ends = select(func.min(SCAN.c.id), func.max(SCAN.c.id)).where(
            *self._within(look.source_id, bounds)
        )
        ids = [each for each in self.unit.connection.execute(for_ends).one() if each is not None]
        query = select(SCAN.c.started_at).where(SCAN.c.id.in_(ids)).order_by(SCAN.c.id)
        return tuple(self.unit.connection.execute(query).scalars()) if ids else ()

    def every(self, look: _Look) -> tuple[datetime, ...]:
        """Return the times of all scans of the interval."""
        bounds = self.bounds[look.sight.observation_id]
        query = select(SCAN.c.started_at).where(*self._within(look.source_id, bounds))
        return tuple(self.unit.connection.execute(query.order_by(SCAN.c.id)).scalars())

    def _bounds(self, looks: Sequence[_Look]) -> dict[int, tuple[int, int | None]]:
        """Return, by observation, the numbers between which scans confirm it."""
        if not looks:
            return {}
        first = min(look.sight.observation_id for look in looks)
        query = (
            select(
                OBSERVATION.c.source_id,
                OBSERVATION.c.locator_id,
                OBSERVATION.c.id,
                func.coalesce(OBSERVATION.c.scan_id, OBSERVATION.c.id),
            )
            .where(OBSERVATION.c.id >= first)
            .order_by(OBSERVATION.c.id)
        )
        chains: dict[tuple[int, int], list[tuple[int, int]]] = {}
        locators = {look.locator_id for look in looks}
        for source, locator, number, edge in rows_in(
            self.unit.connection, query, OBSERVATION.c.locator_id, locators
        ):
            chains.setdefault((source, locator), []).append((number, edge))
        bounds: dict[int, tuple[int, int | None]] = {}
        for chain in chains.values():
            for (number, edge), after in zip(chain, [*chain[1:], None], strict=True):
                bounds[number] = (edge, after[1] if after else None)
        return _bounded(looks, bounds)

    @staticmethod
    def _within(source_id: int, bounds: tuple[int, int | None]) -> list[Any]:
        low, high = bounds
        conditions = [SCAN.c.source_id == source_id, SCAN.c.complete.is_(True), SCAN.c.id > low]
        return conditions if high is None else [*conditions, SCAN.c.id < high]


def _bounded(
    looks: Sequence[_Look], bounds: Mapping[int, tuple[int, int | None]]
) -> dict[int, tuple[int, int | None]]:
    """End the interval of each look where a later one brought another wording."""
    found: dict[int, tuple[int, int | None]] = {}
    first_of_wording: dict[int, int] = {}
    for look in sorted(looks, key=lambda each: each.sight.observation_id, reverse=True):
        number, wording = look.sight.observation_id, look.sight.wording_id
        edge, after = bounds[number]
        ends = [each for other, each in first_of_wording.items() if other != wording]
        found[number] = (edge, min(ends if after is None else [*ends, after], default=None))
        first_of_wording[wording] = min(edge, first_of_wording.get(wording, edge))
    return found


def _prolonged(head: Row[Any], found: Sequence[Run]) -> tuple[Run, ...]:
    first = replace(
        found[0],
        derivation_id=head.derivation_id,
        observation_id=head.observation_id,
        changed_after=head.changed_after,
        changed_by=head.changed_by,
        last_seen=max(head.last_seen, found[0].last_seen),
    )
    shift = head.number - 1
    return tuple(replace(run, number=run.number + shift) for run in (first, *found[1:]))


def _write_versions(
    unit: Unit, article_id: int, known: Mapping[int, Row[Any]], found: Sequence[Run]
) -> None:
    steps = _Steps(unit, known, found)
    changed: list[dict[str, Any]] = []
    for run in found:
        row = known.get(run.number)
        if row is None:
            _add_version(unit, article_id, run, steps.of(run))
        elif not _is_same(row, run):
            values = _step_of(row) if steps.is_kept(row, run) else steps.of(run)
            changed.append(
                {"id": row.id, "seq": unit.number(FIELD_BLOCK), **_placed(run), **values}
            )
    update_rows(unit.connection, VersionRow, ("id",), changed)
    last = found[-1].number if found else 0
    unit.connection.execute(
        delete(VERSION).where(VERSION.c.article_id == article_id, VERSION.c.number > last)
    )
    unit.flush()


def _is_same(row: Row[Any], run: Run) -> bool:
    return all(getattr(row, name) == value for name, value in _placed(run).items())


def _placed(run: Run) -> dict[str, Any]:
    names = (
        "wording_id", "derivation_id", "observation_id", "changed_after", "changed_by",
        "last_seen",
    )  # fmt: skip
    return {name: getattr(run, name) for name in names}


STEP = ("changes", "silent", "words_added", "words_removed", "removed", "added")


def _step_of(row: Row[Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in STEP}


def _add_version(unit: Unit, article_id: int, run: Run, step: Mapping[str, Any]) -> None:
    unit.add(
        VersionRow,
        {
            "id": unit.number(), "seq": unit.number(FIELD_BLOCK), "article_id": article_id,
            "number": run.number, **_placed(run), **step,
        },
    )  # fmt: skip


class _Steps:
    """Says what changed between a run and the one before it."""

    def __init__(self, unit: Unit, known: Mapping[int, Row[Any]], found: Sequence[Run]) -> None:
        self.unit = unit
        self.known = known
        self.runs = {run.number: run for run in found}
        self._texts: dict[int, Text] = {}

    def is_kept(self, row: Row[Any], run: Run) -> bool:
        """Tell whether the stored step still stands: same wording after the same wording."""
        if row.wording_id != run.wording_id or run.number == 1:
            return bool(row.wording_id == run.wording_id)
        before, stored = self.runs.get(run.number - 1), self.known.get(run.number - 1)
        return before is None or (stored is not None and stored.wording_id == before.wording_id)

    def of(self, run: Run) -> dict[str, Any]:
        """Return the columns that tell of the step to `run`."""
        if run.number == 1:
            return _step(("first",), 0, 0, (), ())
        before = self._derivation(run.number - 1)
        a, b = self._text(before), self._text(run.derivation_id)
        operations = diff(a, b)
        classes = tuple(classify(a, b, operations))
        if run.wording_id in self._earlier(run.number - 1):
            classes = (*classes, "reversion")
        removed, added = passages(operations)
        return _step(classes, words_added(operations), words_removed(operations), removed, added)

    def _derivation(self, number: int) -> int:
        run = self.runs.get(number)
        return run.derivation_id if run else self.known[number].derivation_id

    def _earlier(self, before: int) -> set[int]:
        stored = {n: row.wording_id for n, row in self.known.items() if n < before}
        fresh = {n: run.wording_id for n, run in self.runs.items() if n < before}
        return set({**stored, **fresh}.values())

    def _text(self, derivation_id: int) -> Text:
        if derivation_id not in self._texts:
            self._texts[derivation_id] = derived_text(self.unit, derivation_id)
        return self._texts[derivation_id]


def derived_text(unit: Unit, derivation_id: int) -> Text:
    """Return title and text paragraphs of a derivation, as `storage.compare` takes them."""
    query = (
        select(DERIVATION.c.detail, WORDING.c.title, WORDING.c.text)
        .join(WORDING, WORDING.c.id == DERIVATION.c.wording_id)
        .where(DERIVATION.c.id == derivation_id)
    )
    detail, title, body = unit.connection.execute(query).one()
    stored = (body or "").split("\n\n")
    if detail is None:
        return Text(title, tuple(("text", paragraph) for paragraph in stored))
    paragraphs = tuple(
        (entry["role"], stored[entry["w"]] if "w" in entry else entry["text"])
        for entry in detail["paragraphs"]
        if entry["role"] in TEXT_ROLES
    )
    return Text(detail["title"], paragraphs)


def _step(
    classes: Sequence[str],
    added_words: int,
    removed_words: int,
    removed: Sequence[str],
    added: Sequence[str],
) -> dict[str, Any]:
    return {
        "changes": list(classes), "silent": None, "words_added": added_words,
        "words_removed": removed_words, "removed": list(removed), "added": list(added),
    }  # fmt: skip


def _write_sights(unit: Unit, looks: Sequence[_Look], found: Sequence[Run]) -> None:
    number = {each: run.number for run in reversed(found) for each in run.observation_ids}
    first = {run.observation_id for run in found}
    changed = []
    for look in looks:
        number_of = number[look.sight.observation_id]
        outcome = "content" if look.sight.observation_id in first else "unchanged"
        if (look.version, look.outcome) != (number_of, outcome):
            changed.append(
                {
                    "observation_id": look.sight.observation_id,
                    "seq": unit.number(SIGHT_BLOCK),
                    "version": number_of, "outcome": outcome,
                }
            )  # fmt: skip
    update_rows(unit.connection, SightRow, ("observation_id",), changed)


def _write_article(unit: Unit, article: Row[Any], looks: Sequence[_Look]) -> None:
    connection = unit.connection
    query = (
        select(VERSION.c.id, VERSION.c.number, VERSION.c.last_seen)
        .where(VERSION.c.article_id == article.id)
        .order_by(VERSION.c.number.desc())
        .limit(1)
    )
    head = connection.execute(query).first()
    first_seen = connection.execute(
        select(VERSION.c.changed_by).where(
            VERSION.c.article_id == article.id, VERSION.c.number == 1
        )
    ).scalar()
    latest_at, state = latest_state(unit, article.id)
    content_at = max((look.sight.observed_at for look in looks), default=article.content_at)
    connection.execute(
        update(ARTICLE)
        .where(ARTICLE.c.id == article.id)
        .values(
            seq=unit.number(),
            versions=head.number if head else 0,
            head_version_id=head.id if head else None,
            first_seen=first_seen or article.first_seen,
            last_seen=head.last_seen if head else article.last_seen,
            content_at=content_at,
            latest_at=latest_at or article.latest_at,
            state=state,
        )
    )


def latest_state(unit: Unit, article_id: int) -> tuple[datetime | None, str]:
    """Return when an article was looked at last, and the state that this left it in."""
    query = (
        select(SIGHT.c.observed_at, SIGHT.c.outcome)
        .where(SIGHT.c.article_id == article_id, SIGHT.c.outcome != "refused")
        .order_by(SIGHT.c.observed_at.desc(), SIGHT.c.observation_id.desc())
        .limit(1)
    )
    row = unit.connection.execute(query).first()
    if row is None:
        return None, "present"
    return row[0], STATE_OF.get(row[1], "present")
