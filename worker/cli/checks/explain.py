"""Check whether an address would be fetched now, and why; nothing is stored."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from storage.database.archive_errors import ArchiveMissingError
from storage.settings import Settings
from storage.values.failures import naming_file
from storage.values.freshness import is_fresh
from storage.values.lazy import LazyModule
from storage.values.net.origin_name import origin_of
from storage.values.refusals import RefusalReason
from worker.address import Address, without_secrets
from worker.sources.locators import parse_locator, suggest_address

if TYPE_CHECKING:
    from storage.schedule import hosts as host_states
    from storage.schedule import watches
    from storage.schedule.hosts import Host
    from storage.schedule.watches import WatchState
    from storage.write import archive as writing
    from worker.web import connection, exchange, headers, robots, robots_file
    from worker.web.connection import Network
else:
    host_states = LazyModule("storage.schedule.hosts")
    watches = LazyModule("storage.schedule.watches")
    writing = LazyModule("storage.write.archive")
    connection = LazyModule("worker.web.connection")
    exchange = LazyModule("worker.web.exchange")
    headers = LazyModule("worker.web.headers")
    robots = LazyModule("worker.web.robots")
    robots_file = LazyModule("worker.web.robots_file")

LOOK_UP_SECONDS = 5.0
ROBOTS_SECONDS = 20.0
State = Literal["yes", "no", "later", "unknown"]


@dataclass(frozen=True, slots=True)
class CheckAnswer:
    """Result of one check; with `no` and `later`, the address is not fetched now.

    `unknown` means that the server or its robots.txt could not be reached.
    """

    check: str
    state: State
    reason: str

    def to_dict(self) -> dict[str, Any]:
        return {"check": self.check, "state": self.state, "reason": self.reason}


def explain(settings: Settings, text: str, robots_file: Path | None = None) -> list[CheckAnswer]:
    """Return the result of each check of an address, followed by the conclusion.

    `robots_file` replaces the robots.txt of the server. Otherwise the stored robots.txt is used, or
    it is fetched.
    """
    address = parse_locator(settings, text)
    if isinstance(address, RefusalReason):
        meant = suggest_address(text)
        remedy = address.hint if meant is None else f"Write {meant}"
        reason = f"{without_secrets(text)[:200]}: {address.message} {remedy}"
        return _conclude([CheckAnswer("address", "no", reason)])
    network = headers.create_network(settings.allow_hosts, settings.ca_file)
    host, standings, has_archive = _read_state(settings, address)
    answers = [
        CheckAnswer("address", "yes", f"it is called {origin_of(address.text)} in the archive"),
        _server(network, address),
    ]
    if answers[-1].state == "no":
        return _conclude(answers)
    answers.append(_robots(settings, network, address, host, robots_file))
    answers.append(_pace(settings, host))
    answers += list(_schedule(standings)) or [
        CheckAnswer(
            "schedule", "yes", "no source watches it" if has_archive else "there is no archive"
        )
    ]
    return _conclude(answers)


def _read_state(settings: Settings, address: Address) -> "tuple[Host, list[WatchState], bool]":
    try:
        with (
            writing.Archive.of_settings(settings) as archive,
            archive.read_connection() as reading,
        ):
            found = host_states.hosts(reading, [address.key])[address.key]
            return found, watches.watch_states(reading, origin_of(address.text)), True
    except ArchiveMissingError:
        return host_states.Host(address.key), [], False


def _server(network: "Network", address: Address) -> CheckAnswer:
    """Resolve the host name within LOOK_UP_SECONDS."""
    found: list[CheckAnswer] = []

    def look() -> None:
        try:
            places = ", ".join(each.address for each in network.targets(address))
        except connection.NotPublicError as error:
            found.append(CheckAnswer("server", "no", str(error)))
        except connection.NoSuchHostError as error:
            found.append(CheckAnswer("server", "unknown", str(error)))
        else:
            where = "in the public net"
            if network.is_own(address.host, address.port):
                where = "named in allow_hosts"
            found.append(CheckAnswer("server", "yes", f"{address.host} is at {places}, {where}"))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(LOOK_UP_SECONDS)
    return found[0] if found else CheckAnswer("server", "unknown", "looking it up takes too long")


def _robots(
    settings: Settings, network: "Network", address: Address, host: "Host", file: Path | None
) -> CheckAnswer:
    body: bytes | None
    if file is not None:
        with naming_file(file):
            status, body, known_by = 200, file.read_bytes(), f"by {file}"
    elif host.robots_fetched_at is not None and is_fresh(
        host.robots_fetched_at, datetime.now(UTC), robots_file.ROBOTS_KEPT
    ):
        status, body = host.robots_status or 0, host.robots_body
        known_by = f"as of {host.robots_fetched_at:%Y-%m-%d %H:%M:%SZ}"
    else:
        kept = exchange.PersistentConnection(network)
        sent = headers.headers_of(settings)
        fetched = robots_file.fetch_robots(kept, address.key, sent, ROBOTS_SECONDS)
        kept.close()
        if fetched.status is None:
            return CheckAnswer("robots", "unknown", fetched.note)
        status, body, known_by = fetched.status, fetched.body, "as of now"
    rule = robots.decide(status, body, address.text, headers.AGENT, strict=settings.robots_strict)
    line_of = f" ({rule.rule})" if rule.rule else ""
    delay = f"; it asks for {rule.crawl_delay:g} s between requests" if rule.crawl_delay else ""
    reason = f"{rule.reason}{line_of}, {known_by}{delay}"
    return CheckAnswer("robots", "yes" if rule.allowed else "no", reason)


def _pace(settings: Settings, host: "Host") -> CheckAnswer:
    now = datetime.now(UTC)
    end = host.pause_end(now)
    if end is not None:
        until = f"{end:%Y-%m-%d %H:%M:%SZ}"
        return CheckAnswer("pace", "later", f"left alone until {until}: {host.retry_note}")
    pace = max(settings.pace, host.delay or 0.0)
    wait = host.seconds_until_free(now)
    detail = f"one request every {pace:g} s"
    if wait > 0:
        detail += f"; the server is free in {wait:.1f} s"
    return CheckAnswer("pace", "yes", detail)


def _schedule(standings: "list[WatchState]") -> Iterator[CheckAnswer]:
    for each in standings:
        detail = f"watched by {each.source}"
        if each.checked_at is not None:
            outcome = "captured, still to be read" if each.outcome == "captured" else each.outcome
            detail += f"; last: {outcome} at {each.checked_at:%Y-%m-%d %H:%M:%SZ}"
        due = each.next_check
        detail += f"; next check {due:%Y-%m-%d %H:%M:%SZ}" if due else "; no check by itself"
        yield CheckAnswer("schedule", "yes", detail)


def _conclude(answers: list[CheckAnswer]) -> list[CheckAnswer]:
    """Add the conclusion: `no` wins over `later`, and `later` over `unknown`."""
    order: tuple[State, ...] = ("no", "later", "unknown")
    for state in order:
        against = [each.reason for each in answers if each.state == state]
        if against:
            not_known = "not known: " if state == "unknown" else ""
            return [*answers, CheckAnswer("fetch", state, f"{not_known}{against[0]}")]
    return [*answers, CheckAnswer("fetch", "yes", "nothing speaks against it")]
