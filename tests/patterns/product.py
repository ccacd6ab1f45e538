"""Every compiled pattern of the product, with the ways in which the product uses it."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import storage
import worker
from storage.values.lazy import LazyPattern

ROOT = Path(__file__).parents[2]
USES = {
    "match": "match", "fullmatch": "fullmatch", "search": "finditer", "sub": "finditer",
    "subn": "finditer", "split": "finditer", "findall": "finditer", "finditer": "finditer",
}  # fmt: skip
"""What the product calls, by what tries the same: all that can be found, or at one place."""
ELSEWHERE = ("match", "fullmatch")
"""The ways of patterns that stand in tables, whose calls name no pattern."""


@cache
def modules() -> tuple[ModuleType, ...]:
    """Return all modules of the product, loaded; migrations run once and never on foreign text."""
    names = [
        module.name
        for package in (storage, worker)
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if ".migrations" not in module.name and not module.name.endswith("__main__")
    ]
    return tuple(importlib.import_module(name) for name in names)


@cache
def patterns() -> dict[str, tuple[re.Pattern[Any], frozenset[str]]]:
    """Return each pattern by the name it has first, and how it is used."""
    found: dict[tuple[Any, int], tuple[str, re.Pattern[Any]]] = {}
    used: dict[tuple[Any, int], set[str]] = {}
    known: set[int] = set()  # what another module has, too: large tables are looked at once
    for module in modules():
        for name, value in vars(module).items():
            if is_ours(module, name, value) and id(value) not in known:
                known.add(id(value))
                for index, pattern in enumerate(_patterns_in(value)):
                    label = f"{module.__name__}.{name}" + (f"[{index}]" if index else "")
                    found.setdefault((pattern.pattern, pattern.flags), (label, pattern))
        for pattern, method in _uses(module):
            used.setdefault((pattern.pattern, pattern.flags), set()).add(USES[method])
    return {
        name: (pattern, frozenset(used.get(key, ELSEWHERE)))
        for key, (name, pattern) in found.items()
    }


def is_ours(module: ModuleType, name: str, value: Any) -> bool:
    """Return whether a name of a module is not a class or a module of someone else."""
    owner = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
    foreign = isinstance(value, (type, ModuleType)) and not str(owner).startswith(
        ("storage.", "worker.")
    )
    return not (foreign or isinstance(value, ModuleType) or name.startswith("__"))


def compiled(value: Any) -> Any:
    """Return the pattern for which a lazy one stands; any other value as it is."""
    return re.compile(value.pattern, value.flags) if isinstance(value, LazyPattern) else value


def _patterns_in(value: Any, depth: int = 0) -> Iterator[re.Pattern[Any]]:
    """Yield the patterns in a value and in its parts."""
    value = compiled(value)
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(getattr(value, "__self__", None), re.Pattern):  # a bound method: `X.match`
        yield value.__self__
    elif depth < 5:
        for part in _parts(value):
            yield from _patterns_in(part, depth + 1)


def _parts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    if isinstance(value, (list, tuple, set, frozenset)):
        return list(value)
    if isinstance(value, type):
        return list(vars(value).values())
    if is_dataclass(value):
        return [getattr(value, field.name, None) for field in fields(value)]
    return []


def _uses(module: ModuleType) -> Iterator[tuple[re.Pattern[Any], str]]:
    for node in ast.walk(tree(module)):
        if not (isinstance(node, ast.Attribute) and node.attr in USES):
            continue
        holder = node.value
        value = None
        if isinstance(holder, ast.Name):
            value = getattr(module, holder.id, None)
        elif isinstance(holder, ast.Attribute) and isinstance(holder.value, ast.Name):
            value = getattr(getattr(module, holder.value.id, None), holder.attr, None)
        value = compiled(value)
        if isinstance(value, re.Pattern):
            yield value, node.attr


@cache
def tree(module: ModuleType) -> ast.AST:
    assert module.__file__
    return ast.parse(Path(module.__file__).read_text("utf-8"))
