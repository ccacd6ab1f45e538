"""Run a fetch job: request many servers concurrently, each at its pace, and store the answers.

The job has watched addresses. Each server gets one request at a time, in the order of its queue.
Threads wait for the servers; this thread decides and writes. Answers are stored in batches, each in
one transaction; the remaining addresses are released for a later time or another worker.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urlsplit

from storage.schedule import queue as job_queue
from storage.schedule.interval import jitter
from storage.schedule.watches import assigned_watches
from storage.settings import Settings
from storage.values import job as jobs
from storage.values.net.addresses import Check, Key
from storage.values.outcome import exchange_outcome
from storage.values.refusals import Refused, refuse
from storage.write.archive import Archive
from worker.address import with_secrets
from worker.flow.servers import AHEAD_SECONDS, Servers, why_left_alone
from worker.web.credentials import SecretError
from worker.web.exchange import Exchanged, KeptConnection, ask
from worker.web.fetch import Fetch
from worker.web.headers import headers_of, network_of
from worker.web.host_queue import HostQueue
from worker.web.robots_file import RobotsFile, ask_robots
from worker.web.threads import Came, Threads

FLUSH_SECONDS = 2.0
FLUSH_BYTES = 8 * 1024 * 1024
FAILED = frozenset({"unreachable", "rate_limited", "disallowed_by_robots", "refused"})
"""Outcomes without a usable answer of the server: they become the reason of a job."""
REASONS_SHOWN = 3
GRACE_SECONDS = 5.0
"""Seconds after its deadline at which an exchange is abandoned whose thread has not returned."""

Progress = Callable[[int, int], None]


def fetch_batch(
    archive: Archive,
    claim: jobs.Claim,
    settings: Settings,
    progress: Progress = lambda _seen, _changed: None,
) -> None:
    """Check the addresses of the job; those that cannot be checked now remain or are postponed.

    Raises: jobs.StaleLeaseError; answers that were not stored before are lost then.
    """
    _Fetching(archive, claim, settings, progress).run()


class _Fetching:
    """One run of a fetch job."""

    def __init__(
        self, archive: Archive, claim: jobs.Claim, settings: Settings, progress: Progress
    ) -> None:
        self.archive, self.claim, self.settings = archive, claim, settings
        self.progress = progress
        self.network = network_of(settings.allow_hosts, settings.ca_file)
        self.headers = headers_of(settings)
        on_command = claim.trigger in {"command", "api"}
        self.servers = Servers(archive, settings, self.network, on_command=on_command)
        self.threads = Threads(settings.fetch_hosts, archive.clock)
        self.checks: list[Check] = []
        self.put_off: dict[Key, datetime] = {}
        self.bytes = 0
        self.failures: dict[str, str] = {}
        self.done = 0
        self.kept_at = time.monotonic()
        self.renewed_at = self.kept_at
        self.ends_at = self.kept_at + settings.batch_seconds / 2

    def run(self) -> None:
        """Send requests until no address is left, no server is free soon, or the time is over."""
        keys = [(item[0], item[1]) for item in self.claim.arguments["items"]]
        found = self.archive.read(assigned_watches, self.claim.job_id, keys)
        fetches = [Fetch(each, self.network, self.settings.fetch_seconds) for each in found]
        try:
            self._begin(fetches)
            while self._turn():
                pass
            self._keep(is_last=True)
        finally:
            self.threads.close()
            self.servers.close()

    def _begin(self, fetches: Sequence[Fetch]) -> None:
        now = self.archive.clock()
        for fetch in fetches:
            fetch.begin(now)
        self.servers.open([v for v in fetches if v.address is not None])
        for fetch in fetches:
            self._onward(fetch)

    # ---------------------------------------------------------------------------- one turn

    def _turn(self) -> bool:
        """Start requests, accept answers, store full batches; return whether to continue."""
        is_over = time.monotonic() >= self.ends_at
        if not is_over:
            self.servers.take_slots()
            for queue in list(self.servers.queues.values()):
                self._start(queue)
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

    def _pause(self, waiting: Sequence[HostQueue], *, is_over: bool) -> float:
        now = time.monotonic()
        has_some = self.checks or self.servers.news
        until = [self.kept_at + FLUSH_SECONDS] if has_some else [now + 1.0]
        busy = [queue for queue in self.servers.queues.values() if queue.is_busy]
        until += [queue.deadline + GRACE_SECONDS for queue in busy]
        if not is_over and self.threads.has_room:
            until += [queue.free_at for queue in waiting if not queue.is_busy]
        return max(0.001, min(until) - now)

    def _start(self, queue: HostQueue) -> None:
        """Send the first request of a server's queue if its slot has come."""
        while queue.waiting and not queue.is_busy and self.threads.has_room:
            if not self.servers.is_known(queue):
                if queue.slots and queue.next_slot <= time.monotonic():
                    self._ask_robots(queue)
                return
            if not self._may_ask(queue):
                continue
            if not queue.slots or queue.next_slot > time.monotonic():
                return
            self._ask_page(queue)

    def _may_ask(self, queue: HostQueue) -> bool:
        """Check whether the first request of a queue is allowed; one that is not ends its check."""
        fetch = queue.waiting[0]
        assert fetch.address is not None
        if fetch.ruled_for == fetch.address.text:
            return True
        fetch.rule = rule = self.servers.rule_for(queue, fetch.address)
        if rule.allowed and self._is_ready(fetch, queue):
            fetch.ruled_for = fetch.address.text
            return True
        queue.waiting.popleft()
        if not rule.allowed:
            fetch.disallow(rule, self.archive.clock())
        self._onward(fetch)
        return False

    def _is_ready(self, fetch: Fetch, queue: HostQueue) -> bool:
        """Load the headers of the source; if they cannot be read, the check ends."""
        try:
            fetch.learn_headers(is_own=queue.is_own)
        except SecretError as error:
            refused = refuse("secret_missing", reason=str(error))
            fetch.cannot("refused", refused, self.archive.clock())
        return fetch.check is None

    # ------------------------------------------------------------------------------ requests

    def _ask_page(self, queue: HostQueue) -> None:
        fetch = queue.waiting.popleft()
        address = fetch.address
        assert address is not None
        address = with_secrets(address, fetch.secrets)
        headers = [*self.headers, *fetch.own_headers, *fetch.conditions]
        kept, seconds = queue.kept, max(0.1, fetch.seconds)
        most_bytes = self.settings.max_document_bytes
        queue.occupy(fetch, time.monotonic() + seconds)
        self.threads.start(
            (queue, kept),
            lambda: ask(kept, address, headers, seconds=seconds, most_bytes=most_bytes),
        )

    def _ask_robots(self, queue: HostQueue) -> None:
        kept, seconds = queue.kept, self.settings.fetch_seconds
        queue.occupy(None, time.monotonic() + seconds)
        self.threads.start(
            (queue, kept), lambda: ask_robots(kept, queue.key, self.headers, seconds)
        )

    def _give_up_late(self) -> None:
        """Abandon exchanges whose thread hangs, such as in a name lookup."""
        now = time.monotonic()
        for queue in list(self.servers.queues.values()):
            if not queue.is_busy or now <= queue.deadline + GRACE_SECONDS:
                continue
            fetch = queue.vacate()
            queue.kept = KeptConnection(self.network, queue.kept.proxy)
            self.threads.lose()
            refused = refuse("unreachable", reason="it took too long")
            self.servers.leave_alone(queue, None, refused.message)
            if fetch is not None:
                fetch.cannot("unreachable", refused, self.archive.clock())
                self._onward(fetch)
            self._send_away(queue)

    # ------------------------------------------------------------------------------- answers

    def _take(self, came: Came) -> None:
        queue, kept = came.who
        if kept is not queue.kept:
            self.threads.return_lost()
            kept.close()
            return
        fetch = queue.vacate()
        if came.error is not None:
            raise came.error
        if isinstance(came.value, RobotsFile):
            self.servers.learn_robots(queue, came.value, came)
            if came.value.status is None:
                self._bar(queue, came.value.found)
            return
        assert fetch is not None
        found: Exchanged = came.value
        fetch.seconds -= found.duration_ms / 1000
        if found.is_stale:
            queue.waiting.appendleft(fetch)
            return
        is_to_be_left_alone = self.servers.learn(queue, found, came.ended)
        fetch.answered(found, came.began, came.ended)
        self._onward(fetch)
        if is_to_be_left_alone:
            self._send_away(queue)

    def _onward(self, fetch: Fetch) -> None:
        """Move a check to the queue of the server that it requests next, or finish it."""
        if fetch.check is not None:
            self.checks.append(fetch.check)
            last = fetch.check.last
            if last.outcome in FAILED and last.refused is not None:
                self._note_failure(last.origin, last.refused)
            self.bytes += sum(len(each.raw or b"") for each in fetch.check.exchanges)
            return
        queue = self.servers.queue_of(fetch)
        until = self.servers.left_alone_until(queue)
        if until is not None:
            self._put_off(fetch, queue, until)
        elif fetch.exchanges:
            queue.waiting.appendleft(fetch)
        else:
            queue.waiting.append(fetch)

    def _put_off(self, fetch: Fetch, queue: HostQueue, until: datetime) -> None:
        """Postpone a check because its server must not be requested now.

        A check that has started, or that a user is waiting for, ends here with this outcome.
        """
        if fetch.exchanges or self.servers.on_command:
            fetch.cannot(*why_left_alone(queue, until), self.archive.clock())
            self._onward(fetch)
            return
        self._note_failure(fetch.watched.address, why_left_alone(queue, until)[1])
        pause = timedelta(seconds=60 * jitter(f"{fetch.watched.origin_id}"))
        self.put_off[fetch.watched.key] = until + pause

    def _note_failure(self, address: str, refused: Refused) -> None:
        """Record why a server was not reached, once for each server."""
        host = urlsplit(address).hostname or address
        self.failures.setdefault(host, f"{host}: {refused.message}")

    def _reason(self) -> str | None:
        """Return the reason of the job: why the first few servers were not reached."""
        shown = list(self.failures.values())[:REASONS_SHOWN]
        more = len(self.failures) - len(shown)
        return "; ".join([*shown, *([f"and {more} more servers"] if more else [])]) or None

    def _bar(self, queue: HostQueue, found: Exchanged) -> None:
        """End the waiting checks of a server whose robots.txt could not be fetched, for the same
        reason.
        """
        refused = found.refused
        assert refused is not None
        outcome = exchange_outcome(refused.code)
        if outcome == "unreachable":
            self.servers.leave_alone(queue, None, refused.message)
        for fetch in list(queue.waiting) if outcome == "refused" else [queue.waiting[0]]:
            fetch.cannot(outcome, refused, self.archive.clock())
        self._send_away(queue)

    def _send_away(self, queue: HostQueue) -> None:
        """Assign the waiting checks of a queue to their servers again."""
        waiting, queue.waiting = list(queue.waiting), deque()
        for fetch in waiting:
            self._onward(fetch)

    # -------------------------------------------------------------------------------- storing

    def _keep_if_due(self) -> None:
        now = time.monotonic()
        is_full = len(self.checks) >= self.settings.batch_items or self.bytes >= FLUSH_BYTES
        if is_full or ((self.checks or self.servers.news) and now - self.kept_at >= FLUSH_SECONDS):
            self._keep()
        elif now - self.renewed_at > self.claim.lease_seconds / 3:
            self.archive.transact(job_queue.renew, self.claim)
            self.renewed_at = time.monotonic()

    def _keep(self, *, is_last: bool = False) -> None:
        """Store the answers so far; at the end finish or release the job."""
        ending = job_queue.count
        if is_last and self.servers.waiting:
            ending = partial(job_queue.release, pause_seconds=self._rest())
        elif is_last:
            ending = partial(job_queue.finish, reason=self._reason())
        self.done += self.archive.keep_checks(
            self.claim, self.checks, self.servers.news, self.put_off, ending
        )
        self.checks, self.servers.news, self.put_off, self.bytes = [], [], {}, 0
        self.kept_at = self.renewed_at = time.monotonic()
        self.progress(self.done, self.done)

    def _rest(self) -> float:
        """Return the seconds until a server with waiting requests is free."""
        return max(0.0, min(queue.free_at for queue in self.servers.waiting) - time.monotonic())


def _soon(waiting: Sequence[HostQueue]) -> list[HostQueue]:
    """Return the queues that can be requested soon."""
    end = time.monotonic() + AHEAD_SECONDS
    return [queue for queue in waiting if queue.free_at <= end]
