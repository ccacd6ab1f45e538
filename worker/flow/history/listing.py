"""List the captures of an address that a web archive holds: CDX server or TimeMap (RFC 7089)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from storage.settings import Settings
from storage.values.messages import message_text
from storage.values.net.origin_name import is_same_place
from storage.values.net.web_archive import WebArchive, web_archives
from storage.values.refusals import RefusalReason, refuse
from worker.flow.history.client import ArchiveClient, RequestRefusedError, ServerPausedError
from worker.sources.web_archives.capture_list import (
    CaptureListError,
    CaptureSelection,
    ListedCapture,
    parse_cdx,
    parse_timemap,
)
from worker.web.exchange import ServerAnswer

ROWS_PER_REQUEST = 10_000
MOST_REQUESTS = 50
"""Maximum number of requests for one list of captures."""
MOST_CAPTURES = ROWS_PER_REQUEST * MOST_REQUESTS
"""Maximum number of captures in one list, whatever address they are of."""
MOST_LIST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """An address whose captures are imported from a web archive."""

    url: str
    archive: WebArchive
    selection: CaptureSelection


class HistoryError(Exception):
    """A web archive did not return its list, or a capture."""

    def __init__(self, reason: RefusalReason) -> None:
        super().__init__(reason.message)
        self.refused = reason


def read_query(url: str, options: Mapping[str, Any], settings: Settings) -> HistoryQuery:
    """Return the query of a job from its arguments.

    Raises: HistoryError if its web archive is not configured.
    """
    name = str(options["archive"])
    archive = web_archives(settings.web_archives).get(name)
    if archive is None:
        raise HistoryError(
            refuse("history_failed", name=name, reason=message_text("not_configured"))
        )
    selection = CaptureSelection(
        since=_parse_time(options, "since"), until=_parse_time(options, "until"),
        every=options.get("every"), at_most=options.get("at_most"),
    )  # fmt: skip
    return HistoryQuery(url, archive, selection)


def _parse_time(options: Mapping[str, Any], name: str) -> datetime | None:
    text = options.get(name)
    return None if text is None else datetime.fromisoformat(text)


@dataclass(slots=True)
class CaptureList:
    """The captures of an address in a list, and how many of other addresses it names.

    A list is believed about the requested address only: a web archive could name any other.
    """

    url: str
    captures: list[ListedCapture] = field(default_factory=list)
    first_other: ListedCapture | None = None
    others: int = 0

    def add(self, capture: ListedCapture) -> None:
        """Add a capture that a web archive lists. Raises: CaptureListError for one too many."""
        if len(self.captures) + self.others == MOST_CAPTURES:
            raise CaptureListError(message_text("many_captures", limit=MOST_CAPTURES))
        if is_same_place(capture.url, self.url):
            self.captures.append(capture)
        else:
            self.first_other = self.first_other or capture
            self.others += 1


def list_captures(client: ArchiveClient, query: HistoryQuery) -> CaptureList:
    """Return all captures of an address in the time range of a query.

    Raises: HistoryError, ServerPausedError.
    """
    read_pages = _read_cdx if query.archive.kind == "cdx" else _read_timemaps
    listed = CaptureList(query.url)
    try:
        read_pages(client, query, listed)
    except CaptureListError as error:
        name = query.archive.name
        refused = refuse("capture_list_invalid", name=name, reason=str(error))
        raise HistoryError(refused) from error
    except ServerPausedError as pause:
        if pause.is_requested:
            raise
        raise archive_error(query, pause.reason) from pause
    return listed


def refuse_others(query: HistoryQuery, listed: CaptureList) -> RefusalReason | None:
    """Return why captures of other addresses are left out; None if there are none."""
    if listed.first_other is None:
        return None
    address = listed.first_other.url[:300]
    return refuse(
        "capture_address_differs", name=query.archive.name, count=listed.others, address=address
    )


def _read_cdx(client: ArchiveClient, query: HistoryQuery, listed: CaptureList) -> None:
    """Add the captures of each answer.

    The last capture starts the next request: the list is complete if that adds no capture.
    """
    since, selection = query.selection.since, query.selection
    known: set[tuple[datetime, int]] = set()  # without the addresses, which may be long
    for _ in range(MOST_REQUESTS):
        parameters = {
            "url": query.url, "output": "json", "limit": str(ROWS_PER_REQUEST),
            **({"from": f"{since:%Y%m%d%H%M%S}"} if since else {}),
            **({"to": f"{selection.until:%Y%m%d%H%M%S}"} if selection.until else {}),
        }  # fmt: skip
        body = _get_list(client, query, f"{query.archive.index}?{urlencode(parameters)}")
        before, since = len(known), None
        for capture in parse_cdx(body, query.archive):
            key = (capture.observed_at, hash(capture.url))
            if key not in known:
                known.add(key)
                listed.add(capture)
                since = max(since or capture.observed_at, capture.observed_at)
        if len(known) == before:
            return
    raise CaptureListError(message_text("many_parts", limit=MOST_REQUESTS))


def _read_timemaps(client: ArchiveClient, query: HistoryQuery, listed: CaptureList) -> None:
    waiting = [query.archive.index.replace("{url}", query.url)]
    known = set(waiting)
    while waiting:
        for each in parse_timemap(_get_list(client, query, waiting.pop(0))):
            if isinstance(each, ListedCapture):
                listed.add(each)
            elif each not in known:
                waiting.append(each)
                known.add(each)
                if len(known) > MOST_REQUESTS:
                    raise CaptureListError(message_text("many_parts", limit=MOST_REQUESTS))


def _get_list(client: ArchiveClient, query: HistoryQuery, address: str) -> bytes:
    """Return a part of a list; an archive may answer 404 if it has no captures."""
    try:
        answer = client.get(address, MOST_LIST_BYTES, decode=True)
    except RequestRefusedError as error:
        raise archive_error(query, error.refused.message) from error
    if answer.refused is not None:
        if answer.refused.code in {"truncated_response", "too_large", "too_large_decoded"}:
            raise CaptureListError(answer.refused.message.rstrip("."))
        raise archive_error(query, answer.refused.message)
    if answer.status == 404:
        return b""
    if answer.status != 200:
        raise archive_error(query, describe_answer(answer))
    return answer.body or b""


def describe_answer(answer: ServerAnswer) -> str:
    """Return the reason that an answer of a web archive is not accepted."""
    location = answer.header("location")
    return (
        message_text("redirects_to", address=location[:300])
        if location
        else message_text("answered", status=answer.status)
    )


def archive_error(query: HistoryQuery, reason: str) -> HistoryError:
    """Return the error that a web archive did not return the captures."""
    refused = refuse("history_failed", name=query.archive.name, reason=reason.rstrip("."))
    return HistoryError(refused)
