"""Responses cached for clients (ETag) and on the server."""

import hashlib
from collections.abc import Callable, Coroutine, Sequence
from time import time as now
from typing import Any, ClassVar

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from storage.web.archives import language_of, library_of
from storage.web.paging import wants_lines


class KnownRoute(APIRoute):
    """Route whose responses stay valid until the archive changes.

    The ETag begins with the state of the archive before the response was computed, followed by a
    digest of the body (`storage.web.guards`). Until then, the server repeats the cached response.
    """

    seconds: ClassVar[int | None] = None
    """For how long an answer says the same at most; None where time makes no difference."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return a handler that answers with 304 or the cached response if possible."""
        work_out = super().get_route_handler()

        async def handle(request: Request) -> Response:
            told = await library_of(request).state()
            state = _state_of_answer(request, told, self.seconds)
            for tag in tags_in(request.headers.get("if-none-match", "")):
                if tag.startswith(f"{state}."):
                    return Response(status_code=304, headers={"ETag": f'W/"{tag}"'})
            kept = library_of(request).kept.at(told)
            if (given := kept.get(state)) is not None:
                return _again(*given)
            answer = await work_out(request)
            if answer.status_code == 200:
                answer.headers["ETag"] = state
                library_of(request).kept.keep(told, state, answer)
            return answer

        return handle


class KnownForAMinute(KnownRoute):
    """Route whose responses also contain statistics that may be one minute old."""

    seconds = 60


def tags_in(known: str) -> list[str]:
    """Return the tags of an If-None-Match header, weak and strong tags alike.

    >>> tags_in('"a", W/"b.c"')
    ['a', 'b.c']
    """
    return [each.strip().removeprefix("W/").strip('"') for each in known.split(",")]


def _state_of_answer(request: Request, state: str, seconds: int | None) -> str:
    """Return the state of the answer to a request, where the archive has one."""
    asked = [request.method, request.url.path, request.url.query, request.headers.get("host", "")]
    asked += [language_of(request), "lines" if wants_lines(request) else ""]
    asked.append("" if seconds is None else str(now() // seconds))
    told = "\0".join([state, *asked])
    return hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _again(headers: Sequence[tuple[bytes, bytes]], body: bytes) -> Response:
    answer = Response(body)
    answer.raw_headers = [*headers]
    return answer
