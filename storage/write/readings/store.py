"""Store the readings of captures: decide, write, index and relate."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from storage.database.tables import ARTICLE, ARTICLE_ORIGIN, ORIGIN, VERSION, WORDING
from storage.database.unit import rows_in
from storage.diff.change import CaptureContent
from storage.history.changes import CaptureComparer
from storage.history.lineages import address_claims_of, find_claimed, text_of
from storage.history.memory import Memory
from storage.history.neighbours import Surroundings
from storage.history.noise.decisions import waiting
from storage.history.runs import Snapshot
from storage.record.derivation_detail import named
from storage.record.derivations import DerivationWriter, PreparedDrafts, prepare_derivations
from storage.record.reading import CapturedItem, Reading, ReExtracted, ReExtraction
from storage.record.unread import captures_in, load_unread_rows, re_extractions_in, rows_read_before
from storage.schedule import queue
from storage.schedule.check_times import record_reading
from storage.similarity.signature import ComparedText, agreement
from storage.values import job as jobs
from storage.values.digest import origin_id
from storage.values.draft import Draft
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
from storage.write.readings.writer import Decide, ReadingWriter
from storage.write.redaction import orders
from storage.write.redaction.without_redacted import readings_without_redacted
from storage.write.store_listings import store_listings

if TYPE_CHECKING:
    from storage.write.redaction import empty_rows
else:
    empty_rows = LazyModule("storage.write.redaction.empty_rows")


@dataclass(frozen=True, slots=True)
class _Text:
    """A text that was read and its article; numbers of new rows are negative."""

    content: CaptureContent
    digest: bytes
    number: int
    article_id: int
    origin: str
    moment: datetime


def compare_ahead(
    connection: Connection, readings: Sequence[Reading], memory: Memory
) -> CaptureComparer:
    """Compare `readings` with the current state of the archive before its lock is taken.

    Nothing is written. The results are cached: under the lock the comparisons are repeated, and
    those whose texts did not change meanwhile are answered from the cache.
    """
    comparing = CaptureComparer.ahead(connection, memory)
    memory.check(connection)
    texts = sorted(
        _comparable_texts(comparing, readings), key=lambda text: (text.moment, -text.number)
    )
    firsts = {text.article_id: text.moment for text in reversed(texts) if text.article_id > 0}
    around = Surroundings(connection, firsts)
    comparing.find_sites(firsts)
    comparing.learn(each.derivation_id for text in texts for each in _sides(around, text))
    for text in texts:
        _compare(comparing, around, text)
    comparing.steps_to_recheck(waiting(comparing))
    comparing.boilerplate.cut()
    _agree(connection, readings)
    return comparing


def _agree(connection: Connection, readings: Sequence[Reading]) -> None:
    """Cache the agreement of texts that are claimed to be one article."""
    own = {named(each).address or each.captured.locator: each for each in readings}
    said = [
        (origin, other) for origin, each in own.items() for _kind, other in address_claims_of(each)
    ]
    if not said:
        return
    articles = _articles(connection, [origin for pair in said for origin in pair])
    apart = [pair for pair in said if not _is_one(articles, *pair)]
    standing = _standing(connection, {articles.get(other) for _origin, other in apart} - {None})
    for origin, other in apart:
        beside = own.get(other)
        stored = standing.get(articles.get(other, 0))
        read = text_of(beside) if beside and isinstance(beside.outcome, Draft) else None
        for each in (stored, read):
            if each is not None:
                agreement(text_of(own[origin]), each)


def _is_one(articles: Mapping[str, int], origin: str, other: str) -> bool:
    return origin == other or (origin in articles and articles[origin] == articles.get(other))


def _standing(connection: Connection, articles: Iterable[int | None]) -> dict[int, ComparedText]:
    """Return the latest texts of articles."""
    query = (
        select(ARTICLE.c.id, WORDING.c.title, WORDING.c.digest, WORDING.c.text)
        .join(VERSION, VERSION.c.id == ARTICLE.c.head_version_id)
        .join(WORDING, WORDING.c.id == VERSION.c.wording_id)
    )
    return {
        number: ComparedText(title, bytes(digest), text)
        for number, title, digest, text in rows_in(connection, query, ARTICLE.c.id, articles)
    }


def _comparable_texts(comparing: CaptureComparer, readings: Sequence[Reading]) -> Iterator[_Text]:
    names = [named(reading) for reading in readings]
    origins = [
        name.address or reading.captured.locator
        for name, reading in zip(names, readings, strict=True)
    ]
    articles = _articles(comparing.connection, origins)
    unknown: dict[str, int] = {}
    for number, (reading, name, origin) in enumerate(zip(readings, names, origins, strict=True)):
        if isinstance(reading.outcome, Draft) and reading.digest is not None:
            article = articles.get(origin) or unknown.setdefault(origin, -1 - len(unknown))
            content = comparing.content_of(reading)
            yield _Text(content, reading.digest, -1 - number, article, origin, name.moment)


def _articles(connection: Connection, origins: Sequence[str]) -> Mapping[str, int]:
    names = {origin_id(each): each for each in origins}
    query = select(ORIGIN.c.public_id, ARTICLE_ORIGIN.c.article_id).join(
        ARTICLE_ORIGIN, ARTICLE_ORIGIN.c.origin_id == ORIGIN.c.id
    )
    return {
        names[public]: article
        for public, article in rows_in(connection, query, ORIGIN.c.public_id, names)
    }


def _compare(comparing: CaptureComparer, around: Surroundings, text: _Text) -> None:
    """Compare a text with the neighbouring snapshots of its article, and add it to them."""
    article, sides = text.article_id, _sides(around, text)
    if text.digest not in {each.digest for each in sides}:
        for each in sides:
            is_before = each.place <= (text.moment, text.digest)
            comparing.is_noise(article, each.derivation_id, text.content, is_before=is_before)
    if article < 0:
        comparing.set_origin(article, text.origin)
    comparing.add_pending(text.number, text.number, text.content, article, text.origin)
    number = text.number
    around.add(article, Snapshot(text.moment, number, number, text.digest, number))


def _sides(around: Surroundings, text: _Text) -> list[Snapshot]:
    """Return the snapshots directly before and after a text."""
    found = [
        around.beside(text.article_id, text.moment, text.digest, is_before=before)
        for before in (True, False)
    ]
    return [each for each in found if each is not None]


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
        naming = find_claimed(connection, others)
    to_derive = prepare_drafts(archive, [*others, *(each.reading for each in re_extracted)])
    with archive.unit() as unit:
        comparing.continue_under_lock(unit)
        keeping = ReadingWriter(unit, claim.job_id, comparing, to_derive, naming)
        counts = keeping.keep(others, decide, re_extracted)
        record_reading(unit, keeping.decided)
        if listings:
            counts += Counts(refused=store_listings(unit, claim, listings, batch_items))
        if later:
            queue.defer(unit, claim, later, AGAIN_AFTER_SECONDS)
        if done:
            queue.finish(unit, claim, counts)
        else:
            queue.release(unit, claim, counts)
        if returned:
            orders.order_again(unit, returned)
        index_within(archive, unit, keeping.to_index)
        candidates = add_index_keys_within(archive, unit, keeping.wordings)
    keeping.committed()
    if returned:
        empty_rows.empty_ordered(archive.engine, archive.clock)
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
