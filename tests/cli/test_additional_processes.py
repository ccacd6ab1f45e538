"""The additional processes of a command share its work, and end with it, whatever became of them."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.flow.driver import SENTENCES, seed
from tests.flow.processes import Service, until
from worker.cli.ingest import helpers

pytestmark = [pytest.mark.postgresql("fast"), pytest.mark.traced_children]


def test_a_process_that_stands_still_does_not_hold_the_command(written, lesart, monkeypatch):
    started: list[psutil.Process] = []
    start = helpers.Helpers._start

    def start_and_stop(own, jobs) -> None:
        start(own, jobs)
        started.extend(psutil.Process(each) for each in own._groups)
        for each in own._groups:
            os.killpg(each, signal.SIGSTOP)

    monkeypatch.setattr(helpers, "ENDING_SECONDS", 0.1)
    monkeypatch.setattr(helpers.Helpers, "_start", start_and_stop)
    Path("new.txt").write_text(seed("Pegel steigt", *SENTENCES[:2]), "utf-8")
    code, _out, _err = lesart("ingest", "new.txt", "--processes", "2")
    assert (code, [each.is_running() for each in started]) == (0, [False])


TEXTS = helpers.MANY_ITEMS + 100


@pytest.fixture
def ingestion(tmp_path, database_url) -> Service:
    """A command that reads a new folder with many texts by two processes."""
    folder = tmp_path / "texts"
    folder.mkdir()
    for number in range(TEXTS):
        (folder / f"{number}.txt").write_text(seed(f"Pegel {number}", *SENTENCES[:3]), "utf-8")
    return Service(tmp_path, "ingest", "texts", "--processes", "2", database_url=database_url)


@pytest.mark.slow
def test_a_copy_of_the_command_reads_texts_and_nothing_is_left_of_it(ingestion, tmp_path):
    ingestion.start()
    until(lambda: len(ingestion.children()) == 2, what="a copy and its process")
    copies = ingestion.children()
    assert {each.cmdline()[-3] for each in copies} == {"texts"}
    assert not [each for copy in copies for each in copy.open_files() if each.path.endswith(".log")]
    assert ingestion.process.wait() == 0
    assert f'"new_articles": {TEXTS}' in ingestion.told()
    assert not [each for each in copies if each.is_running()]


@pytest.mark.slow
@pytest.mark.parametrize("ended", [signal.SIGINT, signal.SIGKILL])
def test_an_ended_command_is_continued_by_the_next_one(ingestion, ended):
    ingestion.start()
    until(lambda: len(ingestion.children()) == 2, what="a copy and its process")
    copies = ingestion.children()
    ingestion.process.send_signal(ended)
    assert ingestion.process.wait() != 0
    until(lambda: not any(each.is_running() for each in copies), what="the end of the copies")
    ingestion.start()
    assert ingestion.process.wait() == 0
    assert f'"seen": {TEXTS}' in ingestion.told()


@pytest.mark.slow
def test_the_command_does_the_work_of_a_killed_copy(ingestion):
    ingestion.start()
    until(lambda: len(ingestion.children()) == 2, what="a copy and its process")
    for each in ingestion.children():
        each.kill()
    assert ingestion.process.wait() == 0
    assert f'"new_articles": {TEXTS}' in ingestion.told()


def test_programs_are_started_where_the_copy_is_gone(written, lesart, monkeypatch):
    def copy_and_kill(own) -> None:
        reader, own._orders = os.pipe()
        os.close(reader)

    monkeypatch.setattr(helpers, "_can_copy", lambda *_: True)
    monkeypatch.setattr(helpers.Helpers, "_copy", copy_and_kill)
    Path("new.txt").write_text(seed("Pegel steigt", *SENTENCES[:2]), "utf-8")
    groups: list[int] = []
    monkeypatch.setattr(helpers, "_end", lambda group, _s: groups.append(os.waitpid(group, 0)[1]))
    assert lesart("ingest", "new.txt", "--processes", "2")[0] == 0
    assert groups == [0]
