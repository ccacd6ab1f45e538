"""Store captures: bytes, observations and scans, before anything interprets them."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import select

from storage.capabilities import parts_of
from storage.database.capture_store import (
    CapturesUnsetError,
    SweptMeanwhileError,
    store_of,
)
from storage.database.tables import SCAN, SOURCE
from storage.database.unit import Unit
from storage.history.absences import record_absences
from storage.history.clock_corrections import correct_scan
from storage.history.totals import stored_fact
from storage.history.versions import rebuild_returned
from storage.record.captures import (
    CAPTURE_FOLDER,
    Packed,
    load_captures,
    mark_files,
    observe,
    pack_all,
    put_packed,
    record_collections,
    record_gone,
    record_presence,
    store_captures,
    sweep_rounds,
)
from storage.record.imports import ImportResult, ImportWriter, load_records, pack_imports
from storage.record.observations import (
    add_refusal,
    ensure_origins,
    refuse_redacted,
    store_transfers,
)
from storage.schedule import queue
from storage.schedule.watches import forget_lists
from storage.values import job as jobs
from storage.values.arrivals.arrival import Arrival, Scan
from storage.values.arrivals.foreign_capture import Import
from storage.values.digest import origin_id, raw_digest
from storage.values.refusals import RefusalReason
from storage.values.verdict import Counts
from storage.write.archive import Archive
from storage.write.redaction.without_redacted import imports_without_redacted, without_redacted

P = ParamSpec("P")
T = TypeVar("T")


def putting_again(store: Callable[P, T]) -> Callable[P, T]:
    """Repeat a function that calls `store_bytes` if a sweep began before its rows were written."""

    @wraps(store)
    def repeat(*args: P.args, **named: P.kwargs) -> T:
        while True:
            with suppress(SweptMeanwhileError):
                return store(*args, **named)

    return repeat


def store_bytes(archive: Archive, packed: Packed) -> Packed:
    """Put new bytes into the capture store, if there is one, before any lock is taken.

    Raises: CapturesAwayError; CapturesUnsetError if the archive has one and was opened without
    its place. Nothing is stored then.
    """
    if not packed:
        return packed
    store = store_of(archive.engine)
    if store is None:
        if archive.read(stored_fact, CAPTURE_FOLDER) is not None:
            raise CapturesUnsetError
        return packed
    with archive.read_connection() as connection:
        known, current = load_captures(connection, packed), sweep_rounds(connection)[0]
    return put_packed(store, archive.capture_folder, packed, known, current)


def start_scan(archive: Archive, source_id: int) -> Scan:
    """Allocate the number of a scan; `finish_scan` writes its row."""
    with archive.unit() as unit:
        return Scan(unit.number(), source_id, unit.now, unit.doubted(unit.reading, unit.now))


@putting_again
def store_arrivals(
    archive: Archive,
    claim: jobs.Claim,
    source_id: int,
    arrivals: Sequence[Arrival],
    scan: Scan | None = None,
) -> Counts:
    """Store the bytes and observations of `arrivals`, and queue a job that reads them.

    Raises: jobs.StaleLeaseError; nothing is stored then.
    """
    arrivals = archive.read(without_redacted, arrivals)
    packed = store_bytes(archive, _compress_arrivals(arrivals))
    names = [each for a in arrivals for each in (a.place, a.locator)]
    for each in names:
        origin_id(each)  # cached: nothing is hashed under the lock
    with archive.unit() as unit:
        queue.renew(unit, claim)
        places = ensure_origins(unit, names)
        kept = store_captures(unit, packed)
        seen = [a for a in arrivals if not a.looked and not a.container]
        numbers = {
            id(a): observe(
                unit,
                claim,
                source_id,
                scan,
                a,
                locator_id=places[a.locator],
                capture=kept.get(a.digest) if a.digest else None,
            )
            for a in seen
        }
        transfers = {numbers[id(a)]: a.transfer for a in seen if a.transfer is not None}
        if transfers:
            store_transfers(unit, transfers, kept)
        gone = record_collections(unit, claim, source_id, scan, arrivals, places)
        record_presence(unit, claim, source_id, arrivals, places, numbers)
        counts = Counts(refused=sum(a.refused is not None for a in seen), gone=len(gone))
        items = [numbers[id(a)] for a in seen if a.refused is None]
        if items:
            queue.add_job(
                unit, "read", claim.trigger, source_id=source_id, parent_id=claim.job_id,
                arguments={"items": items},
            )  # fmt: skip
        if counts != Counts():
            queue.count(unit, claim, counts)
        refused = [numbers[id(a)] for a in seen if a.refused is not None]
        unit.flush()
        if without_text := [*gone, *refused]:
            record_absences(unit, without_text)
    return counts


@putting_again
def import_captures(
    archive: Archive,
    claim: jobs.Claim,
    source_id: int,
    container: str,
    imports: Sequence[Import],
    *,
    is_last: bool = False,
) -> ImportResult:
    """Store captures from the file `container`, and queue a job that reads them.

    A capture stored before, from whichever file, is recognised by its record and counted as
    unchanged, unless this job itself stored it before it was killed. A record that was read as an
    article is read again as a list, and the reverse. A revisit record whose original is missing is
    returned, or refused if `is_last`.

    Raises: jobs.StaleLeaseError; nothing is stored then.
    """
    with archive.read_connection() as connection:
        imports = imports_without_redacted(connection, imports)
        wanted = {each.records[0].digest: each for each in imports}
        known, _ = load_records(connection, wanted)
    fresh = [each for digest, each in wanted.items() if digest not in known]
    packed = store_bytes(archive, pack_imports(fresh))
    with archive.unit() as unit:
        queue.renew(unit, claim)
        known, read_otherwise = load_records(unit.connection, wanted)
        fresh = [
            replace(each, is_withheld=True) if digest in read_otherwise else each
            for digest, each in wanted.items()
            if digest not in known
        ]
        importing = ImportWriter(unit, claim, source_id, container, is_last=is_last)
        importing.keep(fresh, packed)
        again = [(known[d].observation_id, each) for d, each in wanted.items() if d in known]
        _store_recorded(unit, [*importing.recorded, *again])
        if importing.to_read:
            queue.add_job(
                unit, "read", claim.trigger, source_id=source_id, parent_id=claim.job_id,
                arguments={"items": importing.to_read},
            )  # fmt: skip
        counts = Counts(refused=importing.refused)
        if counts.seen:
            queue.count(unit, claim, counts)
        unit.flush()
        record_absences(unit, importing.without_text)
    others = [each for each in known.values() if each.job_id != claim.job_id]
    unread = tuple(each.unread for each in others if each.unread is not None)
    unchanged = len(others) - len(unread) + len(imports) - len(wanted)
    return ImportResult(replace(counts, unchanged=unchanged), tuple(importing.waiting), unread)


def _store_recorded(unit: Unit, imports: Sequence[tuple[int, Import]]) -> None:
    """Store what capabilities of the other archive recorded about imported checks."""
    for own, part in parts_of("transfer"):
        told = [(number, each.recorded) for number, each in imports if own.name in each.recorded]
        part.store_facts(unit, {number: recorded[own.name] for number, recorded in told})


def finish_scan(
    archive: Archive,
    claim: jobs.Claim,
    scan: Scan,
    *,
    complete: bool,
    listing_digest: bytes | None,
    files: int,
    changed: int,
    absent: Sequence[int] = (),
    gone_before: int = 0,
    missing: Sequence[int] = (),
    returned: Sequence[int] = (),
) -> int:
    """Write the row of a scan and the absences it found (`absent`: ids of places).

    `gone_before` absences were stored with the arrivals of the scan. A scan that is held back marks
    the files that are `missing` now, and each scan unmarks those that have `returned`. Returns the
    number of absences stored here. Raises: jobs.StaleLeaseError.
    """
    with archive.unit() as unit:
        queue.renew(unit, claim)
        if missing:
            mark_files(unit, scan.source_id, missing, missing_since=scan.started_at)
        if seen_or_gone := [*returned, *absent]:
            mark_files(unit, scan.source_id, seen_or_gone, missing_since=None)
        gone = record_gone(unit, claim, scan, absent) if complete and absent else []
        if complete and absent:
            forget_lists(unit, scan.source_id, absent)
        places = unit.connection.execute(
            select(SOURCE.c.places).where(SOURCE.c.id == scan.source_id)
        ).scalar_one()
        seq = unit.number(places + 1)
        unit.add(
            SCAN,
            {
                "id": scan.id, "seq": seq, "source_id": scan.source_id,
                "job_id": claim.job_id, "started_at": scan.started_at, "recorded_at": unit.now,
                "complete": complete, "listing_digest": listing_digest, "files": files,
                "changed": changed, "gone": gone_before + len(gone), "clock_at": scan.clock_at,
            },
        )  # fmt: skip
        correct_scan(unit, scan.id, seq, scan.started_at)
        unit.flush()
        if gone:
            record_absences(unit, gone)
            queue.count(unit, claim, Counts(gone=len(gone)))
        if complete:
            rebuild_returned(unit, scan.source_id)
    return len(gone)


def record_refusal(
    archive: Archive, claim: jobs.Claim, source_id: int | None, locator: str, reason: RefusalReason
) -> None:
    """Record a refusal without an item, such as a missing source.

    Raises: jobs.StaleLeaseError.
    """
    with archive.unit() as unit:
        add_refusal(
            unit,
            reason,
            locator,
            job_id=claim.job_id,
            source_id=source_id,
            observation_id=None,
            capture_id=None,
        )
        queue.count(unit, claim, Counts(refused=1))


def refuse_places(
    archive: Archive, claim: jobs.Claim, gone: Sequence[tuple[Mapping[str, Any], str]]
) -> None:
    """Refuse places whose address was redacted, each with its anonymised address.

    They are removed from the job. Raises: jobs.StaleLeaseError.
    """
    with archive.unit() as unit:
        for place, left in gone:
            refuse_redacted(unit, claim.job_id, place, left)
        queue.drop_places(unit, claim, [place for place, _ in gone])


def _compress_arrivals(arrivals: Sequence[Arrival]) -> Packed:
    """Compress the bytes to store of arrivals, including HTTP bodies as transferred."""
    kept = [a for a in arrivals if not a.looked]
    bodies = [a.transfer.body for a in kept if a.transfer is not None and a.transfer.body]
    return pack_all(
        [*((a.digest, a.raw) for a in kept), *((raw_digest(body), body) for body in bodies)]
    )
