"""Store what was read out of captures: decide, write, index and relate."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from storage.record.derivations import DerivationWriter, PreparedDrafts, prepare_derivations
from storage.record.reading import CapturedItem, Reading, ReExtracted, ReExtraction
from storage.record.unread import captures_in, load_unread_rows, re_extractions_in, rows_read_before
from storage.schedule import queue
from storage.schedule.check_times import record_reading
from storage.values import job as jobs
from storage.values.lazy import LazyModule
from storage.values.net.addresses import AddressList
from storage.values.verdict import Counts
from storage.write.archive import Archive
from storage.write.index import (
    add_index_keys_after,
    add_index_keys_within,
    index_after,
    index_within,
    relate_candidates,
)
from storage.write.readings.compare_ahead import compare_ahead
from storage.write.readings.writer import Decide, ReadingWriter
from storage.write.redaction import orders
from storage.write.redaction.without_redacted import readings_without_redacted
from storage.write.store_listings import store_listings

if TYPE_CHECKING:
    from storage.write.redaction import redact_articles
else:
    redact_articles = LazyModule("storage.write.redaction.redact_articles")

AGAIN_AFTER_SECONDS = 5.0
"""Pause before documents whose extraction timed out are tried again."""


def load_unread(archive: Archive, claim: jobs.Claim) -> tuple[list[CapturedItem], bool]:
    """Return the captured items of a read job without a verdict, and whether these are all.

    Their total size is at most `MOST_UNREAD_BYTES`, except for a single item.
    """
    rows, known, are_all = archive.read(load_unread_rows, claim.arguments["items"])
    return captures_in(archive.engine, rows, known), are_all


def store_readings(
    archive: Archive,
    claim: jobs.Claim,
    readings: Sequence[Reading],
    decide: Decide,
    *,
    done: bool,
    batch_items: int = 100,
    re_extracted: Sequence[ReExtracted] = (),
    later: Sequence[int] = (),
) -> Counts:
    """Decide on `readings` and store the results; `done` ends the job, otherwise it is
    released.

    Listed addresses are checked by jobs of up to `batch_items` addresses. `re_extracted` are
    earlier captures extracted again for comparison. The observations `later` are tried again
    after a pause, one by one.

    Raises: jobs.StaleLeaseError, NotComparableError; nothing is stored then.
    """
    with archive.read_connection() as connection:
        readings, returned = readings_without_redacted(connection, readings)
        listings = [each for each in readings if isinstance(each.outcome, AddressList)]
        others = [each for each in readings if not isinstance(each.outcome, AddressList)]
        comparing = compare_ahead(connection, others, archive.memory)
    to_derive = prepare_drafts(archive, [*others, *(each.reading for each in re_extracted)])
    with archive.unit() as unit:
        comparing.continue_under_lock(unit)
        keeping = ReadingWriter(unit, claim.job_id, comparing, to_derive)
        counts = keeping.keep(others, decide, re_extracted)
        record_reading(unit, keeping.decided)
        counts += Counts(refused=store_listings(unit, claim, listings, batch_items))
        if later:
            queue.defer(unit, claim, later, AGAIN_AFTER_SECONDS)
        if done:
            queue.finish(unit, claim, counts)
        else:
            queue.release(unit, claim, counts)
        orders.order_again(unit, returned)
        index_within(archive, unit, keeping.to_index)
        candidates = add_index_keys_within(archive, unit, keeping.wordings)
    keeping.committed()
    if returned:
        redact_articles.finish_redactions(archive)
    candidates |= add_index_keys_after(archive, keeping.wordings)
    index_after(archive, keeping.to_index)
    relate_candidates(archive, candidates)
    return counts


def load_re_extractions(archive: Archive, derivations: Mapping[int, int]) -> list[ReExtraction]:
    """Return captures to extract again, by derivation and article.

    Captures with damaged bytes are left out.
    """
    return re_extractions_in(archive.engine, archive.read(rows_read_before, derivations))


def store_re_extraction(archive: Archive, re_extracted: Sequence[ReExtracted]) -> None:
    """Store the results of the current extractor for captures, in addition to earlier
    derivations.

    Redacted texts are not stored.
    """
    readings, _ = archive.read(readings_without_redacted, [each.reading for each in re_extracted])
    re_extracted = [e for e, r in zip(re_extracted, readings, strict=True) if r is e.reading]
    readings = [each.reading for each in re_extracted]
    to_derive = prepare_drafts(archive, readings)
    with archive.unit() as unit:
        deriving = DerivationWriter(unit, to_derive)
        deriving.load(
            [each.digest for each in readings if each.digest],
            [each.captured.capture_id for each in readings],
        )
        for each in re_extracted:
            deriving.store_re_extraction(each)
        unit.flush()
        deriving.add_wording_rows()
        index_within(archive, unit, deriving.to_index)
    index_after(archive, deriving.to_index)


def prepare_drafts(archive: Archive, readings: Sequence[Reading]) -> PreparedDrafts:
    """Prepare the rows of drafts, including the tokens if they are indexed in the
    transaction.
    """
    if archive.engine.dialect.name == "sqlite":
        for each in readings:
            if each.tokens is not None:
                each.tokens.text()
    return prepare_derivations(readings)
