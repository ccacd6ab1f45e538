"""Work a job that fetches: ask many servers at a time, each at its pace, and keep what came.

The job carries watched addresses. One server is asked for one thing at a time, in the order of
its lane; threads wait for the servers, all decisions and all writing happen here. What came is
kept in batches, each in one transaction; what is left goes back, for another time or another
worker.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from storage.schedule import queue
from storage.schedule.interval import spread
from storage.schedule.watches import assigned, postpone
from storage.settings import Settings
from storage.values import job as jobs
from storage.values.net.addresses import Check, Key
from storage.values.outcome import of_exchange
from storage.values.refusals import refuse
from storage.write.archive import Archive
from storage.write.keep_checks import keep_checks, packed_of
from storage.write.redaction.without_redacted import checks_without_redacted
from worker.flow.servers import AHEAD_SECONDS, Servers, why_left_alone
from worker.web.credentials import SecretError
from worker.web.exchange import Exchanged, Line, ask
from worker.web.headers import headers_of, network_of
from worker.web.host_queue import Lane
from worker.web.robots_file import RobotsFile, ask_robots
from worker.web.threads import Came, Threads
from worker.web.visit import Visit

FLUSH_SECONDS = 2.0
FLUSH_BYTES = 8 * 1024 * 1024
GRACE_SECONDS = 5.0
"""So long after its deadline an exchange is given up whose thread does not come back."""

Progress = Callable[[int, int], None]


def fetch_batch(
    archive: Archive,
    held: jobs.Claim,
    settings: Settings,
    progress: Progress = lambda _seen, _changed: None,
) -> None:
    """Check what the job carries; what cannot be checked now is left to it, or put off.

    Raises: jobs.StaleLeaseError, and nothing that is not kept so far is kept then.
    """
    _Fetching(archive, held, settings, progress).run()


class _Fetching:
    """One turn of a job that fetches."""

    def __init__(
        self, archive: Archive, held: jobs.Claim, settings: Settings, progress: Progress
    ) -> None:
        self.archive, self.held, self.settings = archive, held, settings
        self.progress = progress
        self.network = network_of(settings.allow_hosts, settings.ca_file)
        self.headers = headers_of(settings)
        on_command = held.trigger in {"command", "api"}
        self.servers = Servers(archive, settings, self.network, on_command=on_command)
        self.threads = Threads(settings.fetch_hosts, archive.clock)
        self.checks: list[Check] = []
        self.put_off: dict[Key, datetime] = {}
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
            self.servers.close()

    def _begin(self, visits: Sequence[Visit]) -> None:
        now = self.archive.clock()
        for visit in visits:
            visit.begin(now)
        self.servers.open([v for v in visits if v.address is not None])
        for visit in visits:
            self._onward(visit)

    # ---------------------------------------------------------------------------- one turn

    def _turn(self) -> bool:
        """Start what may start, take what came, keep what is enough; tell whether to go on."""
        is_over = time.monotonic() >= self.ends_at
        if not is_over:
            self.servers.take_slots()
            for lane in list(self.servers.lanes.values()):
                self._start(lane)
        self._give_up_late()
        waiting = self.servers.waiting
        if not self.threads.busy and (is_over or not _soon(waiting)):
            return False
        came = self.threads.next(self._pause(waiting, is_over=is_over))
        while came is not None:
            self._take(came)
            came = self.threads.next(0.0)
        self._keep_if_due()
        return True

    def _pause(self, waiting: Sequence[Lane], *, is_over: bool) -> float:
        now = time.monotonic()
        has_some = self.checks or self.servers.news
        until = [self.kept_at + FLUSH_SECONDS] if has_some else [now + 1.0]
        busy = [lane for lane in self.servers.lanes.values() if lane.is_busy]
        until += [lane.deadline + GRACE_SECONDS for lane in busy]
        if not is_over and self.threads.has_room:
            until += [lane.free_at for lane in waiting if not lane.is_busy]
        return max(0.001, min(until) - now)

    def _start(self, lane: Lane) -> None:
        """Ask a server for what waits first, if this is a moment for it."""
        while lane.waiting and not lane.is_busy and self.threads.has_room:
            if not self.servers.is_known(lane):
                if lane.slots and lane.next_slot <= time.monotonic():
                    self._ask_robots(lane)
                return
            if not self._may_ask(lane):
                continue
            if not lane.slots or lane.next_slot > time.monotonic():
                return
            self._ask_page(lane)

    def _may_ask(self, lane: Lane) -> bool:
        """Tell whether what waits first may be asked; what may not is over with that."""
        visit = lane.waiting[0]
        assert visit.address is not None
        if visit.ruled_for == visit.address.text:
            return True
        visit.rule = rule = self.servers.rule_for(lane, visit.address)
        if rule.allowed and self._is_ready(visit, lane):
            visit.ruled_for = visit.address.text
            return True
        lane.waiting.popleft()
        if not rule.allowed:
            visit.disallow(rule, self.archive.clock())
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
        most_bytes = self.settings.max_document_bytes
        lane.occupy(visit, time.monotonic() + seconds)
        self.threads.start(
            (lane, line),
            lambda: ask(line, address, headers, seconds=seconds, most_bytes=most_bytes),
        )

    def _ask_robots(self, lane: Lane) -> None:
        line, seconds = lane.line, self.settings.fetch_seconds
        lane.occupy(None, time.monotonic() + seconds)
        self.threads.start((lane, line), lambda: ask_robots(line, lane.key, self.headers, seconds))

    def _give_up_late(self) -> None:
        """Give up exchanges whose thread hangs, such as in looking up a name."""
        now = time.monotonic()
        for lane in list(self.servers.lanes.values()):
            if not lane.is_busy or now <= lane.deadline + GRACE_SECONDS:
                continue
            visit = lane.vacate()
            lane.line = Line(self.network, lane.line.proxy)
            self.threads.lose()
            refused = refuse("unreachable", reason="it took too long")
            self.servers.leave_alone(lane, None, refused.message)
            if visit is not None:
                visit.cannot("unreachable", refused, self.archive.clock())
                self._onward(visit)
            self._send_away(lane)

    # ----------------------------------------------------------------------- what came

    def _take(self, came: Came) -> None:
        lane, line = came.who
        if line is not lane.line:
            self.threads.return_lost()
            line.close()
            return
        visit = lane.vacate()
        if came.error is not None:
            raise came.error
        if isinstance(came.value, RobotsFile):
            self.servers.learn_robots(lane, came.value, came)
            if came.value.status is None:
                self._bar(lane, came.value.found)
            return
        assert visit is not None
        found: Exchanged = came.value
        visit.seconds -= found.duration_ms / 1000
        if found.is_stale:
            lane.waiting.appendleft(visit)
            return
        is_to_be_left_alone = self.servers.learn(lane, found, came.ended)
        visit.answered(found, came.began, came.ended)
        self._onward(visit)
        if is_to_be_left_alone:
            self._send_away(lane)

    def _onward(self, visit: Visit) -> None:
        """Put a check in the lane of the server that it has to ask next, or take it as over."""
        if visit.check is not None:
            self.checks.append(visit.check)
            self.bytes += sum(len(each.raw or b"") for each in visit.check.exchanges)
            return
        lane = self.servers.lane_of(visit)
        until = self.servers.left_alone_until(lane)
        if until is not None:
            self._put_off(visit, lane, until)
        elif visit.exchanges:
            lane.waiting.appendleft(visit)
        else:
            lane.waiting.append(visit)

    def _put_off(self, visit: Visit, lane: Lane, until: datetime) -> None:
        """Leave a check for later, since its server is to be left alone.

        One that is on its way, or that somebody waits for, ends here and says so.
        """
        if visit.exchanges or self.servers.on_command:
            visit.cannot(*why_left_alone(lane, until), self.archive.clock())
            self._onward(visit)
            return
        pause = timedelta(seconds=60 * spread(f"{visit.watched.origin_id}"))
        self.put_off[visit.watched.key] = until + pause

    def _bar(self, lane: Lane, found: Exchanged) -> None:
        """End what waits for a server whose robots.txt could not be had, for the same reason."""
        refused = found.refused
        assert refused is not None
        outcome = of_exchange(refused.code)
        if outcome == "unreachable":
            self.servers.leave_alone(lane, None, refused.message)
        for visit in list(lane.waiting) if outcome == "refused" else [lane.waiting[0]]:
            visit.cannot(outcome, refused, self.archive.clock())
        self._send_away(lane)

    def _send_away(self, lane: Lane) -> None:
        """Let what waits in a lane find out anew where it stands."""
        waiting, lane.waiting = list(lane.waiting), deque()
        for visit in waiting:
            self._onward(visit)

    # -------------------------------------------------------------------------- keeping

    def _keep_if_due(self) -> None:
        now = time.monotonic()
        is_full = len(self.checks) >= self.settings.batch_items or self.bytes >= FLUSH_BYTES
        if is_full or ((self.checks or self.servers.news) and now - self.kept_at >= FLUSH_SECONDS):
            self._keep()
        elif now - self.renewed_at > self.held.lease_seconds / 3:
            with self.archive.unit() as unit:
                queue.renew(unit, self.held)
            self.renewed_at = time.monotonic()

    def _keep(self, *, is_last: bool = False) -> None:
        """Keep what came so far; at the end the job is through, or given back."""
        news, put_off = self.servers.news, self.put_off
        with self.archive.looking() as connection:
            checks = checks_without_redacted(connection, self.checks)
        packed = self.archive.put(packed_of(checks, news))
        with self.archive.unit() as unit:
            queue.renew(unit, self.held)
            counts = keep_checks(unit, self.held, checks, news, packed)
            postpone(unit, put_off)
            if not is_last:
                queue.count(unit, self.held, counts)
            elif self.servers.waiting:
                queue.release(unit, self.held, counts, pause_seconds=self._rest())
            else:
                queue.finish(unit, self.held, counts)
        self.done += len(checks)
        self.checks, self.servers.news, self.put_off, self.bytes = [], [], {}, 0
        self.kept_at = self.renewed_at = time.monotonic()
        self.progress(self.done, self.done)

    def _rest(self) -> float:
        """Return in how many seconds a server that something waits for is free."""
        return max(0.0, min(lane.free_at for lane in self.servers.waiting) - time.monotonic())


def _soon(waiting: Sequence[Lane]) -> list[Lane]:
    """Return the lanes that can be asked before long."""
    end = time.monotonic() + AHEAD_SECONDS
    return [lane for lane in waiting if lane.free_at <= end]
