"""Page of alerts and their deliveries, without recipients."""

import shlex
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from storage.history.alerts import lists
from storage.web.archives import PoolDep
from storage.web.pages.query_parameters import Alerts
from storage.web.pages.rendering import page

router = APIRouter(include_in_schema=False)
ROWS = 50


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
