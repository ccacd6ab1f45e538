"""PURE: the captures that a web archive lists: parsed from CDX or a TimeMap, and selected."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from storage.values.messages import message_text
from storage.values.net.origin_name import clean_address
from storage.values.net.web_archive import WebArchive
from worker.sources.web_archives.capture import PAGES

LINK = re.compile(r"\s*+<([^<>]{1,10000})>")
"""The address of a link of a TimeMap (RFC 6690)."""

ATTRIBUTE = re.compile(r'\s*+;\s*+([\w*-]{1,40})\s*+=\s*+(?:"([^"]{0,10000})"|([^\s",;]{1,10000}))')
"""One attribute of a link.

>>> ATTRIBUTE.match('; rel="first memento"').groups()
('rel', 'first memento', None)
"""
MOST_ATTRIBUTES = 100
MOST_ROW_CHARACTERS = 65_536
"""The most characters of a row of a CDX server."""
_WINDOWS = (1024, 8192, MOST_ROW_CHARACTERS)
_BLANK = re.compile(r"\s*")
_DECODER = json.JSONDecoder()

MEMENTO = re.compile(r"(?P<before>https?://\S+?/)(?P<timestamp>\d{14})(?:[a-z]{2}_)?/(?P<url>\S+)")
"""The address of a capture in the style of the Wayback Machine.

>>> MEMENTO.fullmatch("http://w.example/c/20240618080000mp_/https://a.example/b")["url"]
'https://a.example/b'
"""

ANY_TYPE = frozenset({"", "-", "unk", "warc/revisit"})
"""Media types in an index that state nothing about the content."""


class CaptureListError(Exception):
    """A list of captures is incomplete or unreadable."""


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


def parse_cdx(body: bytes, archive: WebArchive) -> Iterator[ListedCapture]:
    r"""Yield the captures in the answer of a CDX server: JSON lines, or a JSON list of rows.

    One row is in memory at a time, in addition to the answer.

    Raises: CaptureListError.

    >>> archive = WebArchive("a", "cdx", "", "https://a.example/{timestamp}id_/{url}")
    >>> list(parse_cdx(b'[["timestamp","original"],\n["20240618","http://b.example/"]]', archive))
    Traceback (most recent call last):
    worker.sources.web_archives.capture_list.CaptureListError: '20240618' is not a timestamp
    """
    text = body.decode("utf-8", "replace").strip()
    names: list[str] | None = None
    try:
        for row in _json_rows(text):
            if isinstance(row, list):
                if names is not None:
                    row = dict(zip(names, row, strict=True))  # noqa: PLW2901  # the row by name
                else:
                    names = row
                    continue
            yield _cdx_capture(row, archive)
    except (LookupError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise CaptureListError(message_text("list_not_json")) from error


def _json_rows(text: str) -> Iterator[Any]:
    """Yield the rows of a JSON list, or the objects of JSON lines, that are not empty.

    Raises: LookupError, ValueError, RecursionError.
    """
    is_list = text.startswith("[")
    at = 1 if is_list else 0
    while at < len(text) or is_list:
        at = _BLANK.match(text, at).end()  # type: ignore[union-attr]  # it always matches
        if is_list and text[at] == "]":
            if at + 1 < len(text):
                raise ValueError
            return
        row, at = _json_value(text, at)
        if not isinstance(row, list if is_list else dict):
            raise TypeError
        at = _BLANK.match(text, at).end()  # type: ignore[union-attr]
        if is_list and text[at] != "]":
            if text[at] != ",":
                raise ValueError
            at += 1
        if row:
            yield row


def _json_value(text: str, at: int) -> tuple[Any, int]:
    """Return the JSON value at a place of a text, and its end. Raises: ValueError."""
    for size in _WINDOWS:
        try:
            value, length = _DECODER.raw_decode(text[at : at + size])
        except ValueError:
            if size == MOST_ROW_CHARACTERS or at + size >= len(text):
                raise
        else:
            return value, at + length
    raise ValueError


def parse_timemap(body: bytes) -> Iterator[ListedCapture | str]:
    """Yield the captures in a TimeMap in link format, and the addresses of further TimeMaps.

    Raises: CaptureListError.
    """
    for address, relations in parse_links(body.decode("utf-8", "replace").strip()):
        if "memento" in relations:
            yield _memento(address)
        elif "timemap" in relations:
            yield address


def parse_links(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the address and the relations of each link in a text in link format.

    Raises: CaptureListError.
    """
    at = 0
    while at < len(text):
        link = LINK.match(text, at)
        at = link.end() if link else at
        relations: list[str] = []
        for _ in range(MOST_ATTRIBUTES):
            attribute = ATTRIBUTE.match(text, at)
            if attribute is None:
                break
            at = attribute.end()
            if attribute[1].lower() == "rel" and not relations:
                relations = (attribute[2] or attribute[3] or "").lower().split()
        at = _BLANK.match(text, at).end()  # type: ignore[union-attr]  # it always matches
        if link is None or text[at : at + 1] not in {"", ","}:
            raise CaptureListError(message_text("list_not_links"))
        at += 1
        yield link[1], relations


def _cdx_capture(row: dict[str, Any], archive: WebArchive) -> ListedCapture:
    url, timestamp = str(row.get("original") or row["url"]), str(row["timestamp"])
    assert archive.capture is not None
    address = archive.capture.replace("{timestamp}", timestamp).replace("{url}", url)
    kind = str(row.get("mimetype") or row.get("mime") or "").lower()
    status = str(row.get("statuscode") or row.get("status") or "")
    digest = str(row.get("digest") or "-")
    return ListedCapture(
        observed_at=_parse_timestamp(timestamp),
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
    return ListedCapture(_parse_timestamp(match["timestamp"]), url, clean_address(url) or url, raw)


def _parse_timestamp(timestamp: str) -> datetime:
    try:
        return datetime.strptime(timestamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError as error:
        raise CaptureListError(message_text("list_time", given=timestamp[:40])) from error
