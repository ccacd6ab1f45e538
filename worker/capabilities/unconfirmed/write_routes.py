"""Requests that decide about unconfirmed readings."""

from typing import Annotated, Literal

from fastapi import APIRouter, Body, Depends, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from storage.capabilities.unconfirmed import store
from storage.read.filters import TODAY
from storage.read.query.queries import Long, Plain
from storage.values.net.token import Token
from storage.web.archives import pool_of
from storage.web.parameters import QueryParameters
from storage.web.schemas import record, troubles
from worker.services.orders import ERRORS, NEEDS_TOKEN, IngestService, require_token

DECISION = record("DecisionWritten", id=int, decided_by=str)
ROUTER = APIRouter(tags=["orders"])


class DecidedReading(QueryParameters):
    """A reading of an article that is held back: the newest open one, or that of a wording."""

    article: Annotated[Long, Field(description="Article by id or address.")]
    wording: Annotated[
        Plain | None, Field(description="Wording of the reading, such as w1:5f3a9c.")
    ] = None


class NewDecision(DecidedReading):
    """The decision of a person about a reading."""

    decision: Literal["confirmed", "dismissed"]


Access = Annotated[tuple[IngestService, Token], Depends(require_token("decide"))]


@ROUTER.post(
    "/api/unconfirmed", status_code=201, openapi_extra=NEEDS_TOKEN,
    responses={201: {"model": DECISION}, **troubles(*ERRORS, 410, 451)},
)  # fmt: skip
def decide(request: Request, access: Access, body: Annotated[NewDecision, Body()]) -> Response:
    """Confirm or dismiss a reading that is held back; the name of the token is recorded."""
    service, token = access
    held = _reading(request, service, body)
    number = service.archive.transact(store.settle, held, body.decision, token.name)
    return JSONResponse({"id": number, "decided_by": token.name}, 201)


@ROUTER.delete(
    "/api/unconfirmed", status_code=204, openapi_extra=NEEDS_TOKEN,
    responses={204: {"description": "Undone"}, **troubles(*ERRORS, 410, 451)},
)  # fmt: skip
def undo_decision(
    request: Request, access: Access, query: Annotated[DecidedReading, Query()]
) -> Response:
    """Undo the decision about a reading: later checks decide again."""
    service, token = access
    held = _reading(request, service, query, is_open=False)
    service.archive.transact(store.undo_decision, held, token.name)
    return Response(status_code=204)


def _reading(
    request: Request, service: IngestService, asked: DecidedReading, *, is_open: bool = True
) -> store.HeldReading:
    with pool_of(request).archive_at(TODAY) as archive:
        number = archive.article_row_id(asked.article)
    return service.archive.read(store.find_reading, number, asked.wording, is_open=is_open)
