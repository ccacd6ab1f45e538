"""Lists over HTTP: a part of them as JSON, or all of them line by line."""

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from storage.read.archive import ReadOnlyArchive
from storage.read.filters import TODAY, Clocks
from storage.read.query.doors import DOORS
from storage.read.query.list_door import ListDoor
from storage.read.query.queries import MOST_ROWS, PAGE_ROWS, ClockOptions
from storage.web.accepting import choose_type
from storage.web.archives import pool_of
from storage.web.parameters import PageParameters, list_parameters
from storage.web.problems import JSON_TYPE
from storage.web.schemas import LINES, many, model_of

_LINE_TYPES = (LINES, "application/x-ndjson", "application/json-lines")

_OPERATIONS = {"list": "list_articles"}
"""Names of routes that are not those of their commands; clients are generated with them."""

Ask = Callable[[ReadOnlyArchive, tuple[str | None, int]], Iterator[Any]]
"""Function that returns the rows after a cursor, up to a number."""


def json_bytes(value: Any) -> bytes:
    r"""Return `value` as JSON; characters that UTF-8 cannot encode are escaped.

    >>> json_bytes({"a": "\ud800"})
    b'{"a": "\\ud800"}'
    """
    try:
        return orjson.dumps(value)
    except TypeError:  # half a surrogate pair, a number beyond 64 bits
        return json.dumps(value).encode("ascii")


def answer_one(value: Any) -> Response:
    """Return one record as JSON."""
    record = value if isinstance(value, Mapping) else value.to_dict()
    return Response(json_bytes(record), media_type=JSON_TYPE)


def wants_lines(request: Request) -> bool:
    """Return whether the client prefers one record a line to a page of a list."""
    return choose_type(request.headers, (JSON_TYPE, *_LINE_TYPES)) != JSON_TYPE


def add_lists(router: APIRouter, tag: str) -> dict[str, Callable[..., Response]]:
    """Add the routes of the lists of this tag to `router`, and return them by name."""
    doors = [door for door in DOORS.values() if door.tag == tag and door.makes_route]
    return {door.name: _add_list(router, door) for door in doors}


def _add_list(router: APIRouter, door: ListDoor) -> Callable[..., Response]:
    def route(request: Request, query: Any) -> Response:
        return answer_list(request, query)

    kind = door.query()
    record: Any = kind.record()
    route.__doc__ = kind.__doc__
    route.__annotations__["query"] = Annotated[list_parameters(kind), Query()]
    name = _OPERATIONS.get(door.name, door.name)
    router.get(door.path, name=name, responses=many(model_of(record)))(route)
    return route


def answer_list(
    request: Request,
    query: Any,
    record_of: Callable[[Any], Mapping[str, Any]] = lambda row: row.to_dict(),
) -> Response:
    """Return the rows of a `ListQuery`; `record_of` returns the JSON form of a record."""
    zone = pool_of(request).place.timezone
    clocks = query.clocks(zone) if isinstance(query, ClockOptions) else TODAY
    return answer_rows(request, query, query.rows, clocks, record_of)


def answer_rows(
    request: Request,
    paged: PageParameters,
    ask: Ask,
    clocks: Clocks = TODAY,
    record_of: Callable[[Any], Mapping[str, Any]] = lambda row: row.to_dict(),
) -> Response:
    """Return a part of a list with `next`, or the whole list line by line."""
    if wants_lines(request):
        return _stream_json_lines(request, paged, ask, clocks, record_of)
    limit = paged.limit or PAGE_ROWS
    with pool_of(request).archive_at(clocks) as archive:
        rows = list(ask(archive, (paged.after, limit + 1)))
    following = rows[limit - 1].cursor if len(rows) > limit else None
    return answer_one({"items": [record_of(row) for row in rows[:limit]], "next": following})


def _stream_json_lines(
    request: Request,
    paged: PageParameters,
    ask: Ask,
    clocks: Clocks,
    record_of: Callable[[Any], Mapping[str, Any]],
) -> Response:
    """Yield rows in parts, so that a slow client holds no resources open.

    The first part is read before the response begins, so that errors get their own status.
    """

    def lines() -> Iterator[bytes]:
        with pool_of(request).long_lived_archive_at(clocks) as archive:
            for part in _parts(archive, paged, ask):
                yield b"".join(json_bytes(record_of(row)) + b"\n" for row in part)

    following = lines()
    first = next(following, b"")
    return StreamingResponse(chain([first], following), media_type=LINES)


def _parts(archive: ReadOnlyArchive, paged: PageParameters, ask: Ask) -> Iterator[list[Any]]:
    after, left = paged.after, paged.limit
    while True:
        wanted = MOST_ROWS if left is None else min(left, MOST_ROWS)
        rows = list(ask(archive, (after, wanted)))
        if rows:
            yield rows
        if len(rows) < wanted or left == wanted:
            return
        after, left = rows[-1].cursor, None if left is None else left - wanted
