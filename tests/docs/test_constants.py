"""The examples below constants run, as those of functions do."""

import ast
import doctest
import importlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(
    path
    for package in ("storage", "worker")
    for path in (ROOT / package).rglob("*.py")
    if "migrations" not in path.parts and path.stem not in {"__main__", "__init__"}
)


def examples(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and text of each string with an example below an assignment."""
    source = path.read_text("utf-8")
    body = ast.parse(source).body if ">>> " in source else []
    for before, node in pairwise(body):
        if isinstance(before, ast.Assign | ast.AnnAssign) and isinstance(node, ast.Expr):
            text = node.value.value if isinstance(node.value, ast.Constant) else None
            if isinstance(text, str) and ">>> " in text:
                yield node.lineno, text


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if next(examples(path), None)],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_the_examples_below_constants_hold(path):
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    module = importlib.import_module(name)
    for line, text in examples(path):
        test = doctest.DocTestParser().get_doctest(text, vars(module).copy(), name, str(path), line)
        results = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test)
        assert results.failed == 0, f"{path.name}:{line}"
