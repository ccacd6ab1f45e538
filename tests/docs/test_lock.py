"""The lock files contain the requirements of the project, each package by its digest."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PINNED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)", re.MULTILINE)


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def pinned(name: str) -> dict[str, set[str]]:
    versions: dict[str, set[str]] = {}
    for found in PINNED.finditer((ROOT / name).read_text("utf-8")):
        versions.setdefault(canonicalize_name(found["name"]), set()).add(found["version"])
    return versions


def asked(*, extras: bool) -> list[Requirement]:
    found = project()
    more = [line for lines in found["optional-dependencies"].values() for line in lines]
    return [Requirement(line) for line in found["dependencies"] + (more if extras else [])]


@pytest.mark.parametrize(
    ("name", "extras"), [("requirements.txt", False), ("requirements-test.txt", True)]
)
def test_every_package_that_the_project_asks_for_is_locked_in_a_version_that_it_allows(
    name, extras
):
    locked = pinned(name)
    wrong = [
        str(each)
        for each in asked(extras=extras)
        if canonicalize_name(each.name) != "lesart"
        and not any(
            each.specifier.contains(version)
            for version in locked.get(canonicalize_name(each.name), ())
        )
    ]
    assert wrong == [], "run .ci/lock"


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-test.txt"])
def test_every_locked_package_carries_its_digests_and_no_address(name):
    text = (ROOT / name).read_text("utf-8")
    entries = re.split(r"\n(?=\S)", text.strip())
    assert [each for each in entries if "--hash=sha256:" not in each] == []
    assert "://" not in text


def test_the_image_is_built_from_the_lock_file():
    assert "--no-deps --require-hashes -r requirements.txt" in (ROOT / "Dockerfile").read_text(
        "utf-8"
    )


@pytest.mark.parametrize("extra", ["apprise", "mcp", "parquet", "s3"])
def test_the_tests_install_what_a_part_of_the_program_needs(extra):
    """The README's test command installs the extra `test` alone."""
    found = project()["optional-dependencies"]
    assert set(found[extra]) <= set(found["test"])


def test_each_package_that_a_module_imports_is_asked_for():
    known = packages_distributions()  # of what is installed
    installed = {canonicalize_name(each) for found in known.values() for each in found}
    named = {canonicalize_name(each.name): each.extras for each in asked(extras=True)}
    for name, extras in [(name, named[name]) for name in named.keys() & installed]:
        for other in map(Requirement, requires(name) or ()):
            chosen = [{"extra": extra} for extra in extras or [""]]
            if other.marker is None or any(map(other.marker.evaluate, chosen)):
                named[canonicalize_name(other.name)] = set()
    missing = {
        (package, str(path.relative_to(ROOT)))
        for room in ("lesart", "storage", "worker")
        for path in (ROOT / room).rglob("*.py")
        for package in imported(path) - sys.stdlib_module_names - {"lesart", "storage", "worker"}
        if package in known
        if not named.keys() & {canonicalize_name(each) for each in known[package]}
    }
    assert missing == set(), "add the package to pyproject.toml, and run .ci/lock"


def imported(path: Path) -> set[str]:
    """Return the packages whose modules a file imports."""
    nodes = [*ast.walk(ast.parse(path.read_text("utf-8")))]
    modules = [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    modules += [each.name for node in nodes if isinstance(node, ast.Import) for each in node.names]
    return {module.partition(".")[0] for module in modules}
