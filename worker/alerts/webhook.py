"""Webhooks by the rules of Standard Webhooks: signed, with an id that stays the same.

They go where a source may be fetched from: to the public net over https, or to servers that the
user named (`allow_hosts`). A redirect is never followed: the signature is for nobody else.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from storage.values.errors import AlertError
from storage.values.refusals import Refused
from storage.write.alerts.manage import SECRET_PREFIX
from worker.address import Address, parse_address
from worker.alerts.sending import Sending
from worker.web.connection import Network
from worker.web.credentials import SecretError, read_secret
from worker.web.exchange import PersistentConnection, send_request
from worker.web.outcome import retry_after

SECONDS = 10.0
LARGEST_ANSWER = 64 * 1024
GONE = 410


def hook_address(given: str, network: Network) -> Address:
    """Return where a webhook goes.

    Raises: AlertError where it may not.
    """
    address = parse_address(given, network.is_own)
    if isinstance(address, Refused):
        raise AlertError(f"no webhook can go there: {address.message} {address.hint}")
    if address.scheme != "https" and not network.is_own(address.host, address.port):
        raise AlertError(
            "webhooks go over https, or to servers of your own that LESART_ALLOW_HOSTS names"
        )
    return address


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return one signature of a message by a key that begins with `whsec_`."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{message_id}.{timestamp}.".encode() + body
    made = hmac.new(key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(made).decode('ascii')}"


def body_of(kind: str, moment: datetime, data: dict[str, Any]) -> bytes:
    """Return the body of a webhook: what it is, since when, and what there is to tell."""
    message = {"type": kind, "timestamp": moment.astimezone(UTC).isoformat(), "data": data}
    return json.dumps(message, ensure_ascii=False, default=str).encode("utf-8", "replace")


def post(
    network: Network,
    target: str,
    *,
    agent: str,
    secrets: Sequence[str],
    message_id: str,
    body: bytes,
    now: datetime,
) -> Sending:
    """Send a webhook; what goes wrong is told, never raised."""
    try:
        address = hook_address(read_secret(target), network)
    except (AlertError, SecretError) as error:
        return Sending(arrived=False, answer=str(error))
    timestamp = int(now.timestamp())
    headers = [
        ("User-Agent", agent), ("Content-Type", "application/json"),
        ("webhook-id", message_id), ("webhook-timestamp", str(timestamp)),
        ("webhook-signature", " ".join(signature(s, message_id, timestamp, body) for s in secrets)),
    ]  # fmt: skip
    kept = PersistentConnection(network)
    try:
        found = send_request(
            kept, address, headers, seconds=SECONDS, max_bytes=LARGEST_ANSWER, body=body
        )
    finally:
        kept.close()
    if found.status is None:
        reason = found.refused.message if found.refused else "no answer"
        return Sending(arrived=False, answer=reason)
    answer = f"it answered {found.status}"
    if 200 <= found.status < 300:
        return Sending(arrived=True, answer=answer)
    until = retry_after(found.header("retry-after"), now)
    pause = None if until is None else (until - now).total_seconds()
    return Sending(False, answer, pause, is_final=found.status == GONE)
