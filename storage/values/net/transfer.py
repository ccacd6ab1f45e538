"""How bytes were transferred: addresses, headers, certificate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.values.draft import Json


@dataclass(frozen=True, slots=True)
class Transfer:
    """One request and its answer; most of it cannot be obtained later.

    `address` is the requested address. `hops` are the addresses that redirected to it, each with
    status and location. `request` has method, target and headers as sent (secrets hidden); headers
    are pairs of name and value. `chain` contains the certificates of the server as PEM, its own
    first. `body` are the bytes of the body as received, if they are stored in addition to the
    capture; `body_encoding` is the removed encoding. `rights` are statements about the permitted
    use of the text. `is_foreign` is true if another program made the exchange.
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
