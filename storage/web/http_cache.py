"""Responses cached for clients (ETag) and on the server."""

import hashlib
import re
from collections.abc import Callable, Coroutine, Sequence
from time import time as now
from typing import Any, ClassVar

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from storage.web.archives import language_of, pool_of
from storage.web.paging import wants_lines

_MARK = re.compile("[0-9a-f]{1,16}")


class CachedRoute(APIRoute):
    """Route whose responses stay valid until the archive changes.

    The ETag begins with the state of the archive before the response was computed, followed by a
    digest of the body (`storage.web.guards`). Until then, the server repeats the cached response.
    With replicas, it also states a position of the server that was read: a replica that is behind
    it does not answer whoever has that response (`storage.web.replicas`).
    """

    seconds: ClassVar[int | None] = None
    """Maximum age of a response in seconds; None if responses do not depend on the time."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return a handler that answers with 304 or the cached response if possible."""
        compute = super().get_route_handler()

        async def handle(request: Request) -> Response:
            pool = pool_of(request)
            archive_state = await pool.state()
            server = pool.server
            state = _state_of_answer(request, archive_state, self.seconds)
            for tag in tags_in(request.headers.get("if-none-match", "")):
                if tag.partition(".")[0].partition("-")[0] == state:
                    return Response(status_code=304, headers={"ETag": f'W/"{tag}"'})
            responses = pool.responses.in_state(archive_state)
            if (response := responses.get(state)) is not None:
                return _replay(*response)
            answer = await compute(request)
            if answer.status_code == 200 and pool.server == server:
                answer.headers["ETag"] = f"{state}{await pool.mark()}"
                pool.responses.store(archive_state, state, answer)
            return answer

        return handle


class MinuteCachedRoute(CachedRoute):
    """Route whose responses also contain statistics that may be one minute old."""

    seconds = 60


def tags_in(header: str) -> list[str]:
    """Return the tags of an If-None-Match header, weak and strong tags alike.

    >>> tags_in('"a", W/"b.c"')
    ['a', 'b.c']
    """
    return [each.strip().removeprefix("W/").strip('"') for each in header.split(",")]


def positions_in(header: str) -> list[int]:
    """Return the positions that the tags of an If-None-Match header state.

    >>> positions_in('W/"ab-1f.cd", "ab.cd", "-zz."')
    [31]
    """
    marks = [each.partition(".")[0].partition("-")[2] for each in tags_in(header)]
    return [position for each in marks if (position := read_mark(each)) is not None]


def read_mark(text: str) -> int | None:
    """Return a position from its hexadecimal text."""
    return int(text, 16) if _MARK.fullmatch(text) else None


def _state_of_answer(request: Request, state: str, seconds: int | None) -> str:
    """Return a digest of the archive's state and of the request; equal digests, equal responses."""
    query = [request.method, request.url.path, request.url.query, request.headers.get("host", "")]
    query += [language_of(request), "lines" if wants_lines(request) else ""]
    query.append("" if seconds is None else str(now() // seconds))
    parts = "\0".join([state, *query])
    return hashlib.blake2b(parts.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _replay(headers: Sequence[tuple[bytes, bytes]], body: bytes) -> Response:
    answer = Response(body)
    answer.raw_headers = [*headers]
    return answer
