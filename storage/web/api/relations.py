"""Copies, follow-ups and clusters as JSON."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from storage.read import answers
from storage.read.query.queries import Plain
from storage.web.archives import PoolDep
from storage.web.http_cache import CachedRoute
from storage.web.paging import add_lists, answer_list, answer_one
from storage.web.parameters import ClockParameters, RelationsParameters
from storage.web.schemas import many, model_of, one, record

router = APIRouter(prefix="/api", tags=["relations"], route_class=CachedRoute)
RELATION = model_of(answers.Relation, ("explanation", answers.Explanation | None))
LINE = model_of(answers.ArticleLine)
add_lists(router, "relations")
CLUSTER = record("Cluster", cluster=str, articles=list[LINE])  # type: ignore[valid-type]


@router.get("/relations", responses=many(RELATION))
def relations(request: Request, query: Annotated[RelationsParameters, Query()]) -> Response:
    """List copies and follow-ups with score, method and reason."""
    return answer_list(request, query, lambda row: {"explanation": None, **row.to_dict()})


@router.get("/clusters/{cluster}", responses=one(CLUSTER))
def cluster(
    pool: PoolDep,
    cluster: Annotated[Plain, Path()],
    query: Annotated[ClockParameters, Query()],
) -> Response:
    """Return the articles that are copies of one text, in the order of their first check."""
    with pool.archive_at(query.clocks(pool.place.timezone)) as archive:
        found = archive.cluster(cluster)
    return answer_one({"cluster": cluster, "articles": [each.to_dict() for each in found]})
