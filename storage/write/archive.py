"""The writable archive: one `Archive`, one transaction per unit of work."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from sqlalchemy import Connection, Engine, select

from storage.database import schema
from storage.database.capture_store import capture_store
from storage.database.engine import (
    DatabaseError,
    database_epoch,
    database_url,
    place_of,
    reachable,
    read_connection,
    writing_engine,
)
from storage.database.schema_version import require_current
from storage.database.session import JobListener, SessionLock
from storage.database.tables import (
    ARCHIVE,
    SCAN,
    SOURCE,
)
from storage.database.unit import ACT, BEAT, Clock, Unit, archive_time, utc_now, writing
from storage.history.absences import record_absences
from storage.history.clock_corrections import correct_clock, correct_scan
from storage.history.memory import Memory
from storage.history.totals import TOTALS, renewed_totals, store_fact
from storage.history.versions import rebuild_returned
from storage.record import sources as source_rows
from storage.record.captures import (
    Packed,
    capture_folder,
    load_captures,
    observe,
    pack_all,
    put_packed,
    record_gone,
    record_presence,
    store_captures,
)
from storage.record.derivations import DerivationWriter, PreparedDrafts, prepared
from storage.record.imports import ImportResult, ImportWriter, load_records, pack_imports
from storage.record.observations import add_refusal, refuse_redacted
from storage.record.origins import ensure_origins
from storage.record.presences import Presence, presences
from storage.record.reading import (
    CapturedItem,
    IndexInput,
    Reading,
    ReExtracted,
    ReExtraction,
)
from storage.record.suppression import RedactedAddresses, SuppressionLookup
from storage.record.transfers import store_transfers
from storage.record.unread import captures_in, load_unread_rows, re_extractions_in, rows_read_before
from storage.relations import relate as relating
from storage.relations.candidates import ComparisonCandidates, IndexedWording
from storage.schedule import queue
from storage.schedule.watches import forget_lists, postpone, record_reading
from storage.values import job as jobs
from storage.values.arrivals.arrival import Arrival, Scan
from storage.values.arrivals.foreign_capture import Import
from storage.values.arrivals.source import Source
from storage.values.digest import origin_id, raw_digest
from storage.values.job import Progress
from storage.values.net.addresses import AddressList, Check, HostNews, Key
from storage.values.redaction import RedactionReason
from storage.values.refusals import RefusalReason
from storage.values.verdict import Counts, OriginKnowledge, Verdict
from storage.write.compare_ahead import compare_ahead
from storage.write.index import index_due, index_now
from storage.write.redaction import redact as redacting
from storage.write.redaction.passage import Prepare, find_passage, remove_passage
from storage.write.redaction.plan import RedactionTarget, plan_of
from storage.write.redaction.restrict import lift, restrict
from storage.write.redaction.retention import captures_due, limits
from storage.write.redaction.without_redacted import (
    checks_without_redacted,
    imports_without_redacted,
    readings_without_redacted,
    without_redacted,
)
from storage.write.store_checks import pack_checks, store_checks
from storage.write.store_listings import store_listings
from storage.write.store_readings import ReadingWriter
from storage.write.undo import UndoneDecision, undo

REST_AFTER = timedelta(seconds=5)
"""Time after which wordings that are not indexed or compared yet are part of the backlog."""

CAPTURES_AT_A_TIME = 1_000
"""Number of captures per redaction whose bytes are deleted together."""
AGAIN_AFTER_SECONDS = 5.0
"""Pause before documents whose extraction timed out are tried again."""

P = ParamSpec("P")
T = TypeVar("T")
Decide = Callable[[Any, OriginKnowledge], Verdict]


class Archive:
    """The writable archive; every method that changes something is one transaction."""

    def __init__(self, engine: Engine, place: str, clock: Clock = utc_now) -> None:
        self.engine = engine
        self.clock = clock
        self._place = place
        self._memory = Memory()
        self._folder: str | None = None

    @classmethod
    def open(cls, url: str | Path, clock: Clock = utc_now, *, create: bool = True) -> Self:
        """Open the archive at `url`; with `create`, create or upgrade it if necessary.

        Raises: DatabaseUrlError, ForeignDatabaseError, ArchiveUnreachableError, SchemaNewerError;
        without `create` ArchiveMissingError and SchemaOlderError.
        """
        address = database_url(str(url))
        engine = writing_engine(address)
        try:
            with reachable(address):
                if create:
                    schema.upgrade(engine)
                else:
                    require_current(engine)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine, place_of(address), clock)

    def close(self) -> None:
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_failure: object) -> None:
        self.close()

    @property
    def place(self) -> str:
        """The location of the archive: a path, or an address without its password."""
        return self._place

    def beat(self, who: str) -> None:
        """Record that a service is alive, by the clock of the database."""
        self._store_times({f"{BEAT}{who}": 0.0})

    def record_acts(self, ages: Mapping[str, float]) -> None:
        """Store how many seconds ago each periodic task of the scheduler last ended."""
        self._store_times({f"{ACT}{name}": age for name, age in ages.items()})

    def _store_times(self, ages: Mapping[str, float]) -> None:
        """Store times, passed as seconds ago, by the clock of the database."""
        with self.engine.begin() as connection:
            now = database_epoch(connection)
            for key, age in ages.items():
                store_fact(connection, key, repr(now - age))

    def store_fact(self, key: str, value: str) -> None:
        """Store a value that can be computed again, such as counts."""
        self.transact_unnumbered(store_fact, key, value)

    def update_totals(self) -> None:
        """Store the counts of the record if many rows are new."""
        totals = self.read(renewed_totals)
        if totals is not None:
            self.store_fact(TOTALS, totals.to_json())

    def beats(self) -> dict[str, float]:
        """Return the seconds since the last heartbeat of each service."""
        facts = ARCHIVE
        with self.read_connection() as connection:
            now = database_epoch(connection)
            rows = connection.execute(
                select(facts.c.key, facts.c.value).where(facts.c.key.startswith(BEAT))
            ).all()
        return {key.removeprefix(BEAT): now - float(value) for key, value in rows}

    def leadership(self) -> SessionLock:
        """Return a lock of this PostgreSQL archive that one session at a time can hold."""
        return SessionLock(self.engine)

    def job_listener(self) -> JobListener:
        """Return a listener for the notifications of new jobs in this PostgreSQL archive."""
        return JobListener(self.engine)

    @contextmanager
    def read_connection(self) -> Iterator[Connection]:
        """Yield a read-only connection."""
        with read_connection(self.engine) as connection:
            yield connection

    def read(
        self, question: Callable[Concatenate[Connection, P], T], *args: P.args, **named: P.kwargs
    ) -> T:
        """Return the result of `question`, called with a read-only connection."""
        with self.read_connection() as connection:
            return question(connection, *args, **named)

    @contextmanager
    def unit(self) -> Iterator[Unit]:
        """Open a unit of work (`storage.database.unit`)."""
        with writing(self.engine, self.clock) as unit:
            yield unit

    def transact(
        self, work: Callable[Concatenate[Unit, P], T], *args: P.args, **named: P.kwargs
    ) -> T:
        """Call `work` in a unit of work and return its result."""
        with self.unit() as unit:
            return work(unit, *args, **named)

    def transact_unnumbered(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **named: P.kwargs
    ) -> T:
        """Call `work` in a transaction that adds nothing to the record, and so needs no numbers or
        lock.
        """
        with self.engine.begin() as connection:
            return work(connection, *args, **named)

    def read_shared_clock(self) -> datetime:
        """Return the time by the clock that all writers share: that of the database server."""
        return self.read(archive_time).shared(self.clock)

    def now(self) -> datetime:
        """Return the archive's time, which never falls behind stored times."""
        time = self.read(archive_time)
        return time.after(time.shared(self.clock))

    def is_clock_behind(self) -> bool:
        """Check whether the clock is behind the archive's time."""
        time = self.read(archive_time)
        return time.is_after(time.shared(self.clock))

    def leapt_lately(self) -> bool:
        """Check whether the clock may be far ahead (`ArchiveTime.leapt_lately`)."""
        time = self.read(archive_time)
        return time.leapt_lately(time.shared(self.clock))

    def claim(self, lease_seconds: float, holder: str, **which: Any) -> jobs.Claim | None:
        """Claim the next due job (`queue.claim`); no lock is taken if there is none."""
        likely = self.read(queue.next_due, **which)
        if likely is None:
            return None
        time = self.read(archive_time)
        if time.was_ahead_of(time.shared(self.clock)):
            self.transact(correct_clock)
        return self.transact(queue.claim, lease_seconds, holder, likely=likely, **which)

    # ------------------------------------------------------------------------- sources

    def sources(self, *, standing: bool | None = None) -> list[Source]:
        """Return the sources that were not removed, sorted by name."""
        return self.read(source_rows.sources, standing=standing)

    def source(self, name: str) -> Source:
        """Return the source with that name.

        Raises: NoSuchSourceError.
        """
        return self.read(source_rows.source_named, name)

    def source_by_id(self, number: int) -> Source:
        """Return the source with that id, removed or not.

        Raises: NoSuchSourceError.
        """
        return self.read(source_rows.source_by_id, number)

    def ensure_source(self, name: str, kind: str, locator: str, **settings: Any) -> Source:
        """Return the source with that name; create or restore it if necessary."""
        return self.transact(source_rows.ensure_source, name, kind, locator, **settings)

    def change_source(self, name: str, **values: Any) -> Source:
        """Change settings of a source (`paused`, `every_seconds`, `cron`, `removed_at` …).

        Raises: NoSuchSourceError.
        """
        return self.transact(source_rows.change_source, name, **values)

    # ------------------------------------------------------------------------- capture

    def store_bytes(self, packed: Packed) -> Packed:
        """Put new bytes into the capture store, if there is one, before any lock is taken.

        Raises: CapturesAwayError; nothing is stored then.
        """
        store = capture_store()
        if store is None or not packed:
            return packed
        if self._folder is None:
            self._folder = self.transact(capture_folder)
        known = self.read(load_captures, packed)
        return put_packed(store, self._folder, packed, known)

    def start_scan(self, source_id: int) -> Scan:
        """Allocate the number of a scan; `finish_scan` writes its row."""
        with self.unit() as unit:
            return Scan(unit.number(), source_id, unit.now, unit.doubted(unit.reading, unit.now))

    def presences(self, source_id: int) -> dict[tuple[str, str], Presence]:
        """Return the last known state of the files of a source, by path and member."""
        return self.read(presences, source_id)

    def capture(
        self,
        claim: jobs.Claim,
        source_id: int,
        arrivals: Sequence[Arrival],
        scan: Scan | None = None,
    ) -> Counts:
        """Store the bytes and observations of `arrivals`, and queue a job that reads them.

        Raises: jobs.StaleLeaseError; nothing is stored then.
        """
        arrivals = self.read(without_redacted, arrivals)
        packed = self.store_bytes(_compress_arrivals(arrivals))
        names = [each for a in arrivals for each in (a.place, a.locator)]
        for each in names:
            origin_id(each)  # cached: nothing is hashed under the lock
        with self.unit() as unit:
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
            store_transfers(unit, transfers, kept)
            record_presence(unit, claim, source_id, arrivals, places, numbers)
            counts = Counts(refused=sum(a.refused is not None for a in seen))
            items = [numbers[id(a)] for a in seen if a.refused is None]
            if items:
                queue.add_job(
                    unit, "read", claim.trigger, source_id=source_id, parent_id=claim.job_id,
                    arguments={"items": items},
                )  # fmt: skip
            if counts.seen:
                queue.count(unit, claim, counts)
            refused = [numbers[id(a)] for a in seen if a.refused is not None]
            unit.flush()
            record_absences(unit, refused)
        return counts

    def import_captures(
        self,
        claim: jobs.Claim,
        source_id: int,
        container: str,
        imports: Sequence[Import],
        *,
        is_last: bool = False,
    ) -> ImportResult:
        """Store captures from the file `container`, and queue a job that reads them.

        A capture stored before, from whichever file, is recognised by its record and counted as
        unchanged, unless this job itself stored it before it was killed. A revisit record whose
        original is missing is returned, or refused if `is_last`.

        Raises: jobs.StaleLeaseError; nothing is stored then.
        """
        with self.read_connection() as connection:
            imports = imports_without_redacted(connection, imports)
            wanted = {each.records[0].digest: each for each in imports}
            known = load_records(connection, wanted)
        fresh = [each for digest, each in wanted.items() if digest not in known]
        packed = self.store_bytes(pack_imports(fresh))
        with self.unit() as unit:
            queue.renew(unit, claim)
            known = load_records(unit.connection, wanted)
            fresh = [each for digest, each in wanted.items() if digest not in known]
            importing = ImportWriter(unit, claim, source_id, container, is_last=is_last)
            importing.keep(fresh, packed)
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

    def store_checks(
        self,
        claim: jobs.Claim,
        checks: Sequence[Check],
        news: Sequence[HostNews],
        put_off: Mapping[Key, datetime],
        ending: Callable[[Unit, jobs.Claim, Counts], None] = queue.count,
    ) -> int:
        """Store checks of addresses and the new state of servers; return the counts.

        The addresses `put_off` are checked later; `ending` states how the job continues.
        Raises: jobs.StaleLeaseError; nothing is stored then.
        """
        checks = self.read(checks_without_redacted, checks)
        packed = self.store_bytes(pack_checks(checks, news))
        with self.unit() as unit:
            queue.renew(unit, claim)
            counts = store_checks(unit, claim, checks, news, packed)
            postpone(unit, put_off)
            ending(unit, claim, counts)
        return len(checks)

    def finish_scan(
        self,
        claim: jobs.Claim,
        scan: Scan,
        *,
        complete: bool,
        listing_digest: bytes | None,
        files: int,
        changed: int,
        absent: Sequence[int] = (),
    ) -> int:
        """Write the row of a scan and the absences it found (`absent`: ids of places).

        Returns the number of absences. Raises: jobs.StaleLeaseError.
        """
        with self.unit() as unit:
            queue.renew(unit, claim)
            gone = record_gone(unit, claim, scan, absent) if complete else []
            if complete:
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
                    "changed": changed, "gone": len(gone), "clock_at": scan.clock_at,
                },
            )  # fmt: skip
            correct_scan(unit, scan.id, seq, scan.started_at)
            unit.flush()
            record_absences(unit, gone)
            if complete:
                rebuild_returned(unit, scan.source_id)
            if gone:
                queue.count(unit, claim, Counts(gone=len(gone)))
        return len(gone)

    def refuse(
        self, claim: jobs.Claim, source_id: int | None, locator: str, reason: RefusalReason
    ) -> None:
        """Record a refusal without an item, such as a missing source.

        Raises: jobs.StaleLeaseError.
        """
        with self.unit() as unit:
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

    def address_redaction_lookup(self) -> RedactedAddresses:
        """Return a lookup that states whether an address was redacted."""
        with self.read_connection() as connection:
            return SuppressionLookup(connection).all_addresses()

    def refuse_places(
        self, claim: jobs.Claim, gone: Sequence[tuple[Mapping[str, Any], str]]
    ) -> None:
        """Refuse places whose address was redacted, each with its anonymised address.

        They are removed from the job. Raises: jobs.StaleLeaseError.
        """
        with self.unit() as unit:
            for place, left in gone:
                refuse_redacted(unit, claim.job_id, place, left)
            queue.drop_places(unit, claim, [place for place, _ in gone])

    # ---------------------------------------------------------------------------- read

    def unread(self, claim: jobs.Claim) -> tuple[list[CapturedItem], bool]:
        """Return the captured items of a read job without a verdict, and whether these are all.

        Their total size is at most `MOST_UNREAD_BYTES`, except for a single item.
        """
        rows, known, are_all = self.read(load_unread_rows, claim.arguments["items"])
        return captures_in(rows, known), are_all

    def store_readings(
        self,
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
        with self.read_connection() as connection:
            readings, returned = readings_without_redacted(connection, readings)
            listings = [each for each in readings if isinstance(each.outcome, AddressList)]
            others = [each for each in readings if not isinstance(each.outcome, AddressList)]
            comparing = compare_ahead(connection, others, self._memory)
        to_derive = self._prepare_drafts([*others, *(each.reading for each in re_extracted)])
        with self.unit() as unit:
            comparing.enter(unit)
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
            redacting.order_again(unit, returned)
            self._index_within(unit, keeping.to_index)
            candidates = self._add_index_keys_within(unit, keeping.wordings)
        keeping.committed()
        if returned:
            self.finish_redactions()
        candidates |= self._add_index_keys_after(keeping.wordings)
        self._index_after(keeping.to_index)
        self._relate(candidates)
        return counts

    def re_extractions(self, derivations: Mapping[int, int]) -> list[ReExtraction]:
        """Return captures to extract again, by derivation and article.

        Captures with damaged bytes are left out.
        """
        return re_extractions_in(self.read(rows_read_before, derivations))

    def store_re_extraction(self, re_extracted: Sequence[ReExtracted]) -> None:
        """Store the results of the current extractor for captures, in addition to earlier
        derivations.

        Redacted texts are not stored.
        """
        readings, _ = self.read(readings_without_redacted, [each.reading for each in re_extracted])
        re_extracted = [e for e, r in zip(re_extracted, readings, strict=True) if r is e.reading]
        readings = [each.reading for each in re_extracted]
        to_derive = self._prepare_drafts(readings)
        with self.unit() as unit:
            deriving = DerivationWriter(unit, to_derive)
            deriving.load(
                [each.digest for each in readings if each.digest],
                [each.captured.capture_id for each in readings],
            )
            for each in re_extracted:
                deriving.store_re_extraction(each)
            unit.flush()
            self._index_within(unit, deriving.to_index)
        self._index_after(deriving.to_index)

    def undo(self, number: int, reason: str | None = None) -> UndoneDecision:
        """Undo a decision: a relation, a lineage, or noise.

        Raises: NoSuchError.
        """
        return self.transact(undo, number, reason)

    def redact(
        self,
        targets: Sequence[RedactionTarget],
        reason: RedactionReason,
        actor: str,
        *,
        with_copies: bool = False,
        with_addresses: bool = False,
        progress: Progress | None = None,
    ) -> list[int]:
        """Redact articles or wordings; return the numbers of the acts.

        Matching content that arrives meanwhile is redacted, too. Run `scrub` afterwards to remove
        the remaining bytes from the disk.
        """
        acts: list[int] = []
        while True:
            plan = self.read(
                plan_of, targets, with_copies=with_copies, with_addresses=with_addresses
            )
            act = self.transact(redacting.order, plan.rows, reason, actor)
            self.finish_redactions(progress)
            if act is None:
                return acts
            acts.append(act)

    def restrict(self, articles: Sequence[int], reason: RedactionReason, actor: str) -> list[int]:
        """Hide articles; return those that were not hidden before."""
        return self.transact(restrict, articles, reason, actor)

    def lift_restriction(self, articles: Sequence[int], actor: str) -> list[int]:
        """Display articles again; return those that were restricted."""
        return self.transact(lift, articles, actor)

    def drop_overdue_bytes(
        self, otherwise: float | None, *, dry_run: bool = False
    ) -> list[dict[str, Any]]:
        """Delete bytes whose retention period ended; return number and size of captures by source.

        `otherwise` is the period in seconds of sources without their own, None for no limit.
        """
        before = limits(self.sources(), otherwise, self.clock())
        found = self.read(captures_due, before)
        if not dry_run:
            for start in range(0, len(found), CAPTURES_AT_A_TIME):
                some = [each[0] for each in found[start : start + CAPTURES_AT_A_TIME]]
                with self.unit() as unit:
                    why = RedactionReason.RETENTION
                    redacting.order(unit, {"capture": some}, why, redacting.BY_ITSELF)
                self.finish_redactions()
        names = {each.id: each.name for each in self.sources()}
        sizes: dict[str, list[int]] = {names[number]: [] for number in before}
        for _, source, size in found:
            sizes[names[source]].append(size)
        return [
            {"source": name, "captures": len(those), "bytes": sum(those)}
            for name, those in sorted(sizes.items())
        ]

    def redact_passage(
        self,
        targets: Sequence[RedactionTarget],
        passage: str,
        reason: RedactionReason,
        actor: str,
        prepare: Prepare,
        *,
        with_copies: bool = False,
    ) -> int | None:
        """Redact a passage of articles; return the number of the act, None if no text has it."""
        with self.read_connection() as connection:
            plan = plan_of(connection, targets, with_copies=with_copies)
            found = find_passage(connection, plan, passage, prepare)
        with self.unit() as unit:
            taken = remove_passage(unit, found, passage, reason, actor)
            if taken is not None:
                self._index_within(unit, taken[1])
        if taken is not None:
            self._index_after(taken[1])
        self.finish_redactions()
        return None if taken is None else taken[0]

    def replay_redactions(self, listed: Iterable[Mapping[str, Any]]) -> int:
        """Repeat the redactions of a list; return the number of acts with remaining rows.

        Raises: redact.ReplayError; nothing is redacted then.
        """
        acts = self.transact(redacting.replay, listed)
        self.finish_redactions()
        return acts

    def finish_redactions(self, progress: Progress | None = None) -> int:
        """Empty all rows with a pending redaction, as after a crash; return their number."""
        return redacting.empty_ordered(self.engine, self.clock, progress)

    def relate_backlog(self, limit: int = 50, older_than: timedelta = REST_AFTER) -> int:
        """Relate wordings that a crash left unrelated; return their number."""
        due = self.read(relating.due, self.clock() - older_than, limit)
        candidates = {number: each for number, each in due.items() if each is not None}
        if unindexed := due.keys() - candidates.keys():
            candidates |= self.transact(relating.index, unindexed)
        self._relate(candidates)
        return len(due)

    def _relate(self, candidates: Mapping[int, ComparisonCandidates]) -> None:
        """Compare new wordings with their candidates outside the write lock, and store the
        relations.

        A wording that cannot be compared is postponed and does not affect the others.
        """
        if not candidates:
            return
        try:
            answers = self.read(relating.compare, candidates)
            self.transact(relating.keep_relations, answers, list(candidates))
        except DatabaseError:
            raise
        except Exception:  # noqa: BLE001  # one bad text must not stop the others
            if len(candidates) > 1:
                for number, each in candidates.items():
                    self._relate({number: each})
                return
            self.transact(relating.put_off, next(iter(candidates)))

    def index_backlog(self, limit: int = 500, older_than: timedelta = REST_AFTER) -> int:
        """Index wordings that a crash left out of full text; return their number."""
        return self.transact_unnumbered(index_due, self.clock() - older_than, limit)

    def _prepare_drafts(self, readings: Sequence[Reading]) -> PreparedDrafts:
        """Prepare the rows of drafts, including the tokens if they are indexed in the
        transaction.
        """
        if self.engine.dialect.name == "sqlite":
            for each in readings:
                if each.tokens is not None:
                    each.tokens.text()
        return prepared(readings)

    def _index_within(self, unit: Unit, wordings: Sequence[IndexInput]) -> None:
        """Index wordings in the same transaction: SQLite has only one writer anyway."""
        if self.engine.dialect.name == "sqlite":
            index_now(unit.connection, wordings)

    def _index_after(self, wordings: Sequence[IndexInput]) -> None:
        """Index wordings after the commit: on PostgreSQL no writer waits for it."""
        if wordings and self.engine.dialect.name != "sqlite":
            self.transact_unnumbered(_with_async_commit, index_now, wordings)

    def _add_index_keys_within(
        self, unit: Unit, wordings: Sequence[IndexedWording]
    ) -> dict[int, ComparisonCandidates]:
        """Add index keys on SQLite, within the transaction; return the comparison candidates."""
        if not wordings or self.engine.dialect.name != "sqlite":
            return {}
        return relating.add_new_index_keys(unit.connection, wordings, unit.now)

    def _add_index_keys_after(
        self, wordings: Sequence[IndexedWording]
    ) -> dict[int, ComparisonCandidates]:
        if not wordings or self.engine.dialect.name == "sqlite":
            return {}
        return self.transact_unnumbered(
            _with_async_commit, relating.add_index_keys, wordings, self.clock()
        )


def _with_async_commit(
    connection: Connection, work: Callable[Concatenate[Connection, P], T], *args: P.args,
    **named: P.kwargs,
) -> T:  # fmt: skip
    """Call `work` in a transaction with asynchronous commit.

    A crash of the server may lose it; the work is due again then.
    """
    connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
    return work(connection, *args, **named)


def _compress_arrivals(arrivals: Sequence[Arrival]) -> Packed:
    """Compress the bytes to store of arrivals, including HTTP bodies as transferred."""
    kept = [a for a in arrivals if not a.looked]
    bodies = [a.transfer.body for a in kept if a.transfer is not None and a.transfer.body]
    return pack_all(
        [*((a.digest, a.raw) for a in kept), *((raw_digest(body), body) for body in bodies)]
    )
