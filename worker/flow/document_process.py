"""Read documents in one long-lived child process, so that a bad document affects no other.

The child (`python -m worker.flow.document_process`) has a memory limit, and a CPU time limit for
each document (storage.child_process). The parent also kills it after a wall-clock limit.
"""

import os
import signal
import struct
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, Self, TypeVar

from storage import child_process
from storage.child_process import LENGTH, READY, Child, begin, limit_time, receive, send
from storage.values.draft import Draft
from storage.values.lazy import LazyModule
from storage.values.messages import message_text
from storage.values.refusals import RefusalReason, refuse
from worker.flow.language_model import load_model
from worker.text.annotate import language
from worker.text.hints import Hints, TextSettings
from worker.text.page.wire import (
    pack_answer,
    pack_hints,
    pack_parts,
    unpack_answer,
    unpack_hints,
    unpack_parts,
)
from worker.text.read import read_document, split_document

if TYPE_CHECKING:
    from trafilatura import meta as trafilatura_meta

    from storage.record import reading
    from worker.flow import prepare
else:
    trafilatura_meta = LazyModule("trafilatura.meta")
    reading = LazyModule("storage.record.reading")
    prepare = LazyModule("worker.flow.prepare")

T = TypeVar("T")
DOCUMENT_SECONDS = 2.0
WALL_FACTOR = 10.0
"""Factor by which the wall-clock limit of a document exceeds its CPU limit on a busy machine."""
MEMORY_MB = 1024
DOCUMENTS_PER_CHILD = 2000
"""Documents after which the child is replaced, because parsers do not release all their memory."""
TRIED_BYTES = 32 * 1024
"""For larger texts the child also runs the steps that the parent will apply to the result."""
MOST_ANSWER_BYTES = 100_000_000
"""Maximum size of the child's answer to one document; the parent itself has no memory limit."""

_CACHES_RESET_EVERY = 500
_ORDER = struct.Struct(">dd?")
"""The limits of CPU time and wall-clock time in seconds, and whether to split the document."""
_LOADING = b"loading"
"""Sent before a model is loaded, followed by `READY`: no time of a document."""
_WARM_UP_PAGE = (
    b"<html lang=en><body><h1>The council has decided</h1><time datetime=2024-01-01></time>"
    b"<p>The council of the town has decided that the bridge is to be closed for a year, and it "
    b"was not the first of its decisions which have been about that bridge.</p>"
)


class DocumentReader:
    """Reads documents, one at a time, in a child process that is started with the first document.

    Threads may share a reader; a forked process starts its own child.
    """

    def __init__(
        self,
        settings: TextSettings,
        *,
        document_seconds: float = DOCUMENT_SECONDS,
        wall_seconds: float | None = None,
        memory_mb: int = MEMORY_MB,
        documents_per_child: int = DOCUMENTS_PER_CHILD,
    ) -> None:
        """Limit each document to `document_seconds` of CPU time and `wall_seconds` of wall-clock
        time.
        """
        self._settings = settings
        self._document_seconds = document_seconds
        self._wall_seconds = wall_seconds or document_seconds * WALL_FACTOR
        self._memory_mb = memory_mb
        self._documents_per_child = documents_per_child
        self._lock = threading.Lock()
        self._child: _Child | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_failure: object) -> None:
        self.close()

    @property
    def child_pid(self) -> int | None:
        """Return the process id of the child; None if there is none."""
        return self._child.process.pid if self._child else None

    def read(self, raw: bytes, hints: Hints) -> Draft | RefusalReason:
        """Return the outcome of reading the document `raw`, or its refusal.

        Refusals in addition to those of the text core: `resource_time`, `resource_memory`,
        `extractor_crashed`, each for this document alone.

        Raises: ChildStartError if the child could not be started.
        """
        return self._exchange(raw, hints, unpack_answer)

    def split(self, raw: bytes, kind: str) -> list[tuple[str, bytes]] | RefusalReason:
        """Return the texts of a document of the type `kind`, with the limits of `read`.

        Raises: ChildStartError if the child could not be started.
        """
        hints = Hints(kind, "", None, datetime.now(UTC), None)
        return self._exchange(raw, hints, unpack_parts, is_split=True)

    def _exchange(
        self,
        raw: bytes,
        hints: Hints,
        unpack: Callable[[bytes], T | RefusalReason],
        *,
        is_split: bool = False,
    ) -> T | RefusalReason:
        with self._lock:
            child = self._ready_child()
            limits = self._document_seconds, self._wall_seconds
            try:
                answer = child.process_document(raw, hints, limits, unpack, is_split=is_split)
            except BaseException:
                self._drop()  # after half an exchange the next document would get the wrong answer
                raise
            if child.should_be_replaced(answer) or child.documents >= self._documents_per_child:
                self._drop()
            return answer

    def close(self) -> None:
        """Stop the child process."""
        with self._lock:
            self._drop()

    def _ready_child(self) -> "_Child":
        if self._child is not None and self._child.owner != os.getpid():
            self._child = (
                None  # the parent's child, inherited by a fork: neither used nor ended here
            )
        if self._child is None:
            self._child = _Child.start(self._settings, self._memory_mb)
        return self._child

    def _drop(self) -> None:
        child, self._child = self._child, None
        if child is not None and child.owner == os.getpid():
            child.end()


class _Child(Child):
    """The parent's end of one child process."""

    module = "worker.flow.document_process"
    purpose = "The process that reads documents {}; is document_memory_mb large enough?"
    documents = 0

    @classmethod
    def start(cls, settings: TextSettings, memory_mb: int) -> Self:
        orders = {"languages": settings.languages, "timezone": settings.timezone}
        return cls.launch(memory_mb, orders)

    def process_document(
        self,
        raw: bytes,
        hints: Hints,
        limits: tuple[float, float],
        unpack: Callable[[bytes], T | RefusalReason],
        *,
        is_split: bool,
    ) -> T | RefusalReason:
        """Send one document and return the answer; the child may have ended afterwards.

        `limits` are those of the CPU time and of the wall-clock time, in seconds.
        """
        self.documents += 1
        seconds, wall = limits
        packed, order = pack_hints(hints), _ORDER.pack(seconds, wall, is_split)
        request = b"".join((order, LENGTH.pack(len(packed)), packed, LENGTH.pack(len(raw)), raw))
        try:
            answer = self.exchange(request, wall)
            if answer == _LOADING and self.exchange(b"", child_process.START_SECONDS) == READY:
                answer = self.exchange(b"", wall)
        except TimeoutError:
            return refuse("resource_time", limit=message_text("wall_seconds", seconds=wall))
        if answer is None:
            return _end_refusal(self.exit_code(), seconds)
        try:
            return unpack(answer)
        except (ValueError, KeyError, TypeError):
            return _crash_refusal()

    def should_be_replaced(self, answer: object) -> bool:
        """Check whether the child should be replaced after `answer`."""
        spending = ("resource_time", "resource_memory", "extractor_crashed")
        return isinstance(answer, RefusalReason) and answer.code in spending


def _end_refusal(exit_code: int | None, seconds: float) -> RefusalReason:
    """Return the refusal of a document during which the child ended.

    Libraries that cannot raise MemoryError, such as PDFium, abort when an allocation fails.
    """
    if exit_code == -signal.SIGPROF:
        return refuse("resource_time", limit=message_text("processor_seconds", seconds=seconds))
    return refuse("resource_memory") if exit_code == -signal.SIGABRT else _crash_refusal()


def _crash_refusal() -> RefusalReason:
    return refuse("extractor_crashed")


# ----------------------------------------------------------------------- in the child process


def main() -> None:
    """Answer documents until the pipe ends."""
    requests, answers, orders = begin()
    settings = TextSettings(tuple(orders["languages"]), orders["timezone"])
    _warm_up(settings)
    send(answers, READY)
    language.LOADER.set(partial(_load_outside_limits, answers))
    for number, ((*limits, is_split), hints, raw) in enumerate(_requests(requests), start=1):
        with limit_time(*limits):
            answer = _answer(raw, hints, settings, is_split=is_split)
        send(answers, answer)
        if number % _CACHES_RESET_EVERY == 0:
            _reset_caches()


def _load_outside_limits(answers: BinaryIO) -> language.Model:
    """Load the model without the limits of the document; the parent waits as for the start."""
    timers = signal.ITIMER_REAL, signal.ITIMER_PROF
    left = [signal.setitimer(timer, 0) for timer in timers]
    send(answers, _LOADING)
    try:
        return load_model()
    finally:
        send(answers, READY)
        for timer, each in zip(timers, left, strict=True):
            signal.setitimer(timer, *each)


def _warm_up(settings: TextSettings) -> None:
    """Load what the first page needs: parser and extractor, not the model of other languages.

    Raises: any error of the libraries if the memory limit is too low.
    """
    hints = Hints("html", "warm-up", None, datetime(2024, 1, 1, tzinfo=UTC), None)
    _read(_WARM_UP_PAGE, hints, settings)


def _answer(raw: bytes, hints: Hints, settings: TextSettings, *, is_split: bool) -> bytes:
    try:
        packed = _split(raw, hints) if is_split else pack_answer(_read(raw, hints, settings))
    except MemoryError:
        return pack_answer(refuse("resource_memory"))
    except Exception:  # noqa: BLE001 -- whatever a parser throws belongs to this document
        return pack_answer(_crash_refusal())
    return packed if len(packed) <= MOST_ANSWER_BYTES else pack_answer(refuse("resource_memory"))


def _read(raw: bytes, hints: Hints, settings: TextSettings) -> Draft | RefusalReason:
    outcome = read_document(raw, hints, settings)
    if isinstance(outcome, Draft) and _length(outcome) > TRIED_BYTES:
        _try(outcome, hints, settings)
    return outcome


def _split(raw: bytes, hints: Hints) -> bytes:
    parts = split_document(hints.type, raw)
    return pack_answer(parts) if isinstance(parts, RefusalReason) else pack_parts(parts)


def _length(draft: Draft) -> int:
    texts = (draft.title or "", *(paragraph.text for paragraph in draft.paragraphs))
    return sum(len(text.encode("utf-8", "replace")) for text in texts)


def _try(draft: Draft, hints: Hints, settings: TextSettings) -> None:
    """Run the parent's steps on a draft here, so that a text that exceeds the limits is refused.

    A text can be crafted so that Unicode normalization alone takes hours.
    """
    nothing = reading.CapturedItem(0, 0, 0, 0, hints.name, hints.observed_at, {}, b"")
    prepare.prepare(nothing, draft, "", settings.timezone, sign=_empty_signature)


def _empty_signature(_words: object) -> bytes:
    """Return no signature: signing is fast, but its library reserves a gibibyte of address
    space.
    """
    return b""


def _reset_caches() -> None:
    trafilatura_meta.reset_caches()


def _requests(pipe: BinaryIO) -> Iterator[tuple[tuple[float, float, bool], Hints, bytes]]:
    while len(order := pipe.read(_ORDER.size)) == _ORDER.size:
        hints, raw = receive(pipe), receive(pipe)
        if hints is None or raw is None:
            return
        yield _ORDER.unpack(order), unpack_hints(hints), raw


if __name__ == "__main__":
    main()
