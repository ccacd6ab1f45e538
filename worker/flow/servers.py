"""The servers of a fetch job: their queues, pace, robots.txt and pauses."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from storage.schedule.hosts import hosts, rights_files, take_slots
from storage.settings import Settings
from storage.values.draft import Json
from storage.values.freshness import is_fresh
from storage.values.messages import message_text
from storage.values.net.addresses import HostNews, WatchedAddress
from storage.values.net.rights import LONGEST, RightsFile
from storage.values.outcome import Name
from storage.values.refusals import RefusalReason, refuse
from storage.write.archive import Archive
from worker.address import Address, parse_address, without_trackers
from worker.sources.listings import rights_files as files
from worker.web import robots
from worker.web.connection import Network
from worker.web.credentials import read_proxy
from worker.web.exchange import PersistentConnection, ServerAnswer
from worker.web.fetch import Fetch, is_redirect_allowed
from worker.web.headers import AGENT
from worker.web.host_queue import HostQueue
from worker.web.outcome import retry_after
from worker.web.robots import RobotsRule
from worker.web.robots_file import ROBOTS_KEPT, RobotsFile, robots_exchange, site_of
from worker.web.threads import ThreadResult

AHEAD_SECONDS = 5.0
"""Longest wait for a server, in seconds; for longer waits the worker runs another job."""
ROBOTS_FAILED_KEPT = timedelta(minutes=30)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(days=1)
MIN_PACE_SECONDS = 0.5
"""Minimum pause between two requests to a server that the user does not run."""
LONGEST_DELAY_SECONDS = 3600.0
LONGEST_REQUESTED_WAIT_SECONDS = 300.0
"""Longest wait between two requests to a server while a user waits for the answer."""
UNKNOWN = frozenset({"unreachable", "rate_limited", "disallowed_by_robots", "refused"})
"""Outcomes after which the content of a file is unknown."""
PAUSE_NOTE_PREFIX = "it answered"
"""Beginning of the note on a server that requested a pause."""


class Servers:
    """The servers of one job; `news` are the facts about them that are not stored yet."""

    def __init__(
        self, archive: Archive, settings: Settings, network: Network, *, is_requested: bool
    ) -> None:
        self.archive, self.settings, self.network = archive, settings, network
        self.is_requested = is_requested
        self.queues: dict[str, HostQueue] = {}
        self.news: list[HostNews] = []
        self._failed: set[str] = set()

    def close(self) -> None:
        """Close the idle connections."""
        for queue in self.queues.values():
            if not queue.is_busy:
                queue.connection.close()

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
        keys = [address.key for address, _proxy in missing.values()]
        known, declared = self.archive.read(hosts, keys), self.archive.read(rights_files, keys)
        for name, (address, proxy) in missing.items():
            host = known[address.key]
            kept = PersistentConnection(self.network, None if proxy is None else read_proxy(proxy))
            is_own = self.network.is_own(address.host, address.port)
            self.queues[name] = HostQueue(
                address.key,
                kept,
                host,
                is_own=is_own,
                delay=host.delay,
                files=declared[address.key],
                file_seconds=files.MOST_SECONDS,
            )

    def queue_of(self, fetch: Fetch) -> HostQueue:
        """Return the queue of the server that a check requests next."""
        self.open([fetch])
        assert fetch.address is not None
        return self.queues[_name(fetch.address, fetch.proxy)]

    # ----------------------------------------------------------------------------- pace

    def take_slots(self, seconds: float = AHEAD_SECONDS) -> None:
        """Reserve slots for the servers that have waiting requests and no slot.

        Nothing is reserved that is more than `seconds` away: this run would not use it.
        """
        now = time.monotonic()
        wanted: dict[str, tuple[int, float]] = {}
        active: dict[str, HostQueue] = {}
        for queue in self.queues.values():
            queue.expire(now)
            if queue.is_idle and queue.not_before <= now and queue.key not in active:
                pace = self.pace(queue)
                count = max(1, min(len(queue.waiting), int(AHEAD_SECONDS / max(pace, 0.001))))
                wanted[queue.key] = (count if self.has_robots(queue) else 1, pace)
                active[queue.key] = queue
        if not wanted:
            return
        longest = min(AHEAD_SECONDS, seconds)
        taken = self.archive.transact_unnumbered(take_slots, wanted, longest)
        now = time.monotonic()
        for key, slots in taken.items():
            active[key].give(slots, now)

    def pace(self, queue: HostQueue) -> float:
        """Return the seconds between two requests: the larger of the setting and the server's
        request.
        """
        least = 0.0 if queue.is_own else MIN_PACE_SECONDS
        return max(self.settings.pace, least, min(queue.delay or 0.0, LONGEST_DELAY_SECONDS))

    def find_next_request(self, queue: HostQueue) -> datetime | None:
        """Return when a server may be requested, if that is longer than a user should wait."""
        wait = queue.not_before - time.monotonic()
        if not self.is_requested or wait <= LONGEST_REQUESTED_WAIT_SECONDS:
            return None
        return self.archive.clock() + timedelta(seconds=wait)

    # --------------------------------------------------------------------------- robots.txt

    def has_robots(self, queue: HostQueue) -> bool:
        """Check whether the robots.txt of a server is known and current."""
        if queue.robots_known:
            return True
        fetched_at, status = queue.host.robots_fetched_at, queue.host.robots_status
        if fetched_at is None or status is None:
            return False
        kept = ROBOTS_KEPT if status < 500 else ROBOTS_FAILED_KEPT
        queue.robots_known = is_fresh(fetched_at, self.archive.clock(), kept)
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

    def record_robots(
        self, queue: HostQueue, robots_file: RobotsFile, result: ThreadResult
    ) -> None:
        """Record a robots.txt, or that there was no answer."""
        source_id = queue.waiting[0].watched.source_id if queue.waiting else None
        exchange = robots_exchange(robots_file, result.began, result.ended)
        if robots_file.status is None:
            self.news.append(HostNews(queue.key, source_id, exchange))
            return
        queue.host = replace(
            queue.host,
            robots_status=robots_file.status,
            robots_body=robots_file.body,
            robots_note=robots_file.note,
            robots_fetched_at=result.ended,
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

    # ------------------------------------------------------- files with declarations of rights

    def due_files(
        self, queue: HostQueue, watched: WatchedAddress, named: Iterable[str] = ()
    ) -> Iterator[Fetch]:
        """Yield a check of each file with declarations about a server that is to be requested.

        `named` are addresses of RSL documents; by default tdmrep.json, and the documents that
        robots.txt names or that were named before. `watched` is the address that needs them.
        """
        queue.requested_files.add("")
        site = parse_address(f"{site_of(queue.key)}/", self.network.is_own)
        assert isinstance(site, Address)
        if not named:
            rule = self.rule_for(queue, site)
            declared = [each.value for each in rule.declared if each.protocol == "rsl"]
            named = [f"{site_of(queue.key)}{files.WELL_KNOWN}", *declared, *queue.files]
        for name in named:
            address = parse_address(name, self.network.is_own)
            if isinstance(address, RefusalReason) or not is_redirect_allowed(
                site, address, self.network
            ):
                continue
            text = without_trackers(address).text
            is_many = len(queue.requested_files) > files.MOST_FILES + 1
            if text in queue.requested_files or len(text) > LONGEST or is_many:
                continue
            queue.requested_files.add(text)
            if not files.is_current(queue.files.get(text), self.archive.clock()):
                yield self._file_check(queue, watched, text)

    def _file_check(self, queue: HostQueue, watched: WatchedAddress, address: str) -> Fetch:
        options = {name: watched.options[name] for name in ("proxy",) if name in watched.options}
        file = files.watched_file(watched.source_id, address, options)
        fetch = Fetch(file, self.network, self.settings.fetch_seconds, site=queue.key)
        fetch.begin(self.archive.clock())
        return fetch

    def record_file(self, fetch: Fetch) -> None:
        """Record the answer for a file with declarations, or that there was none."""
        assert fetch.check is not None
        assert fetch.site is not None
        last, address = fetch.check.last, fetch.watched.address
        is_read = last.outcome == "captured" and last.raw is not None
        rules = files.read_rules(address, last.raw or b"") if is_read else ()
        status = None if last.outcome in UNKNOWN else last.http_status
        file = RightsFile(address, status, last.observed_at, rules)
        for queue in self.queues.values():
            if queue.key == fetch.site:
                queue.files[address] = file
        if last.transfer is not None:
            transfer = replace(last.transfer, rights={})
            hints: dict[str, Json] = {"type": files.KIND, "fetched": True}
            last = replace(last, outcome="content", hints=hints, transfer=transfer)
        exchange = last if rules else None
        self.news.append(HostNews(fetch.site, fetch.watched.source_id, exchange, rights_file=file))

    # --------------------------------------------------------------------------- pauses

    def record_answer(
        self, queue: HostQueue, answer: ServerAnswer, now: datetime, *, is_page: bool = True
    ) -> bool:
        """Record an answer; return whether the server must be left alone from now on.

        Only a page begins or ends a series of failures: a file with declarations may be slow alone.
        """
        if not is_page:
            queue.file_seconds -= answer.duration_ms / 1000
        if answer.status in {429, 503}:
            end = retry_after(answer.header, now)
            if answer.status == 429 or end is not None:
                self.pause(queue, end, f"{PAUSE_NOTE_PREFIX} {answer.status}")
                return True
        elif is_page and answer.refused is not None and answer.refused.code == "unreachable":
            self.pause(queue, None, answer.refused.message)
            return True
        elif is_page and (queue.host.failures or queue.host.retry_until):
            queue.host = replace(queue.host, failures=0, retry_until=None, retry_note=None)
            self.news.append(HostNews(queue.key, failures=0))
        return False

    def pause(self, queue: HostQueue, end: datetime | None, note: str) -> None:
        """Pause a server until `end`; by default each consecutive failure lengthens the pause."""
        now = self.archive.clock()
        self._failed.add(queue.key)
        failures = queue.host.failures + 1
        pause = min(FIRST_PAUSE * 2 ** min(failures - 1, 12), LONGEST_PAUSE)
        end = end or now + pause
        queue.host = replace(queue.host, failures=failures, retry_until=end, retry_note=note)
        self.news.append(HostNews(queue.key, retry_until=end, retry_note=note, failures=failures))

    def pause_end(self, queue: HostQueue) -> datetime | None:
        """Return the end of a server's pause; on command, a pause after failures is ignored."""
        host = queue.host
        end = host.pause_end(self.archive.clock())
        has_asked = (host.retry_note or "").startswith(PAUSE_NOTE_PREFIX)
        if has_asked or queue.key in self._failed or not self.is_requested:
            return end
        return None


def pause_outcome(queue: HostQueue, end: datetime) -> tuple[Name, RefusalReason]:
    """Return the outcome and refusal of a check that cannot be made because of a pause."""
    note = queue.host.retry_note or message_text("failed")
    outcome: Name = "rate_limited" if note.startswith(PAUSE_NOTE_PREFIX) else "unreachable"
    reason = message_text("left_alone", reason=note.rstrip("."), moment=f"{end:%Y-%m-%d %H:%M:%SZ}")
    return outcome, refuse(outcome, reason=reason)


def refuse_for_delay(queue: HostQueue, end: datetime) -> RefusalReason:
    """Return the refusal of a check whose server asks for longer pauses than a user should wait."""
    reason = message_text(
        "long_delay", site=site_of(queue.key), seconds=round(queue.delay or 0.0),
        moment=f"{end:%Y-%m-%d %H:%M:%SZ}",
    )  # fmt: skip
    return refuse("rate_limited", reason=reason)


def _name(address: Address, proxy: str | None) -> str:
    return address.key if proxy is None else f"{address.key} by {proxy}"
