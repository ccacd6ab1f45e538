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
from storage.values.refusals import Refused, refuse
from worker.address import Address
from worker.web.connection import Network, NotPublicError, Plain, Tls
from worker.web.content_encoding import BrokenError, GrownError, decoded, encodings_of
from worker.web.credentials import Proxy

HEAD_BYTES = 256 * 1024
"""Maximum size of an answer before its body begins."""
NOT_OK_BYTES = 1024 * 1024
"""Maximum size of the body of an answer without a page: a redirect, an error."""
NEVER_TEXT = ("image/", "video/", "audio/", "font/")
_PIECE = 1 << 16


@dataclass(slots=True)
class Exchanged:
    """The result of one request; `refused` is set if there is no usable answer.

    `headers` are pairs as received. `body` is decoded, or None if there is none to store.
    `sent_headers` are those of the request, as sent. Durations are in milliseconds.
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
    refused: Refused | None = None

    def header(self, name: str) -> str | None:
        """Return the value of a header; several values are joined."""
        found = [value for key, value in self.headers if key.lower() == name]
        return ", ".join(found) if found else None

    @property
    def request(self) -> dict[str, Json]:
        return {
            "method": "GET",
            "target": self.address.target,
            "headers": [list(pair) for pair in self.sent_headers],
        }


@dataclass(slots=True)
class KeptConnection:
    """A connection to one server that stays open between exchanges."""

    network: Network
    proxy: Proxy | None = None
    opened: "Plain | Tls | None" = None
    chain: bytes | None = None

    def close(self) -> None:
        """Close the connection."""
        opened, self.opened = self.opened, None
        if opened is not None:
            opened.close()


def ask(
    kept: KeptConnection,
    address: Address,
    headers: Sequence[tuple[str, str]],
    *,
    seconds: float,
    most_bytes: int,
    body: bytes | None = None,
) -> Exchanged:
    """Request `address` and read the answer; failures are returned, never raised.

    A `body` is sent by POST.

    An answer that `is_stale` came over a connection that the server had just closed: the request
    can be repeated once over another connection.
    """
    began = time.monotonic()
    found = Exchanged(address, sent_headers=(("Host", _host_header(address)), *headers))
    meter = Meter(began + seconds, HEAD_BYTES)
    if kept.opened is not None and not kept.opened.is_connected:
        kept.close()
    was_open = kept.opened is not None
    try:
        _ask(kept, found, meter, most_bytes, body)
    except (HTTPError, HTTPException, OSError, ValueError) as error:
        kept.close()
        is_silent = not meter.received and not isinstance(_cause(error), TimeoutError)
        found.is_stale = was_open and is_silent
        found.refused = _refusal(error, found)
    found.duration_ms = round((time.monotonic() - began) * 1000)
    found.digest = raw_digest(found.body) if found.body else None
    return found


def _host_header(address: Address) -> str:
    host = f"[{address.host}]" if ":" in address.host else address.host
    is_usual = address.port == (443 if address.scheme == "https" else 80)
    return host if is_usual else f"{host}:{address.port}"


def _ask(
    kept: KeptConnection, found: Exchanged, meter: Meter, most_bytes: int, body: bytes | None
) -> None:
    if kept.opened is None:
        kept.opened = kept.network.connection(found.address, meter, kept.proxy)
        kept.chain = None
    connection = kept.opened
    connection.measured_by(meter)
    target, headers = found.address.target, dict(found.sent_headers)
    if kept.proxy is not None and isinstance(connection, Plain):
        target, headers = found.address.text, {**headers, **connection.let_through}
    connection.request(
        "GET" if body is None else "POST", target, body, headers,
        preload_content=False, decode_content=False,
    )  # fmt: skip
    _note_peer(kept, connection, found)
    response = connection.getresponse()
    found.status, found.reason = response.status, response.reason
    found.version = response.version_string
    found.headers = tuple((str(key), str(value)) for key, value in response.headers.iteritems())
    response.headers.discard("content-encoding")  # the encoding is removed here, within limits
    limit = most_bytes if response.status == 200 else min(most_bytes, NOT_OK_BYTES)
    meter.limit = meter.received + limit + HEAD_BYTES
    if response.status == 200 and _is_never_text(found):
        kept.close()
        kind = (found.header("content-type") or "")[:80]
        found.refused = refuse("not_text", detected=f"the server calls it {kind}")
        return
    _read_body(response, found, limit)
    if not _may_stay_open(response, found):
        kept.close()


def _is_never_text(found: Exchanged) -> bool:
    return (found.header("content-type") or "").strip().lower().startswith(NEVER_TEXT)


def _note_peer(kept: KeptConnection, connection: "Plain | Tls", found: Exchanged) -> None:
    sock = connection.sock
    host, port = sock.getpeername()[:2]
    found.peer = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if isinstance(sock, ssl.SSLSocket):
        found.tls_version = sock.version()
        if kept.chain is None:
            kept.chain = _chain(sock)
        found.chain = kept.chain


def _chain(sock: ssl.SSLSocket) -> bytes:
    """Return the server's certificate chain as PEM, the server's own certificate first."""
    if hasattr(sock, "get_unverified_chain"):  # available from Python 3.13
        shown = [bytes(each) for each in sock.get_unverified_chain()]
    else:
        inside: Any = sock._sslobj  # type: ignore[attr-defined]  # noqa: SLF001  # before that
        chain = inside.get_unverified_chain() or ()
        shown = [ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in chain]
    if not shown:
        own = sock.getpeercert(binary_form=True)
        shown = [own] if own else []
    return "".join(ssl.DER_cert_to_PEM_cert(each) for each in shown).encode("ascii")


def _read_body(response: HTTPResponse, found: Exchanged, limit: int) -> None:
    """Read the body and remove its encoding; a truncated body is stored as far as it was
    received.
    """
    pieces: list[bytes] = []
    size = 0
    broken: str | None = None
    try:
        while piece := response.read(_PIECE, decode_content=False):
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                raise TooMuchError(limit)
    except (ProtocolError, HTTPException, ConnectionError) as error:
        broken = _reason(error)
    found.wire_bytes = size
    found.body = b"".join(pieces)
    encodings = encodings_of(found.header("content-encoding"))
    if broken is None and not found.body and response.status == 200 and not _has_end(found):
        broken = "there is nothing below its head"
    if broken is not None:
        found.refused = refuse("truncated_response", reason=broken)
        response.close()
        return
    _decode(found, encodings, limit)


def _decode(found: Exchanged, encodings: tuple[str, ...], limit: int) -> None:
    try:
        found.body = decoded(found.body or b"", encodings, limit)
    except GrownError:
        found.body = None
        found.refused = refuse("too_large_decoded", limit=limit)
    except BrokenError as error:
        found.refused = refuse("truncated_response", reason=str(error))
    else:
        found.body_encoding = ", ".join(encodings) or None


def _may_stay_open(response: HTTPResponse, found: Exchanged) -> bool:
    if found.refused is not None or "close" in (found.header("connection") or "").lower():
        return False
    is_kept = response.version >= 11 or "keep-alive" in (found.header("connection") or "").lower()
    return is_kept and (_has_end(found) or response.status in {204, 304})


def _has_end(found: Exchanged) -> bool:
    """Check whether the end of a body is marked in the answer."""
    is_chunked = "chunked" in (found.header("transfer-encoding") or "").lower()
    return is_chunked or found.header("content-length") is not None


def _refusal(error: Exception, found: Exchanged) -> Refused:
    """Return the refusal for an error; a body that is too large is not stored."""
    cause = _cause(error)
    is_answered = found.status is not None
    match cause:
        case NotPublicError():
            refused = refuse("address_not_public", reason=str(cause))
        case TooMuchError() if is_answered:
            found.body = None
            refused = refuse("too_large", limit=cause.limit)
        case ssl.SSLError() if _is_about_trust(cause) and not is_answered:
            refused = refuse("tls_invalid", reason=_tls_reason(cause))
        case _ if is_answered:
            refused = refuse("truncated_response", reason=_reason(cause))
        case _:
            refused = refuse("unreachable", reason=_reason(cause))
    return refused


def _is_about_trust(error: ssl.SSLError) -> bool:
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
    reason = "it cannot be read as HTTP"
    match cause := _cause(error):
        case TimeoutError():
            reason = "it took too long"
        case ssl.SSLError():
            reason = _tls_reason(cause)
        case IncompleteRead() | http.client.IncompleteRead():
            reason = _missing(cause.partial, cause.expected)
        case RemoteDisconnected() | ConnectionResetError() | BrokenPipeError():
            reason = "it hung up"
        case OSError(errno=errno.ENOTCONN | errno.ESHUTDOWN):
            reason = "it hung up"
        case BadStatusLine() | UnknownProtocol():
            reason = "the answer is no HTTP"
        case InvalidHeader():
            reason = "its headers contradict each other"
        case OSError() | HTTPException() if str(cause):
            reason = _plain(getattr(cause, "strerror", None) or str(cause))
    return reason


def _missing(partial: bytes | int, expected: int | None) -> str:
    if expected is None:
        return "it ended before its last part"
    came = partial if isinstance(partial, int) else len(partial)
    return f"{expected} bytes were to come after {came}"


def _tls_reason(error: ssl.SSLError) -> str:
    reason = getattr(error, "verify_message", None) or error.reason or "the connection failed"
    return _plain(str(reason).replace("_", " ").lower())


def _plain(reason: str) -> str:
    return " ".join(reason.split())[:200]
