"""Pages of an article: text, sentence history, checks and references."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import groupby, islice
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from storage.read.answers import Blame, VersionLine, VersionText
from storage.read.archive import ReadOnlyArchive
from storage.read.render import citation
from storage.values.draft import Field
from storage.values.errors import AmbiguousPassageError, NoSuchError
from storage.web.archives import ArchivePool, PoolDep, language_of
from storage.web.http_cache import CachedRoute
from storage.web.memento import MementoLinks
from storage.web.pages.pictures import time_line
from storage.web.pages.query_parameters import Checks, Cite, Version
from storage.web.pages.rendering import PageWords, page
from storage.web.problems import Problem, problem_of_error

router = APIRouter(prefix="/a", include_in_schema=False, route_class=CachedRoute)

MOST_VERSIONS = 200
MOST_SNAPSHOTS = 400
MOST_RELATIONS = 50
CHECK_ROWS = 100


@dataclass(frozen=True, slots=True)
class ParagraphAges:
    """A paragraph with the first version of each sentence."""

    paragraph: int
    sentences: tuple[Blame, ...]


@router.get("/{article}")
def article(
    request: Request, pool: PoolDep, article: str, query: Annotated[Version, Query()]
) -> Response:
    """Show the latest version of an article."""
    return shown(request, pool, article, query.v, query)


@router.get("/{article}/since")
def since(
    request: Request, pool: PoolDep, article: str, query: Annotated[Version, Query()]
) -> Response:
    """Show the first version of each sentence and the first article that contained it."""
    with pool.archive_at(query.clocks(pool.place.timezone)) as archive:
        version = archive.version(_rev(article, query.v))
        rev = f"{version.article}@{version.version}"
        standing, gone = archive.blame_with_removed(rev)
    return page(
        request, "since.html", version=version, gone=gone, tab="since",
        paragraphs=[ParagraphAges(number, tuple(group)) for number, group
                    in groupby(standing, key=lambda each: each.paragraph)],
        oldest=max(version.version, 1),
    )  # fmt: skip


@router.get("/{article}/checks")
def checks(
    request: Request, pool: PoolDep, article: str, query: Annotated[Checks, Query()]
) -> Response:
    """Show the checks of an article with their outcomes."""
    limit = query.limit or CHECK_ROWS
    with pool.archive_at(query.clocks(pool.place.timezone)) as archive:
        version = archive.version(_rev(article, None))
        rows = list(archive.observations(version.article, query.after, limit))
    following = rows[-1].cursor if len(rows) == limit else None
    return page(
        request, "checks.html", version=version, rows=rows, tab="checks", following=following
    )


@router.get("/{article}/rights")
def rights(
    request: Request, pool: PoolDep, article: str, query: Annotated[Checks, Query()]
) -> Response:
    """Show what the site declared about the use of an article, with the periods."""
    limit = query.limit or CHECK_ROWS
    with pool.archive_at(query.clocks(pool.place.timezone)) as archive:
        version = archive.version(_rev(article, None))
        rows = list(archive.rights(version.article, query.after, limit))
    following = rows[-1].cursor if len(rows) == limit else None
    return page(
        request, "rights.html", version=version, rows=rows, tab="rights", following=following
    )


@router.get("/{article}/cite")
def cite(
    request: Request, pool: PoolDep, article: str, query: Annotated[Cite, Query()]
) -> Response:
    """Show references to a version, or to a passage of it."""
    with pool.archive_at(query.clocks(pool.place.timezone)) as archive:
        version = archive.version(_rev(article, query.v))
        rev, error = f"{version.article}@{version.version}", None
        try:
            found = archive.cite(rev, query.passage)
        except (AmbiguousPassageError, NoSuchError) as caught:
            found, error = archive.cite(rev), caught
    styles = (
        {}
        if error
        else {
            "Markdown": citation.markdown(found),
            "BibTeX": citation.bibtex(found),
            "CSL-JSON": citation.csl_json(found),
            "W3C Web Annotation": citation.w3c(found),
        }
    )
    return page(
        request, "cite.html", version=version, citation=found, styles=styles, tab="cite",
        query=query, error=error, candidates=getattr(error, "candidates", ()),
        status=HTTPStatus.OK if error is None else problem_of_error(error).status,
    )  # fmt: skip


def shown(
    request: Request,
    pool: ArchivePool,
    article: str,
    number: int | None,
    query: Version,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the page of one version; of today's clocks it is a memento."""
    zone = pool.place.timezone
    with pool.archive_at(query.clocks(zone)) as archive:
        version = archive.version(_rev(article, number))
        steps = list(archive.history(version.article, limit=MOST_VERSIONS))
        line = _picture(request, pool, archive, version, steps)
        related = list(islice(archive.relations(version.article), MOST_RELATIONS))
        names = archive.titles([each for r in related for each in (r.a, r.b) if each])
    if headers is None and number is not None and not query.clocks(zone).are_set:
        links = MementoLinks(request, version.origin)
        headers = links.of_memento(version.observed.changed_by)
    return page(
        request, "article.html", headers=headers, version=version, steps=steps, line=line,
        related=related, names=names, fields=_fields(version), tab="text", query=query,
        is_cut=len(steps) == MOST_VERSIONS,
    )  # fmt: skip


def _rev(article: str, number: int | None) -> str:
    if "@" in article or "\0" in article:
        raise Problem("no_such", f"there is no article {article!r}")
    return article if number is None else f"{article}@{number}"


def _picture(
    request: Request,
    pool: ArchivePool,
    archive: ReadOnlyArchive,
    version: VersionText,
    steps: Sequence[VersionLine],
) -> Any:
    words = PageWords(language_of(request), pool.place.timezone)
    seen = list(islice(archive.observations(version.article), MOST_SNAPSHOTS))
    return time_line(steps, seen, f"/a/{version.article}", words)


def _fields(version: VersionText) -> list[tuple[str, Field, list[Any]]]:
    """Return the metadata values with their origin and the values that were not chosen."""
    return [
        (name, field, [each for each in field.candidates if each.value != field.value])
        for name, field in sorted(version.fields.items())
    ]
