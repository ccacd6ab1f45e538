"""Refusals, jobs, sources, coverage and statistics as JSON."""

from datetime import timedelta
from typing import Annotated, Any, get_type_hints

from fastapi import APIRouter, Query
from starlette.responses import Response

from storage.read.figures import records
from storage.read.figures.edits import EditSpan
from storage.values.arrivals.source import Source
from storage.web.archives import ArchivePool, PoolDep, utc_now
from storage.web.paging import add_lists, answer_one
from storage.web.parameters import CoverageQuery, QueryParameters
from storage.web.schemas import model_of, one, record

router = APIRouter(prefix="/api", tags=["work"])
FIGURES_SECONDS = 30.0
EDIT_DAYS = 30
SHOWN_OF_A_SOURCE = (
    "name", "kind", "locator", "standing", "paused", "every_seconds", "cron", "timezone",
)  # fmt: skip
"""Columns of a source in responses; its options may contain the names of secrets."""

SOURCE = record("Source", **{name: get_type_hints(Source)[name] for name in SHOWN_OF_A_SOURCE})
SOURCES = record("Sources", items=list[SOURCE], next=None)  # type: ignore[valid-type]
HOUR = model_of(records.Coverage)
COVERAGE = record("CoverageRows", items=list[HOUR], next=None)  # type: ignore[valid-type]

EDITS = record("EditRows", items=list[model_of(records.EditFigures)], next=None)  # type: ignore[misc]
EDIT_HOURS = record("EditHourRows", items=list[model_of(records.EditHour)], next=None)  # type: ignore[misc]


add_lists(router, "work")


@router.get("/sources", responses=one(SOURCES))
def sources(pool: PoolDep, _query: Annotated[QueryParameters, Query()]) -> Response:
    """List the sources with their schedules."""
    return answer_one({"items": [source_row(each) for each in pool.today.sources()], "next": None})


@router.get("/coverage", responses=one(COVERAGE))
def coverage(pool: PoolDep, query: Annotated[CoverageQuery, Query()]) -> Response:
    """Report the number of checks of each source per hour."""
    since, until = query.span(pool.place.timezone)
    found = pool.today.coverage(since=since, until=until, source=query.source)
    return answer_one({"items": [each.to_dict() for each in found], "next": None})


@router.get("/stats", responses=one(model_of(records.Stats)))
def stats(pool: PoolDep, _query: Annotated[QueryParameters, Query()]) -> Response:
    """Return statistics of the archive, at most half a minute old."""
    return answer_one(figures(pool))


@router.get("/statistics/edits", responses=one(EDITS))
def edits(pool: PoolDep, query: Annotated[CoverageQuery, Query()]) -> Response:
    """Return edit statistics by source: silent edits, times to the first edit, half-lives."""
    since, until = query.span(pool.place.timezone)
    found = pool.today.edit_figures(EditSpan(query.source, since, until))
    return answer_one({"items": [each.to_dict() for each in found], "next": None})


@router.get("/statistics/edits/hours", responses=one(EDIT_HOURS))
def edit_hours(pool: PoolDep, query: Annotated[CoverageQuery, Query()]) -> Response:
    """Return the edits of each source by hour (default: the last 30 days)."""
    since, until = query.span(pool.place.timezone)
    since = since or (until or utc_now()) - timedelta(days=EDIT_DAYS)
    found = pool.today.edits_by_hour(EditSpan(query.source, since, until))
    return answer_one({"items": [each.to_dict() for each in found], "next": None})


def figures(pool: ArchivePool) -> records.Stats:
    """Return the statistics of the archive, cached for a short time."""
    return pool.cached_value("stats", FIGURES_SECONDS, lambda: pool.today.stats(utc_now()))


def source_row(source: Source) -> dict[str, Any]:
    """Return the row of a source."""
    return {name: getattr(source, name) for name in SHOWN_OF_A_SOURCE}
