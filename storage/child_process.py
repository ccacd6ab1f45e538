"""A child process with limits on memory and time, which answers frames on a pipe.

A frame is four bytes of length, then the content. The child (`python -m MODULE`) receives its
orders as the first one, so that nothing of them is visible to other processes of the machine. It
has no connection to its parent except its two pipes.
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
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Self

from storage.interrupts import no_interrupt

START_SECONDS = 60.0
READY = b"ready"
LENGTH = struct.Struct(">I")
_CHUNK = 1 << 16
_PIPE = 1 << 20
_MIB = 1 << 20
_ROOT = Path(__file__).resolve().parents[1]


class ChildStartError(Exception):
    """The child process did not start; `exit_code` is None if it was too slow.

    Can be retried, because no request caused it.
    """

    def __init__(self, purpose: str, exit_code: int | None) -> None:
        how = "was not ready in time" if exit_code is None else f"ended with {exit_code}"
        super().__init__(purpose.format(how))
        self.exit_code = exit_code


class Child:
    """The parent's end of one child process that runs `module`."""

    module: ClassVar[str]
    purpose: ClassVar[str] = "The child process {}."
    """The message of ChildStartError."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self.owner = os.getpid()
        self._received = bytearray()

    @classmethod
    def launch(cls, memory_mb: int, orders: Mapping[str, Any]) -> Self:
        """Start the child with a limit of its address space, and wait until it is ready.

        Raises: ChildStartError.
        """
        with no_interrupt():  # Ctrl-C is handled by the parent
            process = subprocess.Popen(  # noqa: S603 -- our own module, by our own interpreter
                [sys.executable, "-P", "-m", cls.module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment(),
                bufsize=0,
            )
        child = cls(process)
        assert process.stdin
        assert process.stdout
        os.set_blocking(process.stdin.fileno(), False)
        os.set_blocking(process.stdout.fileno(), False)
        _widen(process.stdin.fileno())
        given = json.dumps({**orders, "memory_mb": memory_mb, "parent": os.getpid()}).encode()
        try:
            is_ready = child.exchange(LENGTH.pack(len(given)) + given, START_SECONDS) == READY
        except TimeoutError:
            is_ready = False
        if not is_ready:
            exit_code = child.exit_code()
            child.end()
            raise ChildStartError(cls.purpose, exit_code)
        return child

    def end(self) -> None:
        """Kill the child; it holds no state."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()

    def exit_code(self) -> int | None:
        """Return the exit code of a child that has ended; None if it goes on."""
        try:
            return self.process.wait(1)
        except subprocess.TimeoutExpired:
            return None

    def exchange(self, request: bytes, seconds: float) -> bytes | None:
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
        if len(data) < LENGTH.size:
            return None
        (length,) = LENGTH.unpack_from(data)
        end = LENGTH.size + length
        if len(data) < end:
            return None
        frame = bytes(data[LENGTH.size : end])
        del data[:end]
        return frame


def environment() -> dict[str, str]:
    """Return the environment of a child: one thread, no settings and no secrets."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LESART_")}
    path = os.pathsep.join(filter(None, (str(_ROOT), kept.get("PYTHONPATH"))))
    # Each thread of a numeric library would reserve its share of the address space.
    return kept | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


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


# ----------------------------------------------------------------------- in the child process


def begin() -> tuple[BinaryIO, BinaryIO, dict[str, Any]]:
    """Return the pipes of requests and answers and the orders, whose limits hold from now on."""
    requests, answers = take_pipes()
    orders = json.loads(receive(requests) or b"{}")
    _end_with(orders["parent"])
    limit = orders["memory_mb"] * _MIB
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return requests, answers, orders


def take_pipes() -> tuple[BinaryIO, BinaryIO]:
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


@contextlib.contextmanager
def limit_time(seconds: float, wall: float) -> Iterator[None]:
    """Let the system end this process if a request exceeds its limits, whatever code is running.

    The parent kills a late child; the alarm covers the case that the parent has ended.
    """
    signal.setitimer(signal.ITIMER_REAL, wall * 2 + 1)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    yield
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)


def receive(pipe: BinaryIO) -> bytes | None:
    """Return the content of the next frame; None if there is no other."""
    head = pipe.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    return pipe.read(LENGTH.unpack(head)[0])


def send(pipe: BinaryIO, content: bytes) -> None:
    """Send a frame."""
    pipe.write(LENGTH.pack(len(content)))
    pipe.write(content)
    pipe.flush()
