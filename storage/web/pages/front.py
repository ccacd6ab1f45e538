"""Start page: recent changes, most significant first; and the list of articles."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from storage.read.answers import Change
from storage.read.archive import ReadOnlyArchive
from storage.read.figures.work_state import count_unconfirmed
from storage.read.filters import TODAY
from storage.read.query.queries import ArticleState
from storage.read.render.moment import MomentError
from storage.read.render.passages import PassageBlock, blocks, excerpt
from storage.values.change_class import ChangeClass
from storage.values.errors import NoSuchError
from storage.web.archives import ArchivePool, PoolDep, language_of, utc_now
from storage.web.http_cache import MinuteCachedRoute
from storage.web.pages.pictures import bars
from storage.web.pages.query_parameters import Articles, Find, Front
from storage.web.pages.rendering import Links, PageWords, page
from storage.web.problems import wants_page

router = APIRouter(include_in_schema=False, route_class=MinuteCachedRoute)

LOOKED_AT = 60
SHOWN = 10
ARTICLES = 30
DAYS = 60


@dataclass(frozen=True, slots=True)
class FrontChange:
    """A change with its changed paragraphs."""

    change: Change
    blocks: tuple[PassageBlock, ...]


@router.get("/")
def front(request: Request, pool: PoolDep, query: Annotated[Front, Query()]) -> Response:
    """Show recent changes, or the articles of an archive without any change."""
    zone, error = pool.place.timezone, None
    is_plain = query == Front(lang=query.lang)
    most = query.limit or SHOWN
    try:
        clocks, _filters = query.clocks(zone), query.filters(zone)
    except MomentError as caught:
        if not wants_page(request):
            raise
        error, clocks = caught, TODAY
    with pool.archive_at(clocks) as archive:
        if error is not None:
            found = []
        elif is_plain:
            found = archive.top_changes(LOOKED_AT, SHOWN, _rank)
        else:
            found = list(query.rows(archive, (query.after, most)))
        shown = [FrontChange(each, shown_change(pool, archive, each)) for each in found]
        names = archive.names([each.article for each in found])
    if is_plain and not found:
        return _show_articles(request, pool, Articles(lang=query.lang), is_start=True)
    words = PageWords(language_of(request), zone)
    today = utc_now().date()
    edits = pool.cached_value("edits", 60, lambda: pool.today.edits_by_day(today, DAYS))
    return page(
        request, "front.html", shown=shown, names=names, query=query,
        classes=[*ChangeClass], is_plain=is_plain,
        following=found[-1].cursor if len(found) == most and not is_plain else None,
        picture=pool.cached_value(
            f"edit bars {words.language}", 60, lambda: bars(edits, today, DAYS, words)
        ),
        today=utc_now().astimezone(zone).date(), edits=sum(edits.values()),
        first=today - timedelta(days=DAYS - 1), error=error,
        unconfirmed=_cached_doubts(pool),
        status=HTTPStatus.OK if error is None else HTTPStatus.BAD_REQUEST,
    )  # fmt: skip


@router.get("/articles")
def articles(request: Request, pool: PoolDep, query: Annotated[Articles, Query()]) -> Response:
    """Show the articles, the one added last first."""
    return _show_articles(request, pool, query)


def _show_articles(
    request: Request, pool: ArchivePool, query: Articles, *, is_start: bool = False
) -> Response:
    zone, limit = pool.place.timezone, query.limit or ARTICLES
    with pool.archive_at(query.clocks(zone)) as archive:
        rows = list(query.rows(archive, (query.after, limit)))
        is_empty = not rows and next(archive.articles(limit=1), None) is None
    return page(
        request, "articles.html", rows=rows, query=query, is_start=is_start, is_empty=is_empty,
        classes=[*ChangeClass], states=get_args(ArticleState),
        following=rows[-1].cursor if len(rows) == limit else None,
        unconfirmed=_cached_doubts(pool) if is_start else 0,
    )  # fmt: skip


def _cached_doubts(pool: ArchivePool) -> int:
    return pool.cached_value("unconfirmed", 60, lambda: _count_unconfirmed(pool))


def _count_unconfirmed(pool: ArchivePool) -> int:
    with pool.today.connect() as connection:
        return count_unconfirmed(connection)


@router.get("/find")
def find(request: Request, pool: PoolDep, query: Annotated[Find, Query()]) -> Response:
    """Redirect to the article for an id, an address or a revision, or otherwise to a search."""
    link = Links(request)
    try:
        found = pool.today.version(query.rev)
    except (NoSuchError, ValueError):
        return RedirectResponse(link("/search", q=query.rev[:300]), 303)
    return RedirectResponse(link(f"/a/{found.article}/{found.version}"), 303)


def shown_change(
    pool: ArchivePool, archive: ReadOnlyArchive, change: Change
) -> tuple[PassageBlock, ...]:
    """Return the changed paragraphs of a change, cached because they never change.

    They are empty if a version is redacted or restricted.
    """
    if {ChangeClass.REDACTED, ChangeClass.RESTRICTED} & {*change.changes}:
        return ()
    key = f"step {change.article}@{change.version} {change.wording} {archive.clocks}"
    return pool.cached_value(key, 600, lambda: excerpt(blocks(archive.change_operations(change))))


def _rank(step: Mapping[str, Any]) -> int:
    """Return the rank of the heaviest class of a change, twice if the change is silent."""
    loudest = max((ChangeClass(each).rank for each in step["changes"]), default=0)
    return loudest * (2 if step["silent"] else 1)
