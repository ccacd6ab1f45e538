"""List the captures of an address that a web archive holds: CDX server or TimeMap (RFC 7089)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import compress
from operator import not_
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
        since=_moment(options, "since"), until=_moment(options, "until"),
        every=options.get("every"), at_most=options.get("at_most"),
    )  # fmt: skip
    return HistoryQuery(url, archive, selection)


def _moment(options: Mapping[str, Any], name: str) -> datetime | None:
    text = options.get(name)
    return None if text is None else datetime.fromisoformat(text)


def list_captures(
    client: ArchiveClient, query: HistoryQuery
) -> tuple[list[ListedCapture], list[ListedCapture]]:
    """Return all captures of an address in the time range of a query, and those of other addresses.

    A list is believed about the requested address only: a web archive could name any other.
    Raises: HistoryError, ServerPausedError.
    """
    pages = _cdx_pages if query.archive.kind == "cdx" else _timemap_pages
    try:
        listed = [each for page in pages(client, query) for each in page]
    except CaptureListError as error:
        name = query.archive.name
        refused = refuse("capture_list_invalid", name=name, reason=error.reason)
        raise HistoryError(refused) from error
    except ServerPausedError as pause:
        if pause.is_requested:
            raise
        raise archive_error(query, pause.reason) from pause
    is_own = [is_same_place(each.url, query.url) for each in listed]
    return list(compress(listed, is_own)), list(compress(listed, map(not_, is_own)))


def refuse_others(query: HistoryQuery, others: Sequence[ListedCapture]) -> RefusalReason:
    """Return why captures of other addresses are left out."""
    address = others[0].url[:300]
    return refuse(
        "capture_address_differs", name=query.archive.name, count=len(others), address=address
    )


def _cdx_pages(client: ArchiveClient, query: HistoryQuery) -> Iterator[list[ListedCapture]]:
    """Yield the captures of each answer.

    The last capture starts the next request: the list is complete if that adds no capture.
    """
    since, selection = query.selection.since, query.selection
    known: set[tuple[datetime, str]] = set()
    for _ in range(MOST_REQUESTS):
        parameters = {
            "url": query.url, "output": "json", "limit": str(ROWS_PER_REQUEST),
            **({"from": f"{since:%Y%m%d%H%M%S}"} if since else {}),
            **({"to": f"{selection.until:%Y%m%d%H%M%S}"} if selection.until else {}),
        }  # fmt: skip
        body = _get_list(client, query, f"{query.archive.index}?{urlencode(parameters)}")
        listed = parse_cdx(body, query.archive)
        new = [each for each in listed if (each.observed_at, each.url) not in known]
        if not new:
            return
        yield new
        known.update((each.observed_at, each.url) for each in new)
        since = max(each.observed_at for each in new)
    raise CaptureListError(message_text("many_parts", limit=MOST_REQUESTS))


def _timemap_pages(client: ArchiveClient, query: HistoryQuery) -> Iterator[list[ListedCapture]]:
    waiting = [query.archive.index.replace("{url}", query.url)]
    known = set(waiting)
    while waiting:
        captures, further = parse_timemap(_get_list(client, query, waiting.pop(0)))
        yield captures
        waiting += [each for each in dict.fromkeys(further) if each not in known]
        known.update(further)
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
