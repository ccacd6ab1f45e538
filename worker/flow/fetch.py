"""Run a fetch job: request many servers concurrently, each at its pace, and store the answers.

The job has watched addresses. Each server gets one request at a time, in the order of its queue.
Threads wait for the servers; this thread decides and writes. Answers are stored in batches, each in
one transaction; the remaining addresses are released for a later time or another worker.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urlsplit

from storage.capabilities import load_parts
from storage.schedule import queue as job_queue
from storage.schedule.interval import jitter
from storage.schedule.watches import assigned_watches, hand_to_browser
from storage.settings import Settings
from storage.values import job as jobs
from storage.values.messages import message_text
from storage.values.net.addresses import Check, Key
from storage.values.outcome import exchange_outcome
from storage.values.refusals import RefusalReason, refuse
from storage.write.archive import Archive
from storage.write.store_checks import store_checks
from worker.address import with_secrets
from worker.flow.servers import AHEAD_SECONDS, Servers, pause_outcome, refuse_for_delay
from worker.web.credentials import SecretError
from worker.web.exchange import PersistentConnection, ServerAnswer, send_request
from worker.web.fetch import Fetch
from worker.web.headers import create_network, headers_of
from worker.web.host_queue import HostQueue
from worker.web.robots_file import RobotsFile, fetch_robots
from worker.web.threads import ThreadResult, Threads

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
    _FetchRun(archive, claim, settings, progress).run()


class _FetchRun:
    """One run of a fetch job."""

    def __init__(
        self, archive: Archive, claim: jobs.Claim, settings: Settings, progress: Progress
    ) -> None:
        self.archive, self.claim, self.settings = archive, claim, settings
        self.network = create_network(settings.allow_hosts, settings.ca_file)
        self.headers = headers_of(settings)
        is_requested = claim.trigger in {"command", "api"}
        self.servers = Servers(archive, settings, self.network, is_requested=is_requested)
        self.renderer = None
        if claim.kind == "render":
            self.renderer = next(load_parts("renderer")).PageRenderer(settings, self.network)
        most = settings.fetch_hosts if self.renderer is None else self.renderer.MOST_PAGES
        self.threads = Threads(most, archive.clock)
        self.store = _CheckStore(archive, claim, settings, progress, self.servers)
        self.ends_at = self.store.stored_at + settings.batch_seconds / 2

    def run(self) -> None:
        """Send requests until no address is left, no server is free soon, or the time is over."""
        keys = [(item[0], item[1]) for item in self.claim.arguments["items"]]
        watches = self.archive.read(assigned_watches, self.claim.job_id, keys)
        if self.renderer is not None:
            self.renderer.load_texts(self.archive, watches)
        elif others := [each.key for each in watches if each.browser is not None]:
            self.archive.transact(hand_to_browser, self.claim, others)
            watches = [each for each in watches if each.browser is None]
        fetches = [Fetch(watched, self.network, self.settings.fetch_seconds) for watched in watches]
        try:
            self._begin(fetches)
            while self._run_turn():
                pass
            self.store.finish()
        finally:
            self.threads.close()
            self.servers.close()
            if self.renderer is not None:
                self.renderer.close()

    def _begin(self, fetches: Sequence[Fetch]) -> None:
        now = self.archive.clock()
        for fetch in fetches:
            fetch.begin(now)
        self.servers.open([v for v in fetches if v.address is not None])
        for fetch in fetches:
            self._requeue(fetch)

    # ---------------------------------------------------------------------------- one turn

    def _run_turn(self) -> bool:
        """Start requests, accept answers, store full batches; return whether to continue."""
        left = self.ends_at - time.monotonic()
        is_over = left <= 0
        if not is_over:
            self.servers.take_slots(left)
            for queue in list(self.servers.queues.values()):
                self._end_far(queue)
                self._start(queue)
        self._give_up_late()
        waiting = self.servers.waiting
        if not self.threads.busy and (is_over or not _ready_soon(waiting)):
            return False
        result = self.threads.next(self._pause(waiting, is_over=is_over))
        while result is not None:
            self._accept_result(result)
            result = self.threads.next(0.0)
        self.store.store_if_due()
        return True

    def _pause(self, waiting: Sequence[HostQueue], *, is_over: bool) -> float:
        now = time.monotonic()
        end = [self.store.stored_at + FLUSH_SECONDS] if self.store.has_some else [now + 1.0]
        busy = [queue for queue in self.servers.queues.values() if queue.is_busy]
        end += [queue.deadline + GRACE_SECONDS for queue in busy]
        if not is_over and self.threads.has_room:
            end += [queue.free_at for queue in waiting if not queue.is_busy]
        return max(0.001, min(end) - now)

    def _end_far(self, queue: HostQueue) -> None:
        """End the waiting checks of a server that asks for hours between requests, on command."""
        end = self.servers.find_next_request(queue)
        if end is None or queue.is_busy or not queue.waiting:
            return
        refused = refuse_for_delay(queue, end)
        for fetch in queue.waiting:
            fetch.end_without_request("rate_limited", refused, self.archive.clock())
        self._reassign(queue)

    def _start(self, queue: HostQueue) -> None:
        """Send the first request of a server's queue if its slot has come."""
        while queue.waiting and not queue.is_busy and self.threads.has_room:
            if not self.servers.has_robots(queue):
                if queue.slots and queue.next_slot <= time.monotonic():
                    self._ask_robots(queue)
                return
            if not queue.requested_files:
                watched = queue.waiting[0].watched
                self._request_files(queue, self.servers.due_files(queue, watched))
                continue
            if not self._is_allowed(queue):
                continue
            if not queue.slots or queue.next_slot > time.monotonic():
                return
            self._ask_page(queue)

    def _request_files(self, queue: HostQueue, due: Iterable[Fetch]) -> None:
        """Queue files with declarations about a server, on it before the waiting checks."""
        for fetch in due:
            if fetch.check is None and self.servers.queue_of(fetch) is queue:
                queue.waiting.appendleft(fetch)
            else:
                self._requeue(fetch)

    def _request_named(self, queue: HostQueue, fetch: Fetch) -> None:
        """Queue the documents that an answer names behind the waiting checks."""
        if named := [*fetch.named_documents()]:
            for each in self.servers.due_files(queue, fetch.watched, named):
                self._requeue(each)

    def _is_allowed(self, queue: HostQueue) -> bool:
        """Check whether the first request of a queue is allowed; one that is not ends its check."""
        fetch = queue.waiting[0]
        assert fetch.address is not None
        if fetch.ruled_for == fetch.address.text:
            return True
        fetch.rule = rule = self.servers.rule_for(queue, fetch.address)
        fetch.files = queue.files
        if rule.allowed and self._load_headers(fetch, queue):
            fetch.ruled_for = fetch.address.text
            return True
        queue.waiting.popleft()
        if not rule.allowed:
            fetch.disallow(rule, self.archive.clock())
        self._requeue(fetch)
        return False

    def _load_headers(self, fetch: Fetch, queue: HostQueue) -> bool:
        """Load the headers of the source; if they cannot be read, the check ends."""
        try:
            fetch.learn_headers(is_own=queue.is_own)
        except SecretError as error:
            refused = refuse("secret_missing", reason=str(error))
            fetch.end_without_request("refused", refused, self.archive.clock())
        return fetch.check is None

    # ------------------------------------------------------------------------------ requests

    def _ask_page(self, queue: HostQueue) -> None:
        fetch = queue.waiting.popleft()
        address = fetch.address
        assert address is not None
        address = with_secrets(address, fetch.secrets)
        headers = [*self.headers, *fetch.own_headers, *fetch.conditions]
        connection, seconds = queue.connection, max(0.1, fetch.seconds)
        if fetch.site is not None:
            seconds = max(0.1, min(seconds, queue.file_seconds))
        max_bytes = self.settings.max_document_bytes
        renderer = self.renderer if fetch.site is None else None
        longest = 0.0 if renderer is None else renderer.MOST_SECONDS
        queue.occupy(fetch, time.monotonic() + seconds + longest)

        def ask() -> ServerAnswer:
            answer = send_request(
                connection, address, headers, seconds=seconds, max_bytes=max_bytes
            )
            return answer if renderer is None else renderer.render(fetch, answer)

        self.threads.start((queue, connection), ask)

    def _ask_robots(self, queue: HostQueue) -> None:
        connection, seconds = queue.connection, self.settings.fetch_seconds
        queue.occupy(None, time.monotonic() + seconds)
        self.threads.start(
            (queue, connection), lambda: fetch_robots(connection, queue.key, self.headers, seconds)
        )

    def _give_up_late(self) -> None:
        """Abandon exchanges whose thread hangs, such as in a name lookup."""
        now = time.monotonic()
        for queue in list(self.servers.queues.values()):
            if not queue.is_busy or now <= queue.deadline + GRACE_SECONDS:
                continue
            fetch = queue.vacate()
            queue.connection = PersistentConnection(self.network, queue.connection.proxy)
            self.threads.give_up()
            refused = refuse("unreachable", reason=message_text("slow"))
            self.servers.pause(queue, None, refused.message)
            if fetch is not None:
                fetch.end_without_request("unreachable", refused, self.archive.clock())
                self._requeue(fetch)
            self._reassign(queue)

    # ------------------------------------------------------------------------------- answers

    def _accept_result(self, result: ThreadResult) -> None:
        queue, connection = result.caller
        if connection is not queue.connection:
            self.threads.restore()
            connection.close()
            return
        fetch = queue.vacate()
        if result.error is not None:
            raise result.error
        if isinstance(result.value, RobotsFile):
            self.servers.record_robots(queue, result.value, result)
            if result.value.status is None:
                self._end_waiting(queue, result.value.answer)
            return
        assert fetch is not None
        answer: ServerAnswer = result.value
        fetch.seconds -= answer.duration_ms / 1000
        if answer.is_stale:
            queue.waiting.appendleft(fetch)
            return
        is_to_be_left_alone = self.servers.record_answer(
            queue, answer, result.ended, is_page=fetch.site is None
        )
        fetch.accept_answer(answer, result.began, result.ended)
        if fetch.check is not None and fetch.site is None:
            self._request_named(queue, fetch)
        self._requeue(fetch)
        if is_to_be_left_alone:
            self._reassign(queue)

    def _requeue(self, fetch: Fetch) -> None:
        """Move a check to the queue of the server that it requests next, or finish it."""
        if fetch.check is not None and fetch.site is not None:
            self.servers.record_file(fetch)
            return
        if fetch.check is not None:
            self.store.add(fetch.check)
            return
        queue = self.servers.queue_of(fetch)
        end = self.servers.pause_end(queue)
        if end is not None:
            self._postpone(fetch, queue, end)
        elif fetch.exchanges:
            queue.waiting.appendleft(fetch)
        else:
            queue.waiting.append(fetch)

    def _postpone(self, fetch: Fetch, queue: HostQueue, end: datetime) -> None:
        """Postpone a check because its server must not be requested now.

        A check that has started, or that a user is waiting for, ends here with this outcome.
        """
        if fetch.exchanges or fetch.site is not None or self.servers.is_requested:
            fetch.end_without_request(*pause_outcome(queue, end), self.archive.clock())
            self._requeue(fetch)
            return
        self.store.record_failure(fetch.watched.address, pause_outcome(queue, end)[1])
        pause = timedelta(seconds=60 * jitter(f"{fetch.watched.origin_id}"))
        self.store.postponed[fetch.watched.key] = end + pause

    def _end_waiting(self, queue: HostQueue, answer: ServerAnswer) -> None:
        """End the waiting checks of a server whose robots.txt could not be fetched, for the same
        reason.
        """
        refused = answer.refused
        assert refused is not None
        outcome = exchange_outcome(refused.code)
        if outcome == "unreachable":
            self.servers.pause(queue, None, refused.message)
        for fetch in list(queue.waiting) if outcome == "refused" else [queue.waiting[0]]:
            fetch.end_without_request(outcome, refused, self.archive.clock())
        self._reassign(queue)

    def _reassign(self, queue: HostQueue) -> None:
        """Assign the waiting checks of a queue to their servers again."""
        waiting, queue.waiting = list(queue.waiting), deque()
        for fetch in waiting:
            self._requeue(fetch)


class _CheckStore:
    """Stores the checks of a run in batches, and finally ends its job."""

    def __init__(
        self,
        archive: Archive,
        claim: jobs.Claim,
        settings: Settings,
        progress: Progress,
        servers: Servers,
    ) -> None:
        self.archive, self.claim, self.settings = archive, claim, settings
        self.progress, self.servers = progress, servers
        self.checks: list[Check] = []
        self.postponed: dict[Key, datetime] = {}
        self.bytes = self.done = 0
        self.failures: dict[str, str] = {}
        self.stored_at = self.renewed_at = time.monotonic()

    @property
    def has_some(self) -> bool:
        return bool(self.checks or self.servers.news)

    def add(self, check: Check) -> None:
        """Add a finished check to the batch."""
        self.checks.append(check)
        last = check.last
        if last.outcome in FAILED and last.refused is not None:
            self.record_failure(last.origin, last.refused)
        for each in check.exchanges:
            self.bytes += len(each.raw or b"") + sum(len(own.raw or b"") for own in each.resources)

    def record_failure(self, address: str, refusal: RefusalReason) -> None:
        """Record why a server was not reached, once for each server."""
        host = urlsplit(address).hostname or address
        self.failures.setdefault(host, message_text("labelled", label=host, text=refusal.message))

    def store_if_due(self) -> None:
        """Store a batch that is full or old; otherwise renew the lease in time."""
        now = time.monotonic()
        is_full = len(self.checks) >= self.settings.batch_items or self.bytes >= FLUSH_BYTES
        if is_full or (self.has_some and now - self.stored_at >= FLUSH_SECONDS):
            self._store(job_queue.count)
        elif now - self.renewed_at > self.claim.lease_seconds / 3:
            self.archive.transact(job_queue.renew, self.claim)
            self.renewed_at = time.monotonic()

    def finish(self) -> None:
        """Store the rest, and finish the job, or release it if requests are left."""
        if waiting := self.servers.waiting:
            pause = max(0.0, min(queue.free_at for queue in waiting) - time.monotonic())
            self._store(partial(job_queue.release, pause_seconds=pause))
        else:
            self._store(partial(job_queue.finish, reason=self._reason()))

    def _store(self, ending: Callable[..., None]) -> None:
        self.done += store_checks(
            self.archive, self.claim, self.checks, self.servers.news, self.postponed, ending
        )
        self.checks, self.servers.news, self.postponed, self.bytes = [], [], {}, 0
        self.stored_at = self.renewed_at = time.monotonic()
        self.progress(self.done, self.done)

    def _reason(self) -> str | None:
        """Return the reason of the job: why the first few servers were not reached."""
        shown = list(self.failures.values())[:REASONS_SHOWN]
        more = len(self.failures) - len(shown)
        return (
            "; ".join([*shown, *([message_text("more_servers", n=more)] if more else [])]) or None
        )


def _ready_soon(waiting: Sequence[HostQueue]) -> list[HostQueue]:
    """Return the queues that can be requested soon."""
    end = time.monotonic() + AHEAD_SECONDS
    return [queue for queue in waiting if queue.free_at <= end]
