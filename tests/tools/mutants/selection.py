"""Which tests execute the lines of a mutant: recorded once, with `--record`."""

import ast
import json
import os
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from difflib import SequenceMatcher
from operator import itemgetter
from pathlib import Path
from typing import Any

from tests.tools.mutants.mutate import Mutant

PLUGIN = "executed.py"
NO_REWRITING = "ignore::pytest.PytestAssertRewriteWarning"
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


def record(copy: Path, changed: list[str], words: list[str]) -> dict[str, Any]:
    """Run pytest in a copy of the checkout; return what the tests that pass execute of some files."""
    shutil.copyfile(Path(__file__).with_name(PLUGIN), copy / "sitecustomize.py")
    (copy / "executed").mkdir()
    (copy / "executed" / "files").write_text(
        "\n".join(str(copy / each) for each in changed), "utf-8"
    )
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "sitecustomize", "-W", NO_REWRITING, *words],
        cwd=copy, env={**os.environ, "PYTHONPATH": str(copy)}, check=False,
    )  # fmt: skip
    tests: dict[str, dict[str, Any]] = defaultdict(dict)
    lines: dict[str, set[tuple[str, int]]] = defaultdict(set)
    for path in (copy / "executed").glob("*.json"):
        for name, found in json.loads(path.read_text("utf-8")).items():
            lines[name] |= {(file, line) for file, line in found.pop("lines")}
            tests[name].update(found)
    passed = sorted(name for name, test in tests.items() if test.get("passed"))
    files: dict[str, dict[int, list[int]]] = {file: defaultdict(list) for file in changed}
    for number, name in enumerate(passed):
        for path, line in lines[name]:
            files[str(Path(path).relative_to(copy))][line].append(number)
    return {
        "tests": [(name, tests[name]["seconds"]) for name in passed],
        "files": files,
        "sources": {file: (copy / file).read_text("utf-8") for file in changed},
    }


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the tests executed when they were recorded."""

    tests: list[tuple[str, float]]
    files: dict[str, dict[str, list[int]]]
    sources: dict[str, str]

    def select(
        self, file: str, source: str, mutant: Mutant, rooms: tuple[str, ...], most_seconds: float
    ) -> list[str]:
        """Return tests that execute a mutant: one case of each, those of its rooms, the quickest."""
        found = sorted(
            (self.tests[each] for each in self._executing(file, source, mutant)), key=itemgetter(1)
        )
        cases: Counter[str] = Counter()
        ranked = []
        for name, seconds in found:
            function = name.partition("[")[0]
            cases[function] += 1
            ranked.append((cases[function] > 1, not name.startswith(rooms), seconds, name))
        chosen, total = defaultdict(list), 0.0
        for *_rank, seconds, name in sorted(ranked):
            total += seconds
            if total > most_seconds and chosen:
                break
            chosen[name.partition("::")[0]].append(name)
        return [name for names in chosen.values() for name in names]

    def _executing(self, file: str, source: str, mutant: Mutant) -> set[int]:
        """Return the tests of a mutant, whose line may have had another number then."""
        before = self.sources.get(file, "").splitlines()
        same = SequenceMatcher(None, before, source.splitlines(), autojunk=False)
        executed: dict[int, list[int]] = {}
        for there, here, size in same.get_matching_blocks():
            for i in range(1, size + 1):
                executed[here + i] = self.files[file].get(str(there + i), [])
        for lines in executed_with(source, mutant):
            found = {test for line in lines for test in executed.get(line, ())}
            if found:
                return found
        return set()


def executed_with(source: str, mutant: Mutant) -> list[set[int]]:
    """Return sets of lines that are executed when a mutant is, the nearest first."""
    last = mutant.line + mutant.before.count("\n")
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, FUNCTION)]
    around = [
        node for node in ast.walk(tree)
        if isinstance(node, ast.stmt) and node.lineno <= mutant.line and last <= _end(node)
    ]  # fmt: skip
    nearest = max(around, key=lambda each: each.lineno)
    for function in sorted(functions, key=lambda each: each.lineno, reverse=True):
        if function in around:
            body = {line for each in function.body for line in range(each.lineno, _end(each) + 1)}
            if mutant.line not in body:
                return [body]
            statement = set(range(nearest.lineno, _end(nearest) + 1))
            return [set(range(mutant.line, last + 1)), statement & body, body]
    inside = {line for each in functions for line in range(each.body[0].lineno, _end(each) + 1)}
    named = {
        target.id for target in ast.walk(nearest)
        if isinstance(target, ast.Name) and isinstance(target.ctx, ast.Store)
    }  # fmt: skip
    used = {
        node.lineno for node in ast.walk(tree) if isinstance(node, ast.Name | ast.Attribute)
        and (node.id if isinstance(node, ast.Name) else node.attr) in named
    }  # fmt: skip
    return [{mutant.line} - inside, used & inside, inside]


def _end(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno
