"""Import the captures of an address that web archives hold: fetch them and store them."""

import time
from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from storage.record.imports import known_captures
from storage.schedule import queue
from storage.schedule.progress import is_other_job_due, refused_locators
from storage.settings import Settings
from storage.values import job as jobs
from storage.values.messages import message_text
from storage.values.refusals import RefusalReason, refuse
from storage.values.verdict import Counts
from storage.write.archive import Archive
from storage.write.store_captures import record_refusal
from storage.write.store_checks import store_checks
from worker.flow.collect.import_captures import Importer
from worker.flow.history.client import (
    ArchiveClient,
    RequestRefusedError,
    ServerPausedError,
    parse_memento_time,
)
from worker.flow.history.listing import (
    HistoryError,
    HistoryQuery,
    archive_error,
    describe_answer,
    list_captures,
    read_query,
    refuse_others,
)
from worker.sources.containers.items import Foreign, PassedOver, RefusedDocument
from worker.sources.web_archives.capture import interpret_exchange
from worker.sources.web_archives.capture_list import ListedCapture
from worker.sources.web_archives.fetched_record import fetched_record, repeat_record
from worker.sources.web_archives.record_group import RecordGroup
from worker.text.file_types import detect_type
from worker.web.exchange import ServerAnswer

if TYPE_CHECKING:
    from worker.flow.collect.targets import IngestTarget, Progress


def interpret_repeat(
    capture: ListedCapture, *, read_as: str | None = None
) -> Foreign | PassedOver | RefusedDocument:
    """Return a capture without bytes that has the digest of an earlier one."""
    group = RecordGroup(repeat_record(capture))
    return interpret_exchange(group, capture.address, "", detect_type, 0, read_as=read_as)


def interpret_answer(
    answer: ServerAnswer,
    capture: ListedCapture,
    name: str,
    limit: int,
    times: Collection[datetime],
    *,
    read_as: str | None = None,
) -> Foreign | PassedOver | RefusedDocument:
    """Return the capture in an answer of the web archive `name`.

    `times` are those of all listed captures. Only an answer with `Memento-Datetime` is a capture
    (RFC 7089); any other is an answer of the archive itself.
    """
    if answer.refused is not None and answer.refused.code == "not_text":
        return PassedOver(message_text("not_a_text"))
    if answer.refused is not None and answer.refused.code != "truncated_response":
        return RefusedDocument(capture.address, "", answer.refused)
    moment = parse_memento_time(answer.header("memento-datetime"))
    reason = None
    if answer.refused is not None:
        reason = answer.refused.message.rstrip(".")
    elif moment is None:
        reason = describe_answer(answer)
    elif moment != capture.observed_at and moment in times:
        return PassedOver(message_text("same_content"))
    elif moment != capture.observed_at:
        reason = message_text("other_capture", moment=f"{moment:%Y-%m-%d %H:%M:%SZ}")
    if reason is not None:
        refused = refuse("capture_unavailable", name=name, reason=reason)
        return RefusedDocument(capture.address, "", refused)
    record = fetched_record(capture, answer.status or 0, answer.reason, answer.headers, answer.body)
    return interpret_exchange(
        RecordGroup(record), capture.address, "", detect_type, limit, read_as=read_as
    )


FLUSH_SECONDS = 2.0
YIELD_SECONDS = 5.0
"""Pause in which the worker runs the other due jobs."""
MOST_FAILURES = 3
"""Number of consecutive failures of a web archive after which the job ends."""
LONGEST_PAUSE_SECONDS = 900.0
"""Longest pause after which the job continues by itself, in seconds."""


class TurnEndedError(Exception):
    """Other jobs are due, and this one has run long enough."""


def collect_history(
    archive: Archive,
    claim: jobs.Claim,
    settings: Settings,
    targets: Sequence["IngestTarget"],
    progress: "Progress",
) -> Counts | None:
    """Import the captures of addresses from web archives; return the counts at the end.

    If a web archive requests a pause, or other jobs are due, the job is released for a while, and
    None is returned. The next run skips the stored captures. Raises: jobs.StaleLeaseError.
    """
    run = _HistoryRun(archive, claim, settings, progress)
    pauses: list[float] = []
    for target in targets:
        try:
            run.import_target(target)
        except ServerPausedError as pause:
            pauses.append((pause.end - archive.clock()).total_seconds())
        except TurnEndedError:
            pauses.append(YIELD_SECONDS)
    if pauses:
        archive.transact(queue.release, claim, pause_seconds=max(0.0, *pauses))
        return None
    if not run.listed and not run.refused:
        names = ", ".join(str((each.history or {}).get("archive")) for each in targets)
        run.refuse(targets[0], targets[0].locator, refuse("no_captures", name=names))
    return run.counts


class _HistoryRun:
    """One run of a job that imports histories."""

    def __init__(
        self, archive: Archive, claim: jobs.Claim, settings: Settings, progress: "Progress"
    ) -> None:
        self.archive, self.claim, self.settings = archive, claim, settings
        self.counts, self.listed = Counts(), 0
        self.refused = archive.read(refused_locators, claim.job_id)
        self._progress, self._done = progress, 0

    def refuse(self, target: "IngestTarget", locator: str, reason: RefusalReason) -> None:
        """Record a refusal, unless an interrupted run of this job recorded it."""
        if (target.source_id, locator) not in self.refused:
            record_refusal(self.archive, self.claim, target.source_id, locator, reason)
            self.refused.add((target.source_id, locator))

    def advance(self) -> None:
        """Report that another capture was processed."""
        self._done += 1
        self._progress(self._done, self._done)

    def import_target(self, target: "IngestTarget") -> None:
        """Import the captures of one address from one web archive.

        Raises: ServerPausedError if it can continue soon; TurnEndedError, jobs.StaleLeaseError.
        """
        try:
            query = read_query(target.locator, target.history or {}, self.settings)
        except HistoryError as error:
            self.refuse(target, target.locator, error.refused)
            return
        with closing(_HistoryImport(self, target, query)) as importing:
            try:
                importing.run()
            except HistoryError as error:
                self.refuse(target, target.locator, error.refused)
            except ServerPausedError as pause:
                seconds = (pause.end - self.archive.clock()).total_seconds()
                if pause.failures < MOST_FAILURES and seconds <= LONGEST_PAUSE_SECONDS:
                    raise
                free_at = f"{pause.end:%Y-%m-%d %H:%M:%SZ}"
                reason = message_text(
                    "next_request", reason=pause.reason.rstrip("."), moment=free_at
                )
                self.refuse(target, target.locator, archive_error(query, reason).refused)


class _HistoryImport:
    """The import of one address from one web archive."""

    def __init__(self, run: _HistoryRun, target: "IngestTarget", query: HistoryQuery) -> None:
        self._run, self._target, self._query = run, target, query
        archive, claim, settings = run.archive, run.claim, run.settings
        self._importer = Importer(archive, claim, target.source_id, settings.batch_items)
        self._client = ArchiveClient(
            archive, settings, target.source_id,
            is_requested=claim.trigger in {"command", "api"}, on_wait=self._store_if_due,
        )  # fmt: skip
        self._stored_at = time.monotonic()
        self._with_bytes: set[tuple[str, datetime]] = set()

    def close(self) -> None:
        """Store the captures fetched so far, and close the connections."""
        self._client.close()
        self._store()
        self._importer.finish()
        counted = self._importer.counted
        self._run.counts += Counts(unchanged=counted.unchanged, passed_over=counted.passed_over)

    def run(self) -> None:
        """List the captures, fetch the selected ones that are not stored, and import them.

        Raises: HistoryError, ServerPausedError, TurnEndedError, jobs.StaleLeaseError.
        """
        ends_at = time.monotonic() + self._run.settings.batch_seconds / 2
        run, counted = self._run, self._importer.counted
        found = list_captures(self._client, self._query)
        if found.first_other is not None and (reason := refuse_others(self._query, found)):
            run.refuse(self._target, found.first_other.address, reason)
        listed = found.captures
        run.listed += len(listed)
        selected, skipped = self._query.selection.apply(listed)
        counted.passed_over += skipped
        origins = {each.origin for each in selected}
        known = run.archive.read(
            known_captures, self._target.source_id, origins, read_as=self._target.type
        )
        times = {each.observed_at for each in listed}
        self._with_bytes = {key for key, each in known.items() if each.has_bytes}
        for capture in selected:
            key = (capture.origin, capture.observed_at)
            if key in known:
                counted.unchanged += known[key].job_id != run.claim.job_id
            elif capture.repeats is not None:
                self._repeat(capture)
            elif (self._target.source_id, capture.address) not in run.refused:
                self._fetch(capture, times)
                self._store_if_due()
                is_over = time.monotonic() >= ends_at
                if is_over and run.archive.read(is_other_job_due, run.claim.job_id):
                    raise TurnEndedError
            run.advance()

    def _fetch(self, capture: ListedCapture, times: Collection[datetime]) -> None:
        """Fetch one capture and import it, or refuse it."""
        limit = self._run.settings.max_document_bytes
        try:
            answer = self._client.get(capture.address, limit, decode=False)
        except RequestRefusedError as error:
            if error.refused.code == "disallowed_by_robots":
                raise archive_error(self._query, error.refused.message) from error
            self._run.refuse(self._target, capture.address, error.refused)
            return
        name = self._query.archive.name
        read_as = self._target.type
        match found := interpret_answer(answer, capture, name, limit, times, read_as=read_as):
            case Foreign():
                self._add(capture, found, found.capture.note)
                if found.capture.raw is not None:
                    self._with_bytes.add((capture.origin, capture.observed_at))
            case RefusedDocument():
                self._run.refuse(self._target, capture.address, found.refused)
            case PassedOver():
                self._importer.counted.passed_over += 1

    def _repeat(self, capture: ListedCapture) -> None:
        """Import a capture that has the digest of an earlier one, if that one has bytes."""
        assert capture.repeats is not None
        if (capture.origin, capture.repeats) not in self._with_bytes:
            self._importer.counted.passed_over += 1
            return
        found = interpret_repeat(capture, read_as=self._target.type)
        if isinstance(found, Foreign):
            note = message_text("not_fetched", moment=f"{capture.repeats:%Y-%m-%dT%H:%M:%SZ}")
            self._add(capture, found, note)

    def _add(self, capture: ListedCapture, found: Foreign, note: str | None) -> None:
        note = "; ".join(
            filter(None, [message_text("captured_by", name=self._query.archive.name), note])
        )
        imported = replace(found.capture, locator=capture.address, note=note)
        self._importer.add(self._query.archive.index, imported)

    def _store_if_due(self) -> None:
        if time.monotonic() - self._stored_at >= FLUSH_SECONDS:
            self._store()

    def _store(self) -> None:
        """Store the captures and the facts about servers, and renew the lease."""
        self._importer.flush()
        archive, claim = self._run.archive, self._run.claim
        store_checks(archive, claim, [], self._client.take_news(), {})
        self._stored_at = time.monotonic()
