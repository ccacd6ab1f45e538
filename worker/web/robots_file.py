"""The robots.txt of a server: requested, redirects followed, stored as an observation."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urljoin

from storage.values.messages import message_text
from storage.values.net.addresses import CheckedExchange
from worker.address import Address, parse_address
from worker.web.connection import Network
from worker.web.exchange import PersistentConnection, ServerAnswer, send_request
from worker.web.fetch import is_redirect_allowed, transfer_of
from worker.web.outcome import REDIRECTS, meaning_of

ROBOTS_KEPT = timedelta(hours=24)
"""Time for which a robots.txt is valid."""
MOST_BYTES = 5 * 1024 * 1024
MOST_HOPS = 5


@dataclass(frozen=True, slots=True)
class RobotsFile:
    """The result of requesting a robots.txt; without a status there was no answer."""

    status: int | None
    body: bytes | None
    note: str
    answer: ServerAnswer


def site_of(key: str) -> str:
    """Return the beginning of every address of a server, without a default port.

    >>> site_of("https://zeitung.example:443")
    'https://zeitung.example'
    """
    return key.removesuffix(":443" if key.startswith("https:") else ":80")


def fetch_robots(
    persistent: PersistentConnection, key: str, headers: Sequence[tuple[str, str]], seconds: float
) -> RobotsFile:
    """Request the robots.txt of a server, following up to five redirects."""
    network = persistent.network
    asked = parse_address(f"{site_of(key)}/robots.txt", network.is_own)
    assert isinstance(asked, Address)
    answer = send_request(persistent, asked, headers, seconds=seconds, max_bytes=MOST_BYTES)
    if answer.is_stale:
        answer = send_request(persistent, asked, headers, seconds=seconds, max_bytes=MOST_BYTES)
    for _ in range(MOST_HOPS):
        target = _redirect_target(answer, network)
        if target is None:
            break
        other = PersistentConnection(network, persistent.proxy) if target.key != key else persistent
        answer = send_request(other, target, headers, seconds=seconds, max_bytes=MOST_BYTES)
        if other is not persistent:
            other.close()
    return _to_robots_file(answer)


def _redirect_target(answer: ServerAnswer, network: Network) -> Address | None:
    """Return the target of a redirect of a robots.txt; None if it is not followed."""
    location = answer.header("location")
    if answer.status not in REDIRECTS or not location:
        return None
    try:
        target = parse_address(urljoin(answer.address.text, location), network.is_own)
    except ValueError:
        return None
    return (
        target
        if isinstance(target, Address) and is_redirect_allowed(answer.address, target, network)
        else None
    )


def _to_robots_file(answer: ServerAnswer) -> RobotsFile:
    if answer.status is None or (answer.refused and answer.refused.code != "too_large"):
        assert answer.refused is not None
        note = message_text("robots_refused", reason=answer.refused.message)
        return RobotsFile(None, None, note, answer)
    note = message_text("robots_answered", status=answer.status)
    return RobotsFile(answer.status, answer.body, note, answer)


def _outcome(status: int | None) -> str:
    if status is None:
        return "unreachable"
    outcome = meaning_of(status, is_conditional=False).outcome
    return "content" if outcome == "captured" else outcome


def robots_exchange(robots_file: RobotsFile, start: datetime, end: datetime) -> CheckedExchange:
    answer = robots_file.answer
    return CheckedExchange(
        origin=f"{site_of(answer.address.key)}/robots.txt",
        outcome=_outcome(robots_file.status),
        observed_at=end,
        http_status=answer.status,
        note=robots_file.note,
        raw=answer.body or None,
        digest=answer.digest,
        hints={"type": "robots", "fetched": True},
        transfer=replace(transfer_of(answer, start), rights={}),
    )
