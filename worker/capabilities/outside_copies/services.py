"""PURE: requests to archives that copy pages, and the interpretation of their answers.

The protocols are Save Page Now 2 of the Internet Archive, and any service that copies the page
whose address a request contains and answers with the headers of a memento (RFC 7089).
"""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

from storage.values.messages import message_text
from storage.values.net.origin_name import is_same_place
from storage.values.net.private_hosts import parse_ip
from storage.values.net.web_archive import WebArchive
from worker.address import SECRET_PARAMETER
from worker.flow.history.client import parse_memento_time
from worker.sources.web_archives.capture_list import (
    MEMENTO,
    CaptureListError,
    ListedCapture,
    parse_links,
)
from worker.web.exchange import ServerAnswer
from worker.web.public import local_name_reason

LARGEST_ANSWER = 256 * 1024
CLOCKS_DIFFER = timedelta(minutes=5)
"""Accepted difference between the clocks of an archive and of this machine."""
JOB = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
"""The number of a job of Save Page Now 2.

>>> bool(JOB.fullmatch("spn2-7b2cbe48")), bool(JOB.fullmatch("../user"))
(True, False)
"""
EXTENDED_STATUS = re.compile(r"error:[a-z0-9-]{1,60}")
"""The kind of an error of Save Page Now 2.

>>> bool(EXTENDED_STATUS.fullmatch("error:no-access"))
True
"""
SHORTEST_SECRET = 6
TIMESTAMP = re.compile(r"\d{14}")
"""A time in the address of a memento.

>>> bool(TIMESTAMP.fullmatch("20240618080000"))
True
"""
TEMPORARY = frozenset(
    f"error:{each}"
    for each in (
        "bad-gateway", "browsing-timeout", "celery", "gateway-timeout", "internal-server-error",
        "job-failed", "no-browsers-available", "proxy-error", "redis-error", "service-unavailable",
        "session-failed", "soft-time-limit-exceeded", "too-many-requests", "unauthorized",
        "user-session-limit",
    )
)  # fmt: skip
"""Errors of Save Page Now 2 after which the archive has no copy, and may make one later."""
DENIED = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class CopyCall:
    """A request to copy a page: its target, headers, and the body of a POST."""

    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None


@dataclass(frozen=True, slots=True)
class AcceptedJob:
    """The archive works on the copy as its job `job`."""

    job: str


@dataclass(frozen=True, slots=True)
class CopyFound:
    """The archive states that it has a copy at `address`, made at `captured_at`."""

    address: str
    captured_at: datetime


@dataclass(frozen=True, slots=True)
class NotCopied:
    """The archive has no copy, and why; `is_final` means that the same request would fail again.

    `ends_job` means that the archive stopped its work, so that the page is to be submitted again.
    """

    reason: str
    is_final: bool
    ends_job: bool = False


@dataclass(frozen=True, slots=True)
class PageToCopy:
    """An address to copy, and when its text was first seen."""

    address: str
    seen_at: datetime


def withheld_reason(address: str, rights: Mapping[str, Any]) -> str | None:
    """Return why an address must not be sent to anybody, None if it may be.

    `rights` are those of the answer in which the text was seen.

    >>> withheld_reason("https://zeitung.example/a?token=***a1b2c3", {})
    'the address contains a secret'
    >>> withheld_reason("https://zeitung.example/a", {"meta_robots": ["noarchive"]})
    'the page declares noarchive'
    """
    host = urlsplit(address).hostname or ""
    robots = rights.get("robots")
    words = {
        word.strip().lower()
        for name, values in rights.items()
        if "robots" in name and isinstance(values, list)
        for value in values
        for word in str(value).replace(":", ",").split(",")
    }
    if SECRET_PARAMETER.search(address) or "***" in address:
        return message_text("copy_secret")
    if local_name_reason(host) is not None:
        return message_text("copy_private")
    if isinstance(robots, dict) and robots.get("allowed") is False:
        return message_text("copy_robots")
    if "noarchive" in words:
        return message_text("copy_noarchive")
    return None


def submission_to(
    archive: WebArchive, key: str | None, page: PageToCopy, now: datetime
) -> CopyCall:
    """Return the request that submits a page.

    An archive that follows Save Page Now 2 makes no second copy if it has one since `seen_at`.
    """
    if archive.kind == "spn2":
        age = max(1, int((now - page.seen_at).total_seconds()))
        body = urlencode({"url": page.address, "if_not_archived_within": age}).encode()
        headers = (*_headers(archive, key), ("Content-Type", "application/x-www-form-urlencoded"))
        return CopyCall(archive.index, headers, body)
    before, _, after = archive.index.partition("{url}")
    is_parameter = "?" in before
    url = quote(page.address, safe="") if is_parameter else page.address
    return CopyCall(f"{before}{url}{after}", _headers(archive, key), None)


def job_request(archive: WebArchive, key: str | None, job: str) -> CopyCall:
    """Return the request for the state of a job of Save Page Now 2."""
    return CopyCall(f"{archive.index.rstrip('/')}/status/{job}", _headers(archive, key), None)


def _headers(archive: WebArchive, key: str | None) -> tuple[tuple[str, str], ...]:
    accepted = ("Accept", "application/json" if archive.kind == "spn2" else "*/*")
    if key is None:
        return (accepted,)
    return (accepted, ("Authorization", f"LOW {key}" if archive.kind == "spn2" else key))


def read_answer(
    archive: WebArchive, page: PageToCopy, answer: ServerAnswer, now: datetime
) -> AcceptedJob | CopyFound | NotCopied | None:
    """Return the meaning of an answer to a submission, or of one about a job.

    None means that the archive still works on the copy.
    """
    status = answer.status or 0
    if status in DENIED or status == 429 or status >= 500:
        return NotCopied(message_text("answered", status=status), is_final=False)
    if answer.refused is not None:
        reason = message_text("copy_unusable", reason=answer.refused.message.rstrip("."))
        return NotCopied(reason, is_final=True)
    if archive.kind == "submit":
        return _from_headers(archive, page, answer, now)
    if status != 200:
        return NotCopied(message_text("answered", status=status), is_final=True)
    try:
        found = json.loads(answer.body or b"")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return NotCopied(message_text("copy_no_object"), is_final=True)
    return _from_json(archive, page, found, now)


def copy_in_list(
    archive: WebArchive, page: PageToCopy, listed: ListedCapture, now: datetime
) -> CopyFound | None:
    """Return a capture in the list of an archive as the copy of a page, None if it is not one."""
    if listed.http_status not in {None, 200}:
        return None
    memento = listed.address.replace("id_/", "/", 1)
    if archive.capture is not None:
        timestamp = f"{listed.observed_at:%Y%m%d%H%M%S}"
        memento = archive.capture.replace("{timestamp}", timestamp).replace("{url}", listed.url)
    found = _check_copy(page, memento, listed.url, listed.observed_at, now)
    return found if isinstance(found, CopyFound) else None


def _from_json(
    archive: WebArchive, page: PageToCopy, found: Mapping[str, Any], now: datetime
) -> AcceptedJob | CopyFound | NotCopied | None:
    status, job, kind = (found.get(name) for name in ("status", "job_id", "status_ext"))
    if status == "error" or (status is None and kind is not None):
        known = isinstance(kind, str) and EXTENDED_STATUS.fullmatch(kind) is not None
        reason = message_text("copy_reports", kind=kind if known else message_text("copy_error"))
        return NotCopied(reason, kind not in TEMPORARY, ends_job=True)
    if status == "pending":
        return None
    if status == "success":
        timestamp, original = str(found.get("timestamp")), str(found.get("original_url"))
        assert archive.capture is not None
        memento = archive.capture.replace("{timestamp}", timestamp).replace("{url}", original)
        return _check_copy(page, memento, original, _parse_timestamp(timestamp), now)
    if isinstance(job, str) and JOB.fullmatch(job):
        return AcceptedJob(job)
    return NotCopied(message_text("copy_no_result"), is_final=True)


def _from_headers(
    archive: WebArchive, page: PageToCopy, answer: ServerAnswer, now: datetime
) -> CopyFound | NotCopied:
    """Return the memento in the headers of an answer (RFC 7089)."""
    if not 200 <= (answer.status or 0) < 400:
        return NotCopied(message_text("answered", status=answer.status), is_final=True)
    links = _links(answer.header("link") or "")
    place = links.get("memento") or answer.header("content-location") or answer.header("location")
    if not place or len(place) > 5_000 or not place.isascii() or not place.isprintable():
        return NotCopied(message_text("copy_no_place"), is_final=True)
    memento = urljoin(answer.address.text, place)
    if urlsplit(memento).netloc != urlsplit(archive.index).netloc:
        return NotCopied(message_text("copy_other_server"), is_final=True)
    parts = MEMENTO.fullmatch(memento)
    original = links.get("original") or (parts["url"] if parts else "")
    moment = parse_memento_time(answer.header("memento-datetime"))
    if moment is None and parts is not None:
        moment = _parse_timestamp(parts["timestamp"])
    return _check_copy(page, memento, original, moment, now)


def is_loopback(host: str) -> bool:
    """Check whether a host is this machine: a request to it crosses no network.

    >>> is_loopback("127.0.0.1"), is_loopback("10.0.0.7"), is_loopback("archiv.example")
    (True, False, False)
    """
    address = parse_ip(host.strip("[]"))
    return address is not None and address.is_loopback


def repeats_key(found: object, key: str | None) -> bool:
    """Check whether what an answer states contains the key, or one half of it.

    >>> repeats_key(AcceptedJob("spn2-GEHEIMNIS"), "zugang:GEHEIMNIS")
    True
    """
    parts = (key or "").split(":")
    return any(each in str(found) for each in parts if len(each) >= SHORTEST_SECRET)


def _links(header: str) -> dict[str, str]:
    """Return the addresses in a `Link` header by relation.

    >>> _links('<http://a.example/>; rel="original", <http://b.example/1>; rel="first memento"')
    {'original': 'http://a.example/', 'first': 'http://b.example/1', 'memento': 'http://b.example/1'}
    """
    found: dict[str, str] = {}
    with suppress(CaptureListError):
        for address, relations in parse_links(header):
            found.update(dict.fromkeys(relations, address))
    return found


def _check_copy(
    page: PageToCopy, memento: str, original: str, moment: datetime | None, now: datetime
) -> CopyFound | NotCopied:
    """Return the copy, if it is one of this page and made since its text was first seen."""
    if not is_same_place(original, page.address):
        return NotCopied(message_text("copy_other_address"), is_final=True)
    if moment is None:
        return NotCopied(message_text("copy_no_time"), is_final=True)
    if not page.seen_at - CLOCKS_DIFFER <= moment <= now + CLOCKS_DIFFER:
        reason = message_text("copy_other_time", moment=f"{moment:%Y-%m-%d %H:%M:%SZ}")
        return NotCopied(reason, is_final=True)
    return CopyFound(memento, moment)


def _parse_timestamp(timestamp: str) -> datetime | None:
    if TIMESTAMP.fullmatch(timestamp) is None:
        return None
    try:
        return datetime.strptime(timestamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
