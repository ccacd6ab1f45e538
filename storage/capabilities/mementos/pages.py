"""Memento resources (RFC 7089): TimeGate, TimeMap and mementos.

A memento is the page of a version at the time of its first snapshot. Captured pages are never
served as pages.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from urllib.parse import unquote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from storage.capabilities.mementos.version_headers import (
    DIGITS,
    HTTP_DATE,
    LINK_FORMAT,
    MementoLinks,
    digits_of,
    http_moment,
    whole_second,
)
from storage.read.answers import ArticleLine, VersionLine, VersionText
from storage.read.archive import ReadOnlyArchive
from storage.values.errors import NoSuchError
from storage.values.messages import message_text
from storage.web.archives import ArchivePool, PoolDep
from storage.web.pages.article import shown
from storage.web.pages.query_parameters import VersionPage
from storage.web.paging import answer_one
from storage.web.problems import Problem

ROUTER = APIRouter(include_in_schema=False)
VARY = {"Vary": "accept-datetime"}
MOST_MEMENTOS = 1_000
"""Mementos of one part of a TimeMap; it names the next part."""
ONE_SLASH = re.compile(r"(?P<scheme>https?):/(?!/)")
"""
>>> ONE_SLASH.match("https:/bote.example/a")["scheme"]
'https'
"""
PART = re.compile(r"(?P<after>\d{1,9})/(?=[a-z]+:)")
"""
>>> PART.match("1000/https://bote.example/a")["after"]
'1000'
"""


@ROUTER.get("/timegate/{address:path}")
def timegate(request: Request, pool: PoolDep, address: str) -> Response:
    """Redirect to the version at the time in `Accept-Datetime`, or to the current one."""
    address = address_of(request, address)
    moment = moment_asked(request)
    with pool.archive_at() as archive:
        article = _article(archive, address)
        seen = _standing(archive, article, moment).observed.changed_by
    links = MementoLinks(request, address)
    return RedirectResponse(links.memento(seen), 302, {**VARY, "Link": links.header()})


@ROUTER.get("/timemap/link/{address:path}")
def timemap(request: Request, pool: PoolDep, address: str) -> Response:
    """List the versions of an address with their times, in the link format."""
    lines = timemap_lines(*_part(request, pool, address))
    return Response(",\n".join(lines) + "\n", media_type=LINK_FORMAT)


@ROUTER.get("/timemap/json/{address:path}")
def timemap_json(request: Request, pool: PoolDep, address: str) -> Response:
    """List the versions of an address with their times, as JSON."""
    return answer_one(json_of(*_part(request, pool, address)))


@ROUTER.get("/memento/{digits}/{address:path}")
def one(request: Request, pool: PoolDep, digits: str, address: str) -> Response:
    """Show the version first seen at a time, or redirect to the version current at that time."""
    address = address_of(request, address)
    moment = moment_of(digits)
    with pool.archive_at() as archive:
        version = _standing(archive, _article(archive, address), moment)
    links, seen = MementoLinks(request, address), version.observed.changed_by
    if digits_of(seen) != digits:
        return RedirectResponse(links.memento(seen), 302)
    answer = shown(request, pool, version.article, version.version, VersionPage())
    answer.headers.update(links.of_memento(seen))
    return answer


def _part(
    request: Request, pool: ArchivePool, address: str
) -> tuple[MementoLinks, list[VersionLine], int, int]:
    """Return a part of a TimeMap: the number of the last version, and after which it goes on."""
    address, after = address_of(request, address), 0
    if match := PART.match(address):
        address, after = address[match.end() :], int(match["after"])
    with pool.archive_at() as archive:
        article = _article(archive, address)
        part = list(islice(archive.history(article.article), after, after + MOST_MEMENTOS))
    return MementoLinks(request, address), part, article.versions, after


def _article(archive: ReadOnlyArchive, address: str) -> ArticleLine:
    """Return the article at an address.

    Raises: NoSuchError.
    """
    if ":" not in address or "\0" in unquote(address):
        raise NoSuchError(message_text("web_address"), address, message_text("whole_address"))
    try:
        return archive.article(address)
    except NoSuchError:
        return archive.article(unquote(address))


def _standing(
    archive: ReadOnlyArchive, article: ArticleLine, moment: datetime | None
) -> VersionText:
    """Return the version current at a time, or the first one if the time is earlier."""
    selector = "" if moment is None else f"@{moment.astimezone(UTC).isoformat()}"
    try:
        return archive.version(f"{article.article}{selector}")
    except NoSuchError:
        return archive.version(f"{article.article}@1")


def address_of(request: Request, decoded: str) -> str:
    """Return the address at the end of the request path, which is `decoded` there, as received.

    The query string belongs to it. Proxies may have merged two slashes into one.
    """
    raw: bytes = request.scope["raw_path"]
    before = request.url.path.removesuffix(decoded)
    path = raw.decode("ascii", "replace").removeprefix(before)
    query = f"?{request.url.query}" if request.url.query else ""
    return ONE_SLASH.sub(r"\g<scheme>://", path + query, count=1)


def moment_asked(request: Request) -> datetime | None:
    """Return the time of the header `Accept-Datetime`, or None without one.

    Raises: Problem where it is no date of RFC 1123.
    """
    if (given := request.headers.get("accept-datetime")) is None:
        return None
    try:
        return datetime.strptime(given.strip(), HTTP_DATE).replace(tzinfo=UTC)
    except ValueError:
        raise Problem("time_invalid", message_text("memento_accept")) from None


def moment_of(digits: str) -> datetime:
    """Return the time for the 14 digits of an address.

    Raises: Problem.
    """
    try:
        return datetime.strptime(digits, DIGITS).replace(tzinfo=UTC)
    except ValueError:
        raise Problem("time_invalid", message_text("memento_time")) from None


def timemap_lines(
    links: MementoLinks, part: Sequence[VersionLine], last: int, after: int
) -> list[str]:
    """Return the lines of a TimeMap, or of a part of one, in the link format."""
    span = ""
    if part:
        ends = (http_moment(each.changed_by) for each in (part[0], part[-1]))
        span = '; from="{}"; until="{}"'.format(*ends)
    lines = [
        f'<{links.original}>; rel="original"',
        f'<{links.timemap(after=after)}>; rel="self"; type="{LINK_FORMAT}"{span}',
        f'<{links.timegate()}>; rel="timegate"',
        *(links.link(each, last) for each in part),
    ]
    if part and part[-1].version < last:
        following = links.timemap(after=part[-1].version)
        lines.append(f'<{following}>; rel="timemap"; type="{LINK_FORMAT}"')
    return lines


def json_of(
    links: MementoLinks, part: Sequence[VersionLine], last: int, _after: int
) -> dict[str, Any]:
    """Return a TimeMap, or a part of one, as JSON."""
    times = [whole_second(each.changed_by) for each in part]
    is_cut = bool(part) and part[-1].version < last
    return {
        "original_uri": links.original,
        "timegate_uri": links.timegate(),
        "timemap_uri": {"link_format": links.timemap(), "json_format": links.timemap("json")},
        "mementos": {"list": [{"datetime": f"{t:%FT%TZ}", "uri": links.memento(t)} for t in times]},
        "next": links.timemap("json", part[-1].version) if is_cut else None,
    }
