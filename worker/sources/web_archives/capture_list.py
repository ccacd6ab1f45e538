"""PURE: the captures that a web archive lists: parsed from CDX or a TimeMap, and selected."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from storage.values.messages import message_text
from storage.values.net.origin_name import clean_address
from storage.values.net.web_archive import WebArchive
from worker.sources.web_archives.capture import PAGES

LINK = re.compile(r'\s*<([^<>]{1,10000})>((?:\s*;\s*[\w*-]{1,40}\s*=\s*(?:"[^"]*"|[^\s",;]+))*)\s*')
"""One link of a TimeMap (RFC 6690): its address and its attributes.

>>> LINK.match('<http://a.example/>; rel="first memento"')[2]
'; rel="first memento"'
"""

RELATION = re.compile(r';\s*rel\s*=\s*"?([^";]*)', re.IGNORECASE)

MEMENTO = re.compile(r"(?P<before>https?://\S+?/)(?P<timestamp>\d{14})(?:[a-z]{2}_)?/(?P<url>\S+)")
"""The address of a capture in the style of the Wayback Machine.

>>> MEMENTO.fullmatch("http://w.example/c/20240618080000mp_/https://a.example/b")["url"]
'https://a.example/b'
"""

ANY_TYPE = frozenset({"", "-", "unk", "warc/revisit"})
"""Media types in an index that state nothing about the content."""


class CaptureListError(Exception):
    """A list of captures is incomplete or unreadable."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ListedCapture:
    """A capture in a list; `address` returns its unchanged bytes.

    `digest` is the digest of the payload according to the index, in the form `sha1:BASE32`.
    `repeats` is the time of an earlier capture with the same digest, which is fetched instead.
    """

    observed_at: datetime
    url: str
    origin: str
    address: str
    type: str | None = None
    http_status: int | None = None
    digest: str | None = None
    repeats: datetime | None = None

    @property
    def is_text(self) -> bool:
        """Check whether the capture may be a page according to its media type."""
        return self.type is None or self.type in PAGES


@dataclass(frozen=True, slots=True)
class CaptureSelection:
    """The captures of a history to fetch; `every` is in seconds."""

    since: datetime | None = None
    until: datetime | None = None
    every: float | None = None
    at_most: int | None = None

    def apply(self, captures: Iterable[ListedCapture]) -> tuple[list[ListedCapture], int]:
        """Return the selected captures in order of time, and the number of skipped ones.

        Captures that are not pages are skipped. Of several captures within `every` seconds the
        first is selected, and of more than `at_most` captures the latest. Of further captures with
        the digest of a selected one, the last is selected as its repeat.
        """
        unique = {(each.observed_at, each.origin): each for each in captures}
        within = [unique[key] for key in sorted(unique) if self._contains(key[0])]
        selected: list[ListedCapture] = []
        current: dict[str, ListedCapture] = {}
        repeats: dict[str, ListedCapture] = {}
        latest = datetime.min.replace(tzinfo=UTC)
        pause = timedelta(seconds=self.every or 0.0)
        for each in (capture for capture in within if capture.is_text):
            first = current.get(each.origin)
            if first is not None and first.digest == each.digest is not None:
                repeats[each.origin] = replace(each, repeats=first.observed_at)
            elif each.observed_at - latest >= pause:
                latest = each.observed_at
                selected += filter(None, [repeats.pop(each.origin, None)])
                selected.append(each)
                current[each.origin] = each
        selected = self._latest([*selected, *repeats.values()])
        return selected, len(within) - len(selected)

    def _latest(self, selected: list[ListedCapture]) -> list[ListedCapture]:
        """Return the latest `at_most` captures with their repeats, in order of time."""
        selected = sorted(selected, key=lambda each: each.observed_at)
        first = [each for each in selected if each.repeats is None]
        if self.at_most is None or len(first) <= self.at_most:
            return selected
        oldest = first[-self.at_most].observed_at
        return [each for each in selected if (each.repeats or each.observed_at) >= oldest]

    def _contains(self, moment: datetime) -> bool:
        is_late_enough = self.since is None or moment >= self.since
        return is_late_enough and (self.until is None or moment <= self.until)


def parse_cdx(body: bytes, archive: WebArchive) -> list[ListedCapture]:
    r"""Return the captures in the answer of a CDX server: JSON lines, or a JSON list of rows.

    Raises: CaptureListError.

    >>> archive = WebArchive("a", "cdx", "", "https://a.example/{timestamp}id_/{url}")
    >>> parse_cdx(b'[["timestamp","original"],\n["20240618","http://b.example/"]]', archive)
    Traceback (most recent call last):
    worker.sources.web_archives.capture_list.CaptureListError: '20240618' is not a timestamp
    """
    text = body.decode("utf-8", "replace").strip()
    try:
        if text.startswith("["):
            rows = [row for row in json.loads(text) if row]
            found = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
        else:
            found = [json.loads(line) for line in text.splitlines() if line.strip()]
        return [_cdx_capture(each, archive) for each in found]
    except (LookupError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise CaptureListError(message_text("list_not_json")) from error


def parse_timemap(body: bytes) -> tuple[list[ListedCapture], list[str]]:
    """Return the captures in a TimeMap in link format, and the addresses of further TimeMaps.

    Raises: CaptureListError.
    """
    text = body.decode("utf-8", "replace").strip()
    captures, further, at = [], [], 0
    while at < len(text):
        match = LINK.match(text, at)
        if match is None or text[match.end() : match.end() + 1] not in {"", ","}:
            raise CaptureListError(message_text("list_not_links"))
        at = match.end() + 1
        relation = RELATION.search(match[2])
        relations = relation[1].lower().split() if relation else []
        if "memento" in relations:
            captures.append(_memento(match[1]))
        elif "timemap" in relations:
            further.append(match[1])
    return captures, further


def _cdx_capture(row: dict[str, Any], archive: WebArchive) -> ListedCapture:
    url, timestamp = str(row.get("original") or row["url"]), str(row["timestamp"])
    assert archive.capture is not None
    address = archive.capture.replace("{timestamp}", timestamp).replace("{url}", url)
    kind = str(row.get("mimetype") or row.get("mime") or "").lower()
    status = str(row.get("statuscode") or row.get("status") or "")
    digest = str(row.get("digest") or "-")
    return ListedCapture(
        observed_at=_moment(timestamp),
        url=url,
        origin=clean_address(url) or url,
        address=address,
        type=None if kind in ANY_TYPE else kind,
        http_status=int(status) if status.isdigit() else None,
        digest=None if digest == "-" else f"sha1:{digest.removeprefix('sha1:')}",
    )


def _memento(address: str) -> ListedCapture:
    match = MEMENTO.fullmatch(address)
    if match is None:
        raise CaptureListError(message_text("list_address", address=address[:200]))
    url = match["url"]
    raw = f"{match['before']}{match['timestamp']}id_/{url}"
    return ListedCapture(_moment(match["timestamp"]), url, clean_address(url) or url, raw)


def _moment(timestamp: str) -> datetime:
    try:
        return datetime.strptime(timestamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError as error:
        raise CaptureListError(message_text("list_time", given=timestamp[:40])) from error
