"""The processes that go on until they are stopped: the worker, the scheduler, both in one."""

import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import structlog
from celery.apps.worker import Worker
from celery.worker import WorkController
from celery.worker.consumer import Consumer

from storage.archive import Archive, utc_now
from storage.settings import Settings
from storage.writing import Clock
from worker.app import close_workshop, make_app, workshop
from worker.broker import queue_depth, require_safe
from worker.schedule import Scheduler

LOG = structlog.get_logger()
STARTED_WITHIN_SECONDS = 20.0


def run_worker(settings: Settings, concurrency: int) -> None:
    """Run a prefork worker on the broker until it is told to stop.

    Raises: BrokerError.
    """
    require_safe(settings)
    app = make_app(settings)
    worker = Worker(
        app=app,
        hostname=f"lesart@{socket.gethostname()}-{os.getpid()}",
        concurrency=concurrency,
        pool_cls="prefork",
        consumer_cls=_Consumer,
        loglevel="WARNING",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    worker.start()
    sys.exit(worker.exitcode or 0)


def run_scheduler(settings: Settings) -> None:
    """Run the scheduler on the broker until it is told to stop.

    Raises: BrokerError.
    """
    require_safe(settings)
    app = make_app(settings)
    with Archive.open(settings.database_url, create=False) as archive, _stop() as stop:
        LOG.info("scheduler_started")
        with Scheduler(archive, settings, app, queue_depth(settings)) as scheduler:
            scheduler.run(stop)
    LOG.info("scheduler_stopped")


def run_embedded(settings: Settings, clock: Clock = utc_now) -> None:
    """Run scheduler and worker in this process, with nothing installed, until stopped."""
    app = make_app(settings, clock)
    with Archive.open(settings.database_url, clock) as archive, _stop() as stop:
        worker = _ThreadWorker(app, settings)
        worker.start()
        try:
            with Scheduler(archive, settings, app, queue_depth(settings)) as scheduler:
                scheduler.run(stop)
        finally:
            worker.stop()
            close_workshop()


class _Consumer(Consumer):
    """Celery's consumer without two ways in which it stops consuming for good."""

    def create_task_handler(self, *arguments: Any, **named: Any) -> Callable[[Any], Any]:
        """Drop a message that Celery cannot even look into.

        Left to Celery, such a message ends the worker, goes back into the queue at that, and
        ends the next one.
        """
        receive = super().create_task_handler(*arguments, **named)

        def on_task_received(message: Any) -> Any:
            message.ack_log_error = partial(self._acknowledge, message)
            try:
                return receive(message)
            except (AttributeError, LookupError, TypeError, ValueError) as error:
                LOG.warning("wake_garbled", error=type(error).__name__)
                message.reject_log_error(logging.getLogger(__name__), self.connection_errors)

        return on_task_received

    def _acknowledge(self, message: Any, *_celery: Any, multiple: bool = False) -> None:
        """Acknowledge a message, and connect anew where the broker is gone.

        Celery only logs it. The message then fills its place for ever; once all places are
        filled nothing is asked of the broker any more, so that its return is not noticed.
        """
        try:
            message.ack(multiple=multiple)
        except self.connection_errors as error:
            LOG.warning("wake_not_acknowledged", error=type(error).__name__)
            if message.channel is self.task_consumer.channel:
                raise


class _ThreadWorker:
    """A Celery worker in a thread: its messages never leave the process."""

    def __init__(self, app: object, settings: Settings) -> None:
        self._ready = threading.Event()
        ready = self._ready

        class Controller(WorkController):
            def on_consumer_ready(self, _consumer: object) -> None:
                ready.set()

        self._controller = Controller(
            app=app, concurrency=1, pool_cls="solo", loglevel="WARNING",
            without_gossip=True, without_mingle=True, without_heartbeat=True, quiet=True,
        )  # fmt: skip
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)
        self._settings = settings

    def start(self) -> None:
        self._thread.start()
        if not self._ready.wait(STARTED_WITHIN_SECONDS):
            raise RuntimeError("the embedded worker did not start")

    def stop(self) -> None:
        self._controller.stop(in_sighandler=False)
        self._thread.join(timeout=10.0)

    def _run(self) -> None:
        try:
            workshop()
            self._controller.start()
        finally:
            close_workshop()


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
