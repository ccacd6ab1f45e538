"""Articles and their versions as JSON: lists, texts, comparisons, blame, references, bytes."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Literal, get_type_hints
from urllib.parse import quote

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from storage.diff.entry_history import LiveBlogEntry
from storage.diff.word_diff import Operation
from storage.read import answers
from storage.read.render import citation
from storage.web.archives import PoolDep
from storage.web.http_cache import CachedRoute
from storage.web.paging import answer_one, answer_rows
from storage.web.parameters import (
    ArticleRows,
    BlameQuery,
    CiteQuery,
    ClockParameters,
    DiffQuery,
    EntriesQuery,
    FrontQuery,
    FrontsQuery,
    ListQuery,
    Long,
    OfVersion,
    RightsQuery,
)
from storage.web.schemas import many, model_of, one, plain, record

router = APIRouter(prefix="/api", tags=["articles"], route_class=CachedRoute)
VERSION = one(model_of(answers.VersionText))

_STYLES: Mapping[str, tuple[Callable[[answers.Citation], str], str]] = MappingProxyType(
    {
        "markdown": (citation.markdown, "text/markdown"),
        "bibtex": (citation.bibtex, "application/x-bibtex"),
        "csl-json": (citation.csl_json, "application/vnd.citationstyles.csl+json"),
        "w3c": (citation.w3c, "application/ld+json"),
    }
)


@router.get("/articles", responses=many(model_of(answers.ArticleLine)))
def list_articles(
    request: Request, pool: PoolDep, query: Annotated[ListQuery, Query()]
) -> Response:
    """List the articles in the order in which they were added to the archive."""
    zone = pool.place.timezone
    filters = query.filters(zone)
    return answer_rows(
        request, query, lambda a, after, n: a.articles(filters, after, n), query.clocks(zone)
    )


@router.get("/articles/{rev:path}", responses=VERSION)
def article(
    pool: PoolDep,
    rev: Annotated[Long, Path()],
    query: Annotated[ClockParameters, Query()],
) -> Response:
    """Return a version by its REV, or the latest version of an article."""
    with pool.archive_at(query.clocks(pool.place.timezone)) as archive:
        return answer_one(archive.version(rev))


@router.get("/version", responses=VERSION)
def version(pool: PoolDep, query: Annotated[OfVersion, Query()]) -> Response:
    """Return a version by `rev`, which may contain any address."""
    with pool.archive_at(query.clocks(pool.place.timezone)) as archive:
        return answer_one(archive.version(query.rev))


@router.get("/history", responses=many(model_of(answers.VersionLine)))
def history(request: Request, pool: PoolDep, query: Annotated[ArticleRows, Query()]) -> Response:
    """List the versions of an article, oldest first."""
    clocks = query.clocks(pool.place.timezone)
    return answer_rows(
        request, query, lambda a, after, n: a.history(query.article, after, n), clocks
    )


@router.get("/observations", responses=many(model_of(answers.Observation)))
def observations(
    request: Request, pool: PoolDep, query: Annotated[ArticleRows, Query()]
) -> Response:
    """List every check of an article with its outcome, in the order of time."""
    clocks = query.clocks(pool.place.timezone)
    return answer_rows(
        request, query, lambda a, after, n: a.observations(query.article, after, n), clocks
    )


@router.get("/entries", responses=many(model_of(LiveBlogEntry)))
def entries(request: Request, pool: PoolDep, query: Annotated[EntriesQuery, Query()]) -> Response:
    """List the entries of a live blog with all their texts, the newest first."""
    clocks = query.clocks(pool.place.timezone)
    return answer_rows(
        request,
        query,
        lambda a, after, n: a.entries(query.article, after, n, oldest_first=query.oldest_first),
        clocks,
    )


@router.get("/rights", responses=many(model_of(answers.RightsDeclaration)))
def rights(request: Request, pool: PoolDep, query: Annotated[RightsQuery, Query()]) -> Response:
    """List what a site declared about the use of a text: where, since when and until when."""
    clocks = query.clocks(pool.place.timezone)
    return answer_rows(
        request,
        query,
        lambda a, after, n: a.rights(query.article, after, n, current=query.current),
        clocks,
    )


@router.get("/front", responses=many(model_of(answers.Teaser)))
def front(request: Request, pool: PoolDep, query: Annotated[FrontQuery, Query()]) -> Response:
    """List the teasers of a front page at its latest check, or at the time `as_of`."""
    clocks = query.clocks(pool.place.timezone)
    return answer_rows(request, query, lambda a, after, n: a.front(query.front, after, n), clocks)


@router.get("/fronts", responses=many(model_of(answers.FrontStay)))
def fronts(request: Request, pool: PoolDep, query: Annotated[FrontsQuery, Query()]) -> Response:
    """List how long headlines were on front pages, at which positions, and headline tests."""
    clocks = query.clocks(pool.place.timezone)
    return answer_rows(
        request,
        query,
        lambda a, after, n: a.fronts(query.article, query.front, after, n),
        clocks,
    )


EDIT = Literal["equal", "insert", "delete", "move"]
OPERATION = record("Operation", **get_type_hints(Operation) | {"op": EDIT})
BREAK = record("ParagraphBreak", op=Literal["split", "join"], role=str, a_start=int, b_start=int)
DIFF = model_of(answers.Diff, ("operations", list[OPERATION]), ("breaks", list[BREAK]))  # type: ignore[valid-type]


@router.get("/diff", responses=one(DIFF))
def diff(pool: PoolDep, query: Annotated[DiffQuery, Query()]) -> Response:
    """Compare two versions word by word."""
    with pool.archive_at(query.clocks(pool.place.timezone)) as archive:
        return answer_one(archive.diff(query.rev, query.to))


@router.get("/blame", responses=many(model_of(answers.Blame)))
def blame(request: Request, pool: PoolDep, query: Annotated[BlameQuery, Query()]) -> Response:
    """Report for each sentence its first version, and the first article that contained it."""
    clocks = query.clocks(pool.place.timezone)
    return answer_rows(
        request, query, lambda a, after, n: a.blame(query.rev, query.removed, after, n), clocks
    )


def _shape(media: str) -> dict[str, str]:
    return {} if media.endswith("json") else {"type": "string"}


@router.get(
    "/cite",
    responses=one(model_of(answers.Citation)) | {200: {
        "model": model_of(answers.Citation),
        "content": {media: {"schema": _shape(media)} for _write, media in _STYLES.values()},
    }},
)  # fmt: skip
def cite(pool: PoolDep, query: Annotated[CiteQuery, Query()]) -> Response:
    """Return a permanent reference to a version or a passage."""
    with pool.archive_at(query.clocks(pool.place.timezone)) as archive:
        found = archive.cite(query.rev, query.passage)
    if query.style == "json":
        return answer_one(found)
    write, media_type = _STYLES[query.style]
    return Response(write(found), media_type=media_type)


@router.get("/raw", responses=plain("text/plain", "The captured bytes."))
def raw(pool: PoolDep, query: Annotated[OfVersion, Query()]) -> Response:
    """Return the captured bytes of a version as a download."""
    with pool.archive_at(query.clocks(pool.place.timezone)) as archive:
        found = archive.raw(query.rev)
    return Response(
        found.data,
        media_type="text/plain",
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.name, safe='')}",
            "Content-Type": "text/plain",
            "X-Lesart-SHA-256": found.digest,
        },
    )
