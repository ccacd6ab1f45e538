"""A file that is touched while a service makes progress, so that a health check only reads its
age.
"""

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from celery import Celery, bootsteps

BEAT_SECONDS = 2.0
SILENT_SECONDS = 60.0
"""Seconds without an answer to a claim after which a worker makes no progress."""


class Heartbeat:
    """The heartbeat files of one service in the folder `home`; health checks read the age of
    `path`.
    """

    def __init__(self, home: Path, service: str) -> None:
        self.path = home / f"{service}.heartbeat"
        self._asked = home / f"{service}.asked"
        self._answered = home / f"{service}.answered"

    def begin(self) -> None:
        """Delete the state of an earlier process."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
            self._asked.unlink(missing_ok=True)
        self.record_answer()

    def record_claim(self) -> None:
        """Record that a job is about to be claimed."""
        _touch(self._asked)

    def record_answer(self) -> None:
        """Record that the database answered a claim."""
        _touch(self._answered)

    def beat(self) -> None:
        """Touch the file, unless claims have had no answer for too long."""
        claimed_at, answered_at = _touched_at(self._asked), _touched_at(self._answered)
        if claimed_at <= answered_at or time.time() - answered_at < SILENT_SECONDS:
            _touch(self.path)


def beat_with(app: Celery, heartbeat: Heartbeat) -> None:
    """Touch the heartbeat while the worker of `app` runs its loop and has its broker."""

    class Step(bootsteps.StartStopStep):
        requires = ("celery.worker.components:Timer",)

        def start(self, worker: Any) -> None:
            self.entry = worker.timer.call_repeatedly(BEAT_SECONDS, heartbeat.beat)

        def stop(self, _worker: Any) -> None:
            self.entry.cancel()

    app.steps["worker"].add(Step)


def _touch(path: Path) -> None:
    """Touch a file; a failure does not stop the service."""
    with suppress(OSError):
        try:
            os.utime(path)
        except FileNotFoundError:
            path.parent.mkdir(0o700, parents=True, exist_ok=True)
            path.touch()


def _touched_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
