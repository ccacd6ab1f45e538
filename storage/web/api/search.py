"""Search as JSON."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from storage.read.facets import Facets
from storage.web.archives import PoolDep
from storage.web.http_cache import CachedRoute
from storage.web.paging import add_lists, answer_one
from storage.web.parameters import SearchParameters
from storage.web.schemas import model_of, one, record

router = APIRouter(prefix="/api", tags=["search"], route_class=CachedRoute)


LISTS = add_lists(router, "search")
VALUE = record("Value", value=str, hits=int)
FACETS = model_of(Facets, ("counts", dict[str, list[VALUE]]))  # type: ignore[valid-type]


@router.get("/facets", responses=one(FACETS))
def facets(pool: PoolDep, query: Annotated[SearchParameters, Query()]) -> Response:
    """Count the hits of a search by source, language, publisher, class of change, year and month.

    Years and months are those of publication, newest first.
    """
    zone = pool.place.timezone
    with pool.archive_at(query.clocks(zone)) as archive:
        found = archive.facets(query.q, query.latest, query.filters(zone), query.steps())
    counts = {
        name: [{"value": value, "hits": number} for value, number in pairs]
        for name, pairs in found.counts.items()
    }
    return answer_one({"hits": found.hits, "is_cut": found.is_cut, "counts": counts})
