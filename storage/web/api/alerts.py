"""Alerts and their deliveries as JSON, without recipients."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from storage.history.alerts import lists
from storage.history.alerts.lists import Alert, Delivery
from storage.read.archive import ReadOnlyArchive
from storage.read.query.queries import Plain
from storage.web.archives import PoolDep
from storage.web.paging import answer_one, answer_rows
from storage.web.parameters import PageParameters, QueryParameters
from storage.web.schemas import many, model_of, one, record

router = APIRouter(prefix="/api/alerts", tags=["alerts"])

ALERT = record(
    "Alert", alert=str, rule=dict[str, Any], daily_at=str | None, timezone=str, paused=bool,
    created_at=str, deliveries=dict[str, int],
)  # fmt: skip
ALERTS = record("Alerts", items=list[ALERT], next=None)  # type: ignore[valid-type]


class DeliveriesQuery(PageParameters):
    """Parameters of a list of deliveries."""

    alert: Annotated[Plain | None, Field(description="Of the alert of this name alone.")] = None
    state: Annotated[
        Literal["waiting", "sent", "failed", "dead", "damped"] | None,
        Field(description="In this state alone."),
    ] = None


@router.get("", responses=one(ALERTS))
def alerts(pool: PoolDep, _query: Annotated[QueryParameters, Query()]) -> Response:
    """List the alerts by name, with the number of deliveries in each state."""
    with pool.today.connect() as connection:
        found, numbers = lists.alerts(connection), lists.counts(connection)
    items = [_alert_fields(each, numbers[each.name]) for each in found]
    return answer_one({"items": items, "next": None})


@router.get("/deliveries", responses=many(model_of(Delivery)))
def deliveries(
    request: Request, pool: PoolDep, query: Annotated[DeliveriesQuery, Query()]
) -> Response:
    """List the deliveries, newest first."""
    if query.alert is not None:
        with pool.today.connect() as connection:
            lists.alert(connection, query.alert)

    def rows(archive: ReadOnlyArchive, page: tuple[str | None, int]) -> Iterator[Delivery]:
        after, limit = page
        with archive.connect() as connection:
            yield from lists.deliveries(
                connection, name=query.alert, state=query.state, after=after, limit=limit
            )

    return answer_rows(request, query, rows)


def _alert_fields(alert: Alert, numbers: dict[str, int]) -> dict[str, Any]:
    rule = {name: value for name, value in alert.rule.kept.items() if name != "languages"}
    return {
        "alert": alert.name, "rule": rule, "daily_at": alert.daily_at, "timezone": alert.timezone,
        "paused": alert.paused, "created_at": alert.created_at.isoformat(), "deliveries": numbers,
    }  # fmt: skip
