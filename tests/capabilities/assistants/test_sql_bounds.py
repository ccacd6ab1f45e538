"""A query of a stranger takes neither memory nor time from others."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

import httpx
import psutil
import pytest

from storage.capabilities.assistants import sql_process
from storage.capabilities.assistants import tools as mcp
from storage.capabilities.assistants.sql_process import SqlProcess
from storage.read.archive import QueryError, open_archive
from storage.read.sql import DEFAULT_LIMITS, TOO_LARGE
from storage.web.problems import TITLES
from tests.api.tool_calls import within
from tests.flow.processes import until
from tests.serve.conftest import served
from tests.serve.test_slow_clients import LATEST, page

pytestmark = pytest.mark.child

MOST_MB = 400
_COUNT = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n{}) "
_ROWS = _COUNT.format(" LIMIT 101")
_TEXT = "hex(zeroblob(500000))"
WIDE = f"{_ROWS} SELECT {', '.join([_TEXT] * 60)} FROM n"
ENDLESS = f"{_COUNT.format('')} SELECT count(*) FROM n"
GROWING = "WITH RECURSIVE n(i, x) AS (SELECT 1, 'a' UNION ALL SELECT i + 1, x || x FROM n) SELECT max(i) FROM n"
SORTED = f"{_COUNT.format('')} SELECT hex(randomblob(100000)) AS x FROM n ORDER BY x"
DEEP = f"SELECT {'(' * 2000}1{')' * 2000}"

HOSTILE = {
    "sqlite": (
        (WIDE, {"too_large"}),
        (f"SELECT {', '.join([_TEXT] * 350)}", {"too_large"}),
        (f"{_ROWS} SELECT {', '.join([_TEXT] * 350)} FROM n ORDER BY 1", {"too_large"}),
        (ENDLESS, {"too_slow"}),
        (GROWING, {"too_large"}),
        (SORTED, {"too_large", "too_slow"}),
        (f"{_COUNT.format('')} SELECT group_concat({_TEXT}) FROM n", {"too_large", "too_slow"}),
        (f"{_COUNT.format('')} SELECT json_group_array({_TEXT}) FROM n", {"too_large"}),
        (f"{_COUNT.format('')} SELECT count(DISTINCT hex(randomblob(50000)) || i) FROM n", {"too_large", "too_slow"}),
        ("SELECT replace(hex(zeroblob(20000)), '0', hex(zeroblob(500)))", {"too_large"}),
        ("SELECT printf('%.*c', 2000000000, 'x') || printf('%2000000000d', 1)", {None, "too_large"}),
        (f"{_ROWS} SELECT count(*) FROM n a, n b, n c, n d, n e, n f", {"too_slow"}),
        (f"SELECT {_TEXT} GLOB '{'*0' * 3000}1'", {None, "too_slow"}),
        (f"{_COUNT.format('')} SELECT max({_TEXT} LIKE '{'%0_' * 1000}1') FROM n", {"too_slow", "request_invalid"}),
        (DEEP, {None, "request_invalid"}),
        (" UNION ".join(["SELECT 1"] * 501), {"request_invalid"}),
    ),
    "postgresql": (
        (f"SELECT {', '.join(['repeat(chr(65), 500000)'] * 60)} FROM generate_series(1, 101)", {"too_large"}),
        ("SELECT repeat('x', 2000000)", {"too_large"}),
        ("SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b", {"too_slow"}),
        (ENDLESS, {"too_slow"}),
    ),
}  # fmt: skip
"""Queries with the codes that they may get; None is an answer. A busy machine is too slow for any."""


@pytest.mark.slow
@pytest.mark.postgresql("fast")
def test_a_hostile_query_is_refused_with_a_code(archive_url, monkeypatch):
    monkeypatch.setattr(mcp, "SQL_LIMITS", replace(mcp.SQL_LIMITS, seconds=1.0))
    wrong = {}
    for query, codes in HOSTILE[archive_url.partition(":")[0].partition("+")[0]]:
        _, told = within(archive_url, "sql", query=query)
        code = told["error"]["code"] if "error" in told else None
        assert code is None or code in TITLES
        if code not in codes | {"too_slow"}:
            wrong[query[:100]] = told
    assert not wrong, [*wrong.values()]


def test_the_docs_state_the_limits():
    text = (Path(__file__).resolve().parents[3] / "docs/assistants.md").read_text("utf-8")
    for limit in (
        f"| {mcp.SQL_LIMITS.seconds} seconds |",
        f"| {sql_process.MEMORY_MB} MB of memory",
        f"| {mcp.SQL_LIMITS.value_bytes >> 20} MiB for a row",
        f"and {mcp.PAGE_ROWS} rows |",
    ):
        assert limit in text


def test_ten_thousand_values_of_a_parameter_are_refused(small_archive):
    for number in (3_000, 10_000):
        names = [f"Name {each}" for each in range(number)]
        for tool, given in (("changes", {"speaker": names}), ("search", {"q": "a", "change": names}),
                            ("sql", {"query": names})):  # fmt: skip
            is_error, told = within(str(small_archive), tool, **given)
            assert is_error
            assert told["error"]["code"] in {"too_large", "parameter_invalid"}, told
    for given in ({"source": "a\ud800"}, {"sour\ud800ce": "a"}):
        _, told = within(str(small_archive), "list", **given)
        assert told["error"]["code"] == "parameter_invalid"


def test_a_query_with_many_wide_rows_is_cut_by_the_size_of_the_answer(small_archive):
    process = SqlProcess([str(small_archive)])
    query = f"{_ROWS} SELECT i, hex(zeroblob(100000)) FROM n"
    answer = process.ask(query, 100, mcp.SQL_LIMITS)
    assert (len(answer["items"]), answer["is_cut"]) == (5, True)
    assert process.ask("SELECT 1 AS one", 1, mcp.SQL_LIMITS) == {
        "columns": ["one"], "items": [[1]], "is_cut": False
    }  # fmt: skip
    process.close()


@pytest.mark.slow
def test_the_process_has_a_memory_limit_and_is_replaced_after_it(small_archive):
    process = SqlProcess([str(small_archive)])
    process.ask("SELECT 1", 1, mcp.SQL_LIMITS)
    first = process.child_pid
    limit = psutil.Process(first).rlimit(psutil.RLIMIT_AS)
    assert limit == (sql_process.MEMORY_MB << 20, sql_process.MEMORY_MB << 20)
    with pytest.raises(QueryError) as caught:
        process.ask(WIDE, 1, mcp.SQL_LIMITS)
    assert caught.value.code == "too_large"
    assert not psutil.pid_exists(first)
    assert process.ask("SELECT 1", 1, mcp.SQL_LIMITS)["items"] == [[1]]
    second = process.child_pid
    process.close()
    assert not psutil.pid_exists(second)


def test_the_address_of_the_archive_is_no_argument_of_the_process(small_archive):
    process = SqlProcess([str(small_archive)])
    process.ask("SELECT 1", 1, mcp.SQL_LIMITS)
    assert str(small_archive) not in " ".join(psutil.Process(process.child_pid).cmdline())
    process.close()


def test_a_row_has_a_size_limit_on_the_command_line_too(small_archive):
    limits = replace(DEFAULT_LIMITS, value_bytes=1_000_000)
    with open_archive(str(small_archive)) as archive:
        with pytest.raises(QueryError, match=TOO_LARGE.partition(";")[0]):
            list(
                archive.sql(
                    "SELECT hex(zeroblob(400000)), hex(zeroblob(400000))", limits=limits
                ).rows
            )
        rows = archive.sql(
            f"{_COUNT.format('')} SELECT hex(zeroblob(400000)) FROM n", limits=limits
        ).rows
        assert len(next(rows)[0]) == 800_000  # the others are not read yet


# ------------------------------------------------------------------------------ over HTTP


def ask(address: str, query: str, seconds: float = 600.0) -> dict:
    body = {
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "sql", "arguments": {"query": query}},
    }  # fmt: skip
    wanted = {"Accept": "application/json, text/event-stream"}
    answer = httpx.post(f"{address}/mcp", json=body, headers=wanted, timeout=seconds)
    return json.loads(answer.json()["result"]["content"][0]["text"])


def sql_processes(parent: psutil.Process) -> list[psutil.Process]:
    return [
        each for each in parent.children(recursive=True)
        if each.status() != psutil.STATUS_ZOMBIE and "storage.capabilities.assistants.sql_process" in each.cmdline()
    ]  # fmt: skip


@pytest.mark.slow
def test_a_client_that_leaves_ends_its_query(small_archive):
    with served(str(small_archive)) as client:
        me = psutil.Process()
        with pytest.raises(httpx.ReadTimeout):
            ask(str(client.base_url).rstrip("/"), ENDLESS, seconds=0.5)
        left = [*sql_processes(me)]
        until(lambda: not any(each.is_running() for each in left), what="the end of the query")
        assert ask(str(client.base_url).rstrip("/"), "SELECT 1")["answer"]["items"] == [[1]]
    until(lambda: not sql_processes(me), what="the end of the processes")


def tree_mb(root: psutil.Process) -> float:
    """Return the memory of a tree of processes; what they share counts once."""
    sizes = []
    for each in (root, *root.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            sizes.append(each.memory_full_info().pss)
    return sum(sizes) / 2**20


@contextmanager
def serving(archive: Path):
    """Give the address of a server, and its process."""
    before = {*psutil.Process().children()}
    with page(archive, "web", web_workers="1") as (host, port):
        (root,) = {*psutil.Process().children()} - before
        yield f"http://{host}:{port}", root


def sizes_during(root: psutil.Process, running: list[Future]) -> Iterator[float]:
    """Yield the memory of a server until all requests are answered."""
    while not all(each.done() for each in running):
        yield tree_mb(root)
        time.sleep(0.02)


@pytest.mark.slow
def test_a_wide_query_is_refused_below_400_mb_in_all_processes(small_archive):
    with serving(small_archive) as (address, root), ThreadPoolExecutor(1) as threads:
        assert ask(address, "SELECT 1")["answer"]["items"] == [[1]]
        running = threads.submit(ask, address, WIDE)
        assert max(sizes_during(root, [running])) < MOST_MB
        assert running.result()["error"]["code"] == "too_large"
        assert tree_mb(root) < MOST_MB


@pytest.mark.parametrize(
    "number", [pytest.param(12, marks=pytest.mark.slow), pytest.param(200, marks=pytest.mark.large)]
)
def test_hostile_queries_leave_the_server_to_others(small_archive, number):
    """Others get their answers while hostile queries run; the server stays small."""
    queries = [query for query, _codes in HOSTILE["sqlite"]]
    hostile = [*islice(cycle(queries), number - 1), ENDLESS]
    with serving(small_archive) as (address, root), ThreadPoolExecutor(10) as threads:
        most_mb = tree_mb(root) + mcp.MOST_SQL_QUERIES * sql_process.MEMORY_MB
        running = [threads.submit(ask, address, query) for query in hostile]
        waits = []
        with httpx.Client(base_url=address, timeout=LATEST) as others:
            for size in sizes_during(root, running):
                assert size < most_mb
                began = time.monotonic()
                assert others.get("/api/articles").status_code == 200
                waits.append(time.monotonic() - began)
        codes = [each.result().get("error", {}).get("code") for each in running]
    assert {*codes} <= {None, "too_large", "too_slow", "too_many", "request_invalid"}
    assert "too_slow" in codes
    assert len(waits) > 10, "others are answered while hostile queries run"
