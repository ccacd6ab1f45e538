"""The additional processes of a command end with it, whatever became of them."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.flow.driver import SENTENCES, seed
from worker.cli.ingest import families

pytestmark = [pytest.mark.postgresql("fast"), pytest.mark.traced_children]


def test_a_process_that_stands_still_does_not_hold_the_command(written, lesart, monkeypatch):
    started: list[subprocess.Popen[bytes]] = []
    start = families._Helpers._start

    def start_and_stop(helpers, number: int) -> None:
        start(helpers, number)
        started.extend(helpers._running)
        for process in started:
            os.kill(process.pid, signal.SIGSTOP)

    monkeypatch.setattr(families, "ENDING_SECONDS", 0.1)
    monkeypatch.setattr(families._Helpers, "_start", start_and_stop)
    Path("new.txt").write_text(seed("Pegel steigt", *SENTENCES[:2]), "utf-8")
    code, _out, _err = lesart("ingest", "new.txt", "--processes", "2")
    assert (code, [each.returncode for each in started]) == (0, [-signal.SIGKILL])
