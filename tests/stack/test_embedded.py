"""`lesart up` alone: it watches, and other commands work in parallel with it on SQLite."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from storage.settings import load_settings
from tests.flow.driver import SENTENCES, findings, seed, touch
from tests.flow.processes import (
    Service,
    environment,
    lesart_process,
    receives_interrupts,
    rows,
    until,
)
from tests.services import free_port
from worker.services import processes

pytestmark = [pytest.mark.traced_children, pytest.mark.starts_first]

A, B, C, _ENGLISH = SENTENCES


class Home:
    """A folder with seeds, an archive next to them, and `lesart up` on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "seeds").mkdir()
        self.settings = {"every": "1s"}
        self.up = Service(folder, "up", **self.settings)

    def write(self, name: str, text: str, *, old: bool = True) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
        if old:
            touch(path)

    def command(self, *words: str):
        return lesart_process(self.folder, *words, **self.settings)

    def rows(self, *words: str):
        return rows(self.folder, *words, **self.settings)

    @property
    def archive(self) -> Path:
        return self.folder / "lesart-data" / "lesart.sqlite3"


@pytest.fixture
def home(tmp_path) -> Iterator[Home]:
    found = Home(tmp_path)
    yield found
    if found.up.is_alive:
        found.up.end()
    broken = findings(f"sqlite:///{found.archive}")
    assert broken == [], broken
    assert "locked" not in (found.up.told() if found.up.process else "")


@pytest.mark.slow
def test_a_file_in_the_folder_is_archived_and_an_edit_makes_a_second_version(home):
    home.write("seeds/pegel.txt", seed("Pegel steigt", A))
    home.up.start()
    until(lambda: home.archive.exists() and home.rows("list"), what="the first version")
    home.write("seeds/pegel.txt", seed("Pegel steigt", B), old=False)
    until(lambda: home.rows("list")[0]["versions"] == 2, what="the second version")
    (change,) = home.rows("changes")
    assert (change["removed"], change["added"]) == (["3,6"], ["36"])
    (home.folder / "seeds" / "pegel.txt").unlink()
    until(lambda: home.rows("list")[0]["state"] == "gone", what="the absence")
    told = [line.partition("event=")[2] for line in home.up.told().splitlines() if "event=" in line]
    happened = ("documents_collected", "documents_read", "checkpoint_signed", "web_started")
    assert [line for line in told if not line.startswith(happened)] == []
    assert {"new_articles=1", "new_versions=1", "gone=1"} <= set(" ".join(told).split())


@pytest.mark.slow
def test_other_commands_ingest_and_search_at_the_same_time(home):
    for n in range(20):
        home.write(f"seeds/m{n}.txt", seed(f"Meldung {n}", f"Es lagen {n} Kutter im Hafen."))
    for side in range(3):
        for n in range(10):
            text = f"Es standen {side * 100 + n} Körbe am Kai."
            home.write(f"neben{side}/k{n}.txt", seed(f"Körbe {side} {n}", text))
    home.up.start()
    until(lambda: home.archive.exists() and home.rows("list"), what="an archive that was laid")
    with ThreadPoolExecutor(6) as pool:
        ingests = [pool.submit(home.command, "ingest", f"neben{side}") for side in range(3)]
        searches = [pool.submit(home.command, "search", "Körbe") for _ in range(3)]
        ended = [each.result() for each in (*ingests, *searches)]
    assert [each.returncode for each in ended] == [0] * 6, [each.stderr for each in ended]
    assert not [each for each in ended if "locked" in each.stderr]
    until(lambda: len(home.rows("list")) == 50, what="all articles")
    assert len(home.rows("search", "Körbe")) == 30


@pytest.mark.slow
@pytest.mark.parametrize(
    "how",
    [
        pytest.param(signal.SIGINT, id="Ctrl-C", marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, id="SIGTERM"),
    ],
)
def test_it_ends_cleanly_within_seconds_when_it_is_stopped(home, how):
    for n in range(20):
        home.write(f"seeds/m{n}.txt", seed(f"Meldung {n}", f"Es lagen {n} Kutter im Hafen."))
    home.up.start()
    until(lambda: home.archive.exists() and home.rows("list"), what="the first article")
    assert home.up.end(how, seconds=15) < 15
    assert home.up.process.returncode in {0, 130}
    assert "Traceback" not in home.up.told()


@pytest.mark.slow
def test_ctrl_c_reaches_no_process_that_serves_the_page(tmp_path):
    settings = {"web_address": f"127.0.0.1:{free_port()}", "web_workers": "2"}
    up = Service(tmp_path, "up", **settings)
    up.start()

    def serving() -> list[psutil.Process]:
        return [each for each in up.children() if "spawn_main" in str(each.cmdline())]

    until(lambda: len(serving()) == 2, what="two processes that serve the page")
    assert [receives_interrupts(each.pid) for each in serving()] == [False, False]
    up.end()


@pytest.mark.slow
@pytest.mark.parametrize("tenths", range(0, 30, 10))
def test_ctrl_c_while_it_starts_leaves_no_trace(tenths, tmp_path):
    up = Service(tmp_path, "up")
    up.start()
    until(up.told, what="a sign of life")  # before it, Python itself has the signal
    time.sleep(tenths / 10)  # any moment is right: there is nothing to wait for
    for each in [*up.children(), psutil.Process(up.pid)]:
        with suppress(psutil.NoSuchProcess):
            each.send_signal(signal.SIGINT)
    assert up.process.wait(60) in {0, 130, -signal.SIGINT}
    assert "Traceback" not in up.told(), up.told()


@pytest.mark.slow
def test_it_says_that_it_starts_before_it_has_loaded(tmp_path):
    up = Service(tmp_path, "up")
    up.start()
    until(up.told, what="a sign of life")
    assert up.told().startswith("lesart: starting")
    up.kill()


@pytest.mark.slow
def test_two_of_them_do_no_harm(home):
    second = Service(home.folder, "up", "--debug", **home.settings)
    home.write("seeds/pegel.txt", seed("Pegel steigt", A))
    home.up.start()
    until(lambda: home.archive.exists() and home.rows("list"), what="the first version")
    second.start()
    try:
        time.sleep(2)
        assert second.is_alive
        home.up.kill()
        home.write("seeds/pegel.txt", seed("Pegel steigt", C))
        until(lambda: home.rows("list")[0]["versions"] == 2, what="the take-over")
    finally:
        second.end()
    assert "locked" not in second.told()


@pytest.mark.slow
def test_it_goes_on_where_it_was_killed(home):
    for n in range(60):
        home.write(f"seeds/m{n}.txt", seed(f"Meldung {n}", f"Es lagen {n} Kutter im Hafen."))
    home.up.start()
    until(lambda: home.archive.exists() and home.rows("list"), what="the first article")
    home.up.kill()
    home.up.start()
    until(lambda: len(home.rows("list")) == 60, what="all articles")


@pytest.mark.slow
def test_once_archives_and_ends_and_the_second_time_all_is_unchanged(home):
    home.write("seeds/pegel.txt", seed("Pegel steigt", A))
    home.write("seeds/keller.txt", seed("Keller voll", C))
    (first,) = home.rows("up", "--once")
    (second,) = home.rows("up", "--once")
    assert (first["new_articles"], first["seen"]) == (2, 2)
    assert (second["unchanged"], second["seen"]) == (2, 2)
    assert len(home.rows("list")) == 2


def test_the_thread_that_fetches_goes_on_after_any_error(monkeypatch):
    errors, gone_on = [ValueError("unforeseen")], threading.Event()

    def run_next_job(*_asked, **_named):
        if errors:
            raise errors.pop()
        gone_on.set()

    monkeypatch.setattr(processes, "run_next_job", run_next_job)
    monkeypatch.setattr(processes, "FETCHER_TRIES_AGAIN_SECONDS", 0.0)
    fetcher = processes._ThreadFetcher(None, load_settings(environ={}), threading.Event(), "fetch")
    fetcher.start()
    try:
        assert gone_on.wait(60)
    finally:
        fetcher.stop()


GUARDED = ("worker", "fetcher", "renderer", "scheduler", "page")
ACTS = "ThreadPoolExecutor-0_"
"""The threads of the acts: APScheduler catches all errors of an act."""
ENDED = """
import ctypes, sys, threading, time
from storage.cli.exits import run
from worker.cli.commands import app
from worker.cli.program import EXIT_CODES

def end(name, *guarded):
    while not {*guarded} <= (running := {each.name: each for each in threading.enumerate()}).keys():
        time.sleep(0.1)
    print(*running.keys() - {"MainThread", "end"}, sep="\\n")
    thread = ctypes.c_ulong(running[name].ident)
    while running[name].is_alive():  # until one comes where nothing catches it
        ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(SystemExit))
        time.sleep(1)

threading.Thread(target=end, args=sys.argv[1:], name="end", daemon=True).start()
sys.exit(run(app, ["up"], exit_codes=EXIT_CODES))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("thread", "processes"), [*((each, "2") for each in GUARDED), ("page", "1")]
)
def test_up_ends_with_each_of_its_threads(tmp_path, thread, processes):
    command = [sys.executable, "-c", ENDED, thread, *GUARDED]
    settings = {"web_address": f"127.0.0.1:{free_port()}", "web_workers": processes}
    ended = subprocess.run(
        command, env=environment(**settings), cwd=tmp_path, capture_output=True, text=True,
        timeout=300,
    )  # fmt: skip
    assert ended.returncode == 4, ended.stderr
    assert f"the {thread} thread ended" in ended.stderr
    running = {each for each in ended.stdout.splitlines() if not each.startswith(ACTS)}
    assert running == {*GUARDED}
