"""One check of one address, step by step: the next request, and the result of the answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urljoin

from storage.values.draft import Json
from storage.values.net.addresses import Check, CheckedExchange, Watched
from storage.values.net.origin_name import origin_of
from storage.values.net.transfer import Transfer
from storage.values.outcome import exchange_outcome
from storage.values.refusals import Refused, refuse
from worker.address import Address, hide_values, parse_address, without_secrets, without_trackers
from worker.web.connection import Network
from worker.web.credentials import (
    SecretError,
    hidden,
    own_headers,
    read_proxy,
    revealed,
    without_session,
)
from worker.web.exchange import Exchanged
from worker.web.kind import LISTS, charset_of, kind_of, page_type
from worker.web.outcome import FOR_GOOD, Meaning, meaning_of
from worker.web.rights import rights_of
from worker.web.robots import RobotsRule

MOST_REDIRECTS = 5
LONGEST_VALIDATOR = 1_000
STATUS_LINE = ":status"
"""Name under which the status line of an answer is stored before its headers."""


@dataclass(slots=True)
class Fetch:
    """A check in progress: `address` is requested next; None at the end.

    `seconds` is the remaining time of the whole check.
    """

    watched: Watched
    network: Network
    seconds: float
    address: Address | None = None
    exchanges: list[CheckedExchange] = field(default_factory=list)
    hops: list[dict[str, Json]] = field(default_factory=list)
    is_for_good: bool = True
    kind: str = ""
    rule: RobotsRule | None = None
    ruled_for: str = ""
    proxy: str | None = None
    own_headers: list[tuple[str, str]] = field(default_factory=list)
    check: Check | None = None

    def begin(self, now: datetime) -> None:
        """Choose the first address to request; an address that must not be requested ends the
        check.
        """
        watched = self.watched
        self.kind = watched.kind
        given = watched.moved_to or watched.address
        asked = parse_address(given, self.network.is_own)
        if isinstance(asked, Refused):
            self._end(CheckedExchange(watched.origin, "refused", now, refused=asked))
            return
        self.address = without_trackers(asked)
        proxy = watched.options.get("proxy")
        try:
            self.proxy = None if proxy is None else revealed(proxy)
            if self.proxy is not None:
                read_proxy(self.proxy)
        except (SecretError, ValueError) as error:
            self.cannot("refused", refuse("secret_missing", reason=str(error)), now)

    def learn_headers(self, *, is_own: bool) -> None:
        """Read the source's headers for the next server.

        Raises: SecretError.
        """
        assert self.address is not None
        watched = self.watched
        self.own_headers = own_headers(
            watched.options, watched.source_locator, self.address, is_own=is_own
        )

    @property
    def secrets(self) -> Mapping[str, str]:
        """Return the secrets in the address of the source, by mark."""
        found: Mapping[str, str] = self.watched.options.get("secrets") or {}
        return found

    @property
    def conditions(self) -> list[tuple[str, str]]:
        """Return the headers of a conditional request, if the server sent validators."""
        watched = self.watched
        if self.address is None or watched.final != origin_of(self.address.text):
            return []
        validators = (("If-None-Match", watched.etag), ("If-Modified-Since", watched.last_modified))
        return [(name, value) for name, value in validators if value]

    # ------------------------------------------------------------------------------- answers

    def disallow(self, rule: RobotsRule, now: datetime) -> None:
        """End the check because of robots.txt."""
        assert self.address is not None
        refused = refuse("disallowed_by_robots", reason=rule.reason)
        note = f"{rule.reason}: {rule.rule}" if rule.rule else rule.reason
        self._end(
            CheckedExchange(
                origin_of(self.address.text), "disallowed_by_robots", now, refused=refused,
                note=note,
            )
        )  # fmt: skip

    def cannot(self, outcome: str, refused: Refused, now: datetime) -> None:
        """End the check without a request, because its server cannot be requested."""
        assert self.address is not None
        self._end(CheckedExchange(origin_of(self.address.text), outcome, now, refused=refused))

    def answered(self, found: Exchanged, started_at: datetime, now: datetime) -> None:
        """Accept an answer: the check is finished, or has a next address."""
        found.sent_headers = hidden(found.sent_headers, self.watched.options)
        found.headers = tuple(
            (name, hide_values(value, self.secrets))
            for name, value in without_session(found.headers, found.sent_headers)
        )
        assert self.address is not None
        found.address = self.address
        meaning = self._meaning(found)
        if meaning.outcome == "redirected":
            self._follow(found, started_at, now)
            return
        if meaning.outcome == "captured":
            self._end(self._captured(found, started_at, now), found)
        else:
            self._end(self._exchange(found, meaning, started_at, now), found)

    def _meaning(self, found: Exchanged) -> Meaning:
        if found.refused is not None:
            outcome = exchange_outcome(found.refused.code)
            return Meaning(outcome, found.refused, found.refused.message)
        assert found.status is not None
        return meaning_of(found.status, is_conditional=bool(self.conditions))

    # ------------------------------------------------------------------------- redirects

    def _follow(self, found: Exchanged, started_at: datetime, now: datetime) -> None:
        target = self._target(found)
        if isinstance(target, Meaning):
            self._end(self._exchange(found, target, started_at, now), found)
            return
        note = f"{found.status} to {target.text}"
        step = self._exchange(found, Meaning("redirected", None, note), started_at, now)
        self.exchanges.append(step)
        self.hops.append(
            {"address": found.address.text, "status": found.status, "location": target.text}
        )
        self.is_for_good = self.is_for_good and found.status in FOR_GOOD
        self.address = target

    def _target(self, found: Exchanged) -> Address | Meaning:
        """Return the target of a redirect, or a refusal."""
        location = (found.header("location") or "").strip()
        try:
            joined = urljoin(found.address.text, location)
        except ValueError:
            joined = ""
        if not location or not joined:
            reason = f"it leads nowhere ({found.status})"
            return Meaning("unreachable", refuse("unreachable", reason=reason), reason)
        target = parse_address(joined, self.network.is_own)
        if isinstance(target, Refused):
            return Meaning("refused", target, f"leads to {without_secrets(joined)[:300]}")
        refused = self._not_followed(found.address, target)
        if refused is not None:
            note = f"{found.status} to {target.text}"
            is_front = refused.code == "not_article"
            return Meaning("not_article" if is_front else "refused", refused, note)
        return target

    def _not_followed(self, source: Address, target: Address) -> Refused | None:
        if len(self.hops) >= MOST_REDIRECTS:
            return refuse("redirect_limit", limit=MOST_REDIRECTS)
        if source.scheme == "https" and target.scheme == "http":
            return refuse("downgrade")
        is_own = self.network.is_own
        if not may_lead(source, target, self.network):
            reason = f"{target.host} is a server of your own, and the public net led there"
            return refuse("address_not_public", reason=reason)
        named = parse_address(self.watched.address, is_own)
        if target.is_front_page and isinstance(named, Address) and not named.is_front_page:
            return refuse("not_article", reason="its address leads to the front page")
        return None

    # ------------------------------------------------------------------------------- storage

    def _captured(self, found: Exchanged, started_at: datetime, now: datetime) -> CheckedExchange:
        body, content_type = found.body, found.header("content-type")
        if not body:
            refused = refuse("not_article", reason="the answer is empty")
            return self._exchange(found, Meaning("not_article", refused), started_at, now)
        if self.kind not in LISTS and self.kind != "page":
            self.kind = kind_of(body, content_type)
        is_there = self.watched.final == origin_of(found.address.text)
        if found.digest == self.watched.digest and is_there:
            return self._exchange(found, Meaning("not_modified"), started_at, now, is_same=True)
        read_as: str | Refused = self.kind
        if self.kind == "page":
            read_as = page_type(body, content_type, found.address.target)
        if isinstance(read_as, Refused):
            return self._exchange(found, Meaning("refused", read_as), started_at, now)
        hints: dict[str, Json] = {
            "type": read_as,
            "name": found.address.target[:300],
            "url": found.address.text,
            "fetched": True,
            "watch": self.watched.origin_id,
            "charset": charset_of(content_type),
            "content_type": content_type if read_as in LISTS else None,
            "via": [origin_of(str(hop["address"])) for hop in self.hops] or None,
            "was": self.watched.hints.get("was"),
            "listed": {k: v for k, v in self.watched.hints.items() if k != "was"} or None,
        }
        known = {name: value for name, value in hints.items() if value is not None}
        return self._exchange(found, Meaning("captured"), started_at, now, hints=known)

    def _exchange(
        self,
        found: Exchanged,
        meaning: Meaning,
        started_at: datetime,
        now: datetime,
        *,
        hints: dict[str, Json] | None = None,
        is_same: bool = False,
    ) -> CheckedExchange:
        is_confirmed = is_same or meaning.outcome == "not_modified"
        return CheckedExchange(
            origin=origin_of(found.address.text),
            outcome="unchanged" if is_same else meaning.outcome,
            observed_at=now,
            http_status=found.status,
            note=meaning.note,
            raw=found.body or None,
            digest=found.digest,
            hints=hints or {},
            refused=meaning.refused,
            transfer=self._transfer(found, started_at),
            confirms=self.watched.observation_id if is_confirmed else None,
        )

    def _transfer(self, found: Exchanged, started_at: datetime) -> Transfer:
        rule = self.rule
        robots = None
        if rule is not None:
            robots = {"allowed": rule.allowed, "rule": rule.rule, "reason": rule.reason}
        return transfer_of(found, started_at, hops=tuple(self.hops), robots=robots)

    def _end(self, last: CheckedExchange, found: Exchanged | None = None) -> None:
        self.exchanges.append(last)
        is_well = last.outcome in {"captured", "unchanged", "not_modified"}
        moved_to = None
        if is_well and self.address is not None:
            is_moved = bool(self.hops) and self.is_for_good
            moved_to = self.address.text if is_moved else self.watched.moved_to
        self.check = Check(
            source_id=self.watched.source_id,
            origin_id=self.watched.origin_id,
            exchanges=tuple(self.exchanges),
            kind=self.kind,
            etag=_validator(found, "etag"),
            last_modified=_validator(found, "last-modified"),
            moved_to=moved_to,
        )
        self.address = None


def may_lead(source: Address, target: Address, network: Network) -> bool:
    """Check whether a redirect is followed: never from HTTPS to HTTP, nor from a public to a
    private server.

    A private server is requested only if the user specified it, never because of a redirect.
    """
    if source.scheme == "https" and target.scheme == "http":
        return False
    is_own = network.is_own
    return is_own(source.host, source.port) or not is_own(target.host, target.port)


def _validator(found: Exchanged | None, name: str) -> str | None:
    value = found.header(name) if found is not None else None
    return value if value and len(value) <= LONGEST_VALIDATOR and value.isprintable() else None


def _with_status(found: Exchanged) -> tuple[tuple[str, str], ...]:
    line = f"{found.version or 'HTTP/1.1'} {found.status} {found.reason or ''}".strip()
    return ((STATUS_LINE, line), *found.headers)


def transfer_of(
    found: Exchanged,
    started_at: datetime,
    *,
    hops: Sequence[dict[str, Json]] = (),
    robots: Json = None,
) -> Transfer:
    """Return the stored description of an exchange; without an answer only the known facts."""
    body = found.body if found.status in {200, 203} else None
    return Transfer(
        address=found.address.text,
        started_at=started_at,
        hops=hops,
        request=found.request,
        response_headers=_with_status(found) if found.status is not None else None,
        peer=found.peer,
        tls_version=found.tls_version,
        chain=found.chain,
        duration_ms=found.duration_ms,
        wire_bytes=found.wire_bytes,
        rights=rights_of(found.headers, body, robots),
        body_encoding=found.body_encoding,
    )
