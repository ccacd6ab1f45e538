"""Show the progress of long tasks in one line on standard error, if it is a terminal."""

import sys
from typing import Self

from storage.read.render.visible import one_line

ERASE = "\r\x1b[2K"


class ProgressLine:
    """A line that is overwritten with each report and erased at the end."""

    def __init__(self) -> None:
        self._is_shown = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_failure: object) -> None:
        self._write("")

    def report(self, what: str, number: int) -> None:
        """Show that `number` items of this kind are done."""
        self._write(f"{one_line(what)}: {number:,}")

    def _write(self, text: str) -> None:
        if self._is_shown:
            sys.stderr.write(f"{ERASE}{text}")
            sys.stderr.flush()
