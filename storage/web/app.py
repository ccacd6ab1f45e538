"""The application that serves the archive: pages, JSON, health and figures for monitors."""

from asyncio import Lock
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends, FastAPI
from fastapi.openapi.utils import get_openapi
from sqlalchemy import text
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from storage.capabilities import load_parts
from storage.database.archive_errors import ArchiveError
from storage.database.engine import database_url
from storage.database.ownership import file_of
from storage.values.program import program_version
from storage.web import api, feeds, metrics, pages, problems, tiles
from storage.web.archives import THREADS, ArchivePool, ServedArchive, archive_pool
from storage.web.guards import LOOPBACK, MOST_BODY_BYTES, Guards
from storage.web.parameters import check_query
from storage.web.problems import answer, problem_of
from storage.web.replicas import ReplicaPools, ReplicaReads
from storage.web.schemas import ProblemShape, plain, troubles

health = APIRouter(tags=["health"])


@health.get("/healthz", responses=plain("text/plain", "The server is running."))
async def healthz() -> Response:
    """Report that the server is running, without access to the archive."""
    return PlainTextResponse("ok\n")


@health.get("/readyz", responses=plain("text/plain", "The archive is available.") | troubles(503))
def readyz(pool: Annotated[ArchivePool, Depends(archive_pool)]) -> Response:
    """Check whether the archive is available."""
    with pool.today.connect() as connection:
        connection.execute(text("SELECT 1"))
    return PlainTextResponse("ok\n")


DESCRIPTION = (
    "What the archive knows, as JSON: the same words as the commands. Lists carry `next`, "
    "null at the end; with `Accept: application/jsonl` they come whole, a row a line."
)


@dataclass(frozen=True, slots=True)
class Site:
    """Host names, additional routers and limits of a served archive.

    `upload_bytes` is the maximum size of a submitted capture. `close` is called when the server
    ends.
    """

    hosts: Collection[str] = LOOPBACK
    routers: tuple[APIRouter, ...] = ()
    state: dict[str, Any] = field(default_factory=dict)
    upload_bytes: int = MOST_BODY_BYTES
    close: Callable[[], None] = lambda: None


class ReplaceableApp:
    """Application that is rebuilt when another file replaces the file of its archive.

    The previous application keeps the old file open, so the new file cannot have the same inode.
    """

    def __init__(self, place: ServedArchive, make: Callable[[], Guards]) -> None:
        self._url, self._make = database_url(place.url), make
        self._file = file_of(self._url)
        self._app = make()
        self._renewing = Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asks = scope["type"] == "http" and scope["path"] != "/healthz"
        if asks and file_of(self._url) != self._file:
            try:
                await self._renew()
            except ArchiveError as error:
                problem = problem_of(error)
                assert problem is not None  # each of them is one
                await answer(problem)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _renew(self) -> None:
        async with self._renewing:
            found = file_of(self._url)
            if found == self._file:
                return
            app = await run_in_threadpool(self._make)
            self._app.close()
            self._app, self._file = app, found


def make_app(place: ServedArchive, site: Site | None = None) -> Guards:
    """Return the application for the archive at `place`, which is opened now.

    Raises: DatabaseUrlError, ArchiveMissingError, ArchiveUnreachableError, SchemaOlderError,
    SchemaNewerError.
    """
    site = site or Site()
    pool = ArchivePool(place)
    replicas = None if place.replicas is None else ReplicaPools(place, pool)

    def close() -> None:
        for each in (*mounted, replicas, pool, site):
            if each is not None:
                each.close()

    app = FastAPI(
        title="Lesart",
        version=program_version(),
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=_closing(close),
        dependencies=[Depends(check_query)],
        generate_unique_id_function=attrgetter("name"),
    )
    app.state.pool = pool
    app.state.state_age = None if replicas is None else replicas.age
    app.state.meters = meters = metrics.Meters()
    for name, value in site.state.items():
        setattr(app.state, name, value)
    problems.install(app, pages.problem_page)
    for router in (*_reading(), *site.routers):
        app.include_router(router)
    answering: ASGIApp = app if replicas is None else ReplicaReads(app, replicas)
    mounted = [make(answering, place) for part in load_parts("mounts") for make in part.MOUNTS]
    app.router.routes += [Route(each.path, each, methods=["POST"]) for each in mounted]
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # FastAPI's own way
    return Guards(
        answering,
        hosts=site.hosts,
        upload_bytes=site.upload_bytes,
        observe=meters.observe,
        close=close,
    )


def _reading() -> Iterable[APIRouter]:
    yield from api.ROUTERS
    yield feeds.router
    yield health
    yield tiles.router
    yield metrics.router
    yield from (part.ROUTER for part in load_parts("pages"))  # before all others of an article
    yield from pages.ROUTERS


def _closing(close: Callable[[], None]) -> Any:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = THREADS
        yield
        close()

    return lifespan


def _openapi(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document: one shape for each success, and one for all problems.

    Wrong requests end with 400, never 422; 304 is left out, because only a cache asks for it.
    """
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        schemas["Problem"] = ProblemShape.model_json_schema()
        document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        for path in document["paths"].values():
            for operation in path.values():
                operation["responses"].pop("422", None)
                content = operation["responses"].get("200", {}).get("content", {})
                if content.get("application/json") == {"schema": {}}:  # not declared: it is no JSON
                    del content["application/json"]
        app.openapi_schema = document
    return app.openapi_schema
