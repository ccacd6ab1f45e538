"""Errors as problem details (RFC 9457): JSON objects with type, title, status and detail."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import orjson
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from storage.capabilities.hooks import CapabilityError
from storage.child_process import ChildStartError
from storage.database.archive_errors import (
    ArchiveError,
    ArchiveMissingError,
    ArchiveUnreachableError,
    SqlRoleError,
)
from storage.database.capture_store import CapturesAwayError, CapturesError, CapturesUnsetError
from storage.database.compression import DamagedBytesError
from storage.database.engine import is_unreachable
from storage.database.rows import CursorError
from storage.read.render.moment import MomentError
from storage.read.revision import RevisionError
from storage.values.errors import (
    AmbiguousError,
    ExpiredError,
    NoSuchError,
    RedactedError,
    RestrictedError,
    SearchQueryError,
)
from storage.values.messages import message_text
from storage.web.accepting import choose_type

LOG = structlog.get_logger()
MOST_ERRORS = 20
"""Maximum number of invalid parameters in a response."""
MOST_NAME_CHARACTERS = 100
MEDIA_TYPE = "application/problem+json"
JSON_TYPE, PAGE_TYPE = "application/json", "text/html"
CONFLICT = "conflict with recovery"
"""A replica interrupts a query that needs rows which the primary has removed."""
RETRY_SECONDS = 5
UNAVAILABLE = "lesart.unavailable"
"""The key in the scope of a request that the archive could not answer: another server may."""

TITLES: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "parameter_unknown": (400, "Unknown parameter"),
        "parameter_invalid": (400, "Invalid parameter"),
        "revision_invalid": (400, "Invalid version"),
        "query_invalid": (400, "Invalid search"),
        "ambiguous": (400, "Several matches"),
        "cursor_invalid": (400, "Invalid cursor"),
        "time_invalid": (400, "Invalid time"),
        "request_invalid": (400, "Invalid request"),
        "not_an_address": (400, "Not a web address"),
        "token_missing": (401, "Token required"),
        "token_invalid": (401, "Invalid token"),
        "token_scope": (403, "Token without permission"),
        "origin_foreign": (403, "Form sent from another page"),
        "no_such": (404, "Not found"),
        "method_not_allowed": (405, "Method not allowed"),
        "request_slow": (408, "Request too slow"),
        "conflict": (409, "Already exists"),
        "redacted": (410, "Redacted"),
        "too_large": (413, "Request too large"),
        "type_unsupported": (415, "Unsupported type of content"),
        "host_unknown": (421, "Unknown host name"),
        "too_many": (429, "Too many requests"),
        "expired": (410, "Deleted after its retention period"),
        "restricted": (451, "Restricted"),
        "internal": (500, "Internal error"),
        "bytes_damaged": (500, "Stored bytes damaged"),
        "sql_unavailable": (503, "SQL unavailable"),
        "too_slow": (503, "Answer too slow"),
        "unavailable": (503, "Archive unavailable"),
    }
)
"""Status and title of each problem code."""

_BY_STATUS = {
    404: ("no_such", "no_such_page"),
    405: ("method_not_allowed", "method_not_allowed"),
    413: ("too_large", "request_large"),
}
"""Code and message of each answer of the framework that is an error."""


@dataclass(eq=False)
class Problem(Exception):  # noqa: N818  # the word of RFC 9457
    """An error response; `detail` is a sentence for users."""

    code: str
    detail: str
    more: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        return TITLES[self.code][0]

    @property
    def title(self) -> str:
        return TITLES[self.code][1]

    def to_dict(self) -> dict[str, Any]:
        status, title = TITLES[self.code]
        problem = {"type": f"urn:lesart:problem:{self.code}", "title": title, "status": status}
        return {**problem, "detail": self.detail, "code": self.code, **self.more}


def problem_of(error: BaseException) -> Problem | None:
    """Return the problem for an expected error of the archive, or None."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, DBAPIError):
        return _database_problem(error)
    code = next((_CODES[kind] for kind in type(error).__mro__ if kind in _CODES), None)
    if code is None:
        return None
    if code == "unavailable":
        return _waiting(code, _WHY_UNAVAILABLE.get(type(error), message_text("archive_unreadable")))
    candidates = getattr(error, "candidates", None)
    return Problem(code, str(error), {} if candidates is None else {"candidates": candidates})


_CODES: Mapping[type, str] = MappingProxyType(
    {
        NoSuchError: "no_such",
        CapabilityError: "parameter_invalid",
        AmbiguousError: "ambiguous",
        ExpiredError: "expired",
        RedactedError: "redacted",
        RestrictedError: "restricted",
        RevisionError: "revision_invalid",
        SearchQueryError: "query_invalid",
        MomentError: "time_invalid",
        CursorError: "cursor_invalid",
        DamagedBytesError: "bytes_damaged",
        CapturesError: "unavailable",
        SqlRoleError: "sql_unavailable",
        ChildStartError: "unavailable",
        ArchiveError: "unavailable",
        PoolTimeoutError: "unavailable",
        ClientDisconnect: "request_invalid",  # the client is gone
    }
)
_WHY_UNAVAILABLE: Mapping[type, str] = MappingProxyType(
    {
        ArchiveMissingError: message_text("archive_missing"),
        ArchiveUnreachableError: message_text("database_silent"),
        CapturesAwayError: message_text("captures_silent"),
        CapturesUnsetError: message_text("captures_unset"),
        PoolTimeoutError: message_text("readers_busy"),
        ChildStartError: message_text("readers_busy"),
    }
)
"""Details that replace error messages, which may contain paths of the server."""


def answer(problem: Problem) -> Response:
    """Return the JSON response for a problem."""
    body = orjson.dumps(problem.to_dict())
    return Response(body, problem.status, dict(problem.headers), MEDIA_TYPE)


def problem_of_error(error: Exception) -> Problem:
    """Return the problem for any error; details of unexpected errors are only logged."""
    known = problem_of(error)
    if known is None and isinstance(error, HTTPException):
        code, name = _BY_STATUS.get(error.status_code, ("request_invalid", None))
        detail = message_text(name) if name else str(error.detail)
        return Problem(code, detail, headers=error.headers or {})
    if known is None and isinstance(error, RequestValidationError):
        return _invalid(error.errors())
    if known is None:
        LOG.error("page_failed", error=type(error).__name__)  # the server prints its trace
        return Problem("internal", message_text("see_log"))
    return known


def wants_page(request: Request) -> bool:
    """Return whether the client prefers a page to JSON: a browser, not a program."""
    return choose_type(request.headers, (MEDIA_TYPE, JSON_TYPE, PAGE_TYPE)) == PAGE_TYPE


def install(app: FastAPI, page: Callable[[Request, Problem], Response]) -> None:
    """Answer every error of `app` with a problem: as JSON, or as a `page` for browsers."""

    def answer_with(request: Request, error: Exception) -> Response:
        problem = problem_of_error(error)
        request.scope[UNAVAILABLE] = problem.code == "unavailable"
        is_api = request.method == "GET" and request.url.path.startswith("/api")
        is_api = is_api or problem.code == "internal"
        return page(request, problem) if wants_page(request) and not is_api else answer(problem)

    expected = (Problem, RequestValidationError, HTTPException, DBAPIError, *_CODES)
    for kind in (*expected, Exception):
        app.add_exception_handler(kind, answer_with)


def _database_problem(error: DBAPIError) -> Problem | None:
    reason = str(error.orig).lower()
    if "timeout" in reason or "interrupted" in reason:
        return _waiting("too_slow", message_text("query_slow"))
    if is_unreachable(error) or "locked" in reason or CONFLICT in reason:
        return _waiting("unavailable", message_text("database_silent"))
    return None


def _waiting(code: str, detail: str) -> Problem:
    return Problem(code, detail, headers={"Retry-After": str(RETRY_SECONDS)})


def _invalid(errors: Sequence[Any]) -> Problem:
    """Return the problem for invalid parameters, with a message for each of the first ones."""
    is_unknown = any(each["type"] == "extra_forbidden" for each in errors)
    errors = [
        {"parameter": _name_of(each), "detail": _detail_of(each)} for each in errors[:MOST_ERRORS]
    ]
    code = "parameter_unknown" if is_unknown else "parameter_invalid"
    names: dict[str, dict[str, None]] = {}
    for each in errors:
        names.setdefault(each["detail"], {})[each["parameter"]] = None
    sentence = "; ".join(f"{', '.join(named)}: {detail}" for detail, named in names.items())
    return Problem(code, sentence or message_text("request_invalid"), {"errors": errors})


def _name_of(error: Any) -> str:
    """Return the name of a parameter, or `body` for a request that cannot be read at all."""
    place, *names = error["loc"]
    if error["type"] == "json_invalid" or not names:
        names = [place]
    return ".".join(map(str, names))[:MOST_NAME_CHARACTERS]


def _detail_of(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return message_text("parameter_unknown")
    return str(error["msg"])[:MOST_NAME_CHARACTERS]
