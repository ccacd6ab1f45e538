"""The house stays as small as it was wanted: rooms, folders and functions have a bound."""

import ast
from collections import Counter
from functools import cache
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = [path for room in ("storage", "worker") for path in sorted((ROOT / room).rglob("*.py"))]
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Module(NamedTuple):
    """What the rules ask of a module; its tree would take ten times the memory."""

    path: str
    lengths: dict[str, int]
    imports: set[str]
    imports_of_functions: set[str]
    branches: list[tuple[dict[str, str], dict[str, str]]]
    attributes: dict[str, set[str]]


@cache
def modules() -> list[Module]:
    return [read_module(path) for path in PRODUCT]


def read_module(path: Path) -> Module:
    tree, name = ast.parse(path.read_text("utf-8")), str(path.relative_to(ROOT))
    return Module(
        name,
        function_lengths(name, tree),
        own_imports(tree),
        function_imports(tree),
        type_checking_branches(tree),
        attributes_by_class(tree),
    )


def function_lengths(name: str, tree: ast.Module) -> dict[str, int]:
    return {
        f"{name}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for node in ast.walk(tree)
        if isinstance(node, DEFINITIONS)
    }


def test_storage_has_at_most_seventeen_rooms():
    rooms = {path.relative_to(ROOT / "storage").parts[0] for path in PRODUCT
             if path.is_relative_to(ROOT / "storage")}  # fmt: skip
    assert len([each for each in rooms if not each.endswith(".py")]) <= 17


def test_no_folder_has_more_than_twenty_files():
    others = [path for name in ("bench", "tests") for path in (ROOT / name).rglob("*.py")]
    files = Counter(str(path.parent.relative_to(ROOT)) for path in (*PRODUCT, *others))
    assert {name: n for name, n in files.items() if n > 20} == {}


def test_no_file_has_more_than_700_lines():
    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines())
               for path in PRODUCT}  # fmt: skip
    assert {name: n for name, n in lengths.items() if n > 700} == {}


def is_own_module(name: str) -> bool:
    place = ROOT.joinpath(*name.split("."))
    return place.with_suffix(".py").is_file() or (place / "__init__.py").is_file()


def own_imports(tree: ast.AST) -> set[str]:
    """Return our modules that a module imports, also those loaded late or for types alone."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if is_own_module(name) else node.module for name in names}
    return {name for name in found if is_own_module(name)}


def function_imports(tree: ast.Module) -> set[str]:
    """Return what functions import."""
    return {
        alias.name if isinstance(inner, ast.Import) else f"{inner.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, DEFINITIONS)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
        for alias in inner.names
    }


def test_no_module_imports_more_than_thirty_of_ours():
    numbers = {each.path: len(each.imports) for each in modules()}
    assert {name: n for name, n in numbers.items() if n > 30} == {}


def test_functions_import_only_optional_packages():
    """Everything else that is loaded at first use is a `LazyModule`."""
    found = {name for each in modules() for name in each.imports_of_functions}
    assert found == {"apprise", "obstore", "obstore.store.S3Store", "storage.export.parquet"}


def type_checking_branches(tree: ast.Module) -> list[tuple[dict[str, str], dict[str, str]]]:
    """Return what `if TYPE_CHECKING` imports and its `else` loads lazily: module names by name."""
    found = []
    for node in tree.body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and node.orelse:
            imported = {
                alias.asname or alias.name: f"{part.module}.{alias.name}"
                if isinstance(part, ast.ImportFrom)
                else alias.name
                for part in node.body
                if isinstance(part, ast.Import | ast.ImportFrom)
                for alias in part.names
            }
            loaded = {
                ast.unparse(part.targets[0]): ast.literal_eval(part.value.args[0])
                for part in node.orelse
                if isinstance(part, ast.Assign) and isinstance(part.value, ast.Call)
            }
            assert len(loaded) == len(node.orelse), ast.unparse(node)
            found.append((imported, loaded))
    return found


def test_a_lazy_module_is_the_module_that_type_checkers_import():
    branches = [(each.path, *branch) for each in modules() for branch in each.branches]
    differing = [
        (path, name)
        for path, imported, loaded in branches
        for name, module in loaded.items()
        if imported.get(name) != module
        or (module.startswith(("storage.", "worker.")) and not is_own_module(module))
    ]
    assert differing == []
    assert len(branches) > 50


def test_functions_are_short():
    found = {name: n for each in modules() for name, n in each.lengths.items()}
    assert {name: n for name, n in found.items() if n > 60} == {}
    assert median(found.values()) <= 9


def attributes_by_class(tree: ast.Module) -> dict[str, set[str]]:
    """Return the attributes that the methods of each class assign."""
    return {
        definition.name: {
            node.attr
            for method in definition.body
            if isinstance(method, DEFINITIONS)
            for node in ast.walk(method)
            if isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and isinstance(node.value, ast.Name)
            and node.value.id == "self"
        }
        for definition in ast.walk(tree)
        if isinstance(definition, ast.ClassDef)
    }


def test_no_class_has_more_than_twelve_attributes():
    """The fields of a record that its methods never assign are not counted."""
    found = {
        f"{module.path} {name}": sorted(names)
        for module in modules()
        for name, names in module.attributes.items()
    }
    assert {name: names for name, names in found.items() if len(names) > 12} == {}
    assert len(found) > 400
