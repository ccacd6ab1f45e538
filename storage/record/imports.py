"""Store captures from web archives with their original records."""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, case, select

from storage.capabilities import find_page_kind
from storage.database.tables import (
    FOREIGN_RECORD,
    OBSERVATION,
    ORIGIN,
    REFUSAL,
    TRANSFER,
    VERDICT,
)
from storage.database.unit import Unit, rows_in
from storage.record.captures import Packed, pack_all, store_captures
from storage.record.observations import (
    add_observation,
    add_refusal,
    add_verdict,
    ensure_origins,
    store_transfers,
)
from storage.values import job as jobs
from storage.values.arrivals.foreign_capture import Import, KeptRecord, Repeats
from storage.values.digest import origin_id, raw_digest
from storage.values.draft import Json
from storage.values.net.transfer import Transfer
from storage.values.refusals import RefusalReason, refuse
from storage.values.verdict import Counts

HOW_READ = ("type", "charset", "url", "answered")
"""The hints that affect how bytes are read."""


@dataclass(frozen=True, slots=True)
class Original:
    """A capture that a revisit record repeats."""

    observation_id: int
    capture_id: int
    payload: str | None
    hints: Mapping[str, Json]

    def hints_for(self, repeat: Import) -> dict[str, Json]:
        """Return the hints of `repeat`, completed by those of its original."""
        if repeat.outcome == "not_modified":
            return {**repeat.hints, "confirms": self.observation_id}
        own = {name: self.hints[name] for name in HOW_READ if name in self.hints}
        if find_page_kind(own.get("type")):
            own["type"] = "html"  # whether a list is wanted, the repeat says itself
        return {**own, **repeat.hints}


class Originals:
    """Finds captures by name, by address and time, or by the digest of their payload.

    A capture found by name or time must also have the payload digest, if both have one: two files
    with the same bytes may be read differently, and several captures may have the same time.
    """

    def __init__(self, connection: Connection, imports: Sequence[Import]) -> None:
        self._found: dict[Hashable, list[Original]] = {}
        wanted = [each.repeats for each in imports if each.repeats]
        for row in _rows(connection, wanted) if wanted else ():
            original = Original(row.id, row.capture_id, row.payload_digest, row.hints or {})
            self._learn(original, row.name, row.origin, row.observed_at)

    def of(self, repeats: Repeats) -> Original | None:
        """Return the original of `repeats`, None if it is not stored."""
        wanted = repeats.payload_digest
        keys = (repeats.name, (repeats.origin, repeats.observed_at), wanted)
        found = (each for key in keys if key for each in self._found.get(key, ()))
        fitting = (e for e in found if None in {wanted, e.payload} or e.payload == wanted)
        return next(fitting, None)

    def learn(self, imported: Import, observation_id: int, capture_id: int | None) -> None:
        """Add a capture of the current unit, which others of it may repeat."""
        if capture_id is not None and imported.outcome == "captured" and imported.refused is None:
            main = imported.records[0]
            original = Original(observation_id, capture_id, main.payload_digest, imported.hints)
            self._learn(original, main.name, imported.origin, imported.observed_at)

    def _learn(self, original: Original, name: str | None, origin: str, moment: datetime) -> None:
        for key in (name, (origin, moment), original.payload):
            if key is not None:
                self._found.setdefault(key, []).append(original)


def _rows(connection: Connection, wanted: Iterable[Repeats]) -> Iterator[Any]:
    query = (
        select(
            FOREIGN_RECORD.c.payload_digest,
            FOREIGN_RECORD.c.name,
            ORIGIN.c.origin,
            OBSERVATION.c.observed_at,
            OBSERVATION.c.id,
            OBSERVATION.c.capture_id,
            OBSERVATION.c.hints,
        )
        .join(OBSERVATION, OBSERVATION.c.id == FOREIGN_RECORD.c.observation_id)
        .join(ORIGIN, ORIGIN.c.id == OBSERVATION.c.locator_id)
        .where(OBSERVATION.c.outcome == "captured", OBSERVATION.c.capture_id.is_not(None))
        .order_by(FOREIGN_RECORD.c.id)
    )
    wanted = list(wanted)
    payloads = [each.payload_digest for each in wanted if each.payload_digest]
    yield from rows_in(connection, query, FOREIGN_RECORD.c.payload_digest, payloads)
    others = [each for each in wanted if not each.payload_digest]
    yield from rows_in(connection, query, FOREIGN_RECORD.c.name, [o.name for o in others if o.name])
    origins = [origin_id(each.origin) for each in others if each.origin]
    yield from rows_in(connection, query, ORIGIN.c.public_id, origins)


@dataclass(frozen=True, slots=True)
class ImportResult:
    """Result of an import: `waiting` are revisit records whose original is not stored yet."""

    counts: Counts
    waiting: tuple[Import, ...]
    unread: tuple[int, ...]
    """Known captures whose reading is not finished."""


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A stored capture: its job, its number if it has not been read yet, and the captured item.

    `key` is the place, time and bytes. `read_as` is the kind of page as which it was
    read, None for an article.
    """

    job_id: int | None
    unread: int | None
    observation_id: int
    key: tuple[int, datetime, int | None]
    read_as: str | None


_IS_UNREAD = and_(OBSERVATION.c.outcome == "captured", VERDICT.c.id.is_(None))
_STORED = (
    OBSERVATION.c.job_id,
    case((_IS_UNREAD, OBSERVATION.c.id), else_=None).label("unread"),
    OBSERVATION.c.id,
    OBSERVATION.c.locator_id,
    OBSERVATION.c.observed_at,
    OBSERVATION.c.capture_id,
    OBSERVATION.c.hints,
)


def _make_record(row: Any) -> StoredRecord:
    key = (row.locator_id, row.observed_at, row.capture_id)
    return StoredRecord(row.job_id, row.unread, row.id, key, _read_as(row.hints))


def _read_as(hints: Mapping[str, Json] | None) -> str | None:
    return find_page_kind((hints or {}).get("type"))


def load_records(
    connection: Connection, wanted: Mapping[bytes, Import]
) -> tuple[dict[bytes, StoredRecord], set[bytes]]:
    """Return the stored captures by the digest of their record, and the stored records that are
    to be read in another way, as a list of a capability or as an article.

    A second reading of a record is an observation of its own without a record.
    """
    query = (
        select(FOREIGN_RECORD.c.digest, *_STORED)
        .join(OBSERVATION, OBSERVATION.c.id == FOREIGN_RECORD.c.observation_id)
        .outerjoin(VERDICT, VERDICT.c.observation_id == OBSERVATION.c.id)
    )
    rows = rows_in(connection, query, FOREIGN_RECORD.c.digest, wanted)
    known = {bytes(row.digest): _make_record(row) for row in rows}
    others = {
        digest: known.pop(digest)
        for digest, each in list(known.items())
        if wanted[digest].is_readable and wanted[digest].read_as != each.read_as
    }
    second = _second_readings(connection, others.values()) if others else {}
    again = {digest: second.get(each.key) for digest, each in others.items()}
    known |= {digest: each for digest, each in again.items() if each is not None}
    return known, {digest for digest, each in again.items() if each is None}


def _second_readings(
    connection: Connection, first: Collection[StoredRecord]
) -> dict[tuple[int, datetime, int | None], StoredRecord]:
    """Return the other readings of captures, by captured item."""
    times = [each.key[1] for each in first]
    query = (
        select(*_STORED)
        .join(TRANSFER, TRANSFER.c.observation_id == OBSERVATION.c.id)
        .outerjoin(FOREIGN_RECORD, FOREIGN_RECORD.c.observation_id == OBSERVATION.c.id)
        .outerjoin(VERDICT, VERDICT.c.observation_id == OBSERVATION.c.id)
        .where(
            OBSERVATION.c.observed_at.between(min(times), max(times)),
            OBSERVATION.c.outcome == "captured",
            TRANSFER.c.is_foreign.is_(True),
            FOREIGN_RECORD.c.id.is_(None),
        )
    )
    rows = rows_in(connection, query, OBSERVATION.c.locator_id, {each.key[0] for each in first})
    return {each.key: each for each in map(_make_record, rows)}


class KnownCapture(NamedTuple):
    """A stored capture: its job, and whether it has bytes."""

    job_id: int | None
    has_bytes: bool


def known_captures(
    connection: Connection, source_id: int, origins: Collection[str], *, read_as: str | None
) -> dict[tuple[str, datetime], KnownCapture]:
    """Return the captures of a source by origin and time, without those that were read otherwise.

    `read_as` is a kind of page, None for articles.
    """
    names = {origin_id(each): each for each in origins}
    query = (
        select(
            ORIGIN.c.public_id,
            OBSERVATION.c.observed_at,
            OBSERVATION.c.job_id,
            OBSERVATION.c.capture_id.is_not(None),
            OBSERVATION.c.outcome,
            OBSERVATION.c.hints,
        )
        .join(OBSERVATION, OBSERVATION.c.locator_id == ORIGIN.c.id)
        .where(OBSERVATION.c.source_id == source_id)
    )
    rows = rows_in(connection, query, ORIGIN.c.public_id, names)
    return {
        (names[each], moment): KnownCapture(job, has)
        for each, moment, job, has, outcome, hints in rows
        if outcome != "captured" or _read_as(hints) == read_as
    }


class ImportWriter:
    """Stores the captures of one file in one unit of work."""

    def __init__(
        self, unit: Unit, claim: jobs.Claim, source_id: int, container: str, *, is_last: bool
    ) -> None:
        self.unit, self.claim, self.source_id = unit, claim, source_id
        self.container = container
        self.is_last = is_last
        self.to_read: list[int] = []
        self.without_text: list[int] = []
        self.waiting: list[Import] = []
        self.refused = 0
        self.recorded: list[tuple[int, Import]] = []
        self._rows: dict[bytes, int] = {}

    def keep(self, imports: Sequence[Import], packed: Packed) -> None:
        """Store `imports`; those stored before must not be among them."""
        unit = self.unit
        names = [self.container, *(each.origin for each in imports)]
        origins = ensure_origins(unit, names)
        bytes_kept = store_captures(unit, packed)
        originals = Originals(unit.connection, imports)
        self._rows = self._find_known(record for each in imports for record in each.records[1:])
        refused_before = self._load_refused() if self.is_last else frozenset()
        transfers: dict[int, Transfer] = {}
        for given in imports:
            each, capture = given, None if given.raw is None else bytes_kept[raw_digest(given.raw)]
            original = originals.of(given.repeats) if given.repeats is not None else None
            if original is None and given.is_repeat:
                self._leave(given, origins[given.origin], refused_before)
                continue
            if original is not None:
                each, capture = replace(given, hints=original.hints_for(given)), original.capture_id
            number = self._observe(each, origins[each.origin], capture)
            transfers[number] = each.transfer
            self.recorded.append((number, each))
            if not each.is_withheld:
                self._keep_records(each, number, origins[self.container], bytes_kept)
            originals.learn(each, number, capture)
        store_transfers(unit, transfers, bytes_kept)

    def _leave(self, imported: Import, origin: int, refused_before: frozenset[str]) -> None:
        """Postpone a revisit record, or refuse it if its original is unknown.

        Its record is not stored then, so that a later import can add it with its original.
        """
        if not self.is_last:
            self.waiting.append(imported)
        elif imported.locator not in refused_before:
            refused = refuse("capture_elsewhere")
            number = self._observe(replace(imported, refused=refused), origin, None)
            store_transfers(self.unit, {number: imported.transfer}, {})

    # -------------------------------------------------------------------- observations

    def _observe(self, imported: Import, origin: int, capture: int | None) -> int:
        number = self._observation(imported, origin, capture)
        if imported.refused is not None:
            self._refuse(imported, imported.refused, number, capture)
        elif imported.outcome == "captured":
            self.to_read.append(number)
        else:
            self.without_text.append(number)
        return number

    def _observation(self, imported: Import, origin: int, capture: int | None) -> int:
        return add_observation(
            self.unit,
            source_id=self.source_id,
            job_id=self.claim.job_id,
            locator_id=origin,
            observed_at=imported.observed_at,
            outcome=imported.outcome if imported.refused is None else "refused",
            capture_id=capture,
            hints=imported.hints,
            http_status=imported.http_status,
            note=imported.note,
        )

    def _refuse(
        self, imported: Import, reason: RefusalReason, number: int, capture: int | None
    ) -> None:
        unit = self.unit
        self.refused += 1
        self.without_text.append(number)
        add_verdict(unit, self.claim.job_id, number)
        add_refusal(
            unit, reason, imported.locator, job_id=self.claim.job_id, source_id=self.source_id,
            observation_id=number, capture_id=capture,
        )  # fmt: skip

    def _load_refused(self) -> frozenset[str]:
        """Return the records that this job refused before it was killed."""
        query = select(REFUSAL.c.locator).where(
            REFUSAL.c.job_id == self.claim.job_id, REFUSAL.c.code == "capture_elsewhere"
        )
        return frozenset(self.unit.connection.execute(query).scalars())

    # ------------------------------------------------------------------------- records

    def _find_known(self, records: Iterable[KeptRecord]) -> dict[bytes, int]:
        query = select(FOREIGN_RECORD.c.digest, FOREIGN_RECORD.c.id)
        digests = [record.digest for record in records]
        return {
            bytes(digest): number
            for digest, number in rows_in(
                self.unit.connection, query, FOREIGN_RECORD.c.digest, digests
            )
        }

    def _keep_records(
        self, imported: Import, observation: int, container: int, bytes_kept: Mapping[bytes, int]
    ) -> None:
        main, *beside = imported.records
        about = next((record for record in beside if record.kind == "warcinfo"), None)
        about_id = None
        if about is not None:
            about_id = self._record(about, container, bytes_kept, None, None, None)
        main_id = self._record(main, container, bytes_kept, observation, None, about_id)
        for record in beside:
            if record is not about:
                self._record(record, container, bytes_kept, None, main_id, None)

    def _record(
        self,
        record: KeptRecord,
        container: int,
        bytes_kept: Mapping[bytes, int],
        observation: int | None,
        main: int | None,
        about: int | None,
    ) -> int:
        known = self._rows.get(record.digest)
        if known is not None:
            return known
        number = self._rows[record.digest] = self.unit.number()
        payload = bytes_kept[raw_digest(record.payload)] if record.payload else None
        self.unit.add(
            FOREIGN_RECORD,
            {
                "id": number, "digest": record.digest, "kind": record.kind,
                "container_id": container, "number": record.number,
                "observation_id": observation, "main_id": main, "about_id": about,
                "name": record.name, "payload_digest": record.payload_digest,
                "head": record.head, "opening": record.opening, "payload_capture_id": payload,
                "recorded_at": self.unit.now,
            },
        )  # fmt: skip
        return number


def pack_imports(imports: Iterable[Import]) -> Packed:
    """Compress all bytes of `imports` before the write lock is taken."""
    raws = [
        raw
        for each in imports
        for raw in (each.raw, *(record.payload for record in each.records))
        if raw is not None
    ]
    return pack_all((raw_digest(raw), raw) for raw in raws)
