"""Store HTTP transfers: one row for each exchange, certificates once each."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from storage.database.tables import CERTIFICATE, TRANSFER
from storage.database.unit import Unit, rows_in
from storage.values.digest import raw_digest
from storage.values.net.transfer import Transfer


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
