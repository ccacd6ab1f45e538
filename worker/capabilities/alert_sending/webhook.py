"""Webhooks as defined by Standard Webhooks: signed, with the same id at each attempt.

They are sent over https to public servers, or to servers that `allow_hosts` permits. Redirects
are not followed, because the signature is meant for one receiver only.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from storage.capabilities.alert_sending.manage import SECRET_PREFIX
from storage.values.errors import AlertError
from storage.values.messages import message_text
from storage.values.refusals import RefusalReason
from worker.address import Address, parse_address
from worker.capabilities.alert_sending.sending import Sending
from worker.web.connection import Network
from worker.web.credentials import SecretError, read_secret
from worker.web.exchange import PersistentConnection, send_request
from worker.web.outcome import retry_after

SECONDS = 10.0
LARGEST_ANSWER = 64 * 1024
GONE = 410


def hook_address(text: str, network: Network) -> Address:
    """Return the address of a webhook.

    Raises: AlertError if webhooks must not be sent to it.
    """
    address = parse_address(text, network.is_own)
    if isinstance(address, RefusalReason):
        raise AlertError(f"Webhooks cannot be sent to this address. {address.sentences}")
    if address.scheme != "https" and not network.is_own(address.host, address.port):
        raise AlertError(
            "Webhooks require https, or a server of your own allowed with LESART_ALLOW_HOSTS."
        )
    return address


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the signature of a message with a key that begins with `whsec_`."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{message_id}.{timestamp}.".encode() + body
    made = hmac.new(key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(made).decode('ascii')}"


def body_of(kind: str, moment: datetime, data: dict[str, Any]) -> bytes:
    """Return the JSON body of a webhook: event type, time in UTC, and data."""
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
    """Send a webhook; failures are returned, not raised."""
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
        reason = found.refused.message if found.refused else message_text("webhook_silent")
        return Sending(arrived=False, answer=reason)
    answer = message_text("webhook_answered", status=found.status)
    if 200 <= found.status < 300:
        return Sending(arrived=True, answer=answer)
    until = retry_after(found.header, now)
    pause = None if until is None else (until - now).total_seconds()
    return Sending(False, answer, pause, is_final=found.status == GONE)
