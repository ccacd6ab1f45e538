"""The live view of the work, on a real terminal and in a pipe; and the shell's completion."""

import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from storage.cli.exits import run
from storage.read.archive import open_archive
from storage.write.archive import Archive
from tests.read.press import the_usual_press
from worker.cli.commands import app

pytestmark = [pytest.mark.postgresql("fast"), pytest.mark.traced_children]

LESART = [sys.executable, "-m", "worker"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('top') / 'lesart.sqlite3'}"
    Archive.open(url).close()
    the_usual_press(url).close()
    return url


def read_until(handle: int, wanted: bytes, seconds: float = 240) -> bytes:
    """Return the output of a terminal until `wanted` occurs in it."""
    shown, end = b"", time.monotonic() + seconds
    while wanted not in shown and time.monotonic() < end:
        if select.select([handle], [], [], 0.2)[0]:
            try:
                shown += os.read(handle, 65_536)
            except OSError:  # the other end is closed
                break
    assert wanted in shown, shown
    return shown


@pytest.mark.slow
def test_on_a_terminal_it_shows_jobs_and_sources_until_it_is_interrupted(place):
    outer, inner = pty.openpty()
    shown = subprocess.Popen(
        [*LESART, "top", "--every", "0.2", "--archive", place],
        stdin=inner, stdout=inner, stderr=inner, start_new_session=True,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "40"},
    )  # fmt: skip
    os.close(inner)
    try:
        told = read_until(outer, b"Jobs")
        assert b"read per minute" in told
        read_until(outer, b"ready")
        shown.send_signal(signal.SIGINT)
        read_until(outer, b"\x1b[?1049l")  # the screen from before is back
        assert shown.wait(timeout=30) == 130
    finally:
        shown.kill()
        os.close(outer)


def test_an_interrupted_query_ends_with_130_and_not_as_a_slow_one(place, capsys):
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    )
    handler = signal.signal(signal.SIGVTALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.5)  # of processor time: the query uses it up
        assert run(app, ["sql", endless, "--archive", place]) == 130
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, handler)
    assert capsys.readouterr().err == "lesart: interrupted\n"


def test_in_a_pipe_it_reports_the_work_once(place, capsys):
    assert run(app, ["top", "--archive", place]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    with open_archive(place) as archive:
        jobs = [job.job for job in archive.jobs(limit=10)]
    assert [job["job"] for job in told["jobs"]] == jobs
    assert (told["running"], told["to_read"]) == (0, 0)


def test_a_job_that_is_due_at_once_waits_since_it_was_created(tmp_path, capsys):
    (tmp_path / "a.txt").write_text(" date 2024-06 Pegel\n\nDer Pegel der Lohe stieg.\n", "utf-8")
    place = ["--archive", f"sqlite:///{tmp_path / 'lesart.sqlite3'}"]
    assert run(app, ["ingest", str(tmp_path / "a.txt"), "--no-wait", *place]) == 0
    capsys.readouterr()
    assert run(app, ["top", *place]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ready"] == 1
    assert told["oldest_ready_seconds"] < 3600


def test_rates_are_those_of_the_last_minute(place):
    with open_archive(place) as archive:
        article = next(archive.articles()).article
        written = min(each.recorded_at for each in archive.observations(article))
        busy = archive.work_figures(written + timedelta(seconds=1), 3)
        quiet = archive.work_figures(written + timedelta(days=1), 3)
    assert [each.source for each in busy.sources] == ["seeds"]
    assert busy.sources[0].checks_a_minute >= 1
    assert busy.read_a_minute >= 1
    assert (quiet.read_a_minute, quiet.sources) == (0, ())


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_the_shell_completes_names_of_commands(tmp_path):
    command = tmp_path / "lesart"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m worker "$@"\n')
    command.chmod(0o755)
    script = """
eval "$(lesart --show-completion bash)"
complete -p lesart
COMP_WORDS=(lesart st); COMP_CWORD=1; _lesart_completion lesart; echo "${COMPREPLY[@]}"
COMP_WORDS=(lesart source re); COMP_CWORD=2; _lesart_completion lesart; echo "${COMPREPLY[@]}"
"""
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script], env={**os.environ, "PATH": path}, cwd=Path.cwd(),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    told, stats, source = done.stdout.splitlines()
    assert told.endswith("_lesart_completion lesart")
    assert (stats.split(), source.split()) == (["stats", "statements"], ["resume", "remove"])
