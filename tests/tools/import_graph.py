"""The imports of the product, read without running it: what each module loads, now or later.

An edge leads from a module to each module of ours that it names: by an import in its body, in a
function or for type checkers, by a name in a string (a `LazyModule`, a table of commands), and by
a hook of `storage.capabilities`, which loads a part of each capability.

Packages are loaded before their modules, so an edge from outside of a package leads to the package,
too. One from within does not, because the package has been begun by then; one for type checkers
loads nothing.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from storage.capabilities import CAPABILITIES, module_of
from storage.capabilities.hooks import PARTS

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("lesart", "storage", "worker")
HOOKS = {"load_part_for", "load_parts", "module_of", "parts_of"}
"""The functions of `storage.capabilities` whose last argument names the part that is loaded."""

Graph = dict[str, set[str]]


@cache
def product_modules() -> dict[str, Path]:
    """Return the files of our modules by their names."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
    }


@cache
def read_graph() -> Graph:
    """Return our modules, each with those that it names."""
    return {
        name: {*find_modules(name, ast.parse(path.read_text("utf-8")))} - {name}
        for name, path in product_modules().items()
    }


def find_modules(importer: str, tree: ast.Module) -> Iterator[str]:
    for node, is_for_types in nodes_of(tree):
        for target in targets(node):
            yield target
            if not is_for_types:
                yield from packages_around(target, importer)


def nodes_of(tree: ast.Module) -> Iterator[tuple[ast.AST, bool]]:
    """Yield all nodes, each with whether only type checkers execute it."""
    left: list[tuple[ast.AST, bool]] = [(tree, False)]
    while left:
        node, is_for_types = left.pop()
        yield node, is_for_types
        checked = node.body if isinstance(node, ast.If) and is_type_checking(node) else ()
        left += [(each, is_for_types or each in checked) for each in ast.iter_child_nodes(node)]


def is_type_checking(node: ast.If) -> bool:
    return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def packages_around(target: str, importer: str) -> Iterator[str]:
    """Yield the packages around a module that are not around the importer."""
    while (target := target.rpartition(".")[0]) and not f"{importer}.".startswith(f"{target}."):
        yield target


def targets(node: ast.AST) -> set[str]:
    """Return the modules of ours that a node names."""
    known = product_modules().keys()
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names} & known
    if isinstance(node, ast.ImportFrom) and node.module in known:
        names = {f"{node.module}.{alias.name}" for alias in node.names}
        return names & known if names <= known else (names & known) | {str(node.module)}
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and "." in node.value:
        return {node.value} & known
    return parts_loaded(node) if isinstance(node, ast.Call) else set()


def parts_loaded(call: ast.Call) -> set[str]:
    """Return the modules of the part that a call of a hook names."""
    last = call.args[-1] if call.args else None
    if not (isinstance(call.func, ast.Name) and call.func.id in HOOKS):
        return set()
    if not (isinstance(last, ast.Constant) and last.value in PARTS):
        return set()
    return {module_of(own, last.value) for own in CAPABILITIES if last.value in own.parts}


def find_circle(graph: Graph) -> list[str]:
    """Return a shortest circle, its first module at the end again; none if there is no circle."""
    left = {name: {*others} for name, others in graph.items()}
    while ends := {name for name, others in left.items() if not others & left.keys()}:
        left = {name: others for name, others in left.items() if name not in ends}
    found = [path for name in sorted(left) if (path := find_way(left, name, name))]
    return min(found, key=len, default=[])


def find_way(graph: Graph, start: str, end: str) -> list[str]:
    """Return a shortest way along the edges; none if there is no way."""
    ways = [[start]]
    seen: set[str] = set()
    while ways:
        further = [[*way, each] for way in ways for each in sorted(graph[way[-1]] & graph.keys())]
        ways = []
        for way in further:
            if way[-1] == end:
                return way
            if way[-1] not in seen:
                seen.add(way[-1])
                ways.append(way)
    return []
