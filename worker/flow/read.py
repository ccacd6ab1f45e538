"""Read one batch of captures: extract drafts, then store them in one transaction."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from storage.capabilities import PAGE_KINDS, load_part_for
from storage.history.neighbours import NotComparableError
from storage.record.reading import CapturedItem, Reading, ReExtracted, ReExtraction
from storage.schedule import queue
from storage.settings import Settings
from storage.similarity.signature import signature
from storage.values import job as jobs
from storage.values.digest import raw_digest
from storage.values.draft import Draft
from storage.values.lazy import LazyModule
from storage.values.net.addresses import LIST_KINDS, AddressList
from storage.values.refusals import RefusalReason
from storage.values.verdict import Counts
from storage.write.archive import Archive
from storage.write.readings.store import load_re_extractions, load_unread, store_readings
from worker.flow.decide import decide, entry_values, fetched_outcome
from worker.flow.language_model import load_model
from worker.flow.prepare import add_flags, mark_incomplete, mark_submitted, prepare
from worker.text.annotate import language
from worker.text.hints import Hints, TextSettings
from worker.text.read import extractor_of, is_isolated, read_document

if TYPE_CHECKING:
    from worker.flow import document_process
    from worker.sources.listings import listing as listings
else:
    document_process = LazyModule("worker.flow.document_process")
    listings = LazyModule("worker.sources.listings.listing")

SMALL_BYTES = 32 * 1024
"""Documents of other types up to this size are read in the worker, because they cannot exhaust
it.
"""
SPARE_SHARE = 2 / 3
"""Share of the time between the end of a batch and the end of its lease that a document gets."""


_sorted_json = json.JSONEncoder(sort_keys=True).encode

_RETRIES = {"resource_time": 1, "extractor_crashed": 2}
"""Further attempts by code: two kills of a machine may meet the same document."""

MOST_REREADING = 3
"""Maximum number of times that new neighbours are read again while others add captures."""


class RereadingError(Exception):
    """Other jobs kept adding captures of another extractor; retry later."""

    def __init__(self, job_id: int) -> None:
        super().__init__(f"job {job_id} found new neighbours each time it had read the old ones")
        self.job_id = job_id


@dataclass(frozen=True, slots=True)
class Batch:
    """Result of a read job: its counts, and whether it is finished."""

    counts: Counts
    done: bool


class Reader:
    """Reads captures: pages and large documents in a child process that starts with the first
    one.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.text = TextSettings(languages=settings.languages, timezone=settings.timezone)
        self._isolated: document_process.DocumentReader | None = None
        language.LOADER.set(load_model)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_failure: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the child process, if there is one."""
        if self._isolated is not None:
            self._isolated.close()
            self._isolated = None

    def read(self, captured: CapturedItem) -> Reading:
        """Read one capture, and prepare it for full-text search and copy detection."""
        hints, submitter = hints_of(captured), captured.hints.get("submitted_by")
        context = context_of(hints, submitter)
        if isinstance(captured.kept, RefusalReason):
            return Reading(captured, captured.kept, context)
        if captured.kept is not None:
            context = captured.kept_context or context
            timezone = self.settings.timezone
            return prepare(captured, captured.kept, context, timezone, sign=signature)
        if hints.type in LIST_KINDS:
            return Reading(captured, self._listing(captured, hints), context)
        outcome = self.draft(captured)
        if hints.type in PAGE_KINDS and isinstance(outcome, Draft):
            is_own = listings.own_hosts(self.settings.allow_hosts)
            own = load_part_for(hints.type, "page_reader")
            return Reading(captured, own.make_list(outcome, is_own), context)
        if isinstance(outcome, RefusalReason):
            return Reading(captured, outcome, context)
        outcome = add_flags(outcome, captured.hints.get("flags") or ())
        return prepare(captured, outcome, context, self.settings.timezone, sign=signature)

    def _listing(self, captured: CapturedItem, hints: Hints) -> AddressList | RefusalReason:
        """Return the addresses of a list; it is read here, because the list readers are bounded."""
        return listings.read_listing(
            hints.type, captured.raw, hints.url or captured.locator,
            captured.hints.get("content_type"), listings.own_hosts(self.settings.allow_hosts),
        )  # fmt: skip

    def draft(self, captured: CapturedItem) -> Draft | RefusalReason:
        """Return the draft or refusal of a capture, read with all stored hints."""
        outcome = self.outcome(captured.raw, hints_of(captured))
        submitter = captured.hints.get("submitted_by")
        is_answer = captured.hints.get("fetched") or captured.hints.get("answered")
        if is_answer:
            outcome = fetched_outcome(outcome, captured.hints.get("listed"))
            outcome = mark_incomplete(outcome, captured.hints.get("browser"))
        elif submitter is None and isinstance(outcome, Draft):
            outcome = replace(outcome, signs=None)
        if submitter is not None and isinstance(outcome, Draft):
            return mark_submitted(outcome, submitter)
        return outcome

    def re_extract(self, extraction: ReExtraction) -> ReExtracted:
        """Read again a capture that was read before, maybe by another extractor.

        A document that timed out, or whose process was killed, is retried once.
        """
        reading = self.read(extraction.captured)
        if is_retried(reading.outcome):
            reading = self.read(extraction.captured)
        if isinstance(reading.outcome, Draft):
            return ReExtracted(reading, extraction.context, reading.outcome.extractor)
        current = extractor_of(hints_of(extraction.captured).type, self.text)
        return ReExtracted(reading, extraction.context, current)

    def outcome(self, raw: bytes, hints: Hints) -> Draft | RefusalReason:
        """Return the outcome of reading `raw` with the text core."""
        if is_isolated(hints.type) or len(raw) > SMALL_BYTES:
            return self._document_reader().read(raw, hints)
        return read_document(raw, hints, self.text)

    def split(self, kind: str, raw: bytes) -> list[tuple[str, bytes]] | RefusalReason:
        """Return the texts of a document that may have several, from the child process.

        A document that timed out, or whose process was killed, is retried once.
        """
        parts = self._document_reader().split(raw, kind)
        return self._document_reader().split(raw, kind) if is_retried(parts) else parts

    def _document_reader(self) -> "document_process.DocumentReader":
        if self._isolated is None:
            settings = self.settings
            self._isolated = document_process.DocumentReader(
                self.text,
                document_seconds=settings.document_seconds,
                wall_seconds=wall_seconds(settings),
                memory_mb=settings.document_memory_mb,
            )
        return self._isolated


def wall_seconds(settings: Settings) -> float:
    """Return the wall-clock limit of a document: the time that remains for the last of a batch.

    >>> from storage.settings import load_settings
    >>> wall_seconds(load_settings(environ={}))
    20.0
    """
    spare = (settings.lease_seconds - settings.batch_seconds) * SPARE_SHARE
    return max(
        settings.document_seconds,
        min(settings.document_seconds * document_process.WALL_FACTOR, spare),
    )


def read_batch(
    archive: Archive,
    claim: jobs.Claim,
    reader: Reader,
    limit_seconds: float,
    batch_items: int = 100,
) -> Batch:
    """Read the captures of the job and store them; after the time limit the rest is released.

    Addresses in lists are checked by jobs of up to `batch_items` addresses. A document that timed
    out, or whose process was killed, is retried before it is refused.

    Raises: jobs.StaleLeaseError; nothing is stored then.
    """
    captured, are_all = load_unread(archive, claim)
    readings = list(_read_until(captured, reader, limit_seconds))
    done = are_all and len(readings) == len(captured)
    attempts = int(claim.arguments.get("again", 0))
    later = [
        each.captured.observation_id for each in readings if is_retried(each.outcome, attempts)
    ]
    readings = [each for each in readings if not is_retried(each.outcome, attempts)]
    re_extracted: list[ReExtracted] = []
    for _ in range(MOST_REREADING):
        try:
            counts = store_readings(
                archive,
                claim, readings, decide, done=done, batch_items=batch_items,
                re_extracted=re_extracted, later=later,
            )  # fmt: skip
        except NotComparableError as error:
            re_extracted += _read_again(
                archive, claim, reader, load_re_extractions(archive, error.derivations)
            )
        else:
            return Batch(counts, done)
    raise RereadingError(claim.job_id)


def _read_again(
    archive: Archive, claim: jobs.Claim, reader: Reader, extractions: Sequence[ReExtraction]
) -> Iterator[ReExtracted]:
    """Read captures of another extractor again, so that later captures can be compared with
    them.
    """
    renewed = time.monotonic()
    for each in extractions:
        if time.monotonic() - renewed > claim.lease_seconds / 3:
            archive.transact(queue.renew, claim)
            renewed = time.monotonic()
        yield reader.re_extract(each)


def is_retried(outcome: object, attempts: int = 0) -> bool:
    """Check whether a document timed out, or its process was killed, after `attempts` others.

    Both may depend on the machine instead of the content: a document that timed out is read once
    more, and one whose process was killed twice more.
    """
    return isinstance(outcome, RefusalReason) and attempts < _RETRIES.get(outcome.code, 0)


def hints_of(captured: CapturedItem) -> Hints:
    """Return the hints of a capture in the form of the text core."""
    known = captured.hints
    stated = known.get("observed_at")  # of a capture that was imported later
    return Hints(
        type=known.get("type") or "seed",
        name=known.get("name") or captured.locator,
        charset=known.get("charset"),
        observed_at=datetime.fromisoformat(stated) if stated else captured.observed_at,
        url=known.get("url"),
        source_values=entry_values(known.get("listed")),
        has_capture_time=bool(known.get("url") or stated),
    )


def context_of(hints: Hints, submitter: str | None = None) -> str:
    """Return the hints that determine a reading as JSON: the same bytes give the same draft.

    Years after that of the capture are not dates; isolated documents depend on the exact minute.
    """
    context: dict[str, Any] = {"type": hints.type, "seen": str(hints.observed_at.year)}
    if hints.charset:
        context["charset"] = hints.charset
    if hints.url:
        context["url"] = hints.url[:150]
    if hints.source_values:
        values = [asdict(value) for value in hints.source_values]
        encoded = json.dumps(values, sort_keys=True).encode()
        context["offers"] = raw_digest(encoded).hex()[:16]
    if submitter is not None:
        context["submitted_by"] = submitter[:32]
    if is_isolated(hints.type):
        context["seen"] = hints.observed_at.isoformat(timespec="minutes")
    return _sorted_json(context)


def _read_until(
    captured: list[CapturedItem], reader: Reader, limit_seconds: float
) -> Iterator[Reading]:
    end = time.monotonic() + limit_seconds
    for each in captured:
        yield reader.read(each)
        if time.monotonic() > end:
            return
