"""JSON API of the archive: read-only routers by subject."""

from fastapi import APIRouter

from storage.web.api import alerts, articles, changes, relations, search, statistics

ROUTERS: tuple[APIRouter, ...] = (
    articles.router,
    search.router,
    changes.router,
    relations.router,
    statistics.router,
    alerts.router,
)
