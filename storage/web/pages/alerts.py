"""Page of alerts and their deliveries, without recipients."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from storage.history.alerts import lists
from storage.web.archives import Library, served
from storage.web.pages.asked import PartQuery
from storage.web.pages.rendering import page

router = APIRouter(include_in_schema=False)
Asked = Annotated[Library, Depends(served)]
ROWS = 50


@router.get("/alerts")
def alerts(request: Request, library: Asked, asked: Annotated[PartQuery, Query()]) -> Response:
    """Show the alerts and their deliveries."""
    limit = asked.limit or ROWS
    with library.today.connect() as connection:
        found, numbers = lists.alerts(connection), lists.counts(connection)
        rows = list(lists.deliveries(connection, after=asked.after, limit=limit))
    return page(
        request, "alerts.html", alerts=found, numbers=numbers, rows=rows,
        following=rows[-1].cursor if len(rows) == limit else None,
    )  # fmt: skip
