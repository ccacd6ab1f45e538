"""Requests that submit a capture: the page that a reader's browser displays, as one HTML file.

SingleFile sends a form with the file and the address of the page; it accepts only the status 200 or
201 as success. Nothing that the page refers to is fetched, and no script of it is run.
"""

from collections.abc import Iterable
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import IO, Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from storage.read.query.queries import Long
from storage.settings import Settings
from storage.values.digest import origin_id, raw_digest
from storage.values.messages import message_text
from storage.values.net.origin_name import origin_of
from storage.values.net.private_hosts import hosts_by_port
from storage.values.net.token import Token
from storage.values.refusals import RefusalReason, refuse
from storage.web.guards import MOST_BODY_BYTES, UPLOADS
from storage.web.parameters import QueryParameters, decode_field
from storage.web.problems import Problem
from storage.web.schemas import record, troubles
from storage.write.submissions import Submission, SubmissionRedactedError, store_submission
from worker.address import Address, parse_address, split_secrets
from worker.services.orders import ERRORS, NEEDS_TOKEN, IngestService, require_token
from worker.text.file_types import HEAD_BYTES, detect_type
from worker.web.public import local_name_reason

MOST_FIELDS = 16
MOST_CONCURRENT = 2
"""Submissions that one server process stores at a time; others wait, with their bodies on disk."""
SPOOLED_BYTES = 1024 * 1024
"""Size from which the body of a request is on disk until it is stored."""
SUBMITTED = record("CaptureSubmitted", job=int, article=str, origin=str, raw_digest=str)
FORM, JSON = "multipart/form-data", "application/json"


class SubmittedPage(QueryParameters):
    """A page with its address."""

    url: Annotated[Long, Field(description="Address of the page in the browser.")]
    html: Annotated[str, Field(min_length=1, description="The page as one HTML document.")]


def body_limit(settings: Settings) -> int:
    """Return the maximum size of a request: a document, and the form around it."""
    return settings.max_document_bytes + MOST_BODY_BYTES


router = APIRouter(tags=["orders"])
CaptureAccess = Annotated[tuple[IngestService, Token], Depends(require_token("capture"))]
_FORM_SCHEMA = {
    "type": "object",
    "required": ["url", "file"],
    "properties": {
        "url": {"type": "string", "description": "Address of the page in the browser."},
        "file": {"type": "string", "format": "binary", "description": "The page as one HTML file."},
    },
}
_BODY: dict[str, Any] = {
    **NEEDS_TOKEN,
    "requestBody": {
        "required": True,
        "content": {
            FORM: {"schema": _FORM_SCHEMA},
            JSON: {"schema": SubmittedPage.model_json_schema()},
        },
    },
}


@router.post(
    *UPLOADS, status_code=201, openapi_extra=_BODY,
    responses={201: {"model": SUBMITTED}, **troubles(*ERRORS, 410, 415)},
)  # fmt: skip
async def submit_capture(request: Request, access: CaptureAccess) -> Response:
    """Store the page that a browser displays as a submitted capture of its address.

    The names of the form fields are free: the file is the page, and the field `url`, or the only
    other field, is its address.
    """
    content_type = request.headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    if kind == FORM:
        async with _lossless(request, content_type).form(
            max_files=1, max_fields=MOST_FIELDS
        ) as form:
            return await _in_thread(request, partial(_store_form, access, form.multi_items()))
    if kind == JSON:
        with SpooledTemporaryFile(max_size=SPOOLED_BYTES) as body:
            async for piece in request.stream():
                body.write(piece)
            return await _in_thread(request, partial(_store_json, access, body))
    raise Problem("type_unsupported", message_text("upload_type", kind=kind[:100]))


def _lossless(request: Request, content_type: str) -> Request:
    """Return the request with a charset that gives each byte of a form a character of its own.

    The parser decodes by the charset of the request, and what does not fit as Latin-1.
    """
    others = [each for each in request.scope["headers"] if each[0] != b"content-type"]
    named = (b"content-type", f"{content_type}; charset=latin-1".encode("latin-1"))
    return Request({**request.scope, "headers": [*others, named]}, request.receive)


async def _in_thread(request: Request, store: partial[Response]) -> Response:
    state = request.app.state
    if not hasattr(state, "submissions"):
        state.submissions = CapacityLimiter(MOST_CONCURRENT)
    return await to_thread.run_sync(store, limiter=state.submissions)


def _store_form(
    access: tuple[IngestService, Token], items: Iterable[tuple[str, UploadFile | str]]
) -> Response:
    files, texts = [], {}
    for name, value in items:
        if isinstance(value, UploadFile):
            files.append(value)
        else:
            field, text = decode_field(name.encode("latin-1"), value.encode("latin-1"))
            texts[field] = text
    if not files:
        raise Problem("parameter_invalid", message_text("upload_missing"))
    url = texts.get("url") or (next(iter(texts.values())) if len(texts) == 1 else "")
    return _store(access, url, files[0].file.read())


def _store_json(access: tuple[IngestService, Token], body: IO[bytes]) -> Response:
    body.seek(0)
    try:
        page = SubmittedPage.model_validate_json(body.read())
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        errors = [{**each, "loc": ("body", *(each["loc"] or ("body",)))} for each in found]
        raise RequestValidationError(errors) from None
    return _store(access, page.url, page.html.encode(), "utf-8")


def _store(
    access: tuple[IngestService, Token], url: str, raw: bytes, charset: str | None = None
) -> Response:
    service, token = access
    if not url.strip():
        raise Problem("not_an_address", message_text("upload_without_address"))
    address = submitted_address(service.settings, url)
    if isinstance(address, RefusalReason):
        raise Problem("not_an_address", address.sentences)
    limit = service.settings.max_document_bytes
    if len(raw) > limit:
        raise Problem("too_large", message_text("upload_large", limit=limit))
    if detect_type("page", raw[:HEAD_BYTES]) != "html":
        raise Problem("type_unsupported", message_text("upload_no_html"))
    origin = origin_of(address.text)
    submission = Submission(address.text, origin, raw, token.name, charset)
    try:
        job = store_submission(service.archive, submission)
    except SubmissionRedactedError:
        refused = refuse("redacted")
        raise Problem("redacted", refused.sentences) from None
    answer = {
        "job": job, "article": origin_id(origin), "origin": origin,
        "raw_digest": raw_digest(raw).hex(),
    }  # fmt: skip
    return JSONResponse(answer, 201)


def submitted_address(settings: Settings, url: str) -> Address | RefusalReason:
    """Return the address of a submitted page without its secrets, or why it is not accepted.

    Addresses in private networks are accepted only for servers in `allow_hosts`: elsewhere the same
    address is another page.
    """
    own = hosts_by_port(settings.allow_hosts)
    address = parse_address(split_secrets(url)[0], lambda host, port: (host, port) in own)
    if isinstance(address, RefusalReason) or (address.host, address.port) in own:
        return address
    reason = local_name_reason(address.host)
    return address if reason is None else refuse("address_not_public", reason=reason)
