"""HTML pages of the archive, which work without scripts: read-only routers by subject."""

from fastapi import APIRouter

from storage.web.pages import (
    article,
    compare,
    front,
    operation,
    relations,
    search,
)
from storage.web.pages.rendering import problem_page

__all__ = ["ROUTERS", "problem_page"]

ROUTERS: tuple[APIRouter, ...] = (
    front.router,
    search.router,
    operation.router,
    relations.router,
    article.router,
    compare.router,
)
