"""Statements of the log about periodic acts: failures and delays, each at most once a minute."""

import time
from collections.abc import Callable, Iterable
from typing import Any

from storage.database.engine import DatabaseError
from worker.log import LOG
from worker.services.broker import FAILURES
from worker.services.schedule.act import PeriodicAct
from worker.services.schedule.acts import PROOF_ERRORS


class ActMonitor:
    """When each act ended last, and which warnings were logged."""

    def __init__(self) -> None:
        self.ended: dict[str, float] = {}
        self._began_at = time.monotonic()
        self._logged: dict[str, float] = {}

    def restart(self) -> None:
        """Forget the ends of acts: none has ended since this scheduler leads."""
        self._began_at = time.monotonic()
        self.ended.clear()

    def record_end(self, act: PeriodicAct) -> None:
        """Record that an act ended without an error."""
        self.ended[act.name] = time.monotonic()

    def ages(self) -> dict[str, float]:
        """Return for each act the seconds since it ended."""
        now = time.monotonic()
        return {name: now - ended for name, ended in self.ended.items()}

    def warn_of_late(self, acts: Iterable[PeriodicAct]) -> None:
        """Warn of each act that has not ended for too long."""
        now = time.monotonic()
        for act in acts:
            seconds = now - self.ended.get(act.name, self._began_at)
            if seconds > act.late_after and self._is_new(f"late {act.name}"):
                LOG.warning("periodic_act_late", act=act.name, seconds=round(seconds))

    def with_error_handling(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that survives failures of the broker or the database.

        It logs the failure, and returns None then.
        """

        def handle_errors(*arguments: Any) -> Any:
            try:
                return function(*arguments)
            except (DatabaseError, *FAILURES, OSError, *PROOF_ERRORS) as error:
                self._log_failure(error)
            except Exception as error:
                if not type(error).__module__.startswith("kombu"):
                    raise
                self._log_failure(error)
            return None

        return handle_errors

    def _log_failure(self, error: Exception) -> None:
        kind = type(error).__name__
        if self._is_new(kind):
            reason = str(error).splitlines()[0] if str(error) else ""
            LOG.warning("scheduler_waiting", error=kind, reason=reason)

    def _is_new(self, warning: str) -> bool:
        """Check whether a warning was not logged within the last minute."""
        if time.monotonic() - self._logged.get(warning, -60.0) < 60.0:
            return False
        self._logged[warning] = time.monotonic()
        return True
