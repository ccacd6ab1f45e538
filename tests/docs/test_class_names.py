"""A class name means one thing in the whole house, and the words list those that others meet."""

import ast
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PUBLIC = ("storage/values", "storage/read")
"""The rooms whose classes cross borders: what a reader of the archive gets in hand."""
ROW = re.compile(r"^\| `(?P<name>[A-Z]\w*)` \|", re.MULTILINE)


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


def test_the_words_list_every_public_class_once():
    listed = ROW.findall((ROOT / "docs/words.md").read_text("utf-8"))
    public = [name for name in classes(*PUBLIC) if not name.startswith("_")]
    assert sorted(listed) == sorted(public)
