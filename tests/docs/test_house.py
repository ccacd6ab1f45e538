"""The house stays as small as it was wanted: rooms, folders and functions have a bound."""

import ast
from collections import Counter
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = [path for room in ("storage", "worker") for path in sorted((ROOT / room).rglob("*.py"))]
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def lengths() -> dict[str, int]:
    return {
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}": (node.end_lineno or 0)
        - node.lineno
        + 1
        for path in PRODUCT
        for node in ast.walk(parsed(path))
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


def test_no_file_has_more_than_500_lines():
    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines())
               for path in PRODUCT}  # fmt: skip
    assert {name: n for name, n in lengths.items() if n > 500} == {}


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


def late_imports(tree: ast.Module) -> set[str]:
    """Return what functions import."""
    return {
        alias.name if isinstance(inner, ast.Import) else f"{inner.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, DEFINITIONS)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
        for alias in inner.names
    }


def test_no_module_imports_more_than_twenty_of_ours():
    numbers = {str(path.relative_to(ROOT)): len(own_imports(parsed(path))) for path in PRODUCT}
    assert {name: n for name, n in numbers.items() if n > 20} == {}


def test_functions_import_only_optional_packages():
    """Everything else that is loaded late is in a block `with late_imports()`."""
    found = {name for path in PRODUCT for name in late_imports(parsed(path))}
    assert found == {"apprise", "obstore", "obstore.store.S3Store", "storage.export.parquet"}


def test_blocks_of_late_imports_import_modules():
    blocks = [
        node
        for path in PRODUCT
        for node in parsed(path).body
        if isinstance(node, ast.With) and ast.unparse(node.items[0]) == "late_imports()"
    ]
    imported = [name for block in blocks for name in own_imports(block)]
    names = [alias for block in blocks for node in block.body for alias in node.names
             if ast.unparse(node).startswith(("from storage", "from worker"))]  # fmt: skip
    assert len(imported) == len(names) > 100


def test_functions_are_short():
    found = lengths()
    assert {name: n for name, n in found.items() if n > 60} == {}
    assert median(found.values()) <= 9
