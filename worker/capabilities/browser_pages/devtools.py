"""The DevTools protocol over a socket: messages of JSON, each ended by a zero byte."""

import json
import socket
import time
from collections.abc import Callable
from typing import Any

LARGEST_MESSAGE = 128 * 1024 * 1024
"""Maximum size of one message of the browser, in bytes."""


class BrowserError(Exception):
    """The browser ended, refused a call, or did not answer in time."""


class EndedError(BrowserError):
    """The browser ended."""


class DevTools:
    """One connection to a browser; `on_event` is called with method, parameters and session."""

    def __init__(self, pair: socket.socket, ends_at: float) -> None:
        """Answer until `ends_at`, by the steady clock."""
        self._pair, self._ends_at = pair, ends_at
        self._received = bytearray()
        self._number = 0
        self._answers: dict[int, dict[str, Any]] = {}
        self.on_event: Callable[[str, dict[str, Any], str | None], None] = lambda *_: None

    def post(self, method: str, session: str | None = None, **values: Any) -> int:
        """Send a call without waiting; return its number. Raises: BrowserError."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": values}
        if session is not None:
            message["sessionId"] = session
        self._pair.settimeout(self._left())
        try:
            self._pair.sendall(json.dumps(message).encode() + b"\0")
        except TimeoutError as error:
            raise BrowserError(f"{method}: no answer in time") from error
        except OSError as error:
            raise EndedError("the browser ended") from error
        return self._number

    def call(
        self, method: str, session: str | None = None, *, seconds: float = 60.0, **values: Any
    ) -> dict[str, Any]:
        """Call a method and return its result, after at most `seconds`. Raises: BrowserError."""
        number, end = self.post(method, session, **values), time.monotonic() + seconds
        while number not in self._answers:
            left = end - time.monotonic()
            if left <= 0:
                raise BrowserError(f"{method}: no answer in time")
            self._receive(left)
        answer = self._answers.pop(number)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error'].get('message')}")
        result: dict[str, Any] = answer["result"]
        return result

    def wait(self, seconds: float) -> None:
        """Take in messages for some seconds. Raises: BrowserError."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._receive(left)

    def _left(self) -> float:
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise BrowserError("the time of the page is over")
        return left

    def _receive(self, seconds: float) -> None:
        """Receive once, and handle the complete messages."""
        self._pair.settimeout(max(0.001, min(seconds, self._left())))
        try:
            piece = self._pair.recv(1 << 20)
        except TimeoutError:
            return
        except OSError as error:
            raise EndedError("the browser ended") from error
        if not piece:
            raise EndedError("the browser ended")
        start = len(self._received)
        self._received += piece
        if len(self._received) > LARGEST_MESSAGE:
            raise BrowserError("the page is too large")
        while (end := self._received.find(b"\0", start)) >= 0:
            raw = bytes(self._received[:end])
            del self._received[: end + 1]
            start = 0
            self._handle(raw)

    def _handle(self, raw: bytes) -> None:
        try:
            message = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise BrowserError("the page is nested too deeply") from error
        if "id" in message:
            self._answers[message["id"]] = message
        else:
            self.on_event(message["method"], message.get("params", {}), message.get("sessionId"))
