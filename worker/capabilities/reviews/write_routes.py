"""Requests that label changes and withdraw labels."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from storage.capabilities.reviews import store
from storage.capabilities.reviews.store import ReviewedChange
from storage.read.filters import TODAY
from storage.read.query.parameter import Bounds
from storage.read.query.queries import Long, Plain
from storage.values.net.token import Token
from storage.web.archives import pool_of
from storage.web.parameters import QueryParameters
from storage.web.schemas import record, troubles
from worker.services.orders import ERRORS, NEEDS_TOKEN, IngestService, require_token

REVIEW = record("ReviewWritten", id=int, reviewer=str)
ROUTER = APIRouter(tags=["orders"])
Note = Annotated[str, Bounds(max_length=store.LONGEST_NOTE, has_lines=True)]


class LabelOfChange(QueryParameters):
    """A label of the change that created a version."""

    change: Annotated[Long, Field(description="Version after the change, such as ARTICLE@2.")]
    label: Annotated[Plain | None, Field(description="important, unimportant or your own.")] = None


class NewReview(LabelOfChange):
    """A label with a note; `own` is the label if `label` is empty, as a form sends it."""

    note: Note | None = None
    own: Plain | None = None


Access = Annotated[tuple[IngestService, Token], Depends(require_token("review"))]


@ROUTER.post(
    "/api/reviews", status_code=201, openapi_extra=NEEDS_TOKEN,
    responses={201: {"model": REVIEW}, **troubles(*ERRORS, 410, 451)},
)  # fmt: skip
def add_review(request: Request, access: Access, body: Annotated[NewReview, Body()]) -> Response:
    """Label a change; the name of the token is recorded."""
    service, token = access
    change = _change(request, service, body.change)
    label = body.label or body.own or ""
    number = service.archive.transact(store.add_review, change, label, body.note, token.name)
    return JSONResponse({"id": number, "reviewer": token.name}, 201)


@ROUTER.delete(
    "/api/reviews", status_code=204, openapi_extra=NEEDS_TOKEN,
    responses={204: {"description": "Withdrawn"}, **troubles(*ERRORS, 410, 451)},
)  # fmt: skip
def withdraw_review(
    request: Request, access: Access, query: Annotated[LabelOfChange, Query()]
) -> Response:
    """Withdraw your label of a change, or all your labels of it."""
    service, token = access
    change = _change(request, service, query.change)
    service.archive.transact(store.withdraw_reviews, change, query.label, token.name)
    return Response(status_code=204)


def _change(request: Request, service: IngestService, rev: str) -> ReviewedChange:
    with pool_of(request).archive_at(TODAY) as archive:
        found = archive.version(rev)
    return service.archive.read(store.find_change, found.article, found.version)
