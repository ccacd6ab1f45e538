"""How log events are written: one line each, fixed names with fields, never a text."""

import logging
import sys
from contextlib import suppress
from typing import Literal, TextIO, cast

import structlog

Level = Literal["debug", "info", "warning"]


def log_events(level: Level) -> None:
    """Write log events to standard error, one line each: never a text, only numbers and digests."""
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
    """Standard error as it is now; where it cannot be written to, the work goes on all the same."""

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()


LOG = structlog.get_logger()
"""Whoever has something to log takes it from here, so that it is written as is said here."""

log_events("warning")
