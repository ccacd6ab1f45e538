"""`pytest $(python -m tests.touched [BASE])`: the test files nearest to what was changed.

A changed test file runs itself, a changed helper the tests that use it. A changed module of the
product runs the tests that import it, or else those that import the nearest module that does. A
changed row of a TOML file of the product runs the tests of the modules that quote its key, and the
tests that name the file. BASE is a revision of git to compare the working tree with: HEAD by default.
"""

import ast
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("lesart", "storage", "worker", "bench", "tests")


def changed_files(base: str) -> list[Path]:
    """Return the Python files that differ from a revision, those that git does not know included.

    A row of a TOML file stands for the files that quote its key, any other file for the modules of
    its folder.
    """
    found: set[Path] = set()
    for words in (["diff", "--name-only", base], ["ls-files", "--others", "--exclude-standard"]):
        listed = subprocess.run(
            ["git", *words], cwd=ROOT, capture_output=True, text=True, check=True
        )
        for name in listed.stdout.splitlines():
            path = ROOT / name
            if path.suffix == ".py":
                found.add(path)
            elif path.suffix == ".toml" and name.startswith(("storage/", "worker/")):
                found |= files_that_quote(path, changed_keys(path, base))
            elif name.startswith(ROOMS):
                found.update(path.parent.glob("*.py"))
    return sorted(path for path in found if path.exists())


def changed_keys(path: Path, base: str) -> set[str]:
    name = str(path.relative_to(ROOT))
    shown = subprocess.run(["git", "show", f"{base}:{name}"], cwd=ROOT, capture_output=True)
    new = path.read_text("utf-8") if path.exists() else ""
    return {*differing_keys(tomllib.loads(shown.stdout.decode()), tomllib.loads(new))}


def differing_keys(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Yield the keys of the rows that differ; a table with a message is one row.

    >>> [*differing_keys({"texts": {"a": 1, "b": 2}}, {"texts": {"a": 1, "b": 3}})]
    ['b']
    >>> [*differing_keys({"empty": {"message": 1}}, {"empty": {"message": 2}})]
    ['empty']
    """
    for key in old.keys() | new.keys():
        rows = old.get(key, {}), new.get(key, {})
        if all(isinstance(row, dict) and "message" not in row for row in rows):
            yield from differing_keys(*rows)
        elif rows[0] != rows[1]:
            yield key


def files_that_quote(table: Path, keys: set[str]) -> set[Path]:
    """Return the modules that quote one of the keys, and the tests that name the file or such a key
    of several words: a single word has other meanings in tests.
    """
    files = {path for room in ROOMS for path in (ROOT / room).rglob("*.py")}
    quoted = {f'"{key}"' for key in keys}
    of_tests = {each for each in quoted if "_" in each or " " in each} | {table.name}
    return {
        path
        for path in (files if keys else ())
        if any(mark in path.read_text("utf-8")
               for mark in (of_tests if path.is_relative_to(ROOT / "tests") else quoted))
    }  # fmt: skip


def module_file(name: str) -> Path | None:
    place = ROOT.joinpath(*name.split("."))
    candidates = (place.with_suffix(".py"), place / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


@cache
def imported_files(path: Path) -> frozenset[Path]:
    """Return our files that a file imports; `conftest.py` of its folder is one of them."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    found = {file for name in names if (file := module_file(name))}
    conftest = path.with_name("conftest.py")
    if path.name.startswith("test_") and conftest.is_file():
        found.add(conftest)
    return frozenset(found - {path})


def importers() -> Mapping[Path, set[Path]]:
    """Return the files that import a file, by that file."""
    found = defaultdict(set)
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for each in imported_files(path):
                found[each].add(path)
    return found


def nearest_tests(changed: Path, users: Mapping[Path, set[Path]]) -> set[Path]:
    """Return the test files with the fewest imports between them and a changed file."""
    seen, level = {changed}, {changed}
    while level:
        found = {path for path in level if path.name.startswith("test_")}
        if found:
            return found
        level = {user for path in level for user in users[path]} - seen
        seen |= level
    return set()


def main() -> int:
    base = sys.argv[1] if len(sys.argv) > 1 else "HEAD"
    users = importers()
    found = {test for path in changed_files(base) for test in nearest_tests(path, users)}
    found.add(ROOT / "tests" / "docs" / "test_house.py")
    sys.stdout.write("\n".join(sorted(str(path.relative_to(ROOT)) for path in found)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
