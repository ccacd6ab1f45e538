"""Memento resources (RFC 7089): TimeGate, TimeMap and mementos.

A memento is the page of a version at the time of its first snapshot. Captured pages are never
served as pages.
"""

from datetime import UTC, datetime
from itertools import islice
from urllib.parse import unquote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from storage.read.answers import ArticleLine, VersionText
from storage.read.archive import ReadOnlyArchive
from storage.values.errors import NoSuchError
from storage.values.messages import message_text
from storage.web import memento
from storage.web.archives import PoolDep
from storage.web.memento import MementoLinks
from storage.web.pages.article import shown
from storage.web.pages.query_parameters import VersionPage
from storage.web.paging import answer_one

router = APIRouter(include_in_schema=False)
VARY = {"Vary": "accept-datetime"}


@router.get("/timegate/{address:path}")
def timegate(request: Request, pool: PoolDep, address: str) -> Response:
    """Redirect to the version of an address at the time in `Accept-Datetime`, or to the current
    one.
    """
    address = memento.address_of(request, address)
    moment = memento.moment_asked(request)
    with pool.archive_at() as archive:
        article = _article(archive, address)
        seen = _standing(archive, article, moment).observed.changed_by
    links = MementoLinks(request, address)
    return RedirectResponse(links.memento(seen), 302, {**VARY, "Link": links.header()})


@router.get("/timemap/link/{address:path}")
def timemap(request: Request, pool: PoolDep, address: str) -> Response:
    """List the versions of an address with their times, in the link format."""
    address, after = _part(memento.address_of(request, address))
    with pool.archive_at() as archive:
        article = _article(archive, address)
        part = list(islice(archive.history(article.article), after, after + memento.MOST_MEMENTOS))
    lines = memento.timemap_lines(MementoLinks(request, address), part, article.versions, after)
    return Response(",\n".join(lines) + "\n", media_type=memento.LINK_FORMAT)


@router.get("/timemap/json/{address:path}")
def timemap_json(request: Request, pool: PoolDep, address: str) -> Response:
    """List the versions of an address with their times, as JSON."""
    address, after = _part(memento.address_of(request, address))
    with pool.archive_at() as archive:
        article = _article(archive, address)
        part = list(islice(archive.history(article.article), after, after + memento.MOST_MEMENTOS))
    return answer_one(memento.timemap_json(MementoLinks(request, address), part, article.versions))


@router.get("/memento/{digits}/{address:path}")
def one(request: Request, pool: PoolDep, digits: str, address: str) -> Response:
    """Show the version first seen at a time, or redirect to the version current at that time."""
    address = memento.address_of(request, address)
    moment = memento.moment_of(digits)
    with pool.archive_at() as archive:
        version = _standing(archive, _article(archive, address), moment)
    links, seen = MementoLinks(request, address), version.observed.changed_by
    if memento.digits_of(seen) != digits:
        return RedirectResponse(links.memento(seen), 302)
    return shown(
        request, pool, version.article, version.version, VersionPage(), links.of_memento(seen)
    )


def _part(text: str) -> tuple[str, int]:
    """Return an address, and after which version its TimeMap goes on."""
    match = memento.PART.match(text)
    return (text, 0) if match is None else (text[match.end() :], int(match["after"]))


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
    if moment is None:
        return archive.version(article.article)
    try:
        return archive.version(f"{article.article}@{moment.astimezone(UTC).isoformat()}")
    except NoSuchError:
        return archive.version(f"{article.article}@1")
