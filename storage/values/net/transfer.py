"""How bytes were transferred: addresses, headers, certificate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.values.draft import Json


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
