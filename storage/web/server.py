"""HTTP server: in the foreground until it is stopped, or in a thread."""

import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from functools import partial
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import DupFd, register
from time import monotonic
from typing import Any, Self
from weakref import WeakKeyDictionary

import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import SIGNALS, Process

from storage.interrupts import no_interrupt
from storage.web.connections import (
    IDLE_SECONDS,
    MOST_CONNECTIONS,
    MOST_HEAD_BYTES,
    BoundedProtocol,
)

LOG = logging.getLogger(__name__)
ENDS_SECONDS = 5
LIVES_SECONDS = 60
"""A process that answered before and then does not answer for this long is replaced."""
STARTS_SECONDS = 600
"""A process that has not answered this long after its start is replaced."""


class SharedSocket(socket.socket):
    """Listens for several processes; who is awake takes one connection, and leaves the others.

    asyncio takes all that wait at once, which left one process of two with most of the readers.
    """

    _has_taken = False

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept a connection, and report that no other one is waiting."""
        if self._has_taken:
            self._has_taken = False
            raise BlockingIOError
        found = super().accept()
        self._has_taken = True
        return found


def _reduce_socket(shared: SharedSocket) -> tuple[Any, ...]:
    return _rebuild_socket, (DupFd(shared.fileno()), shared.family, shared.type, shared.proto)


def _rebuild_socket(held: Any, family: int, kind: int, protocol: int) -> SharedSocket:
    return SharedSocket(family, kind, protocol, held.detach())


register(SharedSocket, _reduce_socket)  # a listening socket goes to the processes that it serves


def bound(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address; port 0 takes a free one.

    Raises: OSError.
    """
    kind, _, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    # asyncio sends at once, without waiting 40 ms for more, only where a socket is called TCP
    listening = SharedSocket(kind, socket.SOCK_STREAM, protocol or socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
        listening.listen(MOST_CONNECTIONS)
    except OSError:
        listening.close()
        raise
    return listening


def serve(
    make: Callable[[], ASGIApp],
    listening: socket.socket,
    workers: int,
    proxies: Sequence[str] = (),
) -> None:
    """Serve with a number of processes until SIGTERM or SIGINT, or until one of them cannot start.

    With several processes, each calls `make`, which must be picklable.
    """
    if workers == 1:
        # uvicorn raises the signal again when it has ended: the process would end with code 143
        signal.signal(signal.SIGTERM, lambda *_: None)
        uvicorn.Server(_config(make(), proxies)).run(sockets=[listening])
        return
    watching = _Supervisor(_config_of_many(make, workers, proxies), [listening])
    watching.run()
    if any(each.exitcode == STARTUP_FAILURE for each in watching.processes):
        sys.exit(STARTUP_FAILURE)


class ThreadedServer:
    """Serves by threads of this process: until `stop`, or for as long as a `with` goes on."""

    def __init__(self, app: ASGIApp, listening: socket.socket, proxies: Sequence[str] = ()) -> None:
        self._server, self._listening = uvicorn.Server(_config(app, proxies)), listening
        self._thread = threading.Thread(target=self.run, name="web", daemon=True)

    def run(self) -> None:
        """Serve in this thread until `stop`."""
        self._server.run([self._listening])

    def stop(self) -> None:
        self._server.should_exit = True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_failure: object) -> None:
        self.stop()
        self._thread.join(timeout=2 * ENDS_SECONDS)


class _Supervisor(Multiprocess):
    """Supervisor that restarts server processes that end or stop responding, and logs it.

    On a busy machine a process may need minutes to start.
    """

    def __init__(self, config: uvicorn.Config, listening: list[socket.socket]) -> None:
        super().__init__(config, listening)
        self._deadlines: MutableMapping[Process, float] = WeakKeyDictionary()

    def run(self) -> None:
        """Serve; also after an error no process is left, for which Python would wait at its end."""
        try:
            super().run()
        finally:
            self.terminate_all()
            self.join_all()

    def init_processes(self) -> None:
        """Start what serves."""
        with _processes_without_interrupt():
            super().init_processes()

    def keep_subprocess_alive(self) -> None:
        """Restart ended processes; the whole server ends if one of them cannot start."""
        for index, each in enumerate(self.processes):
            each.child_conn.close()  # only the child holds its end, so its death is noticed
            if self._lives(each):
                continue
            each.kill()
            each.join()
            if each.exitcode == STARTUP_FAILURE:
                self.should_exit.set()
                return
            LOG.warning("web process %s ended (%s): started anew", each.pid, each.exitcode)
            another = Process(self.config, self.sockets)
            with _processes_without_interrupt():
                another.start()
            self.processes[index] = another

    def _lives(self, process: Process) -> bool:
        """Check whether a process is starting or answered recently, without waiting."""
        if not process.process.is_alive():
            return False
        try:
            if process not in self._deadlines:
                self._deadlines[process] = monotonic() + STARTS_SECONDS
                process.parent_conn.send(b"ping")
            elif process.parent_conn.poll():
                process.parent_conn.recv()
                self._deadlines[process] = monotonic() + LIVES_SECONDS
                process.parent_conn.send(b"ping")
        except (OSError, EOFError):
            return False
        return monotonic() < self._deadlines[process]

    def join_all(self) -> None:
        """Wait for all processes to end, and kill those that do not end in time."""
        deadline = monotonic() + 2 * ENDS_SECONDS
        for each in self.processes:
            each.process.join(max(0.0, deadline - monotonic()))
            if each.process.is_alive():
                each.process.kill()
                each.process.join()


class MultiprocessServer(_Supervisor):
    """Serves by several processes until `stop`.

    Made in the main thread, whose handlers of signals stay as they are.
    """

    def __init__(
        self,
        make: Callable[[], ASGIApp],
        listening: socket.socket,
        workers: int,
        proxies: Sequence[str] = (),
    ) -> None:
        before = {each: signal.getsignal(each) for each in SIGNALS}
        super().__init__(_config_of_many(make, workers, proxies), [listening])
        for each, handler in before.items():
            signal.signal(each, handler)

    def run(self) -> None:
        """Serve in this thread until `stop`."""
        with _processes_without_interrupt():
            super().run()

    def stop(self) -> None:
        self.should_exit.set()


@contextmanager
def _processes_without_interrupt() -> Iterator[None]:
    """Start processes that never receive SIGINT; the main process handles it."""
    # multiprocessing starts its resource tracker before its first process, and unblocks SIGINT then
    resource_tracker.ensure_running()
    with no_interrupt():
        yield


def _config(
    app: ASGIApp | Callable[[], ASGIApp], proxies: Sequence[str], **more: Any
) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=ENDS_SECONDS,
        h11_max_incomplete_event_size=MOST_HEAD_BYTES,
        **more,
    )


def _config_of_many(
    make: Callable[[], ASGIApp], workers: int, proxies: Sequence[str]
) -> uvicorn.Config:
    return _config(
        partial(_below_another, make), proxies, factory=True, workers=workers,
        timeout_worker_healthcheck=LIVES_SECONDS,
    )  # fmt: skip


def _below_another(make: Callable[[], ASGIApp]) -> ASGIApp:
    """Return the application of a process that ends when the one that started it is gone."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # this runs in what another process started
    threading.Thread(target=_end_after, args=(parent,), daemon=True).start()
    return make()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
