"""Front page: recent changes, most significant first, with their changed words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from storage.read.answers import Change
from storage.read.archive import ReadOnlyArchive
from storage.read.filters import NO_FILTERS, TODAY
from storage.read.lists import ChangeFilter
from storage.read.render.moment import MomentError
from storage.read.render.passages import PassageBlock, blocks, excerpt
from storage.values.change_class import ChangeClass
from storage.values.errors import NoSuchError
from storage.web.archives import Library, language_of, served, utc_now
from storage.web.known import KnownForAMinute
from storage.web.pages.asked import Find, Front
from storage.web.pages.pictures import bars
from storage.web.pages.rendering import Links, PageWords, page
from storage.web.problems import wants_page

router = APIRouter(include_in_schema=False, route_class=KnownForAMinute)
Asked = Annotated[Library, Depends(served)]

LOOKED_AT = 60
SHOWN = 10
DAYS = 60


@dataclass(frozen=True, slots=True)
class FrontChange:
    """A change with its changed paragraphs."""

    change: Change
    blocks: tuple[PassageBlock, ...]


@router.get("/")
def front(request: Request, library: Asked, asked: Annotated[Front, Query()]) -> Response:
    """Show recent changes."""
    zone, error = library.place.timezone, None
    wanted = ChangeFilter([each.value for each in asked.change], asked.silent, asked.contains)
    is_plain = asked == Front(lang=asked.lang)
    most = asked.limit or SHOWN
    try:
        clocks, filters = asked.clocks(zone), asked.filters(zone)
    except MomentError as caught:
        if not wants_page(request):
            raise
        error, clocks, filters = caught, TODAY, NO_FILTERS
    with library.at(clocks) as archive:
        if error is not None:
            found = []
        elif is_plain:
            found = archive.top_changes(LOOKED_AT, SHOWN, _rank)
        else:
            found = list(
                archive.changes(
                    asked.article, wanted.classes, wanted.silent, wanted.contains,
                    filters, asked.after, most,
                )
            )  # fmt: skip
        shown = [FrontChange(each, shown_change(library, archive, each)) for each in found]
        outlets = archive.outlets([each.article for each in found])
        is_empty = not shown and next(archive.articles(limit=1), None) is None
    words = PageWords(language_of(request), zone)
    today = utc_now().date()
    edits = library.remembered("edits", 60, lambda: library.today.edits_by_day(today, DAYS))
    return page(
        request, "front.html", shown=shown, outlets=outlets, asked=asked,
        classes=[*ChangeClass], is_plain=is_plain,
        is_empty=is_empty,
        following=found[-1].cursor if len(found) == most and not is_plain else None,
        picture=library.remembered(
            f"edit bars {words.language}", 60, lambda: bars(edits, today, DAYS, words)
        ),
        edits=sum(edits.values()), first=today - timedelta(days=DAYS - 1), error=error,
        status=HTTPStatus.OK if error is None else HTTPStatus.BAD_REQUEST,
    )  # fmt: skip


@router.get("/find")
def find(request: Request, library: Asked, asked: Annotated[Find, Query()]) -> Response:
    """Redirect to the article for an id, an address or a revision, or otherwise to a search."""
    link = Links(request)
    try:
        found = library.today.version(asked.rev)
    except (NoSuchError, ValueError):
        return RedirectResponse(link("/search", q=asked.rev[:300]), 303)
    return RedirectResponse(link(f"/a/{found.article}/{found.version}"), 303)


def shown_change(
    library: Library, archive: ReadOnlyArchive, change: Change
) -> tuple[PassageBlock, ...]:
    """Return the changed paragraphs of a change, cached because they never change.

    They are empty if a version is redacted or restricted.
    """
    if {ChangeClass.REDACTED, ChangeClass.RESTRICTED} & {*change.changes}:
        return ()
    key = f"step {change.article}@{change.version} {change.wording} {archive.clocks}"
    rev = f"{change.article}@{change.version - 1}..@{change.version}"
    return library.remembered(key, 600, lambda: excerpt(blocks(archive.diff(rev).operations)))


def _rank(step: Mapping[str, Any]) -> int:
    """Return the rank of the heaviest class of a change, twice if the change is silent."""
    loudest = max((ChangeClass(each).rank for each in step["changes"]), default=0)
    return loudest * (2 if step["silent"] else 1)
