"""Read documents in one long-lived child process, so that a bad document affects no other.

The child (`python -m worker.flow.document_process`) answers frames on a pipe: four bytes of length,
then the content. It has a memory limit, a CPU time limit for each document, and no connection
except its two pipes. The parent also kills the child after a wall-clock limit.
"""

import contextlib
import fcntl
import json
import os
import resource
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self, TypeVar

from storage.interrupts import no_interrupt
from storage.values.draft import Draft
from storage.values.lazy import LazyModule
from storage.values.messages import message_text
from storage.values.refusals import RefusalReason, refuse
from worker.text import read_document, split_document
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

START_SECONDS = 60.0
_CACHES_RESET_EVERY = 500
_CHUNK = 1 << 16
_PIPE = 1 << 20
_LENGTH = struct.Struct(">I")
_ORDER = struct.Struct(">dd?")
"""The limits of CPU time and wall-clock time in seconds, and whether to split the document."""
_MIB = 1 << 20
_READY = b"ready"
_LOADING = b"loading"
"""Sent before a model is loaded, followed by `_READY`: no time of a document."""
_WARM_UP_PAGE = (
    b"<html lang=en><body><h1>The council has decided</h1><time datetime=2024-01-01></time>"
    b"<p>The council of the town has decided that the bridge is to be closed for a year, and it "
    b"was not the first of its decisions which have been about that bridge.</p>"
)
_ROOT = Path(__file__).resolve().parents[2]


class ExtractorStartError(Exception):
    """The child process did not start; `exit_code` is None if it was too slow.

    Can be retried, because no document caused it.
    """

    def __init__(self, exit_code: int | None) -> None:
        how = "was not ready in time" if exit_code is None else f"ended with {exit_code}"
        super().__init__(
            f"The process that reads documents {how}; is document_memory_mb large enough?"
        )
        self.exit_code = exit_code


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

        Raises: ExtractorStartError if the child could not be started.
        """
        return self._exchange(raw, hints, unpack_answer)

    def split(self, raw: bytes, kind: str) -> list[tuple[str, bytes]] | RefusalReason:
        """Return the texts of a document of the type `kind`, with the limits of `read`.

        Raises: ExtractorStartError if the child could not be started.
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


class _Child:
    """The parent's end of one child process."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self.owner = os.getpid()
        self.documents = 0
        self._received = bytearray()

    @classmethod
    def start(cls, settings: TextSettings, memory_mb: int) -> "_Child":
        orders = {
            "languages": settings.languages,
            "timezone": settings.timezone,
            "memory_mb": memory_mb,
            "parent": os.getpid(),
        }
        with no_interrupt():  # Ctrl-C is handled by the parent
            process = subprocess.Popen(  # noqa: S603 -- our own module, by our own interpreter
                [sys.executable, "-P", "-m", "worker.flow.document_process", json.dumps(orders)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                bufsize=0,
            )
        child = cls(process)
        assert process.stdin
        assert process.stdout
        os.set_blocking(process.stdin.fileno(), False)
        os.set_blocking(process.stdout.fileno(), False)
        _widen(process.stdin.fileno())
        try:
            is_ready = child._exchange(b"", START_SECONDS) == _READY
        except TimeoutError:
            is_ready = False
        if not is_ready:
            exit_code = child._exit_code()
            child.end()
            raise ExtractorStartError(exit_code)
        return child

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
        request = b"".join((order, _LENGTH.pack(len(packed)), packed, _LENGTH.pack(len(raw)), raw))
        try:
            answer = self._exchange(request, wall)
            if answer == _LOADING and self._exchange(b"", START_SECONDS) == _READY:
                answer = self._exchange(b"", wall)
        except TimeoutError:
            return refuse("resource_time", limit=message_text("wall_seconds", seconds=wall))
        if answer is None:
            return _end_refusal(self._exit_code(), seconds)
        try:
            return unpack(answer)
        except (ValueError, KeyError, TypeError):
            return _crash_refusal()

    def should_be_replaced(self, answer: object) -> bool:
        """Check whether the child should be replaced after `answer`."""
        spending = ("resource_time", "resource_memory", "extractor_crashed")
        return isinstance(answer, RefusalReason) and answer.code in spending

    def end(self) -> None:
        """Kill the child; it holds no state."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()

    def _exit_code(self) -> int | None:
        try:
            return self.process.wait(1)
        except subprocess.TimeoutExpired:
            return None

    def _exchange(self, request: bytes, seconds: float) -> bytes | None:
        """Write `request` until a frame is read; None if the child ended first.

        Raises: TimeoutError after `seconds`.
        """
        assert self.process.stdin
        assert self.process.stdout
        writer, reader = self.process.stdin.fileno(), self.process.stdout.fileno()
        end = time.monotonic() + seconds
        waiting = memoryview(request)
        if (frame := self._take_frame()) is not None:
            return frame
        poll = select.poll()
        poll.register(reader, select.POLLIN)
        if waiting:
            poll.register(writer, select.POLLOUT)
        while True:
            left = end - time.monotonic()
            events = dict(poll.poll(max(0, left) * 1000)) if left > 0 else {}
            if not events:
                raise TimeoutError
            if writer in events:
                waiting = waiting[_write(writer, waiting) :]
                if not waiting:
                    poll.unregister(writer)
            if reader in events:
                piece = os.read(reader, _CHUNK)
                if not piece:
                    return None
                self._received += piece
                if (frame := self._take_frame()) is not None:
                    return frame

    def _take_frame(self) -> bytes | None:
        """Remove and return the first frame of what was received, if it is complete."""
        data = self._received
        if len(data) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(data)
        end = _LENGTH.size + length
        if len(data) < end:
            return None
        frame = bytes(data[_LENGTH.size : end])
        del data[:end]
        return frame


def _widen(pipe: int) -> None:
    """Enlarge the buffer of a pipe to hold a whole page, so that it need not be sent in parts."""
    with contextlib.suppress(OSError):  # a limit of the system: the page is sent in parts
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)


def _write(writer: int, waiting: memoryview) -> int:
    """Write what fits into the pipe; if the child has ended, discard the rest."""
    try:
        return os.write(writer, waiting[:_PIPE])
    except BlockingIOError:
        return 0
    except BrokenPipeError:
        return len(waiting)


def _end_refusal(exit_code: int | None, seconds: float) -> RefusalReason:
    """Return the refusal of a document during which the child ended.

    Libraries that cannot raise MemoryError, such as PDFium, abort when an allocation fails.
    """
    if exit_code == -signal.SIGPROF:
        return refuse("resource_time", limit=message_text("processor_seconds", seconds=seconds))
    return refuse("resource_memory") if exit_code == -signal.SIGABRT else _crash_refusal()


def _crash_refusal() -> RefusalReason:
    return refuse("extractor_crashed")


def _environment() -> dict[str, str]:
    """Return the environment of the child: one thread, no settings and no secrets."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LESART_")}
    path = os.pathsep.join(filter(None, (str(_ROOT), kept.get("PYTHONPATH"))))
    # Each thread of a numeric library would reserve its share of the address space.
    return kept | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


# ----------------------------------------------------------------------- in the child process


def main() -> None:
    """Answer documents until the pipe ends."""
    orders = json.loads(sys.argv[1])
    requests, answers = _take_pipes()
    _end_with(orders["parent"])
    _limit_memory(orders["memory_mb"] * _MIB)
    settings = TextSettings(tuple(orders["languages"]), orders["timezone"])
    _warm_up(settings)
    _send(answers, _READY)
    language.LOADING.set(partial(_outside_limits, answers))
    for number, ((*limits, is_split), hints, raw) in enumerate(_requests(requests), start=1):
        with _limit_resources(*limits):
            answer = _answer(raw, hints, settings, is_split=is_split)
        _send(answers, answer)
        if number % _CACHES_RESET_EVERY == 0:
            _reset_caches()


@contextlib.contextmanager
def _limit_resources(seconds: float, wall: float) -> Iterator[None]:
    """Let the system end this process if a document exceeds its limits, whatever code is running.

    The parent kills a late child; the alarm covers the case that the parent has ended.
    """
    signal.setitimer(signal.ITIMER_REAL, wall * 2 + 1)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    yield
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)


@contextlib.contextmanager
def _outside_limits(answers: BinaryIO) -> Iterator[None]:
    """Suspend the limits of the document, and let the parent wait as it does for the start."""
    timers = signal.ITIMER_REAL, signal.ITIMER_PROF
    left = [signal.setitimer(timer, 0) for timer in timers]
    _send(answers, _LOADING)
    try:
        yield
    finally:
        _send(answers, _READY)
        for timer, each in zip(timers, left, strict=True):
            signal.setitimer(timer, *each)


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Reserve the pipes for frames: output of any library goes to stderr."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    return requests, answers


def _end_with(parent: int) -> None:
    """End with the parent, even if a fork of it still holds the pipes open.

    PR_SET_PDEATHSIG does not work: it is sent when the *thread* ends that started the child.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def _limit_memory(limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


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
        hints, raw = _receive(pipe), _receive(pipe)
        if hints is None or raw is None:
            return
        yield _ORDER.unpack(order), unpack_hints(hints), raw


def _receive(pipe: BinaryIO) -> bytes | None:
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    return pipe.read(_LENGTH.unpack(head)[0])


def _send(pipe: BinaryIO, content: bytes) -> None:
    pipe.write(_LENGTH.pack(len(content)))
    pipe.write(content)
    pipe.flush()


if __name__ == "__main__":
    main()
