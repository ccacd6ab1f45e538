"""Search as JSON."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from storage.read import answers
from storage.read.facets import Facets
from storage.read.lists import ChangeFilter
from storage.web.archives import Library, served
from storage.web.known import KnownRoute
from storage.web.paging import answer_one, answer_rows
from storage.web.parameters import SearchQuery
from storage.web.schemas import many, model_of, one, record

router = APIRouter(prefix="/api", tags=["search"], route_class=KnownRoute)
Asked = Annotated[Library, Depends(served)]


def steps_of(asked: SearchQuery) -> ChangeFilter:
    """Return the filter for the changes that created a version."""
    return ChangeFilter((asked.change.value,) if asked.change else (), asked.silent)


@router.get("/search", responses=many(model_of(answers.Hit)))
def search(request: Request, library: Asked, asked: Annotated[SearchQuery, Query()]) -> Response:
    """Search all versions of all articles, in batches of the newest texts, best result first."""
    zone = library.place.timezone
    filters, steps = asked.filters(zone), steps_of(asked)
    return answer_rows(
        request,
        asked,
        lambda a, after, n: a.search(asked.q, asked.latest, filters, after, n, steps),
        asked.clocks(zone),
    )


VALUE = record("Value", value=str, hits=int)
FACETS = model_of(Facets, ("counts", dict[str, list[VALUE]]))  # type: ignore[valid-type]


@router.get("/facets", responses=one(FACETS))
def facets(library: Asked, asked: Annotated[SearchQuery, Query()]) -> Response:
    """Count the hits of a search by source, language, publisher, class of change and year."""
    zone = library.place.timezone
    with library.at(asked.clocks(zone)) as archive:
        found = archive.facets(asked.q, asked.latest, asked.filters(zone), steps_of(asked))
    counts = {
        name: [{"value": value, "hits": number} for value, number in pairs]
        for name, pairs in found.counts.items()
    }
    return answer_one({"hits": found.hits, "is_cut": found.is_cut, "counts": counts})
