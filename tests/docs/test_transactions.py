"""Who opens a transaction that writes."""

import ast
from pathlib import Path

import pytest

from storage.capabilities import CAPABILITIES

ROOT = Path(__file__).resolve().parents[2]
OPENERS = (
    "storage/database/", "storage/proof/", "storage/write/",
    *(f"storage/capabilities/{each.name}/store.py" for each in CAPABILITIES),
)  # fmt: skip
"""The connections themselves, the log over what was committed, the archive of the writers, and
what capabilities write.
"""


def opened(source: str) -> list[str]:
    """Return the calls in a program text that open a transaction to write."""
    calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [said for said in map(ast.unparse, calls)
            if said == "writing" or said.endswith((".unit", "engine.begin", "copied.begin"))]  # fmt: skip


@pytest.mark.parametrize("said", ["writing(e, c)", "a.unit()", "self._engine.begin()"])
def test_an_opened_transaction_is_seen(said):
    assert opened(f"with {said} as unit:\n    pass") == [said.partition("(")[0]]


def test_only_the_archive_of_the_writers_and_the_log_open_transactions():
    texts = {
        str(path.relative_to(ROOT)): path.read_text("utf-8")
        for room in ("storage", "worker")
        for path in (ROOT / room).rglob("*.py")
    }
    found = {name: opened(text) for name, text in texts.items() if not name.startswith(OPENERS)}
    assert {name: calls for name, calls in found.items() if calls} == {}
