"""The archive as JSON: one router for each kind of question, all of them reading."""

from fastapi import APIRouter

from storage.web.api import alerts, articles, changes, relations, search, work

ROUTERS: tuple[APIRouter, ...] = (
    articles.router,
    search.router,
    changes.router,
    relations.router,
    work.router,
    alerts.router,
)
