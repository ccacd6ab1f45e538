"""One check of one address, step by step: the next request, and the result of the answers."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import urljoin

from storage.capabilities import PAGE_KINDS
from storage.values.digest import raw_digest
from storage.values.draft import Json
from storage.values.messages import message_text
from storage.values.net.addresses import RENDERED, Check, CheckedExchange, WatchedAddress
from storage.values.net.origin_name import origin_of
from storage.values.net.rights import (
    Declaration,
    Declared,
    RightsFile,
    rights_of,
    stored_declarations,
)
from storage.values.net.transfer import Transfer
from storage.values.outcome import exchange_outcome, page_outcome
from storage.values.refusals import RefusalReason, refuse
from worker.address import Address, hide_values, parse_address, without_secrets, without_trackers
from worker.sources.listings import rights_files
from worker.web.connection import Network
from worker.web.credentials import (
    SecretError,
    read_proxy,
    read_secret,
    source_headers,
    without_secret_values,
    without_session_cookies,
)
from worker.web.exchange import RenderedAnswer, ServerAnswer
from worker.web.kind import LISTS, charset_of, kind_of, page_type
from worker.web.outcome import FOR_GOOD, Meaning, meaning_of
from worker.web.robots import RobotsRule

MOST_REDIRECTS = 5
LONGEST_VALIDATOR = 1_000
STATUS_LINE = ":status"
"""Name under which the status line of an answer is stored before its headers."""


@dataclass(slots=True)
class Fetch:
    """A check in progress: `address` is requested next; None at the end.

    `seconds` is the remaining time of the whole check. `files` are those with declarations about
    the server; `site` is the server about which the requested file itself has declarations.
    """

    watched: WatchedAddress
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
    site: str | None = None
    files: Mapping[str, RightsFile] = field(default_factory=dict)
    check: Check | None = None

    def begin(self, now: datetime) -> None:
        """Choose the first address to request; an address that must not be requested ends the
        check.
        """
        watched = self.watched
        self.kind = watched.kind
        given = watched.moved_to or watched.address
        address = parse_address(given, self.network.is_own)
        if isinstance(address, RefusalReason):
            self._finish(CheckedExchange(watched.origin, "refused", now, refused=address))
            return
        self.address = without_trackers(address)
        proxy = watched.options.get("proxy")
        try:
            self.proxy = None if proxy is None else read_secret(proxy)
            if self.proxy is not None:
                read_proxy(self.proxy)
        except (SecretError, ValueError) as error:
            self.end_without_request("refused", refuse("secret_missing", reason=str(error)), now)

    def learn_headers(self, *, is_own: bool) -> None:
        """Read the source's headers for the next server.

        Raises: SecretError.
        """
        assert self.address is not None
        watched = self.watched
        self.own_headers = source_headers(
            watched.options, watched.source_locator, self.address, is_own=is_own
        )

    @property
    def secrets(self) -> Mapping[str, str]:
        """Return the secrets in the address of the source, by mark."""
        answer: Mapping[str, str] = self.watched.options.get("secrets") or {}
        return answer

    @property
    def conditions(self) -> list[tuple[str, str]]:
        """Return the headers of a conditional request, if the server sent validators."""
        watched = self.watched
        if (
            self.address is None or watched.final != origin_of(self.address.text)
            or watched.browser is not None
        ):  # fmt: skip
            return []
        validators = (("If-None-Match", watched.etag), ("If-Modified-Since", watched.last_modified))
        return [(name, value) for name, value in validators if value]

    # ------------------------------------------------------------------------------- answers

    def disallow(self, rule: RobotsRule, now: datetime) -> None:
        """End the check because of robots.txt."""
        assert self.address is not None
        refused = refuse("disallowed_by_robots", reason=rule.reason)
        note = (
            message_text("labelled", label=rule.reason, text=rule.rule)
            if rule.rule
            else rule.reason
        )
        self._finish(
            CheckedExchange(
                origin_of(self.address.text), "disallowed_by_robots", now, refused=refused,
                note=note,
            )
        )  # fmt: skip

    def end_without_request(self, outcome: str, reason: RefusalReason, now: datetime) -> None:
        """End the check without a request, because its server cannot be requested."""
        assert self.address is not None
        self._finish(CheckedExchange(origin_of(self.address.text), outcome, now, refused=reason))

    def accept_answer(self, answer: ServerAnswer, started_at: datetime, now: datetime) -> None:
        """Accept an answer: the check is finished, or has a next address."""
        answer.sent_headers = without_secret_values(answer.sent_headers, self.watched.options)
        answer.headers = tuple(
            (name, hide_values(value, self.secrets))
            for name, value in without_session_cookies(answer.headers, answer.sent_headers)
        )
        assert self.address is not None
        answer.address = self.address
        meaning = self._meaning(answer)
        if meaning.outcome == "redirected":
            self._follow(answer, started_at, now)
            return
        if meaning.outcome == "captured":
            self._finish(self._page_exchange(answer, started_at, now), answer)
        else:
            self._finish(self._exchange(answer, meaning, started_at, now), answer)

    def _meaning(self, answer: ServerAnswer) -> Meaning:
        if answer.refused is not None:
            outcome = exchange_outcome(answer.refused.code)
            return Meaning(outcome, answer.refused, answer.refused.message)
        assert answer.status is not None
        return meaning_of(answer.status, is_conditional=bool(self.conditions))

    # ------------------------------------------------------------------------- redirects

    def _follow(self, answer: ServerAnswer, started_at: datetime, now: datetime) -> None:
        target = self._target(answer)
        if isinstance(target, Meaning):
            self._finish(self._exchange(answer, target, started_at, now), answer)
            return
        note = message_text("note_status_redirect", status=answer.status, address=target.text)
        step = self._exchange(answer, Meaning("redirected", None, note), started_at, now)
        self.exchanges.append(step)
        self.hops.append(
            {"address": answer.address.text, "status": answer.status, "location": target.text}
        )
        self.is_for_good = self.is_for_good and answer.status in FOR_GOOD
        self.address = target

    def _target(self, answer: ServerAnswer) -> Address | Meaning:
        """Return the target of a redirect, or a refusal."""
        location = (answer.header("location") or "").strip()
        try:
            joined = urljoin(answer.address.text, location)
        except ValueError:
            joined = ""
        if not location or not joined:
            reason = message_text("redirects_nowhere", status=answer.status)
            return Meaning("unreachable", refuse("unreachable", reason=reason), reason)
        target = parse_address(joined, self.network.is_own)
        if isinstance(target, RefusalReason):
            return Meaning(
                "refused", target, message_text("leads_to", address=without_secrets(joined)[:300])
            )
        refused = self._redirect_refusal(answer.address, target)
        if refused is not None:
            note = message_text("note_status_redirect", status=answer.status, address=target.text)
            leads_home = refused.code == "not_article"
            return Meaning("not_article" if leads_home else "refused", refused, note)
        return target

    def _redirect_refusal(self, source: Address, target: Address) -> RefusalReason | None:
        if len(self.hops) >= MOST_REDIRECTS:
            return refuse("redirect_limit", limit=MOST_REDIRECTS)
        if source.scheme == "https" and target.scheme == "http":
            return refuse("downgrade")
        is_own = self.network.is_own
        if not is_redirect_allowed(source, target, self.network):
            reason = message_text("own_server_reached", host=target.host)
            return refuse("address_not_public", reason=reason)
        watched_address = parse_address(self.watched.address, is_own)
        if (
            target.is_front_page
            and self.kind not in PAGE_KINDS
            and isinstance(watched_address, Address)
            and not watched_address.is_front_page
        ):
            return refuse("not_article", reason=message_text("leads_home"))
        return None

    # ------------------------------------------------------------------------------- storage

    def _page_exchange(
        self, answer: ServerAnswer, started_at: datetime, now: datetime
    ) -> CheckedExchange:
        body, content_type = answer.body, answer.header("content-type")
        if not body:
            refused = refuse("not_article", reason=message_text("empty_answer"))
            return self._exchange(answer, Meaning("not_article", refused), started_at, now)
        if self.kind not in LISTS and self.kind not in {"page", rights_files.KIND}:
            self.kind = kind_of(body, content_type)
        if answer.rendered is not None:
            return self._make_rendered_exchange(answer, answer.rendered, started_at, now)
        is_there = self.watched.final == origin_of(answer.address.text)
        if answer.digest == self.watched.digest and is_there:
            return self._exchange(answer, Meaning("not_modified"), started_at, now, is_same=True)
        read_as: str | RefusalReason = self.kind
        if self.kind == "page":
            read_as = page_type(body, content_type, answer.address.target)
        if isinstance(read_as, RefusalReason):
            return self._exchange(answer, Meaning("refused", read_as), started_at, now)
        known = self._hints(answer, read_as)
        return self._exchange(answer, Meaning("captured"), started_at, now, hints=known)

    def _make_rendered_exchange(
        self, answer: ServerAnswer, page: RenderedAnswer, started_at: datetime, now: datetime
    ) -> CheckedExchange:
        """Return the exchange of a page that a browser read: its HTML is captured.

        The transfer stays that of the document. A text that is known stores no bytes.
        """
        meaning, hints, raw = Meaning("captured"), self._hints(answer, RENDERED), page.html
        hints |= {"charset": "utf-8", "browser": page.facts}
        if page.refused is not None:
            meaning, hints = Meaning(page_outcome(page.refused.code), page.refused), {}
        is_same = page.is_same and self.watched.final == origin_of(answer.address.text)
        if is_same or page.refused is not None:
            raw = None
        found = self._exchange(
            answer, meaning, started_at, now, hints={} if is_same else hints, is_same=is_same
        )
        digest = None if raw is None else raw_digest(raw)
        resources = () if raw is None else page.resources
        return replace(
            found, raw=raw, digest=digest, screenshot=page.screenshot, resources=resources
        )

    def _hints(self, answer: ServerAnswer, read_as: str) -> dict[str, Json]:
        content_type = answer.header("content-type")
        hints: dict[str, Json] = {
            "type": read_as,
            "name": answer.address.target[:300],
            "url": answer.address.text,
            "fetched": True,
            "watch": self.watched.origin_id,
            "charset": charset_of(content_type),
            "content_type": content_type if read_as in LISTS else None,
            "via": [origin_of(str(hop["address"])) for hop in self.hops] or None,
            "was": self.watched.hints.get("was"),
            "listed": self._listed(),
        }
        return {name: value for name, value in hints.items() if value is not None}

    def _exchange(
        self,
        answer: ServerAnswer,
        meaning: Meaning,
        started_at: datetime,
        now: datetime,
        *,
        hints: dict[str, Json] | None = None,
        is_same: bool = False,
    ) -> CheckedExchange:
        is_confirmed = is_same or meaning.outcome == "not_modified"
        return CheckedExchange(
            origin=origin_of(answer.address.text),
            outcome="unchanged" if is_same else meaning.outcome,
            observed_at=now,
            http_status=answer.status,
            note=meaning.note,
            raw=answer.body or None,
            digest=answer.digest,
            hints=hints or {},
            refused=meaning.refused,
            transfer=self._transfer(answer, started_at),
            confirms=self.watched.observation_id if is_confirmed else None,
        )

    def _transfer(self, answer: ServerAnswer, started_at: datetime) -> Transfer:
        rule = self.rule
        robots = None
        if rule is not None:
            robots = {"allowed": rule.allowed, "rule": rule.rule, "reason": rule.reason}
        return transfer_of(
            answer, started_at, hops=tuple(self.hops), robots=robots, elsewhere=self._elsewhere()
        )

    def _listed(self) -> dict[str, Json] | None:
        """Return the statements of a list about the text of the address."""
        hints = self.watched.hints
        return {
            name: hints[name] for name in hints if name not in {"was", "rights", "browser"}
        } or None

    def _elsewhere(self) -> Declared:
        """Return the declarations about the use of the address outside of the answer."""
        rule, hints = self.rule, self.watched.hints
        found: dict[str, Iterable[Declaration]] = {}
        if rule is not None:
            found["robots.txt"] = rule.declared
        if hints.get("kind") == "feed":
            listed = {"declared": {"feed": hints.get("rights") or []}}
            found |= stored_declarations(listed, ("feed",))
        if self.files and self.address is not None:
            found |= rights_files.find_declarations(self.files, self.address.text)
        return found

    def named_documents(self) -> Iterator[str]:
        """Yield the addresses of RSL documents that the last answer names."""
        last = self.exchanges[-1]
        if last.transfer is None or last.outcome not in {"captured", "unchanged", "not_modified"}:
            return
        rights = last.transfer.rights
        for place in stored_declarations(rights, ("header", "page", "feed")).values():
            for each in place:
                if each.name == "license" and each.protocol == "rsl" and each.is_readable:
                    yield urljoin(last.transfer.address, each.value)

    def _finish(self, last: CheckedExchange, answer: ServerAnswer | None = None) -> None:
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
            etag=_validator(answer, "etag"),
            last_modified=_validator(answer, "last-modified"),
            moved_to=moved_to,
        )
        self.address = None


def is_redirect_allowed(source: Address, target: Address, network: Network) -> bool:
    """Check whether a redirect is followed: never from HTTPS to HTTP, nor from a public to a
    private server.

    A private server is requested only if the user specified it, never because of a redirect.
    """
    if source.scheme == "https" and target.scheme == "http":
        return False
    is_own = network.is_own
    return is_own(source.host, source.port) or not is_own(target.host, target.port)


def _validator(answer: ServerAnswer | None, name: str) -> str | None:
    value = answer.header(name) if answer is not None else None
    return value if value and len(value) <= LONGEST_VALIDATOR and value.isprintable() else None


def _with_status(answer: ServerAnswer) -> tuple[tuple[str, str], ...]:
    line = f"{answer.version or 'HTTP/1.1'} {answer.status} {answer.reason or ''}".strip()
    return ((STATUS_LINE, line), *answer.headers)


def transfer_of(
    answer: ServerAnswer,
    started_at: datetime,
    *,
    hops: Sequence[dict[str, Json]] = (),
    robots: Json = None,
    elsewhere: Declared | None = None,
) -> Transfer:
    """Return the stored description of an exchange; without an answer only the known facts.

    `elsewhere` are the declarations about the use of the address outside of the answer.
    """
    body = answer.body if answer.status in {200, 203} else None
    return Transfer(
        address=answer.address.text,
        started_at=started_at,
        hops=hops,
        request=answer.request,
        response_headers=_with_status(answer) if answer.status is not None else None,
        peer=answer.peer,
        tls_version=answer.tls_version,
        chain=answer.chain,
        duration_ms=answer.duration_ms,
        wire_bytes=answer.wire_bytes,
        rights=rights_of(answer.headers, body, robots, status=answer.status, elsewhere=elsewhere),
        body_encoding=answer.body_encoding,
    )
