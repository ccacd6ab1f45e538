"""How the servers of a job that fetches are treated: their lanes, pace, robots.txt and pauses."""

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
from worker.web.exchange import Exchanged, Line
from worker.web.headers import AGENT
from worker.web.host_queue import Lane
from worker.web.outcome import retry_after
from worker.web.robots import RobotsRule
from worker.web.robots_file import ROBOTS_KEPT, RobotsFile, robots_exchange, site_of
from worker.web.threads import Came
from worker.web.visit import Visit

AHEAD_SECONDS = 5.0
"""So far ahead a worker waits for a server; for longer it turns to something else."""
ROBOTS_FAILED_KEPT = timedelta(minutes=30)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(days=1)
LEAST_PACE_SECONDS = 0.5
"""The least pause between two requests to a server that is not one's own."""
LONGEST_DELAY_SECONDS = 3600.0
ASKED_FOR_IT = "it answered"
"""How the note begins on a server that itself asks to be left alone."""


class Servers:
    """The servers that one job asks; `news` is what was learned of them and is not kept yet."""

    def __init__(
        self, archive: Archive, settings: Settings, network: Network, *, on_command: bool
    ) -> None:
        self.archive, self.settings, self.network = archive, settings, network
        self.on_command = on_command
        self.lanes: dict[str, Lane] = {}
        self.news: list[HostNews] = []
        self._failed: set[str] = set()

    def close(self) -> None:
        """End the connections that nobody waits on."""
        for lane in self.lanes.values():
            if not lane.is_busy:
                lane.line.close()

    @property
    def waiting(self) -> list[Lane]:
        """Return the lanes in which something waits."""
        return [lane for lane in self.lanes.values() if lane.waiting]

    def open(self, visits: Iterable[Visit]) -> None:
        """Have a lane for each server that visits are on their way to, and each way to go there."""
        missing: dict[str, tuple[Address, str | None]] = {}
        for visit in visits:
            assert visit.address is not None
            name = _name(visit.address, visit.proxy)
            if name not in self.lanes:
                missing[name] = (visit.address, visit.proxy)
        if not missing:
            return
        with self.archive.looking() as connection:
            known = hosts(connection, [address.key for address, _proxy in missing.values()])
        for name, (address, proxy) in missing.items():
            host = known[address.key]
            line = Line(self.network, None if proxy is None else read_proxy(proxy))
            is_own = self.network.is_own(address.host, address.port)
            self.lanes[name] = Lane(address.key, line, host, is_own=is_own, delay=host.delay)

    def lane_of(self, visit: Visit) -> Lane:
        """Return the lane of the server that a visit has to ask next."""
        self.open([visit])
        assert visit.address is not None
        return self.lanes[_name(visit.address, visit.proxy)]

    # --------------------------------------------------------------------------- the pace

    def take_slots(self) -> None:
        """Reserve moments for the servers that have something waiting and none left."""
        now = time.monotonic()
        wanted: dict[str, tuple[int, float]] = {}
        asking: dict[str, Lane] = {}
        for lane in self.lanes.values():
            lane.expire(now)
            if lane.is_idle and lane.not_before <= now and lane.key not in asking:
                pace = self.pace(lane)
                count = max(1, min(len(lane.waiting), int(AHEAD_SECONDS / max(pace, 0.001))))
                wanted[lane.key] = (count if self.is_known(lane) else 1, pace)
                asking[lane.key] = lane
        if not wanted:
            return
        taken = take_slots(self.archive.engine, wanted, AHEAD_SECONDS)
        now = time.monotonic()
        for key, slots in taken.items():
            asking[key].give(slots, now)

    def pace(self, lane: Lane) -> float:
        """Return the seconds between two requests: what was set, what the server asks for."""
        least = 0.0 if lane.is_own else LEAST_PACE_SECONDS
        return max(self.settings.pace, least, min(lane.delay or 0.0, LONGEST_DELAY_SECONDS))

    # --------------------------------------------------------------------------- robots.txt

    def is_known(self, lane: Lane) -> bool:
        """Tell whether the robots.txt of a server is known and not too old."""
        if lane.robots_known:
            return True
        fetched_at, status = lane.host.robots_fetched_at, lane.host.robots_status
        if fetched_at is None or status is None:
            return False
        kept = ROBOTS_KEPT if status < 500 else ROBOTS_FAILED_KEPT
        lane.robots_known = self.archive.clock() - fetched_at < kept
        lane.delay = lane.host.delay
        return lane.robots_known

    def rule_for(self, lane: Lane, address: Address) -> RobotsRule:
        """Return what the robots.txt of a server says of an address."""
        host = lane.host
        rule = robots.decide(
            host.robots_status, host.robots_body, address.text, AGENT,
            strict=self.settings.robots_strict,
        )  # fmt: skip
        if rule.crawl_delay is not None:
            lane.delay = rule.crawl_delay
        return rule

    def learn_robots(self, lane: Lane, robots_file: RobotsFile, came: Came) -> None:
        """Take over a robots.txt, or that there was no answer."""
        source_id = lane.waiting[0].watched.source_id if lane.waiting else None
        exchange = robots_exchange(robots_file, came.began, came.ended)
        if robots_file.status is None:
            self.news.append(HostNews(lane.key, source_id, exchange))
            return
        lane.host = replace(
            lane.host,
            robots_status=robots_file.status,
            robots_body=robots_file.body,
            robots_note=robots_file.note,
            robots_fetched_at=came.ended,
        )
        lane.robots_known = True
        rule = robots.decide(robots_file.status, robots_file.body, f"{site_of(lane.key)}/", AGENT)
        lane.delay = rule.crawl_delay
        lane.not_before = time.monotonic() + self.pace(lane)
        self.news.append(
            HostNews(
                key=lane.key,
                source_id=source_id,
                exchange=exchange,
                robots_status=robots_file.status,
                robots_body=robots_file.body,
                robots_note=robots_file.note,
                delay=rule.crawl_delay,
            )
        )

    # --------------------------------------------------------------------------- pauses

    def learn(self, lane: Lane, found: Exchanged, now: datetime) -> bool:
        """Learn from an answer; return whether the server is to be left alone from now on."""
        if found.status in {429, 503}:
            until = retry_after(found.header("retry-after"), now)
            if found.status == 429 or until is not None:
                self.leave_alone(lane, until, f"{ASKED_FOR_IT} {found.status}")
                return True
        elif found.refused is not None and found.refused.code == "unreachable":
            self.leave_alone(lane, None, found.refused.message)
            return True
        elif lane.host.failures or lane.host.retry_until:
            lane.host = replace(lane.host, failures=0, retry_until=None, retry_note=None)
            self.news.append(HostNews(lane.key, failures=0))
        return False

    def leave_alone(self, lane: Lane, until: datetime | None, note: str) -> None:
        """Ask a server for nothing until `until`, else for longer each time that it fails."""
        now = self.archive.clock()
        self._failed.add(lane.key)
        failures = lane.host.failures + 1
        pause = min(FIRST_PAUSE * 2 ** min(failures - 1, 12), LONGEST_PAUSE)
        until = until or now + pause
        lane.host = replace(lane.host, failures=failures, retry_until=until, retry_note=note)
        self.news.append(HostNews(lane.key, retry_until=until, retry_note=note, failures=failures))

    def left_alone_until(self, lane: Lane) -> datetime | None:
        """Return until when a server is not to be asked; one that failed before is, on command."""
        host = lane.host
        if host.retry_until is None or host.retry_until <= self.archive.clock():
            return None
        has_asked = (host.retry_note or "").startswith(ASKED_FOR_IT)
        if has_asked or lane.key in self._failed or not self.on_command:
            return host.retry_until
        return None


def why_left_alone(lane: Lane, until: datetime) -> tuple[Name, Refused]:
    """Return the outcome of a check that cannot be made because of a pause, and the refusal."""
    note = lane.host.retry_note or "it failed"
    outcome: Name = "rate_limited" if note.startswith(ASKED_FOR_IT) else "unreachable"
    reason = f"{note.rstrip('.')}; it is left alone until {until:%Y-%m-%d %H:%M:%SZ}"
    return outcome, refuse(outcome, reason=reason)


def _name(address: Address, proxy: str | None) -> str:
    return address.key if proxy is None else f"{address.key} by {proxy}"
