"""One request and its answer: limited in time and size, with all transferred headers."""

import errno
import http.client
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import BadStatusLine, HTTPException, RemoteDisconnected, UnknownProtocol
from typing import Any

from urllib3.exceptions import HTTPError, IncompleteRead, InvalidHeader, ProtocolError
from urllib3.response import HTTPResponse

from storage.metered_socket import Meter, TooMuchError
from storage.values.digest import raw_digest
from storage.values.draft import Json
from storage.values.messages import message_text
from storage.values.net.addresses import CheckedFile, CheckedResource
from storage.values.refusals import RefusalReason, refuse
from worker.address import Address
from worker.web.connection import Network, NotPublicError, PlainConnection, TlsConnection
from worker.web.content_encoding import BrokenError, GrownError, decode_body, encodings_of
from worker.web.credentials import Proxy

HEAD_BYTES = 256 * 1024
"""Maximum size of an answer before its body begins."""
NOT_OK_BYTES = 1024 * 1024
"""Maximum size of the body of an answer without a page: a redirect, an error."""
NEVER_TEXT = ("image/", "video/", "audio/", "font/")
_CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class RenderedAnswer:
    """What a browser made of the document in an answer: its HTML, or why there is none.

    `is_same`: its text is that of the reading before. `facts` are stored with the observation, the
    `screenshot` and the `resources` with the HTML.
    """

    html: bytes | None
    refused: RefusalReason | None
    facts: dict[str, Json]
    is_same: bool = False
    screenshot: CheckedFile | None = None
    resources: tuple[CheckedResource, ...] = ()


@dataclass(slots=True)
class ServerAnswer:
    """The result of one request; `refused` is set if there is no usable answer.

    `headers` are pairs as received. `body` is decoded, or None if there is none to store.
    `rendered` is what a browser made of it. `sent_headers` are those of the request, as sent.
    Durations are in milliseconds.
    """

    address: Address
    status: int | None = None
    reason: str | None = None
    version: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    digest: bytes | None = None
    body_encoding: str | None = None
    wire_bytes: int = 0
    sent_headers: tuple[tuple[str, str], ...] = ()
    peer: str | None = None
    tls_version: str | None = None
    chain: bytes | None = None
    duration_ms: int = 0
    is_stale: bool = False
    rendered: "RenderedAnswer | None" = None
    refused: RefusalReason | None = None

    def header(self, name: str) -> str | None:
        """Return the value of a header; several values are joined."""
        answer = [value for key, value in self.headers if key.lower() == name]
        return ", ".join(answer) if answer else None

    @property
    def request(self) -> dict[str, Json]:
        return {
            "method": "GET",
            "target": self.address.target,
            "headers": [list(pair) for pair in self.sent_headers],
        }


@dataclass(slots=True)
class PersistentConnection:
    """A connection to one server that stays open between exchanges."""

    network: Network
    proxy: Proxy | None = None
    opened: "PlainConnection | TlsConnection | None" = None
    chain: bytes | None = None

    def close(self) -> None:
        """Close the connection."""
        opened, self.opened = self.opened, None
        if opened is not None:
            opened.close()


def send_request(
    persistent: PersistentConnection,
    address: Address,
    headers: Sequence[tuple[str, str]],
    *,
    seconds: float,
    max_bytes: int,
    body: bytes | None = None,
    decode: bool = True,
    method: str | None = None,
    of_page: bool = False,
) -> ServerAnswer:
    """Request `address` and read the answer; failures are returned, never raised.

    A `body` is sent by POST, unless there is a `method`. Without `decode` the body of the answer
    keeps its encoding. What belongs to a page (`of_page`), such as pictures, may have any type.

    An answer that `is_stale` came over a connection that the server had just closed: the request
    can be repeated once over another connection.
    """
    began = time.monotonic()
    answer = ServerAnswer(address, sent_headers=(("Host", _host_header(address)), *headers))
    meter = Meter(began + seconds, HEAD_BYTES)
    if persistent.opened is not None and not persistent.opened.is_connected:
        persistent.close()
    was_open = persistent.opened is not None
    try:
        _exchange(
            persistent, answer, meter, max_bytes, body, decode=decode, of_page=of_page,
            method=method or ("GET" if body is None else "POST"),
        )  # fmt: skip
    except (HTTPError, HTTPException, OSError, ValueError) as error:
        persistent.close()
        is_silent = not meter.received and not isinstance(_cause(error), TimeoutError)
        answer.is_stale = was_open and is_silent
        answer.refused = _refusal(error, answer)
    answer.duration_ms = round((time.monotonic() - began) * 1000)
    answer.digest = raw_digest(answer.body) if answer.body else None
    return answer


def _host_header(address: Address) -> str:
    host = f"[{address.host}]" if ":" in address.host else address.host
    is_usual = address.port == (443 if address.scheme == "https" else 80)
    return host if is_usual else f"{host}:{address.port}"


def _exchange(
    persistent: PersistentConnection,
    answer: ServerAnswer,
    meter: Meter,
    max_bytes: int,
    body: bytes | None,
    *,
    decode: bool,
    of_page: bool,
    method: str,
) -> None:
    if persistent.opened is None:
        persistent.opened = persistent.network.connection(answer.address, meter, persistent.proxy)
        persistent.chain = None
    connection = persistent.opened
    connection.use_meter(meter)
    target, headers = answer.address.target, dict(answer.sent_headers)
    if persistent.proxy is not None and isinstance(connection, PlainConnection):
        target, headers = answer.address.text, {**headers, **connection.proxy_headers}
    connection.request(method, target, body, headers, preload_content=False, decode_content=False)
    _record_peer(persistent, connection, answer)
    response = connection.getresponse()
    answer.status, answer.reason = response.status, response.reason
    answer.version = response.version_string
    answer.headers = tuple((str(key), str(value)) for key, value in response.headers.iteritems())
    response.headers.discard("content-encoding")  # the encoding is removed here, within limits
    limit = max_bytes if response.status == 200 else min(max_bytes, NOT_OK_BYTES)
    meter.limit = meter.received + limit + HEAD_BYTES
    if response.status == 200 and not of_page and _is_never_text(answer):
        persistent.close()
        kind = (answer.header("content-type") or "")[:80]
        answer.refused = refuse("not_text", detected=message_text("called_type", kind=kind))
        return
    _read_body(response, answer, limit, decode=decode)
    if not _may_stay_open(response, answer):
        persistent.close()


def _is_never_text(answer: ServerAnswer) -> bool:
    return (answer.header("content-type") or "").strip().lower().startswith(NEVER_TEXT)


def _record_peer(
    persistent: PersistentConnection,
    connection: "PlainConnection | TlsConnection",
    answer: ServerAnswer,
) -> None:
    sock = connection.sock
    host, port = sock.getpeername()[:2]
    answer.peer = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if isinstance(sock, ssl.SSLSocket):
        answer.tls_version = sock.version()
        if persistent.chain is None:
            persistent.chain = _chain(sock)
        answer.chain = persistent.chain


def _chain(sock: ssl.SSLSocket) -> bytes:
    """Return the server's certificate chain as PEM, the server's own certificate first."""
    if hasattr(sock, "get_unverified_chain"):  # available from Python 3.13
        certificates = [bytes(each) for each in sock.get_unverified_chain()]
    else:
        inside: Any = sock._sslobj  # type: ignore[attr-defined]  # noqa: SLF001  # before that
        chain = inside.get_unverified_chain() or ()
        certificates = [ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in chain]
    if not certificates:
        own = sock.getpeercert(binary_form=True)
        certificates = [own] if own else []
    return "".join(ssl.DER_cert_to_PEM_cert(each) for each in certificates).encode("ascii")


def _read_body(response: HTTPResponse, answer: ServerAnswer, limit: int, *, decode: bool) -> None:
    """Read the body, and remove its encoding if `decode` is set.

    A truncated body is stored as far as it was received.
    """
    pieces: list[bytes] = []
    size = 0
    broken: str | None = None
    try:
        while piece := response.read(_CHUNK_BYTES, decode_content=False):
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                raise TooMuchError(limit)
    except (ProtocolError, HTTPException, ConnectionError) as error:
        broken = _reason(error)
    answer.wire_bytes = size
    answer.body = b"".join(pieces)
    encodings = encodings_of(answer.header("content-encoding"))
    if broken is None and not answer.body and response.status == 200 and not _has_end(answer):
        broken = message_text("nothing_below_head")
    if broken is not None:
        answer.refused = refuse("truncated_response", reason=broken)
        response.close()
        return
    if decode:
        _decode(answer, encodings, limit)


def _decode(answer: ServerAnswer, encodings: tuple[str, ...], limit: int) -> None:
    try:
        answer.body = decode_body(answer.body or b"", encodings, limit)
    except GrownError:
        answer.body = None
        answer.refused = refuse("too_large_decoded", limit=limit)
    except BrokenError as error:
        answer.refused = refuse("truncated_response", reason=str(error))
    else:
        answer.body_encoding = ", ".join(encodings) or None


def _may_stay_open(response: HTTPResponse, answer: ServerAnswer) -> bool:
    if answer.refused is not None or "close" in (answer.header("connection") or "").lower():
        return False
    is_kept = response.version >= 11 or "keep-alive" in (answer.header("connection") or "").lower()
    return is_kept and (_has_end(answer) or response.status in {204, 304})


def _has_end(answer: ServerAnswer) -> bool:
    """Check whether the end of a body is marked in the answer."""
    is_chunked = "chunked" in (answer.header("transfer-encoding") or "").lower()
    return is_chunked or answer.header("content-length") is not None


def _refusal(error: Exception, answer: ServerAnswer) -> RefusalReason:
    """Return the refusal for an error; a body that is too large is not stored."""
    cause = _cause(error)
    is_answered = answer.status is not None
    match cause:
        case NotPublicError():
            refused = refuse("address_not_public", reason=str(cause))
        case TooMuchError() if is_answered:
            answer.body = None
            refused = refuse("too_large", limit=cause.limit)
        case ssl.SSLError() if _is_certificate_error(cause) and not is_answered:
            refused = refuse("tls_invalid", reason=_tls_reason(cause))
        case _ if is_answered:
            refused = refuse("truncated_response", reason=_reason(cause))
        case _:
            refused = refuse("unreachable", reason=_reason(cause))
    return refused


def _is_certificate_error(error: ssl.SSLError) -> bool:
    """Check whether the server was reached but its identity could not be verified."""
    is_cut_off = isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError))
    return not is_cut_off and "timed out" not in str(error)


def _cause(error: BaseException) -> BaseException:
    """Return the underlying error of a library's exception."""
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        inner = error.__cause__ or error.__context__
        wrapped = next((a for a in error.args if isinstance(a, BaseException)), None)
        if isinstance(error, (HTTPError, ProtocolError)) and (wrapped or inner):
            error = wrapped or inner or error
    return error


def _reason(error: BaseException) -> str:
    """Return a short reason of an error, without addresses, pointers and class names."""
    reason = message_text("unreadable_http")
    match cause := _cause(error):
        case TimeoutError():
            reason = message_text("slow")
        case ssl.SSLError():
            reason = _tls_reason(cause)
        case IncompleteRead() | http.client.IncompleteRead():
            reason = _missing(cause.partial, cause.expected)
        case RemoteDisconnected() | ConnectionResetError() | BrokenPipeError():
            reason = message_text("hung_up")
        case OSError(errno=errno.ENOTCONN | errno.ESHUTDOWN):
            reason = message_text("hung_up")
        case BadStatusLine() | UnknownProtocol():
            reason = message_text("no_http")
        case InvalidHeader():
            reason = message_text("headers_contradict")
        case OSError() | HTTPException() if str(cause):
            reason = _plain(getattr(cause, "strerror", None) or str(cause))
    return reason


def _missing(partial: bytes | int, missing_bytes: int | None) -> str:
    if missing_bytes is None:
        return message_text("ended_early")
    came = partial if isinstance(partial, int) else len(partial)
    return message_text("bytes_missing", missing=missing_bytes, came=came)


def _tls_reason(error: ssl.SSLError) -> str:
    reason = (
        getattr(error, "verify_message", None) or error.reason or message_text("connection_failed")
    )
    return _plain(str(reason).replace("_", " ").lower())


def _plain(reason: str) -> str:
    return " ".join(reason.split())[:200]
