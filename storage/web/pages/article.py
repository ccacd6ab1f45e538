"""Pages of an article: text, sentence history, checks and references."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import count, groupby, islice
from math import ceil
from types import MappingProxyType
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from storage.capabilities import find_templates, load_parts
from storage.database.rows import cursor, place
from storage.diff.blame import cut_sentences
from storage.read.answers import (
    Blame,
    Sentence,
    VersionLine,
    VersionText,
)
from storage.read.archive import ReadOnlyArchive
from storage.read.render import citation
from storage.values.change_class import NO_EDIT
from storage.values.draft import TEXT_ROLES, Field
from storage.values.errors import AmbiguousPassageError, NoSuchError
from storage.values.messages import message_text
from storage.web.archives import ArchivePool, PoolDep, language_of
from storage.web.http_cache import CachedRoute
from storage.web.pages.pictures import time_line
from storage.web.pages.query_parameters import Checks, Cite, Entries, Since, VersionPage
from storage.web.pages.rendering import PageWords, page
from storage.web.problems import Problem, problem_of_error

router = APIRouter(prefix="/a", include_in_schema=False, route_class=CachedRoute)

LISTED_VERSIONS = 10
LISTED_SENTENCES = 60
MOST_SNAPSHOTS = 400
MOST_RELATIONS = 50
CHECK_ROWS = 100


@dataclass(frozen=True, slots=True)
class ParagraphAges:
    """A paragraph with the number and the first version of each sentence."""

    paragraph: int
    sentences: tuple[tuple[int, Blame], ...]


@dataclass(frozen=True, slots=True)
class ShownParagraph:
    """A paragraph of a page, and its sentences; without them it is not part of the text.

    `runs` are consecutive sentences of one age, from 0, the oldest: each with its number in the
    text.
    """

    role: str
    text: str
    runs: tuple[tuple[int, tuple[tuple[int, str], ...]], ...]

    def has_sentence(self, number: int) -> bool:
        return any(number == each for _age, run in self.runs for each, _text in run)


@router.get("/{article}")
def article(
    request: Request, pool: PoolDep, article: str, query: Annotated[VersionPage, Query()]
) -> Response:
    """Show the latest version of an article."""
    return shown(request, pool, article, query.v, query)


@router.get("/{article}/since")
def since(
    request: Request, pool: PoolDep, article: str, query: Annotated[Since, Query()]
) -> Response:
    """Show the first version of each sentence and the first article that contained it.

    The first page shows the beginning of both lists, the present and the removed sentences.
    """
    with pool.archive_at(query.clocks(pool.place.timezone)) as archive:
        version = archive.version(build_revision(article, query.v))
        rev = f"{version.article}@{version.version}"
        lists: dict[bool, list[Blame]] = {False: [], True: []}
        for removed in (query.removed,) if query.after else (False, True):
            lists[removed] = list(archive.blame(rev, removed, query.after, LISTED_SENTENCES))
    numbered = [(place("blame", each.cursor, int)[0], each) for each in lists[False]]
    return page(
        request, "since.html", version=version, gone=lists[True], tab="since",
        paragraphs=[ParagraphAges(number, tuple(group)) for number, group
                    in groupby(numbered, key=lambda pair: pair[1].paragraph)],
        following={name: rows[-1].cursor for name, rows in lists.items()
                   if len(rows) == LISTED_SENTENCES},
    )  # fmt: skip


def page_of_rows(
    request: Request, pool: ArchivePool, article: str, query: Checks, name: str, template: str,
    *, options: Mapping[str, Any] = MappingProxyType({}), **shown: Any,
) -> Response:  # fmt: skip
    """Show rows of an article: those of the list with this name and these options."""
    limit = query.limit or CHECK_ROWS
    with pool.archive_at(query.clocks(pool.place.timezone)) as archive:
        version = archive.version(build_revision(article, None))
        listed = archive.rows(
            name, after=query.after, limit=limit, article=version.article, **options
        )
        rows: list[Any] = list(listed)
    following = rows[-1].cursor if len(rows) == limit else None
    return page(
        request, template, version=version, rows=rows, following=following, query=query, **shown
    )


@router.get("/{article}/checks")
def checks(
    request: Request, pool: PoolDep, article: str, query: Annotated[Checks, Query()]
) -> Response:
    """Show the checks of an article with their outcomes."""
    return page_of_rows(
        request, pool, article, query, "observations", "checks.html", tab="checks",
        marks=find_templates("check_mark.html"),
    )  # fmt: skip


@router.get("/{article}/entries")
def entries(
    request: Request, pool: PoolDep, article: str, query: Annotated[Entries, Query()]
) -> Response:
    """Show the entries of a live blog with their edits."""
    return page_of_rows(
        request, pool, article, query, "entries", "entries.html", tab="entries",
        options={"oldest_first": query.oldest_first},
    )  # fmt: skip


@router.get("/{article}/cite")
def cite(
    request: Request, pool: PoolDep, article: str, query: Annotated[Cite, Query()]
) -> Response:
    """Show references to a version, or to a passage of it."""
    with pool.archive_at(query.clocks(pool.place.timezone)) as archive:
        version = archive.version(build_revision(article, query.v))
        rev, error = f"{version.article}@{version.version}", None
        try:
            found = archive.cite(rev, query.passage)
        except (AmbiguousPassageError, NoSuchError) as caught:
            found, error = archive.cite(rev), caught
    styles = (
        {}
        if error
        else {
            "Markdown": citation.markdown(found),
            "BibTeX": citation.bibtex(found),
            "CSL-JSON": citation.csl_json(found),
            "W3C Web Annotation": citation.w3c(found),
        }
    )
    return page(
        request, "cite.html", version=version, citation=found, styles=styles, tab="cite",
        query=query, error=error, candidates=getattr(error, "candidates", ()),
        status=HTTPStatus.OK if error is None else problem_of_error(error).status,
    )  # fmt: skip


def _chosen(
    archive: ReadOnlyArchive, version: VersionText, query: VersionPage
) -> tuple[list[ShownParagraph], Sentence | None]:
    """Return the paragraphs cut into sentences, and the chosen sentence."""
    rev = f"{version.article}@{version.version}"
    parts = [(each.role, each.text) for each in version.paragraphs]
    is_numbered = version.text == "\n\n".join(text for role, text in parts if role in TEXT_ROLES)
    ages = {}
    if query.age and is_numbered:
        ages = {n: _age(each, version) for n, each in enumerate(archive.blame(rev), 1)}
    numbers = count(1)
    paragraphs = []
    for role, text in parts:
        pieces = cut_sentences(text) if is_numbered and role in TEXT_ROLES else ()
        numbered = [(next(numbers), piece) for piece in pieces]
        runs = groupby(numbered, key=lambda pair: ages.get(pair[0], 0))
        runs_of_age = tuple((age, tuple(run)) for age, run in runs)
        paragraphs.append(ShownParagraph(role, text, runs_of_age))
    return paragraphs, archive.sentence(rev, query.s) if query.s and is_numbered else None


def _age(sentence: Blame, version: VersionText) -> int:
    """Return 0 for a sentence of the first version, up to 4 for one that this version added."""
    return ceil(4 * (sentence.since_version - 1) / max(1, version.version - 1))


def shown(
    request: Request, pool: ArchivePool, article: str, number: int | None, query: VersionPage
) -> Response:
    """Return the page of one version."""
    zone = pool.place.timezone
    with pool.archive_at(query.clocks(zone)) as archive:
        version = archive.version(build_revision(article, number))
        last = min(query.to or version.versions, version.versions)
        steps = versions_until(archive, version.article, last, LISTED_VERSIONS)
        line = _picture(request, pool, archive, version, steps)
        related = list(islice(archive.relations(version.article), MOST_RELATIONS))
        paragraphs, chosen = _chosen(archive, version, query)
        others = [*chosen.current_in, chosen.first_article] if chosen else []
        names = archive.names([*others, *(each for r in related for each in (r.a, r.b))])
    is_current = number is not None and not query.clocks(zone).are_set
    parts = load_parts("version_headers") if is_current else ()
    headers = {k: v for part in parts for k, v in part.headers_of(request, version).items()}
    return page(
        request, "article.html", headers=headers, version=version, steps=steps, line=line,
        related=related, names=names, fields=_fields(version), tab="text", query=query,
        paragraphs=paragraphs, chosen=chosen,
        sentence_link=_sentence_link(request, version), no_edit=NO_EDIT,
        panels=find_templates("version_panel.html"),
    )  # fmt: skip


def versions_until(
    archive: ReadOnlyArchive, article: str, last: int, number: int
) -> list[VersionLine]:
    """Return at most `number` versions of an article up to the version `last`."""
    first = max(last - number, 0)
    return list(archive.history(article, cursor("history", first), last - first))


def _sentence_link(request: Request, version: VersionText) -> str:
    """Return the start of the link to a sentence; its number follows.

    It is short, because a page has hundreds of them: without a script it leads to the page without
    the colours of age.
    """
    if not request.url.path.startswith("/a/"):
        return f"/a/{version.article}/{version.version}?s="
    query = [(k, v) for k, v in request.query_params.multi_items() if v and k not in {"s", "age"}]
    return f"?{urlencode([*query, ('s', '')])}"


def build_revision(article: str, number: int | None) -> str:
    if "@" in article or "\0" in article:
        raise Problem("no_such", message_text("no_article", given=article))
    return article if number is None else f"{article}@{number}"


def _picture(
    request: Request,
    pool: ArchivePool,
    archive: ReadOnlyArchive,
    version: VersionText,
    steps: Sequence[VersionLine],
) -> Any:
    words = PageWords(language_of(request), pool.place.timezone)
    after = cursor("observations", steps[0].changed_by, -1) if steps[0].version > 1 else None
    seen = list(archive.observations(version.article, after, MOST_SNAPSHOTS))
    return time_line(steps, seen, f"/a/{version.article}", words)


def _fields(version: VersionText) -> list[tuple[str, Field, list[Any]]]:
    """Return the metadata values with their origin and the values that were not chosen."""
    return [
        (name, field, [each for each in field.candidates if each.value != field.value])
        for name, field in sorted(version.fields.items())
    ]
