"""Processes that run until they are stopped: the worker, the scheduler, and both in one."""

import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

from celery.apps.worker import Worker
from celery.worker import WorkController
from celery.worker.consumer import Consumer

from storage.database.unit import Clock, utc_now
from storage.schedule import queue
from storage.settings import Settings
from storage.write.archive import Archive
from worker.errors import ThreadEndedError
from worker.flow.read import Reader
from worker.flow.run_jobs import log_storage_failure, run_next_job
from worker.log import LOG
from worker.services.app import close_context, make_app, queues_of, work_context
from worker.services.broker import queue_depth, require_safe
from worker.services.heartbeat import Heartbeat, beat_with
from worker.services.schedule.scheduler import Scheduler
from worker.services.threads import ServiceThread

TASKS = "worker.services.tasks"
STARTED_WITHIN_SECONDS = 20.0
FETCHER_POLL_SECONDS = 0.5
FETCHER_ENDS_SECONDS = 3.0
FETCHER_TRIES_AGAIN_SECONDS = 10.0


class BackgroundService(Protocol):
    """A service that runs in a thread during the work."""

    thread: ServiceThread

    def start(self) -> None: ...

    def stop(self) -> None: ...


def run_worker(settings: Settings, concurrency: int) -> None:
    """Run a prefork worker on the broker until it is stopped.

    Raises: BrokerError.
    """
    require_safe(settings)
    app = make_app(settings, TASKS, most_fetching=max(1, min(queue.MOST_FETCHING, concurrency - 1)))
    heartbeat = Heartbeat(settings.home, "worker")
    heartbeat.begin()
    beat_with(app, heartbeat)
    worker = Worker(
        app=app,
        hostname=f"lesart@{socket.gethostname()}-{os.getpid()}",
        concurrency=concurrency,
        queues=queues_of(settings),
        pool_cls="prefork",
        consumer_cls=_Consumer,
        loglevel="WARNING",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    LOG.info("worker_started", processes=concurrency)
    worker.start()
    LOG.info("worker_stopped")
    sys.exit(worker.exitcode or 0)


def run_scheduler(settings: Settings) -> None:
    """Run the scheduler on the broker until it is stopped.

    Raises: BrokerError.
    """
    require_safe(settings)
    app = make_app(settings, TASKS)
    with Archive.of_settings(settings) as archive, _stop() as stop:
        LOG.info("scheduler_started")
        with Scheduler(archive, settings, app, queue_depth(settings)) as scheduler:
            scheduler.run(stop)
    LOG.info("scheduler_stopped")


def run_embedded(
    settings: Settings, clock: Clock = utc_now, *, page: BackgroundService | None = None
) -> None:
    """Run scheduler and worker in this process, without a broker, until stopped.

    One thread reads and archives, another waits for servers, and `page` runs at the same time.
    Raises: ThreadEndedError.
    """
    app = make_app(settings, TASKS, clock, most_fetching=0)
    with Archive.of_settings(settings, clock, create=True) as archive, _stop() as stop:
        worker = _ThreadWorker(app, queues_of(settings), stop)
        worker.start()
        fetchers = [_ThreadFetcher(archive, settings, stop, kind) for kind in queue.CHECKING]
        for each in fetchers:
            each.start()
        threads = [worker.thread, *(each.thread for each in fetchers)]
        if page is not None:
            threads.append(page.thread)
            page.thread.on_end = stop.set
            page.start()
        try:
            with Scheduler(archive, settings, app, queue_depth(settings)) as scheduler:
                scheduler.run(stop)
            for thread in threads:
                if thread.has_ended:
                    raise ThreadEndedError(thread.name)
        finally:
            if page is not None:
                page.stop()
            for each in fetchers:
                each.stop()
            worker.stop()
            close_context()


class _Consumer(Consumer):
    """Celery's consumer without two faults that stop it from consuming."""

    def create_task_handler(self, *arguments: Any, **named: Any) -> Callable[[Any], Any]:
        """Discard a message that Celery cannot decode.

        By default such a message stops the worker, returns to the queue, and stops the next worker.
        """
        receive = super().create_task_handler(*arguments, **named)

        def on_task_received(message: Any) -> Any:
            message.ack_log_error = partial(self._acknowledge, message)
            try:
                return receive(message)
            except (AttributeError, LookupError, TypeError, ValueError) as error:
                LOG.warning("wake_up_undecodable", error=type(error).__name__)
                message.reject_log_error(logging.getLogger(__name__), self.connection_errors)

        return on_task_received

    def _acknowledge(self, message: Any, *_celery: Any, multiple: bool = False) -> None:
        """Acknowledge a message, and reconnect if the broker is gone.

        By default Celery only logs this. The message then occupies its place for ever; when all
        places are occupied, Celery requests no more messages and does not notice the return of the
        broker.
        """
        try:
            message.ack(multiple=multiple)
        except self.connection_errors as error:
            LOG.warning("wake_up_not_acknowledged", error=type(error).__name__)
            if message.channel is self.task_consumer.channel:
                raise


class _ThreadWorker:
    """A Celery worker in a thread; its messages never leave the process."""

    def __init__(self, app: object, queues: list[str], stop: threading.Event) -> None:
        self._ready = threading.Event()
        ready = self._ready

        class Controller(WorkController):
            def on_consumer_ready(self, _consumer: object) -> None:
                ready.set()

        self._controller = Controller(
            app=app, concurrency=1, queues=queues, pool_cls="solo", loglevel="WARNING",
            without_gossip=True, without_mingle=True, without_heartbeat=True, quiet=True,
        )  # fmt: skip
        self.thread = ServiceThread("worker", self._run, stop.set)

    def start(self) -> None:
        self.thread.start()
        if not self._ready.wait(STARTED_WITHIN_SECONDS):
            raise RuntimeError("the embedded worker did not start")

    def stop(self) -> None:
        self._controller.stop(in_sighandler=False)
        self.thread.join(timeout=10.0)

    def _run(self) -> None:
        try:
            work_context()
            self._controller.start()
        finally:
            close_context()


class _ThreadFetcher:
    """A thread that runs the jobs of a kind that checks addresses.

    A job that it has at the end is resumed later.
    """

    def __init__(
        self, archive: Archive, settings: Settings, stop: threading.Event, kind: str
    ) -> None:
        self._archive, self._settings, self._kind = archive, settings, kind
        self._over = threading.Event()
        self.thread = ServiceThread(f"{kind}er", self._run, stop.set)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        self._over.set()
        self.thread.join(timeout=FETCHER_ENDS_SECONDS)

    def _run(self) -> None:
        reader = Reader(self._settings)  # it reads no documents, so it starts no child process
        while not self._over.is_set():
            try:
                worked = run_next_job(self._archive, self._settings, reader, kind=self._kind)
            except Exception as error:  # noqa: BLE001  # without this thread nothing is fetched
                log_storage_failure(error)
                self._over.wait(FETCHER_TRIES_AGAIN_SECONDS)
            else:
                if worked is None:
                    self._over.wait(FETCHER_POLL_SECONDS)


@contextmanager
def _stop() -> Iterator[threading.Event]:
    """Yield an event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    before = {
        each: signal.signal(each, lambda *_: stop.set()) for each in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
