"""PURE: the meaning of a web archive's capture: a text, an absence, or a status of the server."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from storage.capabilities import find_page_kind, names_with
from storage.values.arrivals.foreign_capture import PART_OF_PAGE, Import, KeptRecord, Repeats
from storage.values.arrivals.formats import BINARY_TYPES, ITEM_TYPES, TYPE_BY_MEDIA
from storage.values.digest import raw_digest
from storage.values.draft import Json
from storage.values.freshness import CLOCKS_DIFFER
from storage.values.locator import escape_locator
from storage.values.messages import message_text
from storage.values.net.addresses import RENDERED
from storage.values.net.origin_name import clean_address
from storage.values.net.rights import Declared, rights_of, stored_declarations
from storage.values.net.token import TOKEN_NAME, submission_note
from storage.values.net.transfer import Transfer
from storage.values.refusals import RefusalReason, refuse
from worker.sources.containers.gunzip import GrownTooLargeError
from worker.sources.containers.items import (
    HEAD_BYTES,
    Detect,
    Foreign,
    PassedOver,
    RefusedDocument,
)
from worker.sources.web_archives.http_message import (
    Body,
    Headers,
    HttpResponse,
    answer_of,
    body_of,
    content_type,
    header,
    request_of,
)
from worker.sources.web_archives.record_digest import matches_digest, parse_digest, sha1_name
from worker.sources.web_archives.record_group import RecordGroup, names, target
from worker.sources.web_archives.warc import WebRecord, bare

MOST_JOINED = 16
_KINDS = frozenset({"redirect", "canonical", "guid"})
_LONGEST = 5_000
_ELSEWHERE = ("robots.txt", "feed", "tdmrep.json", "rsl")


@dataclass(frozen=True, slots=True)
class RecordedCheck:
    """A check as recorded by the writer: its outcome, a note, the addresses that it joined, and the
    declarations about the use of the text outside of the answer.

    Each entry of `joined` is a reason (`redirect`, `canonical`, `guid`) with an address.
    `submitted_by` is the name of the token that submitted a capture. `read_as` is the kind of page
    as which it was read. `recorded` is what capabilities recorded about it, by their names.
    """

    outcome: str | None = None
    note: str | None = None
    joined: tuple[tuple[str, str], ...] = ()
    submitted_by: str | None = None
    read_as: str | None = None
    declared: Declared | None = None
    recorded: Mapping[str, Json] = field(default_factory=dict)


def read_own_metadata(exchange: RecordGroup) -> RecordedCheck:
    """Return the contents of Lesart's metadata among the companions; empty if there is none.

    A later record of metadata only adds what capabilities recorded since, and that the capture was
    read as a list.
    """
    stated = [_parse_facts(each.block) for each in exchange.companions if _is_own_metadata(each)]
    if not stated:
        return RecordedCheck()
    facts = stated[0]
    return RecordedCheck(
        outcome=_text(facts.get("outcome")),
        note=_text(facts.get("note")),
        joined=_read_addresses(facts.get("joined")),
        submitted_by=_token_name(facts.get("submitted_by")),
        read_as=next(filter(None, (_page_type(each.get("type")) for each in stated)), None),
        declared=stored_declarations(facts.get("rights"), _ELSEWHERE),
        recorded={
            name: each[name] for each in stated for name in names_with("transfer") if name in each
        },
    )


def _page_type(stated: object) -> str | None:
    return RENDERED if stated == RENDERED else find_page_kind(stated)


def _is_own_metadata(companion: WebRecord) -> bool:
    kind = (companion.field("content-type") or "").partition(";")[0].strip().lower()
    return companion.kind == "metadata" and kind == "application/json"


def _parse_facts(block: bytes) -> Mapping[str, Any]:
    try:
        facts = json.loads(block)
    except (ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _text(value: Any) -> str | None:
    return value[:_LONGEST] if isinstance(value, str) else None


def _token_name(value: Any) -> str | None:
    return value if isinstance(value, str) and TOKEN_NAME.fullmatch(value) else None


def _read_addresses(value: Any) -> tuple[tuple[str, str], ...]:
    given = value[:MOST_JOINED] if isinstance(value, list) else ()
    pairs = [(e.get("by"), _text(e.get("with"))) for e in given if isinstance(e, dict)]
    named = [(kind, clean_address(text)) for kind, text in pairs if kind in _KINDS and text]
    return tuple((kind, origin) for kind, origin in named if origin)


MOST_INNER_BYTES = 64 * 1024
"""Maximum size up to which the block of a record that is no capture is stored in one piece."""


def whole_record(record: WebRecord) -> KeptRecord:
    """Store a record that is no capture, in one piece if it is small."""
    small = len(record.block) <= MOST_INNER_BYTES
    return capture_record(record, *((record.block, b"") if small else (b"", record.block)))


def capture_record(record: WebRecord, opening: bytes, payload: bytes) -> KeptRecord:
    named = parse_digest(record.field("warc-payload-digest"))
    if named is None and payload:
        named = sha1_name(payload)
    return KeptRecord(
        kind=record.kind[:16],
        number=record.number,
        digest=raw_digest(record.head + record.block),
        head=record.head,
        opening=opening,
        payload=payload or None,
        name=record.id[:200] if record.id else None,
        payload_digest=named,
    )


LONGEST_ADDRESS = 5_000

PAGES = frozenset({"text/html", "application/xhtml+xml", "text/plain"}) | {
    media for media, kind in TYPE_BY_MEDIA.items() if kind in BINARY_TYPES
}
"""The types that may be an article if a server sent them."""

PARTS_OF_PAGES = re.compile(
    r"\.(?:css|js|mjs|map|json|xml|rss|atom|ico|png|jpe?g|gif|svg|webp|avif|bmp|woff2?|ttf|otf|eot"
    r"|mp[34]|m4[av]|web[mp]|ogg|wav|avi|mov|zip|gz|wasm)$",
    re.IGNORECASE,
)
"""Ends of paths that never contain an article.

>>> bool(PARTS_OF_PAGES.search("/a/style.CSS")), bool(PARTS_OF_PAGES.search("/a/story.html"))
(True, False)
"""

FOR_PROGRAMS = frozenset({"/robots.txt", "/ads.txt", "/app-ads.txt", "/humans.txt", "/llms.txt"})
"""Plain text files for programs."""

END_OF_PAGE = re.compile(rb"</html\s*>", re.IGNORECASE)
"""The end of a complete page, whatever its transfer reported.

>>> bool(END_OF_PAGE.search(b"</p></body></HTML> <!-- cached -->"))
True
"""

END_IN_RECORD = message_text("warc_ends")

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GONE = frozenset({404, 410, 451})
_FAILED = frozenset({408, 425})


def interpret_exchange(
    exchange: RecordGroup,
    locator: str,
    outer_member: str,
    detect: Detect,
    limit: int,
    *,
    read_as: str | None = None,
) -> Foreign | PassedOver | RefusedDocument:
    """Return the capture of `exchange`, or a value for a skipped or refused record.

    `locator` is the file and `outer_member` the member in it that contains the records; `limit` is
    the maximum size of a body. With `read_as` pages are to be read as pages of this kind, and
    documents of other types are skipped.
    """
    main = exchange.main
    member = f"{outer_member}#{escape_locator(main.id or str(main.number))}"
    origin = _origin(main)
    if origin is None:
        return PassedOver("of an address that no text has")
    moment = moment_of(main.field("warc-date"))
    if moment is None or moment > datetime.now(UTC) + CLOCKS_DIFFER:
        reason = (
            message_text("capture_without_time")
            if moment is None
            else message_text("capture_of_the_future", moment=moment.isoformat())
        )
        refused = refuse("record_invalid", line=main.number, reason=reason)
        return RefusedDocument(locator, member, refused, None, main.number)
    capture = _Capture(exchange, locator, member, origin, moment, read_as=read_as)
    if main.kind == "resource":
        return _resource(capture, detect, limit)
    return _response(capture, detect, limit)


def moment_of(text: str | None) -> datetime | None:
    """Return the time of a record; None if it has none, or only a date.

    >>> moment_of("2024-06-18T12:00:00.123456789Z"), moment_of("2024-06-18")
    (datetime.datetime(2024, 6, 18, 12, 0, 0, 123456, tzinfo=datetime.timezone.utc), None)
    """
    if text is None or "T" not in text:
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def outcome_of(status: int, headers: Headers) -> str | None:
    """Return the outcome of a status for an address; None if it says nothing about a text.

    >>> [outcome_of(number, ()) for number in (200, 304, 404, 429, 503, 204)]
    ['captured', 'not_modified', 'gone', 'rate_limited', 'unreachable', None]
    """
    led = header(headers, "location") is not None
    meanings = {
        "captured": status in {200, 203, 206},
        "not_modified": status == 304,
        "redirected": status in _REDIRECTS and led,
        "gone": status in _GONE,
        "rate_limited": status == 429,
        "unreachable": status in _FAILED or 500 <= status < 600,
        "blocked": 400 <= status < 500,
    }
    return next((outcome for outcome, is_so in meanings.items() if is_so), None)


@dataclass(frozen=True, slots=True)
class _Capture:
    """One capture in progress: where and when it was recorded."""

    exchange: RecordGroup
    locator: str
    member: str
    origin: str
    moment: datetime
    read_as: str | None

    @property
    def main(self) -> WebRecord:
        return self.exchange.main

    @property
    def submitter(self) -> str | None:
        """Return the name of the token that submitted the capture, None if it was fetched."""
        return read_own_metadata(self.exchange).submitted_by

    def request(self) -> dict[str, Any] | None:
        blocks = (each.block for each in self.exchange.companions if each.kind == "request")
        return next(filter(None, map(request_of, blocks)), None)

    def reject(self, code: str, raw: bytes | None = None, **facts: object) -> RefusedDocument:
        refused = refuse(code, **facts)
        return RefusedDocument(self.locator, self.member, refused, raw, self.main.number)

    def to_foreign(self, imported: Import) -> Foreign:
        return Foreign(self.locator, self.member, imported)

    def imported(
        self,
        outcome: str,
        answer: HttpResponse | None,
        *,
        opening: bytes = b"",
        payload: bytes = b"",
    ) -> Import:
        """Return the capture with its transfer and its exact records, without its content."""
        exchange = self.exchange
        beside = [*exchange.companions, *([exchange.about] if exchange.about else [])]
        return Import(
            locator=f"{self.locator}{self.member}",
            origin=self.origin,
            observed_at=self.moment,
            outcome=outcome,
            transfer=self._transfer(answer),
            records=(capture_record(self.main, opening, payload), *map(whole_record, beside)),
            http_status=answer.status if answer else None,
            note=submission_note(self.submitter) if self.submitter else None,
            recorded=read_own_metadata(exchange).recorded,
        )

    def hints(
        self,
        kind: str | None,
        charset: str | None,
        *,
        of_server: bool,
        flags: tuple[str, ...] = (),
    ) -> dict[str, Json]:
        """Return how the bytes are to be read, with fixed place and time."""
        submitter = None if of_server else self.submitter
        own = read_own_metadata(self.exchange)
        read_as = own.read_as or self.read_as
        known = {
            "type": read_as or kind,
            "ordered": (self.read_as is not None and own.read_as is None) or None,
            "charset": charset,
            "name": self.origin,
            "url": self.origin if of_server or submitter or read_as else None,
            "answered": of_server or None,
            "origin": self.origin,
            "observed_at": self.moment.isoformat(),
            "flags": list(flags) or None,
            "joined": [list(each) for each in own.joined] or None,
            "submitted_by": submitter,
        }
        return {name: value for name, value in known.items() if value is not None}

    def rights(self, headers: Headers, body: bytes | None, status: int) -> dict[str, Json]:
        """Return the declarations about the use of the text, also those of Lesart's metadata."""
        elsewhere = read_own_metadata(self.exchange).declared
        return rights_of(headers, body, None, status=status, elsewhere=elsewhere)

    def _transfer(self, answer: HttpResponse | None) -> Transfer:
        main = self.main
        address = target(main) or self.origin
        peer = (main.field("warc-ip-address") or "")[:64] or None
        hop = {
            "address": address,
            "status": answer.status if answer else None,
            "location": header(answer.headers, "location") if answer else None,
            "peer": peer,
        }
        return Transfer(
            address=address,
            started_at=self.moment,
            hops=[{name: value for name, value in hop.items() if value is not None}],
            request=self.request(),
            response_headers=answer.headers if answer else None,
            peer=peer,
            wire_bytes=len(answer.payload) if answer and main.kind == "response" else None,
            rights=self.rights(answer.headers, None, answer.status) if answer else None,
            is_foreign=True,
        )


# --------------------------------------------------------------------------- kinds of records


def _resource(
    capture: _Capture, detect: Detect, limit: int
) -> Foreign | PassedOver | RefusedDocument:
    """Interpret a capture that is not an answer of a server: a file, or saved bytes."""
    main = capture.main
    headers: Headers = (("content-type", main.field("content-type") or ""),)
    kind = _type(headers, main.block, frozenset(TYPE_BY_MEDIA), detect)
    if kind is None or (capture.read_as and kind != "html"):
        return _skip_type(capture, headers)
    if main.is_too_large or len(main.block) > limit:
        return capture.reject("too_large", limit=limit)
    imported = capture.imported("captured", None, payload=main.block)
    body = Body(main.block, is_whole=not main.is_cut)
    return capture.to_foreign(_read(imported, capture, kind, headers, body))


def _response(
    capture: _Capture, detect: Detect, limit: int
) -> Foreign | PassedOver | RefusedDocument:
    """Interpret an answer of a server: complete (response), or at most its head (revisit)."""
    main = capture.main
    irrelevant = _is_no_page(capture)
    if irrelevant is not None:
        return irrelevant
    answer = answer_of(main.block)
    if answer is None and main.kind == "revisit" and not main.block:
        return _bare_revisit(capture)
    if answer is None:
        reason = message_text("no_answer")
        return capture.reject("record_invalid", main.block, line=main.number, reason=reason)
    outcome, note = _response_outcome(capture, answer)
    match outcome:
        case None:
            return PassedOver(f"an answer with status {answer.status}")
        case "captured":
            return _page(capture, answer, detect, limit)
        case _:
            return _without_body(capture, outcome, answer, note)


def _response_outcome(capture: _Capture, answer: HttpResponse) -> tuple[str | None, str | None]:
    """Return the outcome of an answer, with a note if its writer reports that it was
    interrupted.
    """
    outcome, beside = outcome_of(answer.status, answer.headers), read_own_metadata(capture.exchange)
    is_cut = capture.main.field("warc-truncated") is not None
    if outcome == "captured" and is_cut and beside.outcome == "unreachable":
        return "unreachable", beside.note
    return outcome, None


def _is_no_page(capture: _Capture) -> PassedOver | None:
    method = (capture.request() or {"method": "GET"})["method"]
    if method != "GET":
        return PassedOver(f"an answer to {method[:20]}")
    path = urlsplit(capture.origin).path
    name, part = PART_OF_PAGE
    is_part = capture.main.field(name.lower()) == part
    if is_part or PARTS_OF_PAGES.search(path) or path in FOR_PROGRAMS:
        return PassedOver("a part of pages, or a text for programs")
    return None


def _page(
    capture: _Capture, answer: HttpResponse, detect: Detect, limit: int
) -> Foreign | PassedOver | RefusedDocument:
    main, headers = capture.main, answer.headers
    if main.kind == "revisit":
        kind, charset = content_type(headers)
        if kind and (kind not in PAGES or (capture.read_as and TYPE_BY_MEDIA.get(kind) != "html")):
            return _skip_type(capture, headers)
        imported = capture.imported("captured", answer, opening=main.block)
        hints = capture.hints(TYPE_BY_MEDIA.get(kind), charset, of_server=True)
        return capture.to_foreign(replace(imported, hints=hints, repeats=_repeats(main)))
    kind_read = _type(headers, answer.payload, PAGES, detect)
    if kind_read is None or (capture.read_as and kind_read != "html"):
        return _skip_type(capture, headers)
    if main.is_too_large:
        return capture.reject("too_large", limit=limit)
    try:
        body = body_of(answer.payload, headers, limit)
    except GrownTooLargeError:
        return capture.reject("too_large_decoded", limit=limit)
    imported = capture.imported("captured", answer, opening=answer.head, payload=answer.payload)
    return capture.to_foreign(_read(imported, capture, kind_read, headers, body))


def _without_body(
    capture: _Capture, outcome: str, answer: HttpResponse, note: str | None = None
) -> Foreign:
    imported = capture.imported(outcome, answer, opening=answer.head, payload=answer.payload)
    location = header(answer.headers, "location") if outcome == "redirected" else None
    note = message_text("note_redirect", address=location) if location else note
    repeats = _repeats(capture.main) if outcome == "not_modified" else None
    hints = capture.hints(None, None, of_server=True)
    return capture.to_foreign(replace(imported, note=note, hints=hints, repeats=repeats))


def _bare_revisit(capture: _Capture) -> Foreign:
    profile = capture.main.field("warc-profile") or ""
    outcome = "not_modified" if "server-not-modified" in profile else "captured"
    imported = capture.imported(outcome, None)
    hints = capture.hints(None, None, of_server=False)
    return capture.to_foreign(replace(imported, hints=hints, repeats=_repeats(capture.main)))


def _repeats(main: WebRecord) -> Repeats:
    address = bare(main.field("warc-refers-to-target-uri"))
    return Repeats(
        payload_digest=parse_digest(main.field("warc-payload-digest")),
        name=next(iter(names(main, "warc-refers-to")), None),
        origin=clean_address(address) if address else None,
        observed_at=moment_of(main.field("warc-refers-to-date")),
    )


# --------------------------------------------------------------------------------- content


def _read(imported: Import, capture: _Capture, kind: str, headers: Headers, body: Body) -> Import:
    transfer = imported.transfer
    if body.codings:
        came = imported.records[0].payload
        transfer = replace(transfer, body=came, body_encoding=", ".join(body.codings))
    if imported.http_status is not None:
        transfer = replace(transfer, rights=capture.rights(headers, body.raw, imported.http_status))
    flags = () if _has_digests(capture.main, imported, body) else ("digest_mismatch",)
    return replace(
        imported,
        transfer=transfer,
        raw=body.raw,
        hints=capture.hints(
            kind, content_type(headers)[1], of_server=imported.http_status is not None, flags=flags
        ),
        refused=_incompleteness(capture.main, imported, body, headers),
    )


def _has_digests(main: WebRecord, imported: Import, body: Body) -> bool:
    """Check whether the bytes match the digests in the record.

    Some programs calculate the digest of a payload before its encodings are removed, some after.
    """
    payload = imported.records[0].payload or b""
    return matches_digest(main.field("warc-block-digest"), main.block) and matches_digest(
        main.field("warc-payload-digest"), payload, body.raw
    )


def _incompleteness(
    main: WebRecord, imported: Import, body: Body, headers: Headers
) -> RefusalReason | None:
    """Return why a page is incomplete; the end of its markup proves that it is complete."""
    if imported.http_status == 206:
        return refuse("capture_incomplete", reason=message_text("capture_part"))
    if END_OF_PAGE.search(body.raw[-1000:]):
        return None
    coding = header(headers, "transfer-encoding") or ""
    has_stated_end = header(headers, "content-length") is not None or "chunked" in coding.lower()
    reasons = {
        END_IN_RECORD: main.is_cut and not (body.is_whole and has_stated_end),
        message_text("capture_stopped"): main.field("warc-truncated") is not None,
        message_text("capture_continued"): main.field("warc-segment-number") is not None,
        message_text("end_missing"): not body.is_whole,
    }
    reason = next((each for each, is_so in reasons.items() if is_so), None)
    return refuse("capture_incomplete", reason=reason) if reason else None


# --------------------------------------------------------------------------------- helpers


def _origin(main: WebRecord) -> str | None:
    """Return the origin of a capture: a normalized address, or the name of a seed, file or item."""
    named = target(main)
    if named is None or len(named) > LONGEST_ADDRESS:
        return None
    if main.kind in {"resource", "revisit"} and named.startswith(("seed:", "file://")):
        return unquote(named)
    if named.startswith(("urn:", "tag:")):  # other programs write records about pages there
        media = (main.field("content-type") or "").partition(";")[0].strip()
        is_repeat = (
            main.kind == "revisit" and bare(main.field("warc-refers-to-target-uri")) == named
        )
        return named if is_repeat or TYPE_BY_MEDIA.get(media) in ITEM_TYPES else None
    return clean_address(named)


def _type(
    headers: Headers, beginning: bytes, accepted: frozenset[str], detect: Detect
) -> str | None:
    """Return the type to read bytes as; None if it is not one of the accepted types."""
    named = content_type(headers)[0]
    if named:
        return TYPE_BY_MEDIA.get(named) if named in accepted else None
    return "html" if detect("page", beginning[:HEAD_BYTES]) == "html" else None


def _skip_type(capture: _Capture, headers: Headers) -> PassedOver | RefusedDocument:
    named = content_type(headers)[0][:60]
    if not named and capture.main.is_cut:
        return capture.reject("capture_incomplete", capture.main.block, reason=END_IN_RECORD)
    return PassedOver(f"of type {named or 'unknown'}")
