"""Pages of sources, refused documents, statistics, jobs, alerts and the proof of a version."""

import shlex
from collections import defaultdict
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from storage.capabilities import find_templates
from storage.history.alerts import lists
from storage.read.figures.records import Coverage, EditHour
from storage.web.api.statistics import figures
from storage.web.archives import ArchivePool, PoolDep, language_of, utc_now
from storage.web.pages.pictures import heat, hours
from storage.web.pages.query_parameters import Alerts, Jobs, PageQuery, PartQuery
from storage.web.pages.rendering import HERE, PageWords, page

router = APIRouter(include_in_schema=False)
ROWS = 50
OUTGOING_SECONDS = 5.0
HOURS = 24 * 7


@router.get("/sources")
def sources(request: Request, pool: PoolDep, _query: Annotated[PageQuery, Query()]) -> Response:
    """Show the sources with schedule, health and coverage."""
    words, now = PageWords(language_of(request), pool.place.timezone), utc_now()
    rows = pool.cached_value("coverage", 60, lambda: _coverage(pool))
    pictures = {name: heat(found, now, HOURS, words) for name, found in rows.items()}
    counted = {each.source: each for each in figures(pool).sources}
    return page(
        request, "sources.html", sources=pool.today.sources(), counted=counted,
        pictures=pictures, rows=rows, stats=figures(pool),
    )  # fmt: skip


@router.get("/refusals")
def refusals(request: Request, pool: PoolDep, query: Annotated[PartQuery, Query()]) -> Response:
    """Show refused documents with the reason and the remedy."""
    limit = query.limit or ROWS
    rows = list(pool.today.refusals(after=query.after, limit=limit))
    return page(
        request, "refusals.html", rows=rows, counts=figures(pool).refusals,
        marks=find_templates("refusal_mark.html"),
        following=rows[-1].cursor if len(rows) == limit else None,
    )  # fmt: skip


@router.get("/statistics")
def statistics(request: Request, pool: PoolDep, _query: Annotated[PageQuery, Query()]) -> Response:
    """Show edit statistics by source: silent edits, times to the first edit, half-lives."""
    words, now = PageWords(language_of(request), pool.place.timezone), utc_now()
    summary = pool.cached_value("edit summary", 60, lambda: pool.today.edit_summary(now))
    rows: dict[str, list[EditHour]] = defaultdict(list)
    for each in summary.hours:
        rows[each.source].append(each)
    end = summary.computed_at or now
    return page(
        request, "statistics.html", figures=summary.figures, computed_at=summary.computed_at,
        rows=rows, pictures={name: hours(each, end, HOURS, words) for name, each in rows.items()},
    )  # fmt: skip


@router.get("/jobs")
def jobs(request: Request, pool: PoolDep, query: Annotated[Jobs, Query()]) -> Response:
    """Show the jobs, the newest first, or one with its parts."""
    limit = query.limit or ROWS
    rows = list(pool.today.jobs(query.job, query.after, limit))
    return page(
        request, "jobs.html", rows=rows, query=query, left=pool.today.pending_work(),
        outgoing=pool.cached_value("outgoing", OUTGOING_SECONDS, pool.today.outgoing),
        following=rows[-1].cursor if len(rows) == limit else None,
    )  # fmt: skip


@router.get("/icon.svg")
def icon() -> Response:
    """Return the icon of the page."""
    return _static("icon.svg", "image/svg+xml", "max-age=86400")


@router.get("/style.css")
def style() -> Response:
    """Return the style sheet of the page; its address contains its digest."""
    return _static("style.css", "text/css")


@router.get("/source-serif-4.woff2")
def font() -> Response:
    """Return the text face of the page."""
    return _static("source-serif-4.woff2", "font/woff2")


def _static(name: str, media_type: str, age: str = "max-age=31536000, immutable") -> Response:
    headers = {"Cache-Control": f"public, {age}"}
    return FileResponse(HERE / "static" / name, media_type=media_type, headers=headers)


@router.get("/robots.txt")
def robots() -> Response:
    """Ask robots to leave the archive alone."""
    return Response("User-agent: *\nDisallow: /\n", media_type="text/plain")


def _coverage(pool: ArchivePool) -> dict[str, list[Coverage]]:
    found: dict[str, list[Coverage]] = defaultdict(list)
    for each in pool.today.coverage(since=utc_now() - timedelta(hours=HOURS)):
        found[each.source].append(each)
    return dict(found)


@router.get("/alerts")
def alerts(request: Request, pool: PoolDep, query: Annotated[Alerts, Query()]) -> Response:
    """Show the alerts and their deliveries, and how to watch a passage."""
    limit = query.limit or ROWS
    with pool.today.connect() as connection:
        found, numbers = lists.alerts(connection), lists.counts(connection)
        rows = list(lists.deliveries(connection, after=query.after, limit=limit))
    names = pool.today.names(row.article for row in rows)
    return page(
        request, "alerts.html", alerts=found, numbers=numbers, rows=rows, names=names,
        following=rows[-1].cursor if len(rows) == limit else None,
        query=query, passage=shlex.quote(" ".join((query.passage or "").split())),
    )  # fmt: skip


@router.get("/proof/{rev:path}")
def proof(request: Request, pool: PoolDep, rev: str) -> Response:
    """Show the digests of a version and the commands to export and verify its proof."""
    with pool.archive_at() as archive:
        version = archive.version(rev)
    named = f"{version.article}@{version.version}"
    return page(request, "proof.html", version=version, named=named, tab="proof")
