"""Log format: one line per event, with fixed names and fields, never text of an article."""

import logging
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, TextIO, cast

from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    import structlog
else:
    structlog = LazyModule("structlog")

Level = Literal["debug", "info", "warning"]
LEVELS: tuple[Level, ...] = ("debug", "info", "warning")


def log_events(level: Level) -> None:
    """Write log events to standard error, one line each: only numbers and digests, never article
    text.
    """
    Logger.level = level
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _StandardError())),
    )


class _StandardError:
    """The current standard error; a failure to write to it does not stop the program."""

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()


class Logger:
    """Writes events with fixed values; the first event that is written loads structlog."""

    level: Level | None = None
    """The lowest level that is written; None is a warning, not yet configured."""

    def __init__(self, **values: Any) -> None:
        self._values = values

    def bind(self, **values: Any) -> "Logger":
        return Logger(**self._values, **values)

    def debug(self, event: str, **values: Any) -> None:
        self._write("debug", event, values)

    def info(self, event: str, **values: Any) -> None:
        self._write("info", event, values)

    def warning(self, event: str, **values: Any) -> None:
        self._write("warning", event, values)

    def _write(self, level: Level, event: str, values: dict[str, Any]) -> None:
        if LEVELS.index(level) < LEVELS.index(Logger.level or "warning"):
            return
        if Logger.level is None:
            log_events("warning")
        getattr(structlog.get_logger(), level)(event, **self._values, **values)


LOG = Logger()
"""The logger of the worker package."""
