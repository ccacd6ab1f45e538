"""Insert observations, their origins and transfers, verdicts and refusals: nothing else does."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from storage.database.tables import CERTIFICATE, OBSERVATION, ORIGIN, REFUSAL, TRANSFER, VERDICT
from storage.database.unit import Unit, rows_in
from storage.record.suppression import SuppressionLookup
from storage.values.digest import origin_id, raw_digest
from storage.values.draft import Json
from storage.values.messages import message_text
from storage.values.net.transfer import Transfer
from storage.values.redaction import is_emptied
from storage.values.refusals import RefusalReason, refuse

CLOCK_SUSPECT = "clock_suspect"
"""Prefix of the note of a check with an impossible time, and the flag of its text."""


def add_observation(
    unit: Unit,
    *,
    source_id: int,
    job_id: int,
    locator_id: int,
    observed_at: datetime,
    outcome: str,
    scan_id: int | None = None,
    capture_id: int | None = None,
    hints: Mapping[str, Json] | None = None,
    http_status: int | None = None,
    note: str | None = None,
    clock_at: datetime | None = None,
) -> int:
    """Insert an observation of a place, and return its number.

    `observed_at` is in the archive's time (`Unit.time_of`), or the time of an imported capture.
    `clock_at` is the clock of this machine: it is stored if it is far from that.
    """
    number = unit.number()
    if clock_at is not None and (clock_at := unit.doubted(clock_at, observed_at)) is not None:
        doubt = message_text("clock_doubted", moment=f"{clock_at:%Y-%m-%d %H:%M:%S}")
        note = doubt if note is None else message_text("joined", first=doubt, rest=note)
    unit.add(
        OBSERVATION,
        {
            "id": number, "source_id": source_id, "scan_id": scan_id, "job_id": job_id,
            "locator_id": locator_id, "observed_at": observed_at, "recorded_at": unit.now,
            "outcome": outcome, "capture_id": capture_id, "hints": dict(hints or {}),
            "http_status": http_status, "note": note, "clock_at": clock_at,
        },
    )  # fmt: skip
    return number


def add_verdict(
    unit: Unit,
    job_id: int,
    observation_id: int,
    kind: str = "refused",
    derivation_id: int | None = None,
) -> None:
    unit.add(
        VERDICT,
        {
            "id": unit.number(), "observation_id": observation_id, "job_id": job_id,
            "kind": kind, "derivation_id": derivation_id, "recorded_at": unit.now,
        },
    )  # fmt: skip


def add_refusal(
    unit: Unit,
    reason: RefusalReason,
    locator: str,
    *,
    job_id: int | None,
    source_id: int | None,
    observation_id: int | None,
    capture_id: int | None,
) -> None:
    """Insert a refusal with its reason."""
    unit.add(
        REFUSAL,
        {
            "id": unit.number(), "job_id": job_id, "source_id": source_id,
            "observation_id": observation_id, "locator": locator, "code": reason.code,
            "message": reason.message, "hint": reason.hint, "kept": capture_id is not None,
            "capture_id": capture_id, "at": unit.now,
        },
    )  # fmt: skip


def refuse_redacted(unit: Unit, job_id: int, place: Mapping[str, Any], left: str) -> None:
    """Record the refusal of a place of a job whose address was redacted, by its anonymised
    address.
    """
    add_refusal(
        unit, refuse("redacted"), left, job_id=job_id, source_id=place["source_id"],
        observation_id=None, capture_id=None,
    )  # fmt: skip


def store_transfers(
    unit: Unit, transfers: Mapping[int, Transfer], bodies: Mapping[bytes, int]
) -> None:
    """Insert transfers by their observation; `bodies` are the captures of stored bodies."""
    if not transfers:
        return
    known = _certificates(unit, [each.chain for each in transfers.values() if each.chain])
    for observation, each in transfers.items():
        body = bodies[raw_digest(each.body)] if each.body else None
        unit.add(
            TRANSFER,
            {
                "id": unit.number(), "observation_id": observation, "address": each.address,
                "hops": [dict(hop) for hop in each.hops],
                "request": dict(each.request) if each.request is not None else None,
                "response_headers": _pairs(each.response_headers), "peer": each.peer,
                "tls_version": each.tls_version,
                "certificate_id": known[each.chain] if each.chain else None,
                "started_at": each.started_at, "duration_ms": each.duration_ms,
                "wire_bytes": each.wire_bytes,
                "rights": dict(each.rights) if each.rights is not None else None,
                "body_encoding": each.body_encoding, "body_capture_id": body,
                "is_foreign": each.is_foreign, "recorded_at": unit.now,
            },
        )  # fmt: skip


def _pairs(headers: Sequence[Sequence[str]] | None) -> list[list[str]] | None:
    return None if headers is None else [list(pair) for pair in headers]


def _certificates(unit: Unit, chains: Sequence[bytes]) -> dict[bytes, int]:
    """Return the ids of certificate chains; insert new ones."""
    digests: dict[bytes, bytes] = {raw_digest(chain): chain for chain in chains}
    query = select(CERTIFICATE.c.digest, CERTIFICATE.c.id)
    known: dict[bytes, Any] = {
        bytes(digest): number
        for digest, number in rows_in(unit.connection, query, CERTIFICATE.c.digest, digests)
    }
    for digest, chain in digests.items():
        if digest not in known:
            known[digest] = unit.number()
            unit.add(
                CERTIFICATE,
                {
                    "id": known[digest], "digest": digest, "chain": chain,
                    "recorded_at": unit.now,
                },
            )  # fmt: skip
    return {chain: known[digest] for digest, chain in digests.items()}


def ensure_origins(unit: Unit, texts: Sequence[str]) -> dict[str, int]:
    """Return the ids of the origins `texts`; insert new ones.

    A redacted address is never stored again: its anonymised origin is returned.
    """
    names = {_origin_id(each): each for each in dict.fromkeys(texts)}
    query = select(ORIGIN.c.public_id, ORIGIN.c.id)
    known: dict[str, int] = dict(rows_in(unit.connection, query, ORIGIN.c.public_id, names))
    new = [each for public, each in names.items() if public not in known]
    gone = SuppressionLookup(unit.connection).tombstones(new) if new else {}
    known |= {_origin_id(each): number for each, number in gone.items()}
    found: dict[str, int] = {}
    for public, each in names.items():
        if public not in known:
            known[public] = unit.number()
            unit.add(
                ORIGIN,
                {
                    "id": known[public], "public_id": public, "origin": each,
                    "recorded_at": unit.now,
                },
            )  # fmt: skip
        found[each] = known[public]
    return found


def _origin_id(text: str) -> str:
    """Return the id of an origin; its text is empty after redaction."""
    return text if is_emptied(text) else origin_id(text)
