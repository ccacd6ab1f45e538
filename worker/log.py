"""Log format: one line per event, with fixed names and fields, never text of an article."""

import logging
import sys
from contextlib import suppress
from typing import Literal, TextIO, cast

import structlog

Level = Literal["debug", "info", "warning"]


def log_events(level: Level) -> None:
    """Write log events to standard error, one line each: only numbers and digests, never article
    text.
    """
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


LOG = structlog.get_logger()
"""The logger of the worker package."""

log_events("warning")
