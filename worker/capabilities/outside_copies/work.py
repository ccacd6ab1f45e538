"""Submit the pages of new versions to the archives that their sources name.

One thread per archive sends one request at a time, with the pace of all requests.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass

from storage.capabilities.outside_copies import store
from storage.capabilities.outside_copies.store import COPIES, CopyRequest, SeenPage
from storage.database.outgoing import (
    free_abandoned,
    mark_sending,
    record,
    release,
    retry_later,
)
from storage.settings import Settings
from storage.values.failures import brief, is_foreseen
from storage.values.messages import message_text
from storage.values.net.web_archive import WebArchive, archive_keys, copy_archives, web_archives
from storage.values.refusals import RefusalReason, refuse
from storage.write.archive import Archive
from worker.address import Address, parse_address
from worker.capabilities.outside_copies.services import (
    CLOCKS_DIFFER,
    LARGEST_ANSWER,
    AcceptedJob,
    CopyCall,
    CopyFound,
    NotCopied,
    PageToCopy,
    copy_in_list,
    is_loopback,
    job_request,
    read_answer,
    repeats_key,
    submission_to,
    withheld_reason,
)
from worker.flow.history.client import ArchiveClient, ServerPausedError
from worker.flow.history.listing import HistoryError, HistoryQuery, list_captures
from worker.log import LOG
from worker.services.schedule.act import PeriodicAct, Services
from worker.sources.web_archives.capture_list import CaptureSelection
from worker.web.connection import Network
from worker.web.exchange import PersistentConnection, ServerAnswer, send_request
from worker.web.headers import create_network, user_agent
from worker.web.outcome import retry_after

SECONDS = 30.0
"""Time limit of one request, from the connection to the last byte of the answer, in seconds."""
RUN_SECONDS = 20.0
"""Time after which a run starts no further request, so that the schedule stays in time."""
MOST_LOOKUPS = 4
"""Maximum number of searches for a copy in the list of an archive, after some minutes each."""
NO_KEY = message_text("copy_no_key")


def work(
    archive: Archive,
    settings: Settings,
    *,
    is_over: Callable[[], bool] = lambda: False,
) -> int:
    """Submit due pages, and ask for the results of earlier ones; return the number of copies."""
    store.plan(archive.engine, archive.clock)
    requested = {each.archive for each in archive.read(store.open_requests)}
    if not requested:
        return 0
    free_abandoned(archive.engine, COPIES)
    services = copy_archives(settings.web_archives)
    senders = [
        _Sender(archive, settings, services[name])
        for name in sorted(requested) if name in services
    ]  # fmt: skip
    end = time.monotonic() + RUN_SECONDS
    with ThreadPoolExecutor(max(1, len(senders))) as threads:
        runs = [threads.submit(each.run, lambda: is_over() or time.monotonic() > end)
                for each in senders]  # fmt: skip
        return sum(each.result() for each in runs)


def copy_pages(services: Services) -> None:
    """Submit the pages of new versions to the archives that their sources name."""
    work(services.archive, services.settings, is_over=services.is_over)


ACTS = (PeriodicAct("copies", copy_pages, 2.0),)
UNUSABLE = frozenset({"not_text", "too_large", "too_large_decoded"})
"""Refusals of complete answers; after any other failure it is unknown what the archive does."""


@dataclass(slots=True)
class _Sender:
    """Sends the requests to one archive."""

    archive: Archive
    settings: Settings
    service: WebArchive

    def run(self, is_over: Callable[[], bool]) -> int:
        """Send due requests until none is left; return the number of copies."""
        copied = 0
        while not is_over():
            request = store.claim(self.archive.engine, self.service.name)
            if request is None:
                break
            try:
                copied += self._process(request)
            except Exception as error:  # a request that fails here must not stop the others
                log = LOG.bind(archive=self.service.name, request=request.id)
                log.warning(
                    "copy_failed_here", reason=brief(error), exc_info=not is_foreseen(error)
                )
                self._release(request, brief(error))
        return copied

    def _release(self, request: CopyRequest, reason: str) -> None:
        """Record that a request failed here, before or after it was sent."""
        engine, pause = self.archive.engine, COPIES.pauses.seconds_after(request.attempts)
        if release(engine, COPIES, [request.token], reason, pause):
            return
        if request.lease.is_last:
            self._refuse(request, "copy_refused", reason)
        else:
            retry_later(engine, request.lease, reason, pause)

    @property
    def _key(self) -> str | None:
        return archive_keys(self.settings.web_archive_keys or ()).get(self.service.name)

    @property
    def _network(self) -> Network:
        return create_network(self.settings.allow_hosts, self.settings.ca_file)

    def _process(self, request: CopyRequest) -> bool:
        """Send one request and record its result; return whether there is a copy."""
        seen = self.archive.read(store.page_of, request)
        if isinstance(seen, str):
            record(self.archive.engine, request.lease, state="dropped", note=seen)
            return False
        page = PageToCopy(seen.address, seen.seen_at)
        if request.state == "unknown":
            return self._look_up(request, page)
        if request.state == "waiting" and (reason := self._withheld_reason(seen)) is not None:
            self._refuse(request, "copy_withheld", reason)
            return False
        return self._exchange(request, page)

    def _withheld_reason(self, seen: SeenPage) -> str | None:
        address = parse_address(seen.address, self._network.is_own)
        if isinstance(address, RefusalReason) or self._network.is_own(address.host, address.port):
            return message_text("copy_private")
        return withheld_reason(seen.address, seen.rights)

    def _exchange(self, request: CopyRequest, page: PageToCopy) -> bool:
        """Submit a page, or ask for the state of the job that copies it."""
        now = self.archive.clock()
        wanted = (
            submission_to(self.service, self._key, page, now)
            if request.job is None
            else job_request(self.service, self._key, request.job)
        )
        address = parse_address(wanted.target, self._network.is_own)
        reason = self._setting_error(address)
        if reason is not None or isinstance(address, RefusalReason):
            return self._record(request, NotCopied(reason or "", is_final=False), None)
        if request.job is None and not mark_sending(self.archive.engine, request.lease):
            return False
        answer = self._send(address, wanted)
        again = retry_after(answer.header, self.archive.clock())
        pause = None if again is None else (again - self.archive.clock()).total_seconds()
        if answer.refused is not None and answer.refused.code not in UNUSABLE:
            if request.job is None and answer.peer is not None:
                pause = COPIES.pauses.seconds_after(MOST_LOOKUPS)
                note = message_text("copy_no_answer")
                release(self.archive.engine, COPIES, [request.token], note, pause)
                return False
            reason = answer.refused.message.rstrip(".")
            return self._record(request, NotCopied(reason, is_final=False), pause)
        found = read_answer(self.service, page, answer, self.archive.clock())
        if repeats_key(found, self._key):  # a job or message is stored and displayed
            found = NotCopied("its answer repeats the key", is_final=True)
        return self._record(request, found, pause)

    def _setting_error(self, address: Address | RefusalReason) -> str | None:
        if isinstance(address, RefusalReason):
            return address.message.rstrip(".")
        if self.service.kind == "spn2" and self._key is None:
            return NO_KEY
        if self._key is not None and address.scheme != "https" and not is_loopback(address.host):
            return message_text("copy_plain_http")
        return None

    def _send(self, address: Address, wanted: CopyCall) -> ServerAnswer:
        headers = [("User-Agent", user_agent(self.settings)), *wanted.headers]
        connection = PersistentConnection(self._network)
        try:
            return send_request(
                connection, address, headers, seconds=SECONDS, max_bytes=LARGEST_ANSWER,
                body=wanted.body,
            )  # fmt: skip
        finally:
            connection.close()
            time.sleep(self.settings.pace)

    def _record(
        self,
        request: CopyRequest,
        found: AcceptedJob | CopyFound | NotCopied | None,
        requested_pause: float | None,
    ) -> bool:
        """Record the result of a request; return whether there is a copy."""
        log = LOG.bind(archive=self.service.name, request=request.id)
        if isinstance(found, CopyFound):
            log.info("page_copied", captured_at=found.captured_at.isoformat())
            return self.archive.transact(
                store.store_copy, request, found.address, found.captured_at
            )
        has_job = request.job is not None or isinstance(found, AcceptedJob)
        attempts = request.attempts - 2 if has_job else request.attempts  # most jobs are short
        pause = COPIES.pauses.seconds_after(attempts, requested_pause)
        if isinstance(found, AcceptedJob):
            retry_later(
                self.archive.engine, request.lease, None, pause, state="submitted", job=found.job
            )
            return False
        reason = message_text("copy_pending") if found is None else found.reason
        is_final = found is not None and found.is_final
        log.warning("page_not_copied", reason=reason, attempts=request.attempts)
        if is_final or request.lease.is_last:
            self._refuse(request, "copy_refused", reason)
            return False
        is_over = request.job is None or (found is not None and found.ends_job)
        retry_later(
            self.archive.engine, request.lease, None if found is None else reason, pause,
            state="waiting" if is_over else "submitted", job=None if is_over else request.job,
        )  # fmt: skip
        if found is not None:
            store.postpone(self.archive.engine, self.service.name, pause)
        return False

    def _look_up(self, request: CopyRequest, page: PageToCopy) -> bool:
        """Search the list of the archive for the copy of a page that was perhaps submitted."""
        reason = message_text("copy_no_answer")
        lists = web_archives(self.settings.web_archives).get(self.service.name)
        if lists is not None:
            since = page.seen_at - CLOCKS_DIFFER
            query = HistoryQuery(page.address, lists, CaptureSelection(since=since))
            client = ArchiveClient(
                self.archive, self.settings, request.source_id, is_requested=True
            )
            with closing(client), suppress(HistoryError, ServerPausedError):
                for each in list_captures(client, query).captures:
                    found = copy_in_list(self.service, page, each, self.archive.clock())
                    if found is not None:
                        return self._record(request, found, None)
        if lists is None or request.attempts >= MOST_LOOKUPS:
            self._refuse(request, "copy_uncertain", reason)
            return False
        pause = COPIES.pauses.seconds_after(request.attempts + MOST_LOOKUPS)
        retry_later(self.archive.engine, request.lease, reason, pause)
        return False

    def _refuse(self, request: CopyRequest, code: str, reason: str) -> None:
        self.archive.transact(
            store.refuse_copy, request, refuse(code, name=self.service.name, reason=reason)
        )
