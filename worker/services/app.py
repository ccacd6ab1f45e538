"""The Celery app that carries wake-ups; one archive and one reader per process."""

import logging
import socket
import time
from dataclasses import dataclass

from celery import Celery
from celery.signals import setup_logging, worker_process_shutdown

from storage.database.unit import Clock, utc_now
from storage.history.machines import record_clock
from storage.schedule import queue
from storage.settings import Settings
from storage.write.archive import Archive
from worker.flow.read import Reader
from worker.flow.run_jobs import collect_garbage_rarely
from worker.log import LOG

QUEUE = "lesart"
FOLDER_QUEUE = "lesart.folders"
"""Wake-ups for jobs that read folders, which not every machine shares."""
RENDER_QUEUE = "lesart.render"
"""Wake-ups for jobs that need a browser, which few workers have."""

BROKER_OPTIONS = {
    "socket_timeout": 10,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 10,
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
}
"""With these options, half-open connections recover in 22 s (measured)."""

CLOCK_EVERY_SECONDS = 600.0

EMBEDDED_OPTIONS = {"polling_interval": 0.01}


@dataclass(slots=True)
class WorkContext:
    """The archive and reader of a worker process; opened by the first task, never before a fork."""

    settings: Settings
    archive: Archive
    reader: Reader
    most_fetching: int
    clock_at: float | None = None
    """When the clock of this machine was recorded, by a steady clock."""

    def record_clock_rarely(self) -> None:
        """Record how far the clock of this machine is from that of the database server."""
        now = time.monotonic()
        is_recent = self.clock_at is not None and now - self.clock_at < CLOCK_EVERY_SECONDS
        if not is_recent and self.archive.engine.dialect.name == "postgresql":
            reading = self.archive.clock()
            self.archive.transact_unnumbered(record_clock, socket.gethostname(), reading)
            self.clock_at = now

    def close(self) -> None:
        self.reader.close()
        self.archive.close()


_SETTINGS: list[Settings] = []
_CLOCK: list[Clock] = []
_MOST_FETCHING: list[int] = []
_CONTEXT: list[WorkContext] = []


def make_app(
    settings: Settings,
    tasks: str,
    clock: Clock = utc_now,
    *,
    most_fetching: int = queue.MOST_FETCHING,
) -> Celery:
    """Return the app for `settings`: deliver at most once, JSON, no results, no remote control.

    The job row is authoritative; a message only wakes a worker, so a lost message costs seconds.
    `tasks` is the module of the task. `clock` dates the observations. A wake-up claims no fetch job
    if `most_fetching` are already running.
    """
    app = Celery("lesart", broker=settings.broker_url, include=[tasks])
    app.conf.update(
        task_default_queue=QUEUE,
        task_ignore_result=True,
        task_acks_late=False,
        task_serializer="json",
        accept_content=["json"],
        task_store_errors_even_if_ignored=False,
        worker_prefetch_multiplier=1 if not settings.is_embedded else 4,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,  # our log lines contain their level
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_max_tasks_per_child=2000,
        worker_soft_shutdown_timeout=10.0,
        worker_enable_soft_shutdown_on_idle=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options=EMBEDDED_OPTIONS if settings.is_embedded else BROKER_OPTIONS,
    )
    app.set_default()
    _SETTINGS[:] = [settings]
    _CLOCK[:] = [clock]
    _MOST_FETCHING[:] = [most_fetching]
    return app


def queues_of(settings: Settings) -> list[str]:
    """Return the queues whose wake-ups this machine can follow."""
    names = {QUEUE: True, FOLDER_QUEUE: settings.worker_folders, RENDER_QUEUE: settings.has_browser}
    return [name for name, is_followed in names.items() if is_followed]


def hard_limit_seconds(settings: Settings) -> float:
    """Return the seconds after which a wake-up that reads is killed: before its lease expires."""
    return settings.lease_seconds * 0.9


def work_context() -> WorkContext:
    """Return the archive and the reader of this process."""
    if not _CONTEXT:
        settings = _SETTINGS[0]
        collect_garbage_rarely()
        archive = Archive.of_settings(settings, _CLOCK[0])
        _CONTEXT.append(WorkContext(settings, archive, Reader(settings), _MOST_FETCHING[0]))
    return _CONTEXT[0]


def close_context() -> None:
    """Close what `work_context` opened in this process."""
    while _CONTEXT:
        _CONTEXT.pop().close()


class _EventHandler(logging.Handler):
    """Writes messages of Celery as events, one line each."""

    def emit(self, record: logging.LogRecord) -> None:
        trace = {"exc_info": record.exc_info} if record.exc_info else {}
        LOG.warning("celery_message", text=" ".join(record.getMessage().split()), **trace)


@setup_logging.connect
def _log_as_events(**_facts: object) -> None:
    """Replace the lines of Celery, which have another format."""
    for name in ("celery", "kombu"):
        logging.getLogger(name).handlers[:] = [_EventHandler(logging.WARNING)]
        logging.getLogger(name).propagate = False


@worker_process_shutdown.connect
def _end(**_facts: object) -> None:
    close_context()
