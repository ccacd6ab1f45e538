"""The house stays as small as it was wanted: rooms, folders and functions have a bound."""

import ast
from collections import Counter
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = [path for room in ("storage", "worker") for path in sorted((ROOT / room).rglob("*.py"))]
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def lengths() -> dict[str, int]:
    return {
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}": (node.end_lineno or 0)
        - node.lineno
        + 1
        for path in PRODUCT
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, DEFINITIONS)
    }


def test_storage_has_at_most_sixteen_rooms():
    rooms = {path.relative_to(ROOT / "storage").parts[0] for path in PRODUCT
             if path.is_relative_to(ROOT / "storage")}  # fmt: skip
    assert len([each for each in rooms if not each.endswith(".py")]) <= 16


def test_no_folder_has_more_than_fifteen_files():
    others = [path for name in ("bench", "tests") for path in (ROOT / name).rglob("*.py")]
    files = Counter(str(path.parent.relative_to(ROOT)) for path in (*PRODUCT, *others))
    assert {name: n for name, n in files.items() if n > 15} == {}


def test_functions_are_short():
    found = lengths()
    assert {name: n for name, n in found.items() if n > 60} == {}
    assert median(found.values()) <= 9
