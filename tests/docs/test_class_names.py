"""A class name is used once in the whole project."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def classes(*rooms: str) -> dict[str, list[str]]:
    found = defaultdict(list)
    for room in rooms:
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.parse(path.read_text("utf-8")).body:
                if isinstance(node, ast.ClassDef):
                    found[node.name].append(str(path.relative_to(ROOT)))
    return found


def test_a_class_name_means_one_thing():
    doubled = {name: places for name, places in classes("storage", "worker").items() if places[1:]}
    assert doubled == {}
