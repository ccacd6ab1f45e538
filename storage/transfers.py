"""Keep what went over the wire: one row for each exchange, certificates once each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from storage.digest import raw_digest
from storage.record import Json
from storage.tables import CertificateRow, TransferRow
from storage.writing import Unit, rows_in, table_of

CERTIFICATE = table_of(CertificateRow)


@dataclass(frozen=True, slots=True)
class Transfer:
    """One request and its answer, as they went over the wire; most of it cannot be had later.

    `address` is what was asked for. `hops` are the addresses that led there, each with status
    and location. `request` has method, target and headers as sent (secrets hidden); headers are
    pairs of name and value. `chain` holds the server's certificates as PEM, its own first.
    `body` are the bytes of the body as they came, where they are to be kept beside what the
    observation captured; `body_encoding` is the encoding that was taken off. `rights` is what
    was said about the use of the text. `is_foreign`: somebody else made the exchange.
    """

    address: str
    started_at: datetime
    hops: Sequence[Mapping[str, Json]] = ()
    request: Mapping[str, Json] | None = None
    response_headers: Sequence[Sequence[str]] | None = None
    peer: str | None = None
    tls_version: str | None = None
    chain: bytes | None = None
    duration_ms: int | None = None
    wire_bytes: int | None = None
    rights: Mapping[str, Json] | None = None
    body_encoding: str | None = None
    body: bytes | None = None
    is_foreign: bool = False


def keep_transfers(
    unit: Unit, transfers: Mapping[int, Transfer], bodies: Mapping[bytes, int]
) -> None:
    """Write the transfers, by their observation; `bodies` are the captures of kept bodies."""
    if not transfers:
        return
    known = _certificates(unit, [each.chain for each in transfers.values() if each.chain])
    for observation, each in transfers.items():
        body = bodies[raw_digest(each.body)] if each.body else None
        unit.add(
            TransferRow,
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
    """Return the ids of chains, writing those that are new."""
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
                CertificateRow,
                {
                    "id": known[digest], "digest": digest, "chain": chain,
                    "recorded_at": unit.now,
                },
            )  # fmt: skip
    return {chain: known[digest] for digest, chain in digests.items()}
