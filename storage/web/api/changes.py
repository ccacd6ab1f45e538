"""Changes as JSON: newest first, or all after a `seq`."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from storage.read import answers
from storage.read.filters import Filters
from storage.read.lists import ChangeFilter
from storage.web.archives import Library, served
from storage.web.known import KnownRoute
from storage.web.paging import answer_one, answer_rows, json_bytes, wants_lines
from storage.web.parameters import MOST_ROWS, PAGE_ROWS, ChangesQuery, NoiseQuery
from storage.web.problems import Problem
from storage.web.schemas import LINES, many, model_of

router = APIRouter(prefix="/api", tags=["changes"], route_class=KnownRoute)
Asked = Annotated[Library, Depends(served)]
MOST_SEQ_DIGITS = 18
CHANGE = model_of(answers.Change, ("seq", int | None))


@router.get("/changes", responses=many(CHANGE))
def changes(request: Request, library: Asked, asked: Annotated[ChangesQuery, Query()]) -> Response:
    """List the changes between two versions, newest first.

    With a number as `after` they come in the order in which they were written, each with its
    `seq`: after `seq` n was read, nothing at or below n ever appears. `next` is then the `seq`
    from which to go on, at once or later; a row that changed comes again with a new one.
    """
    zone = library.place.timezone
    filters = asked.filters(zone)
    wanted = ChangeFilter([each.value for each in asked.change], asked.silent, asked.contains)
    if asked.after is not None and asked.after.isdecimal() and asked.after.isascii():
        return _since(request, library, asked, wanted, filters)
    return answer_rows(
        request,
        asked,
        lambda a, after, n: a.changes(
            asked.article, wanted.classes, wanted.silent, wanted.contains, filters, after, n
        ),
        asked.clocks(zone),
        lambda row: {**row.to_dict(), "seq": None},
    )


@router.get("/noise", responses=many(model_of(answers.NoiseStep)))
def noise(request: Request, asked: Annotated[NoiseQuery, Query()]) -> Response:
    """List differences between two checks that do not count as changes, with the rule."""
    return answer_rows(request, asked, lambda a, after, n: a.noise(asked.article, after, n))


def _since(
    request: Request,
    library: Library,
    asked: ChangesQuery,
    wanted: ChangeFilter,
    filters: Filters,
) -> Response:
    """Return changes after a `seq`, a part of them or all."""
    assert asked.after is not None
    if asked.article is not None or asked.as_of is not None or asked.known_at is not None:
        raise Problem(
            "parameter_invalid",
            "A number as `after` cannot be combined with article, as_of or known_at.",
        )
    if len(asked.after) > MOST_SEQ_DIGITS:
        raise Problem("cursor_invalid", "A `seq` has fewer digits.")
    seq = int(asked.after)
    if not wants_lines(request):
        rows = _part(library, seq, wanted, filters, asked.limit or PAGE_ROWS)
        return answer_one({"items": rows, "next": str(rows[-1]["seq"] if rows else seq)})

    def lines() -> Any:
        after, left = seq, asked.limit
        while rows := _part(library, after, wanted, filters, min(left or MOST_ROWS, MOST_ROWS)):
            yield b"".join(json_bytes(row) + b"\n" for row in rows)
            after, left = rows[-1]["seq"], None if left is None else left - len(rows)
            if left == 0:
                return

    return StreamingResponse(lines(), media_type=LINES)


def _part(
    library: Library, seq: int, wanted: ChangeFilter, filters: Filters, limit: int
) -> list[dict[str, Any]]:
    found = library.today.changes_since(seq, wanted, filters, limit)
    return [{**change.to_dict(), "seq": number} for number, change in found]
