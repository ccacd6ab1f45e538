"""Request lists and captures of web archives, one at a time, with the pace and pauses of checks."""

import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from storage.settings import Settings
from storage.values.messages import message_text
from storage.values.net.addresses import HostNews, WatchedAddress
from storage.values.refusals import RefusalReason, refuse
from storage.write.archive import Archive
from worker.address import parse_address
from worker.flow.servers import PAUSE_NOTE_PREFIX, Servers
from worker.web.exchange import ServerAnswer, send_request
from worker.web.fetch import Fetch
from worker.web.headers import create_network, headers_of
from worker.web.host_queue import HostQueue
from worker.web.robots_file import fetch_robots
from worker.web.threads import ThreadResult, Threads

WAKE_SECONDS = 1.0
"""Interval at which the caller may renew its lease during a wait."""


class RequestRefusedError(Exception):
    """An address must not be requested, such as one that robots.txt forbids."""

    def __init__(self, reason: RefusalReason) -> None:
        super().__init__(reason.message)
        self.refused = reason


class ServerPausedError(Exception):
    """The server must not be requested until `end`; `failures` are its consecutive failures."""

    def __init__(self, end: datetime, failures: int, reason: str) -> None:
        super().__init__(reason)
        self.end, self.failures, self.reason = end, failures, reason

    @property
    def is_requested(self) -> bool:
        """Check whether the server requested the pause."""
        return self.reason.startswith(PAUSE_NOTE_PREFIX)


class ArchiveClient:
    """Requests on behalf of a source; `on_wait` is called during each wait.

    `accept` are the accepted types (default: pages), `proxy` is that of the source.
    """

    def __init__(
        self,
        archive: Archive,
        settings: Settings,
        source_id: int,
        *,
        is_requested: bool,
        on_wait: Callable[[], None] = lambda: None,
        accept: str | None = None,
        proxy: str | None = None,
    ) -> None:
        self._archive, self._settings, self._source_id = archive, settings, source_id
        self._network = create_network(settings.allow_hosts, settings.ca_file)
        self._headers = headers_of(settings, accept)
        self._proxy = proxy
        self._servers = Servers(archive, settings, self._network, is_requested=is_requested)
        self._threads = Threads(1, archive.clock)
        self._on_wait = on_wait

    def close(self) -> None:
        """Close the connections."""
        self._threads.close()
        self._servers.close()

    def take_news(self) -> list[HostNews]:
        """Return the facts about servers that are not stored yet, and forget them."""
        news, self._servers.news = self._servers.news, []
        return news

    def get(
        self, text: str, max_bytes: int, *, decode: bool, of_page: bool = False
    ) -> ServerAnswer:
        """Request an address and return the answer; without `decode` the body stays encoded.

        What belongs to a page (`of_page`), such as a picture, may have any type. Redirects are not
        followed. Raises: RequestRefusedError, ServerPausedError.
        """
        address = parse_address(text, self._network.is_own)
        if isinstance(address, RefusalReason):
            raise RequestRefusedError(address)
        watch = _make_watch(self._source_id, text)
        fetch = Fetch(watch, self._network, 0.0, address, proxy=self._proxy)
        queue = self._servers.queue_of(fetch)
        queue.waiting = deque([fetch])
        while True:
            self._check_pause(queue)
            self._wait_for_slot(queue)
            if not self._servers.has_robots(queue):
                self._fetch_robots(queue)
                continue
            rule = self._servers.rule_for(queue, address)
            if not rule.allowed:
                raise RequestRefusedError(refuse("disallowed_by_robots", reason=rule.reason))
            result = self._run(queue, partial(
                send_request, queue.connection, address, self._headers,
                seconds=self._settings.fetch_seconds, max_bytes=max_bytes, decode=decode,
                of_page=of_page,
            ))  # fmt: skip
            answer: ServerAnswer = result.value
            if answer.is_stale:
                continue
            if self._servers.record_answer(queue, answer, result.ended):
                self._check_pause(queue)
            return answer

    def _check_pause(self, queue: HostQueue) -> None:
        end = self._servers.pause_end(queue)
        if end is not None:
            raise ServerPausedError(
                end, queue.host.failures, queue.host.retry_note or message_text("failed")
            )

    def _wait_for_slot(self, queue: HostQueue) -> None:
        """Wait until the server may be requested."""
        while True:
            self._servers.take_slots()
            while (seconds := queue.free_at - time.monotonic()) > 0:
                time.sleep(min(seconds, WAKE_SECONDS))
                self._on_wait()
            if queue.slots:
                return

    def _fetch_robots(self, queue: HostQueue) -> None:
        seconds = self._settings.fetch_seconds
        call = partial(fetch_robots, queue.connection, queue.key, self._headers, seconds)
        result = self._run(queue, call)
        self._servers.record_robots(queue, result.value, result)
        if result.value.status is None:
            reason = result.value.answer.refused.message
            self._servers.pause(queue, None, reason)
            self._check_pause(queue)

    def _run(self, queue: HostQueue, call: Callable[[], Any]) -> ThreadResult:
        """Run a request in a thread, so that the lease can be renewed meanwhile."""
        queue.slots -= 1
        queue.next_slot += queue.pace
        self._threads.start(queue, call)
        while (result := self._threads.next(WAKE_SECONDS)) is None:
            self._on_wait()
        if result.error is not None:
            raise result.error
        return result


def _make_watch(source_id: int, address: str) -> WatchedAddress:
    return WatchedAddress(
        source_id=source_id, origin_id=0, origin=address, address=address, kind="page",
        moved_to=None, final=None, etag=None, last_modified=None, observation_id=None, digest=None,
        hints={}, source_locator="", options={},
    )  # fmt: skip


def parse_memento_time(text: str | None) -> datetime | None:
    """Return the time in a `Memento-Datetime` header; None if there is none.

    >>> parse_memento_time("Tue, 18 Jun 2024 08:00:00 GMT").isoformat()
    '2024-06-18T08:00:00+00:00'
    """
    try:
        return datetime.strptime(text or "", "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    except ValueError:
        return None
