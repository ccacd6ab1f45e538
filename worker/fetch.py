"""Work a job that fetches: ask many servers at a time, each at its pace, and keep what came.

The job carries watched addresses. One server is asked for one thing at a time, in the order of
its lane; threads wait for the servers, all decisions and all writing happen here. What came is
kept in batches, each in one transaction; what is left goes back, for another time or another
worker.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from storage import queue
from storage.archive import Archive
from storage.checking import Check, HostNews, keep_checks, packed_of
from storage.codes import refuse
from storage.ladder import spread
from storage.pace import hosts, take_slots
from storage.settings import Settings
from storage.watching import Key, assigned, postpone
from worker.address import Address
from worker.sources import robots
from worker.web.exchange import Exchanged, Line, ask
from worker.web.headers import AGENT, headers_of, network_of
from worker.web.lane import Lane
from worker.web.outcome import outcome_of_refusal, retry_after
from worker.web.own_words import SecretError, read_proxy
from worker.web.robots_file import ROBOTS_KEPT, RobotsFile, ask_robots, robots_exchange, site_of
from worker.web.threads import Came, Threads
from worker.web.visit import Visit

LOG = structlog.get_logger()
AHEAD_SECONDS = 5.0
"""So far ahead a worker waits for a server; for longer it turns to something else."""
FLUSH_SECONDS = 2.0
FLUSH_BYTES = 8 * 1024 * 1024
GRACE_SECONDS = 5.0
"""So long after its deadline an exchange is given up whose thread does not come back."""
ROBOTS_FAILED_KEPT = timedelta(minutes=30)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(days=1)
LEAST_PACE_SECONDS = 0.5
"""The least pause between two requests to a server that is not one's own."""
LONGEST_DELAY_SECONDS = 3600.0
ASKED_FOR_IT = "it answered"
"""How the note begins on a server that itself asks to be left alone."""

Progress = Callable[[int, int], None]


def fetch_batch(
    archive: Archive,
    held: queue.Claim,
    settings: Settings,
    progress: Progress = lambda _seen, _changed: None,
) -> None:
    """Check what the job carries; what cannot be checked now is left to it, or put off.

    Raises: queue.StaleLeaseError, and nothing that is not kept so far is kept then.
    """
    _Fetching(archive, held, settings, progress).run()


def _lane_name(address: Address, proxy: str | None) -> str:
    return address.key if proxy is None else f"{address.key} by {proxy}"


class _Fetching:
    """One turn of a job that fetches."""

    def __init__(
        self, archive: Archive, held: queue.Claim, settings: Settings, progress: Progress
    ) -> None:
        self.archive, self.held, self.settings = archive, held, settings
        self.progress = progress
        self.network = network_of(settings.allow_hosts, settings.ca_file)
        self.headers = headers_of(settings)
        self.lanes: dict[str, Lane] = {}
        self.threads = Threads(settings.fetch_hosts, archive.clock)
        self.checks: list[Check] = []
        self.news: list[HostNews] = []
        self.put_off: dict[Key, datetime] = {}
        self.failed: set[str] = set()
        self.on_command = held.trigger in {"command", "api"}
        self.bytes = 0
        self.done = 0
        self.kept_at = time.monotonic()
        self.renewed_at = self.kept_at
        self.ends_at = self.kept_at + settings.batch_seconds / 2

    def run(self) -> None:
        """Ask until nothing is left, or nothing can be asked soon, or the time is over."""
        keys = [(item[0], item[1]) for item in self.held.arguments["items"]]
        with self.archive.looking() as connection:
            found = assigned(connection, self.held.job_id, keys)
        visits = [Visit(each, self.network, self.settings.fetch_seconds) for each in found]
        try:
            self._begin(visits)
            while self._turn():
                pass
            self._keep(is_last=True)
        finally:
            self.threads.close()
            for lane in self.lanes.values():
                if not lane.is_busy:
                    lane.line.close()

    def _begin(self, visits: Sequence[Visit]) -> None:
        now = self.archive.clock()
        for visit in visits:
            visit.begin(now)
        self._open_lanes([v for v in visits if v.address is not None])
        for visit in visits:
            self._onward(visit)

    def _open_lanes(self, visits: Iterable[Visit]) -> None:
        """Have a lane for each server that visits are on their way to, and each way to go there."""
        missing: dict[str, tuple[Address, str | None]] = {}
        for visit in visits:
            assert visit.address is not None
            name = _lane_name(visit.address, visit.proxy)
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

    # ---------------------------------------------------------------------------- one turn

    def _turn(self) -> bool:
        """Start what may start, take what came, keep what is enough; tell whether to go on."""
        is_over = time.monotonic() >= self.ends_at
        if not is_over:
            self._take_slots()
            for lane in self.lanes.values():
                self._start(lane)
        self._give_up_late()
        waiting = [lane for lane in self.lanes.values() if lane.waiting]
        if not self.threads.busy and (is_over or not self._soon(waiting)):
            return False
        came = self.threads.next(self._pause(waiting, is_over=is_over))
        while came is not None:
            self._take(came)
            came = self.threads.next(0.0)
        self._keep_if_due()
        return True

    def _soon(self, waiting: Sequence[Lane]) -> list[Lane]:
        """Return the lanes that can be asked before long."""
        end = time.monotonic() + AHEAD_SECONDS
        return [lane for lane in waiting if lane.free_at <= end]

    def _pause(self, waiting: Sequence[Lane], *, is_over: bool) -> float:
        now = time.monotonic()
        until = [self.kept_at + FLUSH_SECONDS] if self.checks or self.news else [now + 1.0]
        until += [lane.deadline + GRACE_SECONDS for lane in self.lanes.values() if lane.is_busy]
        if not is_over and self.threads.has_room:
            until += [lane.free_at for lane in waiting if not lane.is_busy]
        return max(0.001, min(until) - now)

    def _take_slots(self) -> None:
        """Reserve moments for the servers that have something waiting and none left."""
        now = time.monotonic()
        wanted: dict[str, tuple[int, float]] = {}
        asking: dict[str, Lane] = {}
        for lane in self.lanes.values():
            lane.expire(now)
            is_idle = lane.waiting and not lane.is_busy and not lane.slots
            if is_idle and lane.not_before <= now and lane.key not in asking:
                pace = self._pace(lane)
                count = max(1, min(len(lane.waiting), int(AHEAD_SECONDS / max(pace, 0.001))))
                wanted[lane.key] = (count if self._is_known(lane) else 1, pace)
                asking[lane.key] = lane
        if not wanted:
            return
        taken = take_slots(self.archive.engine, wanted, AHEAD_SECONDS)
        now = time.monotonic()
        for key, slots in taken.items():
            asking[key].give(slots, now)

    def _pace(self, lane: Lane) -> float:
        """Return the seconds between two requests: what was set, what the server asks for."""
        least = 0.0 if lane.is_own else LEAST_PACE_SECONDS
        return max(self.settings.pace, least, min(lane.delay or 0.0, LONGEST_DELAY_SECONDS))

    def _start(self, lane: Lane) -> None:
        """Ask a server for what waits first, if this is a moment for it."""
        while lane.waiting and not lane.is_busy and self.threads.has_room:
            if not self._is_known(lane):
                if lane.slots and lane.next_slot <= time.monotonic():
                    self._ask_robots(lane)
                return
            if not self._may_ask(lane):
                continue
            if not lane.slots or lane.next_slot > time.monotonic():
                return
            self._ask_page(lane)

    def _is_known(self, lane: Lane) -> bool:
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

    def _may_ask(self, lane: Lane) -> bool:
        """Tell whether what waits first may be asked; what may not is over with that."""
        visit = lane.waiting[0]
        assert visit.address is not None
        if visit.ruled_for == visit.address.text:
            return True
        host, now = lane.host, self.archive.clock()
        rule = robots.decide(
            host.robots_status, host.robots_body, visit.address.text, AGENT,
            strict=self.settings.robots_strict,
        )  # fmt: skip
        visit.rule = rule
        if rule.crawl_delay is not None:
            lane.delay = rule.crawl_delay
        if rule.allowed and self._is_ready(visit, lane):
            visit.ruled_for = visit.address.text
            return True
        lane.waiting.popleft()
        if not rule.allowed:
            visit.disallow(rule, now)
        self._onward(visit)
        return False

    def _is_ready(self, visit: Visit, lane: Lane) -> bool:
        """Learn what the source sends along; where that cannot be read, the check is over."""
        try:
            visit.learn_headers(is_own=lane.is_own)
        except SecretError as error:
            refused = refuse("secret_missing", reason=str(error))
            visit.cannot("refused", refused, self.archive.clock())
        return visit.check is None

    # --------------------------------------------------------------------------- asking

    def _ask_page(self, lane: Lane) -> None:
        visit = lane.waiting.popleft()
        address = visit.address
        assert address is not None
        headers = [*self.headers, *visit.own_headers, *visit.conditions]
        line, seconds = lane.line, max(0.1, visit.seconds)
        self._occupy(lane, visit, seconds)
        self.threads.start(
            (lane, line),
            lambda: ask(
                line, address, headers, seconds=seconds,
                most_bytes=self.settings.max_document_bytes,
            ),
        )  # fmt: skip

    def _ask_robots(self, lane: Lane) -> None:
        line = lane.line
        headers = list(self.headers)
        self._occupy(lane, None, self.settings.fetch_seconds)
        self.threads.start(
            (lane, line),
            lambda: ask_robots(line, lane.key, headers, self.settings.fetch_seconds),
        )

    def _occupy(self, lane: Lane, visit: Visit | None, seconds: float) -> None:
        lane.asking, lane.is_busy = visit, True
        lane.deadline = time.monotonic() + seconds
        lane.slots -= 1
        lane.next_slot += lane.pace

    def _give_up_late(self) -> None:
        """Give up exchanges whose thread hangs, such as in looking up a name."""
        now = time.monotonic()
        for lane in self.lanes.values():
            if lane.is_busy and now > lane.deadline + GRACE_SECONDS:
                visit, lane.asking, lane.is_busy = lane.asking, None, False
                lane.line = Line(self.network, lane.line.proxy)
                self.threads.lose()
                refused = refuse("unreachable", reason="it took too long")
                self._fail(lane, refused.message)
                if visit is not None:
                    visit.cannot("unreachable", refused, self.archive.clock())
                    self._onward(visit)

    # ----------------------------------------------------------------------- what came

    def _take(self, came: Came) -> None:
        lane, line = came.who
        if line is not lane.line:
            self.threads.return_lost()
            line.close()
            return
        visit, lane.asking, lane.is_busy = lane.asking, None, False
        if came.error is not None:
            raise came.error
        if isinstance(came.value, RobotsFile):
            self._take_robots(lane, came.value, came)
            return
        assert visit is not None
        found: Exchanged = came.value
        visit.seconds -= found.duration_ms / 1000
        if found.is_stale:
            lane.waiting.appendleft(visit)
            return
        self._note_host(lane, found, came.ended)
        visit.answered(found, came.began, came.ended)
        self._onward(visit)

    def _onward(self, visit: Visit) -> None:
        """Put a check in the lane of the server that it has to ask next, or take it as over."""
        if visit.check is not None:
            self.checks.append(visit.check)
            self.bytes += sum(len(each.raw or b"") for each in visit.check.exchanges)
            return
        assert visit.address is not None
        self._open_lanes([visit])
        lane = self.lanes[_lane_name(visit.address, visit.proxy)]
        until = self._left_alone_until(lane)
        if until is not None:
            self._put_off(visit, lane, until)
        elif visit.exchanges:
            lane.waiting.appendleft(visit)
        else:
            lane.waiting.append(visit)

    def _left_alone_until(self, lane: Lane) -> datetime | None:
        """Return until when a server is not to be asked; one that failed is, on command."""
        host = lane.host
        if host.retry_until is None or host.retry_until <= self.archive.clock():
            return None
        has_asked_for_it = (host.retry_note or "").startswith(ASKED_FOR_IT)
        is_fresh = lane.key in self.failed
        return host.retry_until if has_asked_for_it or is_fresh or not self.on_command else None

    def _put_off(self, visit: Visit, lane: Lane, until: datetime) -> None:
        """Leave a check for later, since its server is to be left alone.

        One that is on its way, or that somebody waits for, ends here and says so.
        """
        if visit.exchanges or self.on_command:
            note = lane.host.retry_note or "it failed"
            has_asked = note.startswith(ASKED_FOR_IT)
            outcome = "rate_limited" if has_asked else "unreachable"
            reason = f"{note.rstrip('.')}; it is left alone until {until:%Y-%m-%d %H:%M:%SZ}"
            visit.cannot(outcome, refuse(outcome, reason=reason), self.archive.clock())
            self._onward(visit)
            return
        pause = timedelta(seconds=60 * spread(f"{visit.watched.origin_id}"))
        self.put_off[visit.watched.key] = until + pause

    def _take_robots(self, lane: Lane, told: RobotsFile, came: Came) -> None:
        note = told.note
        source_id = lane.waiting[0].watched.source_id if lane.waiting else None
        if told.status is None:
            self.news.append(
                HostNews(lane.key, source_id, robots_exchange(told, came.began, came.ended))
            )
            self._bar(lane, told.found)
            return
        lane.host = replace(
            lane.host, robots_status=told.status, robots_body=told.body, robots_note=note,
            robots_fetched_at=came.ended,
        )  # fmt: skip
        lane.robots_known = True
        rule = robots.decide(told.status, told.body, f"{site_of(lane.key)}/", AGENT)
        lane.delay = rule.crawl_delay
        lane.not_before = time.monotonic() + self._pace(lane)
        self.news.append(
            HostNews(
                key=lane.key,
                source_id=source_id,
                exchange=robots_exchange(told, came.began, came.ended),
                robots_status=told.status,
                robots_body=told.body,
                robots_note=note,
                delay=rule.crawl_delay,
            )
        )

    def _bar(self, lane: Lane, found: Exchanged) -> None:
        """End what waits for a server whose robots.txt could not be had, for the same reason."""
        refused = found.refused
        assert refused is not None
        outcome = outcome_of_refusal(refused.code)
        visits = list(lane.waiting) if outcome == "refused" else [lane.waiting.popleft()]
        for visit in visits:
            visit.cannot(outcome, refused, self.archive.clock())
        if outcome == "refused":
            lane.waiting.clear()
        else:
            self._fail(lane, refused.message)
        for visit in visits:
            self._onward(visit)

    def _note_host(self, lane: Lane, found: Exchanged, now: datetime) -> None:
        """Learn from an answer for how long a server is to be left alone."""
        if found.status in {429, 503}:
            until = retry_after(found.header("retry-after"), now)
            if found.status == 429 or until is not None:
                self._leave_alone(lane, until, f"{ASKED_FOR_IT} {found.status}")
        elif found.refused is not None and found.refused.code == "unreachable":
            self._fail(lane, found.refused.message)
        elif lane.host.failures or lane.host.retry_until:
            lane.host = replace(lane.host, failures=0, retry_until=None, retry_note=None)
            self.news.append(HostNews(lane.key, failures=0))

    def _fail(self, lane: Lane, reason: str) -> None:
        self._leave_alone(lane, None, reason)

    def _leave_alone(self, lane: Lane, until: datetime | None, note: str) -> None:
        """Ask a server for nothing until `until`, else for longer each time that it fails."""
        now = self.archive.clock()
        self.failed.add(lane.key)
        failures = lane.host.failures + 1
        pause = min(FIRST_PAUSE * 2 ** min(failures - 1, 12), LONGEST_PAUSE)
        until = until or now + pause
        lane.host = replace(lane.host, failures=failures, retry_until=until, retry_note=note)
        self.news.append(HostNews(lane.key, retry_until=until, retry_note=note, failures=failures))
        waiting, lane.waiting = list(lane.waiting), deque()
        for visit in waiting:
            self._onward(visit)

    # -------------------------------------------------------------------------- keeping

    def _keep_if_due(self) -> None:
        now = time.monotonic()
        is_full = len(self.checks) >= self.settings.batch_items or self.bytes >= FLUSH_BYTES
        if is_full or ((self.checks or self.news) and now - self.kept_at >= FLUSH_SECONDS):
            self._keep()
        elif now - self.renewed_at > self.held.lease_seconds / 3:
            with self.archive.unit() as unit:
                queue.renew(unit, self.held)
            self.renewed_at = time.monotonic()

    def _keep(self, *, is_last: bool = False) -> None:
        """Keep what came so far; at the end the job is through, or given back."""
        checks, news, put_off = self.checks, self.news, self.put_off
        packed = packed_of(checks, news)
        with self.archive.unit() as unit:
            queue.renew(unit, self.held)
            counts = keep_checks(unit, self.held, checks, news, packed)
            postpone(unit, put_off)
            if not is_last:
                queue.count(unit, self.held, counts)
            elif any(lane.waiting for lane in self.lanes.values()):
                queue.release(unit, self.held, counts, pause_seconds=self._rest())
            else:
                queue.finish(unit, self.held, counts)
        self.done += len(checks)
        self.checks, self.news, self.put_off, self.bytes = [], [], {}, 0
        self.kept_at = self.renewed_at = time.monotonic()
        self.progress(self.done, self.done)

    def _rest(self) -> float:
        """Return in how many seconds a server that something waits for is free."""
        waiting = [lane for lane in self.lanes.values() if lane.waiting]
        return max(0.0, min(lane.free_at for lane in waiting) - time.monotonic())
