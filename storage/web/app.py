"""The application that serves the archive: pages, JSON, health and figures for monitors."""

from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.types import ASGIApp

from storage.web import api, feeds, health, log, metrics, pages, problems
from storage.web.archives import Library, ServedArchive
from storage.web.guards import LOOPBACK, Guards
from storage.web.schemas import ProblemShape

THREADS = 8
"""Requests that are answered at a time; each holds a connection at most."""
DESCRIPTION = (
    "What the archive knows, as JSON: the same words as the commands. Lists carry `next`, "
    "null at the end; with `Accept: application/jsonl` they come whole, a row a line."
)


@dataclass(frozen=True, slots=True)
class Site:
    """How the archive is served: under which names, with which routers beside the reading ones.

    `close` is called when the server ends.
    """

    hosts: Collection[str] = LOOPBACK
    routers: tuple[APIRouter, ...] = ()
    state: dict[str, Any] = field(default_factory=dict)
    close: Callable[[], None] = lambda: None


def make_app(place: ServedArchive, site: Site | None = None) -> ASGIApp:
    """Return the application for the archive at `place`, which is opened now.

    Raises: DatabaseUrlError, ArchiveMissingError, ArchiveUnreachableError, SchemaOlderError,
    SchemaNewerError.
    """
    site = site or Site()
    library = Library(place)
    app = FastAPI(
        title="Lesart",
        version="0.1.0",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=_closing(library, site.close),
    )
    app.state.library = library
    app.state.meters = meters = metrics.Meters(library)
    for name, value in site.state.items():
        setattr(app.state, name, value)
    problems.install(app, pages.problem_page)
    for router in (*_reading(), *site.routers):
        app.include_router(router)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # FastAPI's own way
    return Guards(app, hosts=site.hosts, observe=meters.observe)


def _reading() -> Iterable[APIRouter]:
    yield from api.ROUTERS
    yield feeds.router
    yield health.router
    yield log.router
    yield metrics.router
    yield from pages.ROUTERS


def _closing(library: Library, close: Callable[[], None]) -> Any:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = THREADS
        yield
        library.close()
        close()

    return lifespan


def _openapi(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document, in which requests that are wrong end with 400 and never 422."""
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
        app.openapi_schema = document
    return app.openapi_schema
