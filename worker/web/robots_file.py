"""The robots.txt of a server: requested, redirects followed, stored as an observation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urljoin

from storage.values.net.addresses import CheckedExchange
from worker.address import Address, parse_address
from worker.web.connection import Network
from worker.web.exchange import Exchanged, KeptConnection, ask
from worker.web.fetch import may_lead, transfer_of
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
    found: Exchanged


def site_of(key: str) -> str:
    """Return the beginning of every address of a server, without a default port.

    >>> site_of("https://zeitung.example:443")
    'https://zeitung.example'
    """
    return key.removesuffix(":443" if key.startswith("https:") else ":80")


def ask_robots(
    kept: KeptConnection, key: str, headers: Sequence[tuple[str, str]], seconds: float
) -> RobotsFile:
    """Request the robots.txt of a server, following up to five redirects."""
    network = kept.network
    asked = parse_address(f"{site_of(key)}/robots.txt", network.is_own)
    assert isinstance(asked, Address)
    found = ask(kept, asked, headers, seconds=seconds, most_bytes=MOST_BYTES)
    if found.is_stale:
        found = ask(kept, asked, headers, seconds=seconds, most_bytes=MOST_BYTES)
    for _ in range(MOST_HOPS):
        target = _led_to(found, network)
        if target is None:
            break
        other = KeptConnection(network, kept.proxy) if target.key != key else kept
        found = ask(other, target, headers, seconds=seconds, most_bytes=MOST_BYTES)
        if other is not kept:
            other.close()
    return _read(found)


def _led_to(found: Exchanged, network: Network) -> Address | None:
    """Return the target of a redirect of a robots.txt; None if it is not followed."""
    location = found.header("location")
    if found.status not in REDIRECTS or not location:
        return None
    try:
        target = parse_address(urljoin(found.address.text, location), network.is_own)
    except ValueError:
        return None
    return (
        target if isinstance(target, Address) and may_lead(found.address, target, network) else None
    )


def _read(found: Exchanged) -> RobotsFile:
    if found.status is None or (found.refused and found.refused.code != "too_large"):
        assert found.refused is not None
        note = f"robots.txt could not be read: {found.refused.message}"
        return RobotsFile(None, None, note, found)
    note = f"robots.txt answered {found.status}"
    return RobotsFile(found.status, found.body, note, found)


def _outcome(status: int | None) -> str:
    if status is None:
        return "unreachable"
    outcome = meaning_of(status, is_conditional=False).outcome
    return "content" if outcome == "captured" else outcome


def robots_exchange(robots_file: RobotsFile, began: datetime, ended: datetime) -> CheckedExchange:
    found = robots_file.found
    return CheckedExchange(
        origin=f"{site_of(found.address.key)}/robots.txt",
        outcome=_outcome(robots_file.status),
        observed_at=ended,
        http_status=found.status,
        note=robots_file.note,
        raw=found.body or None,
        digest=found.digest,
        hints={"type": "robots", "fetched": True},
        transfer=transfer_of(found, began),
    )
