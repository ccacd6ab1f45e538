"""Search as JSON."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from storage.read import answers
from storage.read.facets import Facets
from storage.read.lists import ChangeFilter
from storage.web.archives import PoolDep
from storage.web.http_cache import CachedRoute
from storage.web.paging import answer_one, answer_rows
from storage.web.parameters import SearchQuery
from storage.web.schemas import many, model_of, one, record

router = APIRouter(prefix="/api", tags=["search"], route_class=CachedRoute)


def steps_of(query: SearchQuery) -> ChangeFilter:
    """Return the filter for the changes that created a version."""
    return ChangeFilter((query.change.value,) if query.change else (), query.silent)


@router.get("/search", responses=many(model_of(answers.Hit)))
def search(request: Request, pool: PoolDep, query: Annotated[SearchQuery, Query()]) -> Response:
    """Search all versions of all articles, in batches of the newest texts, best result first."""
    zone = pool.place.timezone
    filters, steps = query.filters(zone), steps_of(query)
    return answer_rows(
        request,
        query,
        lambda a, after, n: a.search(query.q, query.latest, filters, after, n, steps),
        query.clocks(zone),
    )


VALUE = record("Value", value=str, hits=int)
FACETS = model_of(Facets, ("counts", dict[str, list[VALUE]]))  # type: ignore[valid-type]


@router.get("/facets", responses=one(FACETS))
def facets(pool: PoolDep, query: Annotated[SearchQuery, Query()]) -> Response:
    """Count the hits of a search by source, language, publisher, class of change, year and month.

    Years and months are those of publication, newest first.
    """
    zone = pool.place.timezone
    with pool.archive_at(query.clocks(zone)) as archive:
        found = archive.facets(query.q, query.latest, query.filters(zone), steps_of(query))
    counts = {
        name: [{"value": value, "hits": number} for value, number in pairs]
        for name, pairs in found.counts.items()
    }
    return answer_one({"hits": found.hits, "is_cut": found.is_cut, "counts": counts})
