"""Store arrivals of a source: bytes, observations, refusals, and the state of each file."""

import secrets
from collections.abc import Container, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, insert, or_, select, update

from storage.database.capture_store import (
    ROUND_LENGTH,
    CaptureStore,
    SweptMeanwhileError,
    digest_in,
    name_in,
    new_name,
    pointer,
    put_all,
    round_in,
)
from storage.database.compression import pack
from storage.database.engine import database_identity
from storage.database.tables import (
    ARCHIVE,
    CAPTURE,
    OBSERVATION,
    PRESENCE,
    SNAPSHOT,
    SOURCE,
    VERDICT,
)
from storage.database.unit import Unit, rows_in, update_rows
from storage.record.observations import add_observation, add_refusal, add_verdict
from storage.record.suppression import SuppressionLookup
from storage.values import job as jobs
from storage.values.arrivals.arrival import Arrival, Scan
from storage.values.messages import message_text

CAPTURE_FOLDER = "captures"
"""Key of the fact with the folder of this archive in a capture store."""
SWEEP_ROUND = "captures_round"
"""Key of the fact with the rounds of sweeps: names of an earlier round get no row any more."""


Packed = Mapping[bytes, tuple[int, str, bytes]]
"""Compressed bytes by digest: size, encoding, compressed bytes.

In a capture store, the name of the object replaces the bytes.
"""


def pack_all(raws: Iterable[tuple[bytes | None, bytes | None]]) -> Packed:
    """Compress bytes, each passed with its digest, before the write lock is taken."""
    packed: dict[bytes, tuple[int, str, bytes]] = {}
    for digest, raw in raws:
        if digest is not None and raw is not None and digest not in packed:
            packed[digest] = (len(raw), *pack(raw))
    return packed


def load_captures(connection: Connection, digests: Iterable[bytes]) -> dict[bytes, int]:
    """Return the stored captures with bytes, by digest."""
    query = select(CAPTURE.c.digest, CAPTURE.c.id)
    rows = rows_in(connection, query, CAPTURE.c.digest, digests)
    return {bytes(digest): number for digest, number in rows}


def unreferenced(connection: Connection, names: Iterable[str]) -> dict[str, bytes]:
    """Return the objects of this archive that no row references, with their digests."""
    digests = {name: digest for name in names if (digest := digest_in(name)) is not None}
    query = select(CAPTURE.c.digest, CAPTURE.c.data)
    rows = rows_in(connection, query, CAPTURE.c.digest, digests.values())
    named = {name_in(bytes(digest), data) for digest, data in rows}
    return {name: digest for name, digest in digests.items() if name not in named}


def find_deleted(connection: Connection, digests: Iterable[bytes]) -> set[bytes]:
    """Return the digests of bytes that were redacted or deleted."""
    query, wanted = select(CAPTURE.c.digest).where(CAPTURE.c.data.is_(None)), set(digests)
    rows = rows_in(connection, query, CAPTURE.c.digest, wanted)
    return {bytes(row[0]) for row in rows} | set(SuppressionLookup(connection).raw(wanted))


def put_packed(
    store: CaptureStore,
    folder: str,
    packed: Packed,
    known: Container[bytes] = (),
    sweep_round: str | None = None,
) -> Packed:
    """Put bytes that are not `known` into a store; return them with object names for the rows.

    Raises: CapturesAwayError.
    """
    names = {each: new_name(folder, each, sweep_round) for each in packed if each not in known}
    put_all(store, {name: packed[each][2] for each, name in names.items()})
    put = {each: (*packed[each][:2], pointer(name)) for each, name in names.items()}
    return {**packed, **put}


def capture_folder(unit: Unit) -> str:
    """Return the folder of a store that only this archive uses."""
    query = select(ARCHIVE.c.value).where(ARCHIVE.c.key == CAPTURE_FOLDER)
    known = unit.connection.execute(query).scalar()
    if known is not None:
        return str(known)
    folder = secrets.token_hex(8)
    unit.connection.execute(insert(ARCHIVE).values(key=CAPTURE_FOLDER, value=folder))
    return folder


def sweep_rounds(connection: Connection) -> list[str]:
    """Return the rounds of sweeps of this database, the current one first, as names have them.

    A copy that another program made has the same facts and may share the folder. Its names have
    other rounds, because the place of the database is a part of them.
    """
    query = select(ARCHIVE.c.value).where(ARCHIVE.c.key == SWEEP_ROUND)
    begun, place = (connection.scalar(query) or "").split(), database_identity(connection)
    return [
        sha256(f"{place} {each}".encode()).hexdigest()[:ROUND_LENGTH] for each in (*begun, "first")
    ]


def store_captures(unit: Unit, packed: Packed) -> dict[bytes, int]:
    """Store bytes once each, and return their captures.

    Raises: SweptMeanwhileError if their objects may be deleted already.
    """
    known = load_captures(unit.connection, packed)
    put = (name_in(digest, each[2]) for digest, each in packed.items() if digest not in known)
    rounds = {round_in(name) for name in put if name is not None}
    if rounds and rounds != {*sweep_rounds(unit.connection)[:1]}:
        raise SweptMeanwhileError
    for digest, (size, encoding, data) in packed.items():
        if digest not in known:
            known[digest] = unit.number()
            unit.add(
                CAPTURE,
                {
                    "id": known[digest], "digest": digest, "size": size, "encoding": encoding,
                    "data": data, "recorded_at": unit.now,
                },
            )  # fmt: skip
    return known


def observe(
    unit: Unit,
    claim: jobs.Claim,
    source_id: int,
    scan: Scan | None,
    arrival: Arrival,
    *,
    locator_id: int,
    capture: int | None,
) -> int:
    number = add_observation(
        unit,
        source_id=source_id,
        scan_id=scan.id if scan else None,
        job_id=claim.job_id,
        locator_id=locator_id,
        observed_at=unit.time_of(arrival.observed_at, claim.claimed_at),
        clock_at=arrival.observed_at,
        outcome="captured" if arrival.refused is None else "refused",
        capture_id=capture,
        hints=arrival.hints,
    )
    if arrival.refused is not None:
        add_verdict(unit, claim.job_id, number)
        add_refusal(
            unit,
            arrival.refused,
            arrival.locator,
            job_id=claim.job_id,
            source_id=source_id,
            observation_id=number,
            capture_id=capture,
        )
    return number


def record_presence(
    unit: Unit,
    claim: jobs.Claim,
    source_id: int,
    arrivals: Sequence[Arrival],
    places: Mapping[str, int],
    numbers: Mapping[int, int],
) -> None:
    query = select(PRESENCE.c.place_id).where(PRESENCE.c.source_id == source_id)
    mine = [places[a.place] for a in arrivals]
    known = {row[0] for row in rows_in(unit.connection, query, PRESENCE.c.place_id, mine)}
    only_looked = {places[a.place] for a in arrivals if a.looked}
    rows = {
        places[a.place]: _presence(claim, source_id, a, places, numbers.get(id(a)))
        for a in arrivals
    }
    fresh = [row for place, row in rows.items() if place not in known]
    changed = [row for place, row in rows.items() if place in known]
    key = ("source_id", "place_id")
    looked = [_only_stamp(row) for row in changed if row["place_id"] in only_looked]
    taken = [row for row in changed if row["place_id"] not in only_looked]
    update_rows(unit.connection, PRESENCE, key, looked)
    update_rows(unit.connection, PRESENCE, key, taken)
    if fresh:
        before = unit.connection.execute(
            select(SOURCE.c.places).where(SOURCE.c.id == source_id)
        ).scalar_one()
        for ordinal, row in enumerate(fresh, before):
            unit.add(PRESENCE, {**row, "ordinal": ordinal})
        unit.connection.execute(
            update(SOURCE).where(SOURCE.c.id == source_id).values(places=before + len(fresh))
        )


def _presence(
    claim: jobs.Claim,
    source_id: int,
    arrival: Arrival,
    places: Mapping[str, int],
    number: int | None,
) -> dict[str, Any]:
    stamp = arrival.stamp
    return {
        "source_id": source_id, "place_id": places[arrival.place],
        "locator_id": places[arrival.locator], "path": arrival.path,
        "member": arrival.member, "container": arrival.container, "size": stamp.size,
        "mtime_ns": stamp.mtime_ns, "ctime_ns": stamp.ctime_ns, "inode": stamp.inode,
        "digest": arrival.digest, "observation_id": number, "job_id": claim.job_id,
        "gone": False, "refused": arrival.refused is not None, "captures": arrival.captures,
    }  # fmt: skip


def _only_stamp(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("source_id", "place_id", "size", "mtime_ns", "ctime_ns", "inode")
    return {name: row[name] for name in kept}


def record_gone(unit: Unit, claim: jobs.Claim, scan: Scan, absent: Sequence[int]) -> list[int]:
    """Record as gone the files that were there before and that this scan did not find."""
    message = message_text("not_in_folder")
    noted, away = _note_absent(unit, claim, scan.source_id, scan, absent, message)
    mark_files(unit, scan.source_id, away, gone=True)
    return noted


def mark_files(unit: Unit, source_id: int, places: Iterable[int], **marks: Any) -> None:
    """Set columns of the files at some places of a source."""
    rows = [{"source_id": source_id, "place_id": each, **marks} for each in places]
    update_rows(unit.connection, PRESENCE, ("source_id", "place_id"), rows)


def record_collections(
    unit: Unit,
    claim: jobs.Claim,
    source_id: int,
    scan: Scan | None,
    arrivals: Sequence[Arrival],
    places: Mapping[str, int],
) -> list[int]:
    """Record the documents as gone whose files are collections of other documents now."""
    now_collections = [places[a.place] for a in arrivals if a.container]
    if not now_collections:
        return []
    message = message_text("now_a_collection")
    return _note_absent(unit, claim, source_id, scan, now_collections, message)[0]


def _note_absent(
    unit: Unit,
    claim: jobs.Claim,
    source_id: int,
    scan: Scan | None,
    places: Sequence[int],
    note: str,
) -> tuple[list[int], list[int]]:
    """Add observations that the documents at some places are gone; return them and the places."""
    query = (
        select(
            PRESENCE.c.place_id,
            PRESENCE.c.locator_id,
            PRESENCE.c.container,
            PRESENCE.c.refused,
            SNAPSHOT.c.is_foreign,
            OBSERVATION.c.scan_id,
            OBSERVATION.c.id,
            _had_a_text().label("had_a_text"),
        )
        .outerjoin(OBSERVATION, OBSERVATION.c.id == PRESENCE.c.observation_id)
        .outerjoin(SNAPSHOT, SNAPSHOT.c.observation_id == PRESENCE.c.observation_id)
        .where(PRESENCE.c.source_id == source_id, PRESENCE.c.gone.is_(False))
    )
    noted: list[int] = []
    away: list[int] = []
    for row in rows_in(unit.connection, query, PRESENCE.c.place_id, places):
        place_id, locator_id, container, refused, foreign, scan_id, observation_id, had = row
        if scan is not None and scan_id != scan.id and (observation_id or 0) > scan.id:
            continue
        away.append(place_id)
        if container or foreign or (refused and not had):
            continue
        noted.append(
            add_observation(
                unit, source_id=source_id, scan_id=scan.id if scan else None, job_id=claim.job_id,
                locator_id=locator_id, observed_at=unit.now, clock_at=unit.reading, outcome="gone",
                note=note,
            )
        )  # fmt: skip
    return noted, away


def _had_a_text() -> Any:
    """Return the SQL condition that the place of a presence has, or may have, an article."""
    earlier, snapshot, verdict = OBSERVATION.alias(), SNAPSHOT.alias(), VERDICT.alias()
    return (
        select(earlier.c.id)
        .outerjoin(snapshot, snapshot.c.observation_id == earlier.c.id)
        .outerjoin(verdict, verdict.c.observation_id == earlier.c.id)
        .where(
            earlier.c.source_id == PRESENCE.c.source_id,
            earlier.c.locator_id == PRESENCE.c.locator_id,
            earlier.c.outcome == "captured",
            or_(
                verdict.c.id.is_(None),
                snapshot.c.wording_id.is_not(None) & snapshot.c.is_foreign.is_(False),
            ),
        )
        .exists()
    )
