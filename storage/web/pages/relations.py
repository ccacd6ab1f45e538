"""Copies and follow-ups, and a time line of a cluster with the changes of each outlet."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from storage.read.answers import ArticleLine
from storage.read.render.passages import PassageBlock, blocks, excerpt
from storage.web.archives import PoolDep, language_of
from storage.web.http_cache import CachedRoute
from storage.web.pages.pictures import spread
from storage.web.pages.query_parameters import ArticleQuery, Relations, Version
from storage.web.pages.rendering import Links, PageWords, page

router = APIRouter(include_in_schema=False, route_class=CachedRoute)
ROWS = 30
MOST_MEMBERS = 12
MOST_PASSAGES = 6


@dataclass(frozen=True, slots=True)
class ClusterMember:
    """An article of a cluster, and how its latest text differs from that of the first one."""

    line: ArticleLine
    blocks: tuple[PassageBlock, ...]
    is_same: bool


@router.get("/relations")
def relations(request: Request, pool: PoolDep, query: Annotated[Relations, Query()]) -> Response:
    """Show the relations of the archive."""
    zone, limit = pool.place.timezone, query.limit or ROWS
    with pool.archive_at(query.clocks(zone)) as archive:
        rows = list(archive.relations(None, query.filters(zone), query.after, limit))
        compared = dict(zip((r.id for r in rows), archive.compared_revisions(rows), strict=True))
        names = archive.names([each for row in rows for each in (row.a, row.b)])
    return page(
        request, "relations.html", rows=rows, names=names, query=query, compared=compared,
        following=rows[-1].cursor if len(rows) == limit else None,
    )  # fmt: skip


@router.get("/cluster/of")
def cluster_of(
    request: Request, pool: PoolDep, query: Annotated[ArticleQuery, Query()]
) -> Response:
    """Lead to the cluster of an article, or to the article where it has none."""
    line = pool.today.article(query.a)
    place = f"/a/{line.article}" if line.cluster is None else f"/cluster/{line.cluster}"
    return RedirectResponse(Links(request)(place), 303)


@router.get("/cluster/{label}")
def cluster(
    request: Request, pool: PoolDep, label: str, query: Annotated[Version, Query()]
) -> Response:
    """Show the articles that copies join, in time, each against the one that we saw first."""
    zone = pool.place.timezone
    words = PageWords(language_of(request), zone)
    with pool.archive_at(query.clocks(zone)) as archive:
        lines = archive.cluster(label.replace("\0", ""))
        first = next((each for each in lines if each.state != "restricted"), lines[0])
        members = [ClusterMember(first, (), is_same=True)]
        for line in lines[:MOST_MEMBERS]:
            if line is first:
                continue
            if line.state == "restricted":
                members.append(ClusterMember(line, (), is_same=False))
                continue
            found = archive.diff(first.article, line.article)
            members.append(
                ClusterMember(line, excerpt(blocks(found.operations), MOST_PASSAGES), found.is_same)
            )
    seen = [(_name(line), line.first_seen) for line in lines[:MOST_MEMBERS]]
    return page(
        request, "cluster.html", label=label, lines=lines, members=members, most=MOST_MEMBERS,
        picture=spread(seen, words.t("First check of each article")),
    )  # fmt: skip


def _name(line: ArticleLine) -> str:
    return line.publisher or line.origin.rpartition("/")[2][:60] or line.origin[:60]
