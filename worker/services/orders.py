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

from storage.settings import Settings, read_interval
from storage.values.arrivals.source import NoSuchSourceError, Source
from storage.values.net.token import Scope, Token
from storage.web.api.work import SOURCE, source_row
from storage.web.parameters import Asked, Long, Plain
from storage.web.problems import Problem
from storage.web.schemas import record, troubles
from storage.write.archive import Archive
from storage.write.tokens import token_of
from worker.errors import LocatorError, ScheduleError
from worker.flow.order import is_address, order, target_at, target_of
from worker.flow.standing_sources import watch_address, watch_anew
from worker.services.cron import CronError, cron_trigger
from worker.services.rate_limit import RateLimit

MOST_LOCATORS = 100
ORDERS_A_MINUTE = 60
WRONG_TOKENS_A_MINUTE = 10
AGAIN = (400, 401, 403, 404, 409, 413, 421, 429, 500, 503)
JOB = record("JobWritten", job=int)


class Ingestion(Asked):
    """Addresses to be checked now, or a source whose addresses are due now."""

    locators: Annotated[tuple[Long, ...], Field(max_length=MOST_LOCATORS)] = ()
    source: Annotated[Plain | None, Field(description="File them under it; alone: run it.")] = None


class ScheduleOrder(Asked):
    """The check schedule of a source."""

    every: Annotated[Plain | None, Field(description="How often: 15m, 2h, 1d.")] = None
    cron: Annotated[Plain | None, Field(description="When: five fields, 0 is Sunday.")] = None


class NewSource(ScheduleOrder):
    """An address to be watched from now on."""

    locator: Long
    name: Plain | None = None
    type: Annotated[Plain | None, Field(description="page, feed, sitemap, opml or urls.")] = None


class ChangedSource(ScheduleOrder):
    """Changes to a source."""

    name: Plain
    paused: bool | None = None


class SourceName(Asked):
    """The name of a source."""

    name: Plain


@dataclass(frozen=True, slots=True)
class Desk:
    """Accepts write requests for one archive."""

    archive: Archive
    settings: Settings
    orders: RateLimit
    wrong_tokens: RateLimit

    def admitted(self, request: Request, given: str | None, scope: Scope) -> Token:
        """Return the token of a request, if its scope allows the request.

        While a client is rate-limited, none of its tokens is checked, not even a valid one.

        Raises: Problem.
        """
        client = request.client.host if request.client else "?"
        if not given:
            raise _missing_token()
        _wait(self.wrong_tokens.wait(client, 0))
        token = token_of(self.archive, given)
        if token is None or token.revoked_at is not None:
            _wait(self.wrong_tokens.wait(client))
            raise _wrong_token()
        if not token.allows(scope):
            raise Problem("token_scope", f"the token {token.name} does not allow {scope}")
        _wait(self.orders.wait(token.name))
        return token


def _missing_token() -> Problem:
    return Problem(
        "token_missing", "send `Authorization: Bearer TOKEN`; `lesart token add` makes one",
        headers={"WWW-Authenticate": "Bearer"},
    )  # fmt: skip


def _wrong_token() -> Problem:
    """Return the problem of an unknown or revoked token, without distinguishing the two."""
    return Problem(
        "token_invalid", "the token is unknown or revoked; `lesart token add` makes a new one",
        headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
    )  # fmt: skip


def desk_for(archive: Archive, settings: Settings, shared: Path | None = None) -> Desk:
    """Return the ingest service of an archive; those with the same folder share their rate
    limit.
    """
    orders, wrong = (
        RateLimit(most, file=shared and shared / f"{name}.json")
        for name, most in (("orders", ORDERS_A_MINUTE), ("wrong", WRONG_TOKENS_A_MINUTE))
    )
    return Desk(archive, settings, orders, wrong)


def admits(scope: Scope) -> Callable[[Request], Desk]:
    """Return a dependency that gives the ingest service to requests whose token has `scope`."""

    def admitted(request: Request) -> Desk:
        desk: Desk = request.app.state.desk
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        desk.admitted(request, given.strip() if kind.lower() == "bearer" else None, scope)
        return desk

    return admitted


router = APIRouter(tags=["orders"])
Ingesting = Annotated[Desk, Depends(admits("ingest"))]
Watching = Annotated[Desk, Depends(admits("sources"))]
_KEY: dict[str, Any] = {"security": [{"token": []}]}


@router.post(
    "/api/ingest", status_code=202, responses={202: {"model": JOB}, **troubles(*AGAIN)},
    openapi_extra=_KEY,
)  # fmt: skip
def ingest(desk: Ingesting, asked: Annotated[Ingestion, Body()]) -> Response:
    """Order an ingestion of addresses or of a source; files of the server are not accepted."""
    return JSONResponse({"job": _ingested(desk, asked)}, 202)


@router.post(
    "/api/sources", status_code=201, responses={201: {"model": SOURCE}, **troubles(*AGAIN)},
    openapi_extra=_KEY,
)  # fmt: skip
def add_source(desk: Watching, asked: Annotated[NewSource, Body()]) -> Response:
    """Watch an address from now on."""
    return JSONResponse(source_row(_watched(desk, asked)), 201)


@router.patch(
    "/api/sources", responses={200: {"model": SOURCE}, **troubles(*AGAIN)}, openapi_extra=_KEY
)
def change_source(desk: Watching, asked: Annotated[ChangedSource, Body()]) -> Response:
    """Pause or resume a source, or change its schedule."""
    values = _schedule(desk.settings, asked)
    if asked.paused is not None:
        values["paused"] = asked.paused
    if not values:
        raise Problem("parameter_invalid", "say what is to change: paused, every or cron")
    changed = _found(lambda: desk.archive.change_source(asked.name, **values))
    watch_anew(desk.archive, changed)
    return JSONResponse(source_row(changed))


@router.delete(
    "/api/sources", status_code=204,
    responses={204: {"description": "It is watched no more"}, **troubles(*AGAIN)},
    openapi_extra=_KEY,
)  # fmt: skip
def remove_source(desk: Watching, asked: Annotated[SourceName, Query()]) -> Response:
    """Stop watching a source; its captures are retained."""
    moment = desk.archive.clock()
    _found(lambda: desk.archive.change_source(asked.name, removed_at=moment, standing=False))
    return Response(status_code=204)


async def form_of(request: Request) -> dict[str, str]:
    """Return the fields of a form that our own page submitted.

    Raises: Problem if another page submitted it, or it has other fields.
    """
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = urlsplit(request.headers.get("origin", "")).netloc
    if site not in {"same-origin", "none"} or origin not in {"", request.headers.get("host", "")}:
        raise Problem("origin_foreign", "orders are taken from our own page alone")
    try:
        fields = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=20)
    except ValueError as error:
        raise Problem("request_invalid", "the form has too many fields") from error
    return {name: values[0] for name, values in fields.items()}


@router.post("/sources", include_in_schema=False)
def send_form(request: Request, form: Annotated[dict[str, str], Depends(form_of)]) -> Response:
    """Accept the form of the page; it contains the token, so no other page can submit it."""
    desk: Desk = request.app.state.desk
    locator, every = form.get("locator", "").strip(), form.get("every", "").strip() or None
    is_once = form.get("once") == "true"
    desk.admitted(request, form.get("token", "").strip(), "ingest" if is_once else "sources")
    if "\0" in locator or not locator or len(locator) > 4_000:
        raise Problem("not_an_address", "the address is missing, or no address")
    if is_once:
        _ingested(desk, Ingestion(locators=(locator,)))
    else:
        _watched(desk, NewSource(locator=locator, every=every))
    return RedirectResponse("/sources", 303)


def _ingested(desk: Desk, asked: Ingestion) -> int:
    for locator in asked.locators:
        if not is_address(locator):
            raise Problem("not_an_address", f"{locator[:200]!r} is no address of the web")
    try:
        if asked.locators:
            targets = [
                target_at(desk.archive, desk.settings, each, source=asked.source)
                for each in asked.locators
            ]
        elif asked.source:
            source = asked.source
            targets = [target_of(_found(lambda: desk.archive.source(source)))]
        else:
            raise Problem("parameter_invalid", "name locators, or a source")
    except LocatorError as error:
        raise Problem("not_an_address", str(error)) from error
    job = order(desk.archive, targets, "api")
    assert job is not None  # without a slot the job is always new
    return job


def _watched(desk: Desk, asked: NewSource) -> Source:
    if not is_address(asked.locator):
        raise Problem("not_an_address", f"{asked.locator[:200]!r} is no address of the web")
    schedule = _schedule(desk.settings, asked)
    try:
        return watch_address(
            desk.archive, desk.settings, asked.locator, name=asked.name, kind=asked.type, **schedule
        )
    except LocatorError as error:
        raise Problem("not_an_address", str(error)) from error
    except ScheduleError as error:
        raise Problem("conflict", str(error)) from error


def _schedule(settings: Settings, asked: ScheduleOrder) -> dict[str, Any]:
    if asked.every is not None and asked.cron is not None:
        raise Problem("parameter_invalid", "every and cron exclude each other")
    try:
        if asked.every is not None:
            return {"every_seconds": read_interval(asked.every), "cron": None}
        if asked.cron is not None:
            cron_trigger(asked.cron, settings.zone)
            return {"every_seconds": None, "cron": asked.cron}
    except (ValueError, CronError) as error:
        raise Problem("parameter_invalid", str(error)) from error
    return {}


def _found(ask: Callable[[], Source]) -> Source:
    try:
        return ask()
    except NoSuchSourceError as error:
        raise Problem("no_such", str(error)) from error


def _wait(seconds: float) -> None:
    if seconds > 0:
        after = str(ceil(seconds))
        raise Problem("too_many", f"again after {after} s", headers={"Retry-After": after})
