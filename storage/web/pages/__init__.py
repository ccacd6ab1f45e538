"""The archive as pages that need no script: a router for each kind, all of them reading."""

from fastapi import APIRouter

from storage.web.pages import (
    alerts,
    article,
    compare,
    front,
    mementos,
    proof,
    relations,
    search,
    work,
)
from storage.web.pages.rendering import problem_page

__all__ = ["ROUTERS", "problem_page"]

ROUTERS: tuple[APIRouter, ...] = (
    front.router,
    search.router,
    work.router,
    relations.router,
    article.router,
    proof.router,
    alerts.router,
    compare.router,
    mementos.router,
)
