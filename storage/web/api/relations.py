"""Copies, follow-ups and clusters as JSON."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from storage.read import answers
from storage.read.archive import ReadOnlyArchive
from storage.web.archives import PoolDep
from storage.web.http_cache import CachedRoute
from storage.web.paging import answer_one, answer_rows
from storage.web.parameters import ClockParameters, Plain, RelationsQuery
from storage.web.schemas import many, model_of, one, record

router = APIRouter(prefix="/api", tags=["relations"], route_class=CachedRoute)
RELATION = model_of(answers.Relation, ("explanation", answers.Explanation | None))
LINE = model_of(answers.ArticleLine)
CLUSTER = record("Cluster", cluster=str, articles=list[LINE])  # type: ignore[valid-type]


@router.get("/relations", responses=many(RELATION))
def relations(
    request: Request, pool: PoolDep, query: Annotated[RelationsQuery, Query()]
) -> Response:
    """List copies and follow-ups with score, method and reason."""
    zone = pool.place.timezone
    filters = query.filters(zone)

    def ask(
        archive: ReadOnlyArchive, after: str | None, limit: int
    ) -> Iterator[answers.Relation | answers.ExplainedRelation]:
        found = archive.relations(query.article, filters, after, limit)
        return archive.explain_relations(found) if query.explain else found

    return answer_rows(
        request, query, ask, query.clocks(zone), lambda row: {"explanation": None, **row.to_dict()}
    )


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
