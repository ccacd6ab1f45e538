"""Comparison of two versions, with a separate address for each view."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from rapidfuzz.distance import Indel
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from storage.capabilities import load_parts
from storage.read.answers import Raw, VersionText
from storage.read.archive import ReadOnlyArchive
from storage.read.filters import TODAY
from storage.read.render.change_svg import share_picture, share_snippet
from storage.read.render.passages import PassageBlock, blocks
from storage.values.messages import message_text
from storage.web.archives import PoolDep, language_of
from storage.web.http_cache import CachedRoute
from storage.web.pages.article import shown, versions_until
from storage.web.pages.pictures import version_strip
from storage.web.pages.query_parameters import VIEWS, CompareQuery, PageQuery, Pair, VersionPage
from storage.web.pages.rendering import Links, PageWords, page
from storage.web.problems import Problem

router = APIRouter(prefix="/a", include_in_schema=False, route_class=CachedRoute)

MOST_RAW_LINES = 3_000
MOST_LINE_LETTERS = 400
MOST_LETTERS = 40_000
MARKUP_LETTERS = 25
"""Maximum number of letters of a list of lines, so that a page has at most 60 KB."""
LISTED_EDITS = 24
LATER_EDITS = 10
"""Edits after the newer version of a comparison that the strip of edits shows."""
SHORT_TEXT = 40
"""Maximum number of paragraphs that are shown side by side without gaps."""

RANGE = re.compile(r"(?P<a>\d{1,9})(?:\.\.(?P<b>\d{1,9}))?", re.ASCII)
"""
>>> RANGE.fullmatch("1..3")["b"], RANGE.fullmatch("3")["b"]
('3', None)
"""
TARGET = re.compile(r"""(?:href|src)\s*+=\s*+(?:["']\s*+)?(https?://[^\s"'<>]+)""", re.IGNORECASE)
"""
>>> TARGET.findall('<a href="https://bote.example/a">')
['https://bote.example/a']
"""


@dataclass(frozen=True, slots=True)
class DifferingThing:
    """A thing that one text has, or both have: a field, a quotation, an address, a line."""

    kind: str
    name: str
    before: Any = None
    after: Any = None


@router.get("/{article}/compare")
def chosen(request: Request, article: str, query: Annotated[Pair, Query()]) -> Response:
    """Lead to the comparison of two versions that a form chose."""
    a, b = sorted((query.a, query.b))
    return RedirectResponse(Links(request)(f"/a/{article}/{a}..{b}"), 303)


@router.get("/{article}/{a}..{b}/picture.svg")
def picture(
    request: Request,
    pool: PoolDep,
    article: str,
    a: Annotated[int, Path(ge=1, le=10**9)],
    b: Annotated[int, Path(ge=1, le=10**9)],
    query: Annotated[PageQuery, Query()],  # noqa: ARG001  # refuses unknown parameters
) -> Response:
    """Return a picture of a change, to share it."""
    with pool.archive_at(TODAY) as archive:
        versions = archive.version(f"{article}@{a}"), archive.version(f"{article}@{b}")
        diff = archive.diff(f"{article}@{a}", f"{article}@{b}")
    svg = share_picture(diff, *versions, language=language_of(request))
    return Response(svg, media_type="image/svg+xml")


@router.get("/{article}/{which:path}")
def compare(
    request: Request,
    pool: PoolDep,
    article: str,
    which: str,
    query: Annotated[CompareQuery, Query()],
) -> Response:
    """Show one version (`3`), or compare two (`1..3`)."""
    match = RANGE.fullmatch(which)
    if match is None:
        raise Problem("no_such", message_text("no_article_page", given=which))
    if match["b"] is None:
        named = VersionPage(
            as_of=query.as_of,
            known_at=query.known_at,
            lang=query.lang,
            s=query.s,
            age=query.age,
            to=query.to,
        )
        return shown(request, pool, article, int(match["a"]), named)
    with pool.archive_at(query.clocks(pool.place.timezone)) as archive:
        a = archive.version(f"{article}@{int(match['a'])}")
        b = archive.version(f"{article}@{int(match['b'])}")
        found = _in_view(archive, a, b, query.view)
        last = min(b.versions, max(b.version + LATER_EDITS, LISTED_EDITS + 1))
        steps = versions_until(archive, a.article, last, LISTED_EDITS + 1)
        parts = load_parts("change_panel") if a.version == b.version - 1 else ()
        panels = [(part.TEMPLATE, part.show_panel(archive, b)) for part in parts]
    words = PageWords(language_of(request), pool.place.timezone)
    link = Links(request)
    strip = version_strip(
        steps, (a.version, b.version), lambda pair: link(f"/a/{article}/{pair}"), words
    )
    diff = found.get("diff")
    return page(
        request, "compare.html", a=a, b=b, version=b, view=query.view, views=VIEWS, tab="compare",
        steps=steps,
        panels=panels,
        strip=strip, step=next((each for each in steps if each.version == b.version), None),
        snippet=diff and not diff.is_same and share_snippet(diff, a, b, words.language), **found,
    )  # fmt: skip


def _in_view(archive: ReadOnlyArchive, a: VersionText, b: VersionText, view: str) -> dict[str, Any]:
    """Return the content of a view: paragraphs, or rows of other items."""
    match view:
        case "fields":
            return _lines(_fields(a, b))
        case "quotes":
            return _lines(_sets([q.text for q in a.quotes], [q.text for q in b.quotes]))
        case "links":
            raws = [archive.raw(f"{each.article}@{each.version}") for each in (a, b)]
            return _lines(_sets(*([*map(_text, TARGET.findall(_text(raw)))] for raw in raws)))
        case "raw":
            raws = [archive.raw(f"{each.article}@{each.version}") for each in (a, b)]
            return _raw(*raws)
    diff = archive.diff(f"{a.article}@{a.version}", f"{b.article}@{b.version}")
    grouped = None if view == "side" else diff.grouped
    found = blocks(diff.operations if grouped is None else grouped.outside)
    entries = [] if grouped is None else [(e, blocks(e.operations)) for e in grouped.entries]
    gaps = _gaps(found) if view == "changes" or len(found) > SHORT_TEXT else {}
    return {
        "rows": (), "blocks": found, "gaps": gaps, "is_cut": False, "diff": diff,
        "entries": entries,
    }  # fmt: skip


def _gaps(found: Sequence[PassageBlock]) -> dict[int, int]:
    """Return the first position and the length of each run of unchanged paragraphs."""
    runs = groupby(enumerate(found), key=lambda each: each[1].kind == "equal")
    gaps = [[position for position, _block in run] for is_equal, run in runs if is_equal]
    return {run[0]: len(run) for run in gaps}


def _fields(a: VersionText, b: VersionText) -> list[DifferingThing]:
    names = sorted(a.fields.keys() | b.fields.keys())
    rows = []
    for name in names:
        old, new = a.fields.get(name), b.fields.get(name)
        values = (None if old is None else old.value, None if new is None else new.value)
        kind = "equal" if values[0] == values[1] else "change"
        rows.append(DifferingThing(kind, name, old, new))
    return rows


def _sets(before: Sequence[str], after: Sequence[str]) -> list[DifferingThing]:
    """Return deleted, inserted and unchanged items, each once, in the order of the newer text."""
    old, new = dict.fromkeys(before), dict.fromkeys(after)
    rows = [DifferingThing("delete", each) for each in old if each not in new]
    rows += [DifferingThing("insert", each) for each in new if each not in old]
    return rows + [DifferingThing("equal", each) for each in new if each in old]


def _raw(a: Raw, b: Raw) -> dict[str, Any]:
    """Return the lines of two captures that differ, with some around, up to a bound."""
    old, new = _text(a).splitlines(), _text(b).splitlines()
    is_cut = max(len(old), len(new)) > MOST_RAW_LINES
    old, new = old[:MOST_RAW_LINES], new[:MOST_RAW_LINES]
    rows: list[DifferingThing] = []
    for is_equal, steps in groupby(Indel.opcodes(old, new), lambda step: step.tag == "equal"):
        gone, come = [], []
        for step in steps:
            gone += old[step.src_start : step.src_end]
            come += new[step.dest_start : step.dest_end]
        if is_equal:
            same = [DifferingThing("equal", line) for line in come]
            rows += same if len(same) <= 5 else [*same[:2], DifferingThing("skip", "…"), *same[-2:]]
        else:
            rows += [DifferingThing("delete", line) for line in gone]
            rows += [DifferingThing("insert", line) for line in come]
    short = [DifferingThing(row.kind, row.name[:MOST_LINE_LETTERS]) for row in rows]
    return _lines(short, is_cut=is_cut)


def _lines(rows: Sequence[DifferingThing], *, is_cut: bool = False) -> dict[str, Any]:
    """Return the content of a view of lines, up to a bound."""
    ends = accumulate(len(row.name) + MARKUP_LETTERS for row in rows)
    number = sum(end <= MOST_LETTERS for end in ends)
    is_cut = is_cut or number < len(rows)
    return {"rows": rows[:number], "blocks": (), "entries": (), "is_cut": is_cut}


def _text(raw: Raw | str) -> str:
    return raw if isinstance(raw, str) else raw.data.decode("utf-8", "replace")
