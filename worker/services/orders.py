"""Requests that need a token: to ingest addresses, and to change the watched sources."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Body, Depends, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from storage.read.query.queries import Long, Plain
from storage.settings import Settings
from storage.values.arrivals.source import NoSuchSourceError, Source
from storage.values.messages import message_text
from storage.values.net.token import Token
from storage.values.settings.entered_text import LINE
from storage.values.settings.readers import read_interval
from storage.web.api.statistics import SOURCE, source_row
from storage.web.pages.rendering import Links
from storage.web.parameters import QueryParameters, check_fields
from storage.web.problems import Problem
from storage.web.schemas import record, troubles
from storage.write.archive import Archive
from storage.write.tokens import token_of
from worker.errors import LocatorError, ScheduleError
from worker.flow.order import order, target_at, target_of
from worker.flow.standing_sources import apply_schedule, watch_address
from worker.services.rate_limit import RateLimit
from worker.services.schedule.cron import CronError, cron_trigger
from worker.sources.locators import is_address

MOST_LOCATORS = 100
REQUESTS_PER_MINUTE = 60
INVALID_TOKENS_PER_MINUTE = 10
ERRORS = (400, 401, 403, 404, 409, 413, 421, 429, 500, 503)
JOB = record("JobWritten", job=int)


class IngestRequest(QueryParameters):
    """Addresses to be checked now, or a source whose addresses are due now."""

    locators: Annotated[tuple[Long, ...], Field(max_length=MOST_LOCATORS)] = ()
    source: Annotated[
        Plain | None,
        Field(description="Source of the locators; alone: check all its addresses."),
    ] = None


class SourceSchedule(QueryParameters):
    """The check schedule of a source."""

    every: Annotated[Plain | None, Field(description="Check interval: 15m, 2h, 1d.")] = None
    cron: Annotated[
        Plain | None,
        Field(description="Cron expression of five fields; 0 is Sunday."),
    ] = None


class NewSource(SourceSchedule):
    """An address to be watched from now on."""

    locator: Long
    name: Plain | None = None
    type: Annotated[
        Plain | None,
        Field(description="page, front, feed, sitemap, opml or urls (default: detected)."),
    ] = None


class SourceChanges(SourceSchedule):
    """Changes to a source."""

    name: Plain
    paused: bool | None = None


class SourceName(QueryParameters):
    """The name of a source."""

    name: Plain


@dataclass(frozen=True, slots=True)
class IngestService:
    """Accepts write requests for one archive."""

    archive: Archive
    settings: Settings
    requests: RateLimit
    invalid_tokens: RateLimit

    def authenticate(self, request: Request, token_text: str | None, scope: str) -> Token:
        """Return the token of a request, if its scope allows the request.

        While a client is rate-limited, none of its tokens is checked, not even a valid one.

        Raises: Problem.
        """
        client = request.client.host if request.client else "?"
        if not token_text:
            raise missing_token_problem()
        _wait(self.invalid_tokens.wait(client, 0))
        token = token_of(self.archive, token_text)
        if token is None or token.revoked_at is not None:
            _wait(self.invalid_tokens.wait(client))
            raise invalid_token_problem()
        if not token.allows(scope):
            raise Problem(
                "token_scope", message_text("token_without_scope", name=token.name, scope=scope)
            )
        _wait(self.requests.wait(token.name))
        return token


def missing_token_problem() -> Problem:
    return Problem(
        "token_missing", message_text("token_needed"),
        headers={"WWW-Authenticate": "Bearer"},
    )  # fmt: skip


def invalid_token_problem() -> Problem:
    """Return the problem of an unknown or revoked token, without distinguishing the two."""
    return Problem(
        "token_invalid", message_text("token_unknown"),
        headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
    )  # fmt: skip


def create_ingest_service(
    archive: Archive, settings: Settings, shared: Path | None = None
) -> IngestService:
    """Return the ingest service of an archive; those with the same folder share their rate
    limit.
    """
    requests, wrong = (
        RateLimit(most, file=shared and shared / f"{name}.json")
        for name, most in (("orders", REQUESTS_PER_MINUTE), ("wrong", INVALID_TOKENS_PER_MINUTE))
    )
    return IngestService(archive, settings, requests, wrong)


def require_scope(scope: str) -> Callable[[Request], IngestService]:
    """Return a dependency that gives the ingest service to requests whose token has `scope`."""
    authenticate = require_token(scope)

    def authenticated_service(request: Request) -> IngestService:
        return authenticate(request)[0]

    return authenticated_service


def require_token(scope: str) -> Callable[[Request], tuple[IngestService, Token]]:
    """Return a dependency that gives the ingest service, and the token of a request with `scope`.

    The token is in the `Authorization` header. The dependency raises Problem.
    """

    def authenticate(request: Request) -> tuple[IngestService, Token]:
        service: IngestService = request.app.state.ingest_service
        kind, _, token_text = request.headers.get("authorization", "").partition(" ")
        given = token_text.strip() if kind.lower() == "bearer" else None
        return service, service.authenticate(request, given, scope)

    return authenticate


router = APIRouter(tags=["orders"])
IngestAccess = Annotated[IngestService, Depends(require_scope("ingest"))]
SourcesAccess = Annotated[IngestService, Depends(require_scope("sources"))]
NEEDS_TOKEN: dict[str, Any] = {"security": [{"token": []}]}


@router.post(
    "/api/ingest", status_code=202, responses={202: {"model": JOB}, **troubles(*ERRORS)},
    openapi_extra=NEEDS_TOKEN,
)  # fmt: skip
def ingest(service: IngestAccess, body: Annotated[IngestRequest, Body()]) -> Response:
    """Order an ingestion of addresses or of a source; files of the server are not accepted."""
    return JSONResponse({"job": _insert_ingest_job(service, body)}, 202)


@router.post(
    "/api/sources", status_code=201, responses={201: {"model": SOURCE}, **troubles(*ERRORS)},
    openapi_extra=NEEDS_TOKEN,
)  # fmt: skip
def add_source(service: SourcesAccess, body: Annotated[NewSource, Body()]) -> Response:
    """Watch an address from now on."""
    return JSONResponse(source_row(_create_source(service, body)), 201)


@router.patch(
    "/api/sources",
    responses={200: {"model": SOURCE}, **troubles(*ERRORS)},
    openapi_extra=NEEDS_TOKEN,
)
def change_source(service: SourcesAccess, body: Annotated[SourceChanges, Body()]) -> Response:
    """Pause or resume a source, or change its schedule."""
    values = _schedule(service.settings, body)
    if body.paused is not None:
        values["paused"] = body.paused
    if not values:
        raise Problem("parameter_invalid", message_text("nothing_to_change"))
    changed = _source_or_problem(lambda: service.archive.change_source(body.name, **values))
    apply_schedule(service.archive, changed)
    return JSONResponse(source_row(changed))


@router.delete(
    "/api/sources", status_code=204,
    responses={204: {"description": "The source was removed"}, **troubles(*ERRORS)},
    openapi_extra=NEEDS_TOKEN,
)  # fmt: skip
def remove_source(service: SourcesAccess, body: Annotated[SourceName, Query()]) -> Response:
    """Stop watching a source; its captures are retained."""
    moment = service.archive.clock()
    _source_or_problem(
        lambda: service.archive.change_source(body.name, removed_at=moment, standing=False)
    )
    return Response(status_code=204)


async def own_form_fields(request: Request) -> dict[str, str]:
    """Return the fields of a form that our own page submitted.

    Raises: Problem if another page submitted it, or it has other fields.
    """
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = urlsplit(request.headers.get("origin", "")).netloc
    if site not in {"same-origin", "none"} or origin not in {"", request.headers.get("host", "")}:
        raise Problem("origin_foreign", message_text("form_foreign"))
    try:
        body = await request.body()
        check_fields(body)
        fields = parse_qs(body.decode(), max_num_fields=20)
    except ValueError as error:
        raise Problem("request_invalid", message_text("form_large")) from error
    for name, values in fields.items():
        if (fault := LINE.fault(values[0])) is not None:
            raise Problem("request_invalid", f"{name}: {fault}")
    return {name: values[0] for name, values in fields.items()}


@router.post("/sources", include_in_schema=False)
def send_form(
    request: Request, form: Annotated[dict[str, str], Depends(own_form_fields)]
) -> Response:
    """Accept the form of the page; it contains the token, so no other page can submit it."""
    service: IngestService = request.app.state.ingest_service
    locator, every = form.get("locator", "").strip(), form.get("every", "").strip() or None
    is_once = form.get("once") == "true"
    service.authenticate(request, form.get("token", "").strip(), "ingest" if is_once else "sources")
    if not locator or len(locator) > 4_000:
        raise Problem("not_an_address", message_text("form_address"))
    if is_once:
        _insert_ingest_job(service, IngestRequest(locators=(locator,)))
    else:
        _create_source(service, NewSource(locator=locator, every=every))
    return RedirectResponse(Links(request)("/sources"), 303)


def _insert_ingest_job(service: IngestService, body: IngestRequest) -> int:
    for locator in body.locators:
        if not is_address(locator):
            raise Problem("not_an_address", message_text("not_address", given=locator[:200]))
    try:
        if body.locators:
            targets = [
                target_at(service.archive, service.settings, each, source=body.source)
                for each in body.locators
            ]
        elif body.source:
            source = body.source
            targets = [target_of(_source_or_problem(lambda: service.archive.source(source)))]
        else:
            raise Problem("parameter_invalid", message_text("what_to_ingest"))
    except LocatorError as error:
        raise Problem("not_an_address", str(error)) from error
    job = order(service.archive, targets, "api")
    assert job is not None  # without a slot the job is always new
    return job


def _create_source(service: IngestService, body: NewSource) -> Source:
    if not is_address(body.locator):
        raise Problem("not_an_address", message_text("not_address", given=body.locator[:200]))
    schedule = _schedule(service.settings, body)
    try:
        return watch_address(
            service.archive,
            service.settings,
            body.locator,
            name=body.name,
            kind=body.type,
            **schedule,
        )
    except LocatorError as error:
        raise Problem("not_an_address", str(error)) from error
    except ScheduleError as error:
        raise Problem("conflict", str(error)) from error


def _schedule(settings: Settings, body: SourceSchedule) -> dict[str, Any]:
    if body.every is not None and body.cron is not None:
        raise Problem("parameter_invalid", message_text("every_or_cron"))
    try:
        if body.every is not None:
            return {"every_seconds": read_interval(body.every), "cron": None}
        if body.cron is not None:
            cron_trigger(body.cron, settings.zone)
            return {"every_seconds": None, "cron": body.cron}
    except (ValueError, CronError) as error:
        raise Problem("parameter_invalid", str(error)) from error
    return {}


def _source_or_problem(action: Callable[[], Source]) -> Source:
    try:
        return action()
    except NoSuchSourceError as error:
        raise Problem("no_such", str(error)) from error


def _wait(seconds: float) -> None:
    if seconds > 0:
        after = str(ceil(seconds))
        raise Problem(
            "too_many", message_text("retry_later", seconds=after), headers={"Retry-After": after}
        )
