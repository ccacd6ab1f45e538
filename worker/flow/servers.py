"""The servers of a fetch job: their queues, pace, robots.txt and pauses."""

import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from storage.schedule.hosts import hosts, take_slots
from storage.settings import Settings
from storage.values.net.addresses import HostNews
from storage.values.outcome import Name
from storage.values.refusals import Refused, refuse
from storage.write.archive import Archive
from worker.address import Address
from worker.web import robots
from worker.web.connection import Network
from worker.web.credentials import read_proxy
from worker.web.exchange import Exchanged, KeptConnection
from worker.web.fetch import Fetch
from worker.web.headers import AGENT
from worker.web.host_queue import HostQueue
from worker.web.outcome import retry_after
from worker.web.robots import RobotsRule
from worker.web.robots_file import ROBOTS_KEPT, RobotsFile, robots_exchange, site_of
from worker.web.threads import Came

AHEAD_SECONDS = 5.0
"""Longest wait for a server, in seconds; for longer waits the worker runs another job."""
ROBOTS_FAILED_KEPT = timedelta(minutes=30)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(days=1)
FAR_AHEAD = timedelta(days=8)
"""A pause that ends later than this was set by a wrong clock."""
LEAST_PACE_SECONDS = 0.5
"""Minimum pause between two requests to a server that the user does not run."""
LONGEST_DELAY_SECONDS = 3600.0
ASKED_FOR_IT = "it answered"
"""Beginning of the note on a server that requested a pause."""


class Servers:
    """The servers of one job; `news` are the facts about them that are not stored yet."""

    def __init__(
        self, archive: Archive, settings: Settings, network: Network, *, on_command: bool
    ) -> None:
        self.archive, self.settings, self.network = archive, settings, network
        self.on_command = on_command
        self.queues: dict[str, HostQueue] = {}
        self.news: list[HostNews] = []
        self._failed: set[str] = set()

    def close(self) -> None:
        """Close the idle connections."""
        for queue in self.queues.values():
            if not queue.is_busy:
                queue.kept.close()

    @property
    def waiting(self) -> list[HostQueue]:
        return [queue for queue in self.queues.values() if queue.waiting]

    def open(self, fetches: Iterable[Fetch]) -> None:
        """Create a queue for each server that checks are addressed to, by route."""
        missing: dict[str, tuple[Address, str | None]] = {}
        for fetch in fetches:
            assert fetch.address is not None
            name = _name(fetch.address, fetch.proxy)
            if name not in self.queues:
                missing[name] = (fetch.address, fetch.proxy)
        if not missing:
            return
        known = self.archive.read(hosts, [address.key for address, _proxy in missing.values()])
        for name, (address, proxy) in missing.items():
            host = known[address.key]
            kept = KeptConnection(self.network, None if proxy is None else read_proxy(proxy))
            is_own = self.network.is_own(address.host, address.port)
            self.queues[name] = HostQueue(address.key, kept, host, is_own=is_own, delay=host.delay)

    def queue_of(self, fetch: Fetch) -> HostQueue:
        """Return the queue of the server that a check requests next."""
        self.open([fetch])
        assert fetch.address is not None
        return self.queues[_name(fetch.address, fetch.proxy)]

    # ----------------------------------------------------------------------------- pace

    def take_slots(self) -> None:
        """Reserve slots for the servers that have waiting requests and no slot."""
        now = time.monotonic()
        wanted: dict[str, tuple[int, float]] = {}
        active: dict[str, HostQueue] = {}
        for queue in self.queues.values():
            queue.expire(now)
            if queue.is_idle and queue.not_before <= now and queue.key not in active:
                pace = self.pace(queue)
                count = max(1, min(len(queue.waiting), int(AHEAD_SECONDS / max(pace, 0.001))))
                wanted[queue.key] = (count if self.is_known(queue) else 1, pace)
                active[queue.key] = queue
        if not wanted:
            return
        taken = self.archive.transact_unnumbered(take_slots, wanted, AHEAD_SECONDS)
        now = time.monotonic()
        for key, slots in taken.items():
            active[key].give(slots, now)

    def pace(self, queue: HostQueue) -> float:
        """Return the seconds between two requests: the larger of the setting and the server's
        request.
        """
        least = 0.0 if queue.is_own else LEAST_PACE_SECONDS
        return max(self.settings.pace, least, min(queue.delay or 0.0, LONGEST_DELAY_SECONDS))

    # --------------------------------------------------------------------------- robots.txt

    def is_known(self, queue: HostQueue) -> bool:
        """Check whether the robots.txt of a server is known and current."""
        if queue.robots_known:
            return True
        fetched_at, status = queue.host.robots_fetched_at, queue.host.robots_status
        if fetched_at is None or status is None:
            return False
        kept = ROBOTS_KEPT if status < 500 else ROBOTS_FAILED_KEPT
        queue.robots_known = abs(self.archive.clock() - fetched_at) < kept
        queue.delay = queue.host.delay
        return queue.robots_known

    def rule_for(self, queue: HostQueue, address: Address) -> RobotsRule:
        """Return the rule of the robots.txt of a server for an address."""
        host = queue.host
        rule = robots.decide(
            host.robots_status, host.robots_body, address.text, AGENT,
            strict=self.settings.robots_strict,
        )  # fmt: skip
        if rule.crawl_delay is not None:
            queue.delay = rule.crawl_delay
        return rule

    def learn_robots(self, queue: HostQueue, robots_file: RobotsFile, came: Came) -> None:
        """Record a robots.txt, or that there was no answer."""
        source_id = queue.waiting[0].watched.source_id if queue.waiting else None
        exchange = robots_exchange(robots_file, came.began, came.ended)
        if robots_file.status is None:
            self.news.append(HostNews(queue.key, source_id, exchange))
            return
        queue.host = replace(
            queue.host,
            robots_status=robots_file.status,
            robots_body=robots_file.body,
            robots_note=robots_file.note,
            robots_fetched_at=came.ended,
        )
        queue.robots_known = True
        rule = robots.decide(robots_file.status, robots_file.body, f"{site_of(queue.key)}/", AGENT)
        queue.delay = rule.crawl_delay
        queue.not_before = time.monotonic() + self.pace(queue)
        self.news.append(
            HostNews(
                key=queue.key,
                source_id=source_id,
                exchange=exchange,
                robots_status=robots_file.status,
                robots_body=robots_file.body,
                robots_note=robots_file.note,
                delay=rule.crawl_delay,
            )
        )

    # --------------------------------------------------------------------------- pauses

    def learn(self, queue: HostQueue, found: Exchanged, now: datetime) -> bool:
        """Record an answer; return whether the server must be left alone from now on."""
        if found.status in {429, 503}:
            until = retry_after(found.header("retry-after"), now)
            if found.status == 429 or until is not None:
                self.leave_alone(queue, until, f"{ASKED_FOR_IT} {found.status}")
                return True
        elif found.refused is not None and found.refused.code == "unreachable":
            self.leave_alone(queue, None, found.refused.message)
            return True
        elif queue.host.failures or queue.host.retry_until:
            queue.host = replace(queue.host, failures=0, retry_until=None, retry_note=None)
            self.news.append(HostNews(queue.key, failures=0))
        return False

    def leave_alone(self, queue: HostQueue, until: datetime | None, note: str) -> None:
        """Pause a server until `until`; by default each consecutive failure lengthens the pause."""
        now = self.archive.clock()
        self._failed.add(queue.key)
        failures = queue.host.failures + 1
        pause = min(FIRST_PAUSE * 2 ** min(failures - 1, 12), LONGEST_PAUSE)
        until = until or now + pause
        queue.host = replace(queue.host, failures=failures, retry_until=until, retry_note=note)
        self.news.append(HostNews(queue.key, retry_until=until, retry_note=note, failures=failures))

    def left_alone_until(self, queue: HostQueue) -> datetime | None:
        """Return the end of a server's pause; on command, a pause after failures is ignored."""
        host = queue.host
        now = self.archive.clock()
        if host.retry_until is None or not now < host.retry_until <= now + FAR_AHEAD:
            return None
        has_asked = (host.retry_note or "").startswith(ASKED_FOR_IT)
        if has_asked or queue.key in self._failed or not self.on_command:
            return host.retry_until
        return None


def why_left_alone(queue: HostQueue, until: datetime) -> tuple[Name, Refused]:
    """Return the outcome and refusal of a check that cannot be made because of a pause."""
    note = queue.host.retry_note or "it failed"
    outcome: Name = "rate_limited" if note.startswith(ASKED_FOR_IT) else "unreachable"
    reason = f"{note.rstrip('.')}; it is left alone until {until:%Y-%m-%d %H:%M:%SZ}"
    return outcome, refuse(outcome, reason=reason)


def _name(address: Address, proxy: str | None) -> str:
    return address.key if proxy is None else f"{address.key} by {proxy}"
