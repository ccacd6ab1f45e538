"""Changes as JSON: newest first, or all after a `seq`."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field, create_model
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from storage.read import answers
from storage.read.filters import Filters
from storage.read.lists import ChangeFilter
from storage.read.query.queries import MOST_ROWS, PAGE_ROWS
from storage.values.messages import message_text
from storage.web.archives import ArchivePool, PoolDep
from storage.web.http_cache import CachedRoute
from storage.web.paging import add_lists, answer_list, answer_one, json_bytes, wants_lines
from storage.web.parameters import ChangesParameters
from storage.web.problems import Problem
from storage.web.schemas import LINES, many, model_of

router = APIRouter(prefix="/api", tags=["changes"], route_class=CachedRoute)
MOST_SEQ_DIGITS = 18
add_lists(router, "changes")
ONLY_SINCE = "Only with a number as `after`."
_EVENT = model_of(answers.ChangeEvent)
_MEANING = {
    "kind": "change, update, withdrawn", "update": "What is different",
    "change": "Row of the first report", "recorded_at": "Time of the row",
}  # fmt: skip
_OPTIONAL: dict[str, Any] = {
    name: (
        _EVENT.model_fields[name].annotation,
        Field(default_factory=type(None), description=f"{ONLY_SINCE} {_MEANING[name]}"),
    )
    for name in sorted({*answers.ChangeEvent.names()} - {*answers.Change.names()})
}
CHANGE = create_model(
    "ChangeWithSeq",
    __base__=_EVENT,
    seq=(int, Field(default_factory=int, description=ONLY_SINCE)),
    **_OPTIONAL,
)


@router.get("/changes", responses=many(CHANGE))
def changes(
    request: Request, pool: PoolDep, query: Annotated[ChangesParameters, Query()]
) -> Response:
    """List the changes between two versions, newest first.

    With a number as `after` they come in the order in which they were recorded, each once and with
    its `seq`: after `seq` n was read, nothing at or below n ever appears. `next` is then the `seq`
    from which to go on, at once or later. What becomes different of a change later comes as a row
    of the `kind` update, and a change that turns out not to exist as one of the kind withdrawn.
    """
    if query.after is not None and query.after.isdecimal() and query.after.isascii():
        return _since(request, pool, query)
    return answer_list(request, query)


def _since(request: Request, pool: ArchivePool, query: ChangesParameters) -> Response:
    """Return changes after a `seq`, a part of them or all."""
    assert query.after is not None
    if query.article is not None or query.as_of is not None or query.known_at is not None:
        raise Problem(
            "parameter_invalid",
            message_text("seq_alone"),
        )
    if len(query.after) > MOST_SEQ_DIGITS:
        raise Problem("cursor_invalid", message_text("seq_long"))
    seq, changes, filters = int(query.after), query.filter(), query.filters(pool.place.timezone)
    pool.today.require_named(filters)
    if not wants_lines(request):
        rows = _part(pool, seq, changes, filters, query.limit or PAGE_ROWS)
        return answer_one({"items": rows, "next": str(rows[-1]["seq"] if rows else seq)})

    def lines() -> Any:
        after, left = seq, query.limit
        while rows := _part(pool, after, changes, filters, min(left or MOST_ROWS, MOST_ROWS)):
            yield b"".join(json_bytes(row) + b"\n" for row in rows)
            after, left = rows[-1]["seq"], None if left is None else left - len(rows)
            if left == 0:
                return

    return StreamingResponse(lines(), media_type=LINES)


def _part(
    pool: ArchivePool, seq: int, changes: ChangeFilter, filters: Filters, limit: int
) -> list[dict[str, Any]]:
    found = pool.today.changes_since(seq, changes, filters, limit)
    return [{**change.to_dict(), "seq": number} for number, change in found]
