"""Records which lines of some files a process executes, and in which test it does so.

`selection.py` puts this file into the copy as `sitecustomize.py`: each Python that starts there
loads it, and in those of pytest the hooks below say which test runs.
"""

import atexit
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent
FOLDER = ROOT / "executed"
TOOL = 3  # of `sys.monitoring`: no debugger, no coverage, no profiler
Lines = set[tuple[str, int]]

current: Lines = set()
shared: dict[tuple[str, str], Lines] = defaultdict(set)
"""The lines that a fixture executes which several tests share."""
outcomes: dict[str, bool] = {}


def start() -> None:
    """Record from now on; what a child process of a test executed is kept at its end."""
    files = frozenset((FOLDER / "files").read_text("utf-8").splitlines())
    events, disable = sys.monitoring.events, sys.monitoring.DISABLE

    def notice_code(code: CodeType, _offset: int) -> object:
        if code.co_filename in files:
            sys.monitoring.set_local_events(TOOL, code, events.LINE)
        return disable

    def notice_line(code: CodeType, line: int) -> object:
        current.add((code.co_filename, line))
        return disable

    sys.monitoring.use_tool_id(TOOL, "mutants")
    sys.monitoring.register_callback(TOOL, events.PY_START, notice_code)
    sys.monitoring.register_callback(TOOL, events.LINE, notice_line)
    sys.monitoring.set_events(TOOL, events.PY_START)
    test, phase, _rest = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")
    if phase:
        atexit.register(lambda: write({test: {"lines": sorted(current)}}))


def write(found: dict[str, dict[str, Any]]) -> None:
    path = FOLDER / f"{os.getpid()}-{time.monotonic_ns()}.json"
    path.write_text(json.dumps(found), "utf-8")


def record_to(lines: Lines) -> Lines:
    """Let these be the lines that are being recorded; return those that were."""
    global current
    before, current = current, lines
    sys.monitoring.restart_events()
    return before


def processor_seconds() -> float:
    return sum(os.times()[:4])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    lines: Lines = set()
    record_to(lines)
    began = processor_seconds()
    try:
        return (yield)
    finally:
        seconds = processor_seconds() - began
        known = getattr(item, "_fixtureinfo", None)
        for name, fixtures in known.name2fixturedefs.items() if known else ():
            lines |= shared.get((fixtures[-1].baseid, name), set())
        passed = outcomes.pop(item.nodeid, False)
        write({item.nodeid: {"seconds": seconds, "lines": sorted(lines), "passed": passed}})
        record_to(set())


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Iterator[None]:
    if fixturedef.scope in {"function", "session"}:
        return (yield)
    lines: Lines = set()
    before = record_to(lines)
    try:
        return (yield)
    finally:
        shared[fixturedef.baseid, fixturedef.argname] |= lines
        record_to(before)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or not report.passed:
        outcomes[report.nodeid] = report.passed


if __name__ == "sitecustomize":
    start()
