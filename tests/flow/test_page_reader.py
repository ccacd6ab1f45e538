"""The child process that reads pages: its results, limits and failures."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from storage import child_process
from storage.values.draft import Draft
from storage.values.refusals import RefusalReason
from tests.flow.processes import receives_interrupts, until
from tests.page.conftest import PARAGRAPHS, hints, html
from worker.flow.document_process import DocumentReader
from worker.text.hints import TextSettings
from worker.text.page.read_page import read_page
from worker.text.page.wire import pack_answer, pack_hints, unpack_answer, unpack_hints
from worker.text.read import read_document

pytestmark = [pytest.mark.child, pytest.mark.traced_children, pytest.mark.starts_first]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def reader():
    with DocumentReader(TextSettings(), document_seconds=20) as reader:
        yield reader


def heavy_page(paragraphs: int = 60_000) -> bytes:
    return html(
        paragraphs=tuple(f"Der Deich hält in Reihe <b>{i}</b>, sagt er." for i in range(paragraphs))
    )


def test_the_child_returns_the_answers_of_the_text_core(reader):
    raw = html('<meta name="author" content="Merle Addicks">')
    assert reader.read(raw, hints()) == read_page(raw, hints(), TextSettings())


def test_a_refusal_comes_through_the_pipe(reader):
    outcome = reader.read(b"<html></html>", hints())
    assert isinstance(outcome, RefusalReason)
    assert outcome.code == "extraction_empty"


def test_a_page_larger_than_the_pipe_comes_through(reader):
    outcome = reader.read(
        html(paragraphs=("Der Deich hält, sagt der Verband, und zwar ganz. " * 20,) * 500), hints()
    )
    assert isinstance(outcome, Draft)


def test_one_child_reads_many_pages(reader):
    reader.read(html(), hints())
    pid = reader.child_pid
    assert all(isinstance(reader.read(html(), hints()), Draft) for _ in range(20))
    assert reader.child_pid == pid


def test_ctrl_c_does_not_reach_the_child(reader):
    reader.read(html(), hints())
    assert not receives_interrupts(reader.child_pid)


@pytest.mark.slow
def test_a_document_that_takes_too_long_is_refused_alone(reader, monkeypatch):
    with monkeypatch.context() as short:
        short.setattr(reader, "_document_seconds", 0.2)
        outcome = reader.read(heavy_page(), hints())
    assert isinstance(outcome, RefusalReason)
    assert outcome.code == "resource_time"
    assert "0.2" in outcome.message
    assert "processor" in outcome.message
    assert reader.child_pid is None
    assert isinstance(reader.read(html(), hints()), Draft)


@pytest.mark.slow
def test_time_that_others_take_the_processor_is_not_charged_to_a_page():
    """A suspended child needs more elapsed time than its limit, but little processor time."""
    with DocumentReader(TextSettings(), document_seconds=2, wall_seconds=120) as reader:
        reader.read(html(), hints())
        child = psutil.Process(reader.child_pid)
        child.suspend()
        started = time.monotonic()
        other = threading.Timer(3, child.resume)
        other.start()
        outcome = reader.read(html(), hints())
        other.join()
        assert isinstance(outcome, Draft)
        assert reader.child_pid == child.pid
        assert time.monotonic() - started > 2


@pytest.mark.parametrize("kind", ["seed", "markdown", "json"])
def test_any_text_is_read_as_in_the_worker(reader, kind):
    known = replace(hints(), type=kind)
    text = {"title": "Pegel", "text": "Der Pegel stieg.", "date": "2024-06"}
    raw = json.dumps(text).encode() if kind == "json" else b"# Pegel\n\nDer Pegel stieg.\n"
    assert reader.read(raw, known) == read_document(raw, known, TextSettings())


@pytest.mark.slow
def test_starting_the_child_does_not_count_as_reading():
    with DocumentReader(TextSettings(), document_seconds=0.5, wall_seconds=60) as reader:
        assert isinstance(reader.read(html(), hints()), Draft)


@pytest.mark.slow
def test_loading_the_model_of_languages_does_not_count_as_reading():
    """The model takes 0.4 s of processor time to load, and only the second page needs it."""
    latin = "Lorem ipsum dolor sit amet, consectetur adipisici elit, sed eiusmod tempor incidunt."
    with DocumentReader(TextSettings(), document_seconds=0.3, wall_seconds=60) as reader:
        for paragraphs in (PARAGRAPHS, (latin,) * 5):
            assert isinstance(reader.read(html(paragraphs=paragraphs), hints()), Draft)
    with DocumentReader(TextSettings(), document_seconds=20, wall_seconds=0.3) as reader:
        page = html(paragraphs=(latin,) * 5)  # a busy machine may be late with it, but not always
        until(lambda: isinstance(reader.read(page, hints()), Draft), what="the text in time")


@pytest.mark.slow
def test_a_stopped_child_is_late_and_replaced(reader, monkeypatch):
    reader.read(html(), hints())
    os.kill(reader.child_pid, signal.SIGSTOP)
    with monkeypatch.context() as short:
        short.setattr(reader, "_wall_seconds", 0.5)
        outcome = reader.read(html(), hints())
    assert outcome.code == "resource_time"
    assert "0.5 s by the clock" in outcome.message
    assert isinstance(reader.read(html(), hints()), Draft)


@pytest.mark.slow
def test_too_much_memory_is_refused_alone():
    with DocumentReader(TextSettings(), document_seconds=60, memory_mb=240) as reader:
        outcome = reader.read(heavy_page(300_000), hints())
        assert isinstance(outcome, RefusalReason)
        assert outcome.code == "resource_memory"
        assert isinstance(reader.read(html(), hints()), Draft)


def test_a_killed_child_costs_its_page_alone(reader):
    reader.read(html(), hints())
    os.kill(reader.child_pid, signal.SIGKILL)
    outcome = reader.read(html(), hints())
    assert isinstance(outcome, RefusalReason)
    assert outcome.code == "extractor_crashed"
    assert isinstance(reader.read(html(), hints()), Draft)


def test_a_child_killed_in_mid_page_costs_that_page(reader):
    reader.read(html(), hints())
    threading.Timer(0.3, os.kill, (reader.child_pid, signal.SIGKILL)).start()
    assert reader.read(heavy_page(200_000), hints()).code == "extractor_crashed"


@pytest.mark.slow
def test_a_child_is_replaced_after_a_number_of_pages():
    with DocumentReader(TextSettings(), document_seconds=20, documents_per_child=2) as reader:
        pids = set()
        for _ in range(4):
            reader._ready_child()
            pids.add(reader.child_pid)
            assert isinstance(reader.read(html(), hints()), Draft)
        assert len(pids) == 2


def test_threads_share_one_reader(reader):
    outcomes = []
    threads = [
        threading.Thread(target=lambda: outcomes.append(reader.read(html(), hints())))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 6
    assert len({pack_answer(outcome) for outcome in outcomes}) == 1


def test_a_child_that_cannot_start_is_an_error_of_the_reader():
    with (
        DocumentReader(TextSettings(), memory_mb=20) as reader,
        pytest.raises(child_process.ChildStartError),
    ):
        reader.read(html(), hints())


def test_the_child_knows_no_settings_of_ours(reader, monkeypatch):
    monkeypatch.setenv("LESART_DATABASE_URL", "postgresql://user:secret@host/db")
    assert not [name for name in child_process.environment() if name.startswith("LESART_")]


def test_closing_ends_the_child(reader):
    reader.read(html(), hints())
    process = psutil.Process(reader.child_pid)
    reader.close()
    assert not process.is_running()
    reader.close()


PARENT = """
import sys, time
sys.path[:0] = [{root!r}]
from tests.flow.processes import receives_interrupts, until
from tests.page.conftest import html, hints
from worker.flow.document_process import DocumentReader
from worker.text.hints import TextSettings
reader = DocumentReader(TextSettings(), document_seconds=20)
reader.read(html(), hints())
print(reader.child_pid, flush=True)
time.sleep(60)
"""


@pytest.mark.slow
def test_the_child_ends_when_its_parent_is_killed():
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.format(root=str(ROOT))], stdout=subprocess.PIPE
    )
    with parent:
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    gone, _ = psutil.wait_procs([child], timeout=10)
    assert gone or child.status() == psutil.STATUS_ZOMBIE


@pytest.mark.slow
def test_a_forked_process_starts_a_child_of_its_own(reader):
    reader.read(html(), hints())
    pid = reader.child_pid
    reader._child.owner = os.getppid()  # as it looks from a process that was forked
    abandoned = reader._child
    assert isinstance(reader.read(html(), hints()), Draft)
    assert reader.child_pid != pid
    assert abandoned.process.poll() is None
    abandoned.end()


def test_answers_and_hints_pass_the_pipe_unchanged():
    draft = read_page(
        html('<meta name="observed_at" content="2024-06-18T10:00:00Z">'), hints(), TextSettings()
    )
    assert draft.observed_at
    assert unpack_answer(pack_answer(draft)) == draft
    assert unpack_hints(pack_hints(hints(charset="utf-8"))) == hints(charset="utf-8")


@pytest.mark.slow
def test_output_of_the_child_disturbs_no_answer(tmp_path):
    code = (
        f"import sys; sys.path[:0] = [{str(ROOT)!r}]\n"
        "from storage import child_process as pages\n"
        "requests, answers = pages.take_pipes()\n"
        "print('noise', flush=True)\n"
        "pages.send(answers, b'content')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], input=b"", capture_output=True, check=True)
    assert done.stdout == b"\x00\x00\x00\x07content"
    assert done.stderr.strip() == b"noise"
