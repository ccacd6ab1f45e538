"""No circle of imports: each module can be imported first, and each command is a first import."""

import subprocess
import sys

import pytest

from tests.tools.import_graph import ROOT, find_circle, product_modules, read_graph

FIRST = ("capabilities", ".cli.")
"""What the modules of capabilities and of commands have in their names."""
THIRD_PARTY = (
    "alembic.command", "fastapi", "jinja2", "lxml.html", "numpy", "orjson", "pydantic", "rapidfuzz", "sqlalchemy.orm",
    "sqlite3", "sqlmodel", "structlog", "typer", "urllib3", "warcio", "zstandard",
)  # fmt: skip
"""Packages that are imported once for all modules, because they take the most time."""
NOT_IMPORTED = (
    "worker.__main__",
    "storage.capabilities.bundles.check_bundle",
    "storage.database.migrations.",
)
"""Programs, and what Alembic executes."""


def modules() -> list[str]:
    return [each for each in product_modules() if not each.startswith(NOT_IMPORTED)]


def test_no_modules_import_one_another():
    graph = read_graph()
    assert len(graph) > 600
    assert sum(map(len, graph.values())) > 5_000
    assert " -> ".join(find_circle(graph)) == ""


@pytest.mark.parametrize(
    ("module", "named"),
    [
        ("storage.database.rows", "storage.database.columns"),  # lazily
        ("storage.database.tables.metadata", "storage.capabilities.reviews.tables"),  # by a hook
        ("storage.cli.parquet_file", "storage.export.parquet"),  # in a function
        ("worker.cli.program", "storage.cli.article_commands"),  # in a table of commands
        ("worker.flow.read", "worker.capabilities"),  # the package of what it names
        ("storage.read.query.queries", "storage.read.archive.queries"),  # for type checkers
    ],
)
def test_late_imports_are_edges(module, named):
    assert named in read_graph()[module]


def test_a_circle_is_named_from_its_shortest_way():
    graph = {"a": {"b"}, "b": {"c", "d"}, "c": {"b"}, "d": {"a", "e"}, "e": set()}
    assert find_circle(graph) == ["b", "c", "b"]
    assert find_circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


IMPORTING = """
import gc, os, sys
from importlib import import_module
for name in sys.argv[1].split(): import_module(name)
before = {*sys.modules}
gc.disable()
gc.freeze()
for name in sys.stdin.read().split():
    if (child := os.fork()) == 0:
        try: import_module(name)
        except BaseException as error:
            print(f"{name}: {type(error).__name__}: {error}", flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    assert {*sys.modules} == before
    print(name, flush=True)
"""


def import_first(names: list[str]) -> list[str]:
    """Import each module in a process that has imported no other of ours, and return the errors."""
    ended = subprocess.run(
        [sys.executable, "-c", IMPORTING, " ".join(THIRD_PARTY)], input="\n".join(names),
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.stderr == ""
    printed = ended.stdout.splitlines()
    assert [line for line in printed if ":" not in line] == names, "each was tried"
    return [line for line in printed if ":" in line]


@pytest.mark.slow
def test_each_module_of_capabilities_and_of_commands_can_be_imported_first():
    names = [each for each in modules() if any(word in each for word in FIRST)]
    assert len(names) > 90
    assert import_first(names) == []


@pytest.mark.large
def test_each_module_can_be_imported_first():
    assert import_first(modules()) == []


def test_a_module_that_cannot_be_imported_first_is_named():
    (error,) = import_first(["storage.values.digest", "storage.values.no_such_module"])
    assert error.startswith("storage.values.no_such_module: ModuleNotFoundError")
