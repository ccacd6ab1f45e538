"""Assign observations without a text to read to their articles."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from storage.database.tables import (
    ARTICLE,
    ARTICLE_ORIGIN,
    OBSERVATION,
    REFUSAL,
    SNAPSHOT,
    TRANSFER,
)
from storage.database.unit import Unit, rows_in
from storage.history.article_rows import add_snapshot
from storage.history.corrected_times import clock_corrections, time_after_corrections
from storage.history.versions import rebuild_all
from storage.values.outcome import page_outcome


def record_absences(unit: Unit, observation_ids: Sequence[int]) -> frozenset[int]:
    """Record the article of each observation that has no text to read.

    Returns the articles with a text that was held back and counts now.

    An observation of a place without an article waits until there is one; an imported capture
    is never gone from its folder. If the server answers that the bytes are those of an earlier
    observation, the wording is that of the earlier one.
    """
    if not observation_ids:
        return frozenset()
    unit.flush()
    observations = {
        row.id: row
        for row in rows_in(unit.connection, select(OBSERVATION), OBSERVATION.c.id, observation_ids)
    }
    writer = _AbsenceWriter(unit, list(observations.values()))
    touched: dict[int, bool] = {}
    for row in observations.values():
        for article_id in writer.record(row):
            touched[article_id] = touched.get(article_id, False) or writer.is_late(row, article_id)
    unit.flush()
    return rebuild_all(unit, dict(sorted(touched.items())))


class _AbsenceWriter:
    """The data needed to record the observations of one unit of work."""

    def __init__(self, unit: Unit, rows: Sequence[Any]) -> None:
        self.unit = unit
        locators = [row.locator_id for row in rows]
        self.last = _last_snapshots(unit, locators)
        confirmed = [row.hints["confirms"] for row in rows if (row.hints or {}).get("confirms")]
        query = select(SNAPSHOT)
        self.confirmed = {
            snapshot.observation_id: snapshot
            for snapshot in rows_in(unit.connection, query, SNAPSHOT.c.observation_id, confirmed)
        }
        fetched = [row.locator_id for row in rows if row.locator_id not in self.last]
        answering = select(ARTICLE_ORIGIN.c.origin_id, ARTICLE_ORIGIN.c.article_id)
        self.articles = dict(
            tuple(row)
            for row in rows_in(unit.connection, answering, ARTICLE_ORIGIN.c.origin_id, fetched)
        )
        self.codes = self._codes([row.id for row in rows if row.outcome == "captured"])
        self.foreign = _find_foreign(unit, [row.id for row in rows])
        self.corrections = clock_corrections(unit.connection)

    def record(self, row: Any) -> set[int]:
        """Record the outcome of `row` and return its article, if any."""
        confirms = (row.hints or {}).get("confirms")
        if confirms is not None:
            return self._confirm(row, self.confirmed.get(confirms))
        snapshot = self.last.get(row.locator_id)
        outcome = self.codes.get(row.id, "refused") if row.outcome == "captured" else row.outcome
        is_of_folder = row.scan_id is not None and outcome == "gone"
        if snapshot is not None and not (is_of_folder and snapshot.is_foreign):
            self._add(row, snapshot.article_id, snapshot.origin_id, snapshot.address_id, outcome)
            return {snapshot.article_id}
        article = self.articles.get(row.locator_id)
        if snapshot is not None or article is None:
            return set()
        self._add(row, article, row.locator_id, None, outcome)
        return {article}

    def is_late(self, row: Any, article_id: int) -> bool:
        """Check whether `row` has another wording and is older than the newest snapshot."""
        if not (row.hints or {}).get("confirms"):
            return False
        query = select(ARTICLE.c.content_at).where(ARTICLE.c.id == article_id)
        newest = self.unit.connection.execute(query).scalar()
        return newest is not None and self._check_time(row) < newest

    def _check_time(self, row: Any) -> datetime:
        """Return the time of a check, in the corrected time of the archive."""
        if row.id in self.foreign:
            return row.observed_at  # type: ignore[no-any-return]
        return time_after_corrections(self.corrections, row.id, row.observed_at)

    def _confirm(self, row: Any, snapshot: Any) -> set[int]:
        """Record that the bytes are those of `snapshot`; nothing if that was not read yet."""
        if snapshot is None:
            return set()
        outcome = row.outcome if snapshot.wording_id is not None else snapshot.outcome
        self._add(
            row, snapshot.article_id, snapshot.origin_id, None, outcome,
            wording=snapshot.wording_id, derivation=snapshot.derivation_id,
        )  # fmt: skip
        return {snapshot.article_id}

    def _add(
        self,
        row: Any,
        article: int,
        origin: int,
        address: int | None,
        outcome: str,
        *,
        wording: int | None = None,
        derivation: int | None = None,
    ) -> None:
        add_snapshot(
            self.unit,
            observation_id=row.id,
            article_id=article,
            origin_id=origin,
            locator_id=row.locator_id,
            address_id=address,
            source_id=row.source_id,
            observed_at=self._check_time(row),
            is_foreign=row.id in self.foreign,
            outcome=outcome,
            wording_id=wording,
            derivation_id=derivation,
        )

    def _codes(self, observations: Sequence[int]) -> dict[int, str]:
        """Return the refusal codes of fetched pages that were refused."""
        query = (
            select(REFUSAL.c.observation_id, REFUSAL.c.code)
            .join(OBSERVATION, OBSERVATION.c.id == REFUSAL.c.observation_id)
            .where(OBSERVATION.c.http_status.is_not(None))
        )
        return {
            number: page_outcome(code)
            for number, code in rows_in(
                self.unit.connection, query, REFUSAL.c.observation_id, observations
            )
        }


def _find_foreign(unit: Unit, observation_ids: Sequence[int]) -> frozenset[int]:
    query = select(TRANSFER.c.observation_id).where(TRANSFER.c.is_foreign.is_(True))
    rows = rows_in(unit.connection, query, TRANSFER.c.observation_id, observation_ids)
    return frozenset(row[0] for row in rows)


def _last_snapshots(unit: Unit, locators: Sequence[int]) -> dict[int, Any]:
    newest = (
        select(func.max(SNAPSHOT.c.observation_id))
        .where(SNAPSHOT.c.wording_id.is_not(None))
        .group_by(SNAPSHOT.c.locator_id)
    )
    ids = [row[0] for row in rows_in(unit.connection, newest, SNAPSHOT.c.locator_id, locators)]
    rows = rows_in(unit.connection, select(SNAPSHOT), SNAPSHOT.c.observation_id, ids)
    return {row.locator_id: row for row in rows}


def find_unrecorded_absences(unit: Unit, locators: Sequence[int]) -> list[int]:
    """Return the absences of `locators` observed before their article existed."""
    query = (
        select(OBSERVATION.c.id)
        .outerjoin(SNAPSHOT, SNAPSHOT.c.observation_id == OBSERVATION.c.id)
        .where(OBSERVATION.c.outcome != "captured", SNAPSHOT.c.observation_id.is_(None))
    )
    return [row[0] for row in rows_in(unit.connection, query, OBSERVATION.c.locator_id, locators)]
