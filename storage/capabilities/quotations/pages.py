"""The pages of quotations: statements by speaker and topic, a statement, and a person."""

import hashlib
from datetime import UTC
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from storage.capabilities.quotations import comparing
from storage.capabilities.quotations.answers import (
    IdentitiesQuery,
    PersonQuery,
    PersonsQuery,
    QuotesFeedQuery,
    QuotesQuery,
    StatementsQuery,
)
from storage.capabilities.quotations.quotes import Identity, Quotation
from storage.read.query.queries import Long, Plain
from storage.read.query.queries import Query as Words
from storage.read.render.change_html import PARAGRAPH, clean
from storage.web import feeds
from storage.web.archives import ArchivePool, PoolDep, language_of
from storage.web.http_cache import CachedRoute
from storage.web.pages.query_parameters import PartQuery
from storage.web.pages.rendering import PageWords, page
from storage.web.parameters import PageParameters

ROUTER = APIRouter(include_in_schema=False, route_class=CachedRoute)
ROWS = 30
MOST_SHOWN = 200
"""Maximum number of persons of a name, and of articles of a person, on a page."""


class StatementsPage(PartQuery):
    """Statements by speaker and topic; without both, the newest quotations.

    `of` is an article: only what the person said whom it means by the name of the speaker.
    """

    speaker: Plain | None = None
    of: Plain | None = None
    about: Words | None = None


class StatementPage(PartQuery):
    """A statement, by the place of one of its quotations."""

    of: Long


class IdentitiesPage(PartQuery):
    """The articles of a name."""

    name: Long


@ROUTER.get("/statements")
def statements(
    request: Request, pool: PoolDep, query: Annotated[StatementsPage, Query()]
) -> Response:
    """Show statements by speaker and topic, otherwise the newest quotations."""
    limit = query.limit or ROWS
    is_selected = bool(query.speaker or query.about)
    wanted: QuotesQuery | StatementsQuery | PersonQuery = QuotesQuery()
    if query.speaker and query.of:
        wanted = PersonQuery(name=query.speaker, of=query.of)
    elif is_selected:
        wanted = StatementsQuery(speaker=query.speaker, about=query.about)
    rows = [*wanted.rows(pool.today, (query.after, limit))]
    return page(
        request, "quotations/statements.html", query=query, is_selected=is_selected, rows=rows,
        names=pool.today.names(getattr(row, "article", None) or row.first_article for row in rows),
        following=rows[-1].cursor if len(rows) == limit else None,
    )  # fmt: skip


@ROUTER.get("/statement")
def statement(
    request: Request, pool: PoolDep, query: Annotated[StatementPage, Query()]
) -> Response:
    """Show a statement with its wordings and places."""
    found, places = comparing.show_statement(pool.today, query.of)
    return page(request, "quotations/statement.html", statement=found, places=places)


@ROUTER.get("/persons")
def persons(request: Request, pool: PoolDep, query: Annotated[PartQuery, Query()]) -> Response:
    """Show the names that speak."""
    limit = query.limit or ROWS
    rows = [*PersonsQuery().rows(pool.today, (query.after, limit))]
    return page(
        request, "quotations/persons.html", rows=rows,
        following=rows[-1].cursor if len(rows) == limit else None,
    )  # fmt: skip


@ROUTER.get("/identities")
def identities(
    request: Request, pool: PoolDep, query: Annotated[IdentitiesPage, Query()]
) -> Response:
    """Show the articles of a name by person, with the evidence."""
    persons: dict[str, list[Identity]] = {}
    for each in IdentitiesQuery(name=query.name).all(pool.today):
        persons.setdefault(each.person, []).append(each)
    shown = [each.article for joined in persons.values() for each in joined[:MOST_SHOWN]]
    return page(
        request, "quotations/identities.html", name=query.name,
        persons=sorted(persons.values(), key=len, reverse=True), most=MOST_SHOWN,
        names=pool.today.names(shown),
    )  # fmt: skip


class QuotesFeedParameters(PageParameters, QuotesFeedQuery):
    """Parameters of a feed of quotations."""


@ROUTER.get("/quotes.atom")
def atom(
    request: Request, pool: PoolDep, query: Annotated[QuotesFeedParameters, Query()]
) -> Response:
    """Return the latest quotations as Atom."""
    return feeds.answer_atom(_feed(request, pool, query))


@ROUTER.get("/quotes.json")
def json_feed(
    request: Request, pool: PoolDep, query: Annotated[QuotesFeedParameters, Query()]
) -> Response:
    """Return the latest quotations as JSON Feed."""
    return feeds.answer_json(_feed(request, pool, query))


def _feed(request: Request, pool: ArchivePool, query: QuotesFeedParameters) -> feeds.Feed:
    words = PageWords(language_of(request), pool.place.timezone)
    base = str(request.base_url).rstrip("/")
    rows = query.rows(pool.today, (query.after, query.limit or feeds.ENTRIES))
    entries = {each.id: each for each in (_entry(row, base, words) for row in rows)}
    title = query.speaker or query.about or words.t("Quotations")
    name = f"quotes?{request.url.query}"
    shown = {"speaker": query.speaker, "about": query.about}
    shown_by = urlencode({key: value for key, value in shown.items() if value})
    return feeds.make_feed(request, title, name, f"/statements?{shown_by}", entries.values())


def _entry(row: Quotation, base: str, words: PageWords) -> feeds.FeedEntry:
    """Return an entry; its id names the article, the wording, its time, the speaker and the words.

    It has no number: a later reading may find other quotations before this one.
    """
    moment = row.changed_by.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(f"{row.kind} {row.name or ''}\n{row.text}".encode()).hexdigest()[:16]
    place = urlencode({"of": f"{row.article}@{row.version}.{row.number}"}, quote_via=quote)
    form = Markup("<q>{}</q>") if row.kind == "direct" else f"{words.t('reported speech')}: {{}}"
    return feeds.FeedEntry(
        f"urn:lesart:{row.article}:{row.wording}:{moment}:quote:{digest}",
        row.name or words.t("speaker unknown"),
        f"{base}/statement?{place}",
        row.changed_by,
        PARAGRAPH.format(form.format(clean(row.text)))
        + PARAGRAPH.format(words.interval(row.changed_after, row.changed_by)),
        (row.kind,),
    )
