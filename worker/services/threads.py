"""Threads without which a service does not go on."""

import threading
from collections.abc import Callable


class ServiceThread(threading.Thread):
    """A thread that calls `on_end` when it ends, even by an error that nobody expects."""

    def __init__(
        self, name: str, run: Callable[[], None], on_end: Callable[[], object] = lambda: None
    ) -> None:
        super().__init__(target=run, name=name, daemon=True)
        self.on_end = on_end
        self.has_ended = False

    def run(self) -> None:
        """Run, and report the end of it."""
        try:
            super().run()
        finally:
            self.has_ended = True
            self.on_end()
