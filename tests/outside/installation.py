"""The program as others have it: its wheel in an empty environment, with what it requires and no more."""

import os
import shutil
import subprocess
import venv
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
Packages = dict[str, metadata.Distribution]
"""Installed packages by their canonical names."""


@dataclass(frozen=True)
class Installation:
    """An environment with the wheel; `extras` is a folder with the packages of the extra `mcp`."""

    folder: Path

    @property
    def programs(self) -> Path:
        return self.folder / "venv" / "bin"

    @property
    def packages(self) -> Path:
        (found,) = (self.folder / "venv" / "lib").glob("python3*/site-packages")
        return found

    @property
    def extras(self) -> Path:
        return self.folder / "extras"

    def run(self, *words: str | Path, cwd: Path) -> str:
        """Run a program of the environment and return its output."""
        ended = subprocess.run(
            words, cwd=cwd, env=clean_environment(self), capture_output=True, encoding="utf-8",
            timeout=600, check=False,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout


def clean_environment(installed: Installation, **more: str) -> dict[str, str]:
    """Return variables that name neither the checkout nor settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LESART_", "PYTHON", "PYTEST_", "VIRTUAL_ENV", "COV"))
    }
    return kept | {"PATH": f"{installed.programs}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"} | more


def install(folder: Path) -> Installation:
    """Build the wheel of the tracked files and install it, without extras, into `folder`."""
    found = Installation(folder)
    source = folder / "source"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        if name.startswith(("lesart/", "storage/", "worker/")) or "/" not in name:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, source / name)
    venv.create(folder / "venv", with_pip=True)
    pip = (found.programs / "python", "-m", "pip", "--quiet", "--disable-pip-version-check")
    found.run(*pip, "wheel", "--no-deps", "--wheel-dir", folder, source, cwd=folder)
    (wheel,) = folder.glob("lesart-*.whl")
    found.run(*pip, "install", "--no-deps", wheel, cwd=folder)
    (own,) = metadata.distributions(name="lesart", path=[str(found.packages)])
    required = closure(own, frozenset())
    link(required, found.packages)
    with_tools = closure(own, frozenset({"mcp"}))
    link({name: with_tools[name] for name in {*with_tools} - {*required}}, found.extras)
    found.run(*pip, "check", cwd=folder)
    shutil.rmtree(source)
    return found


def closure(own: metadata.Distribution, extras: frozenset[str]) -> Packages:
    """Return the packages that a package with these extras requires, directly or not."""
    found: Packages = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [(own, extras)]
    while waiting:
        package, wanted = waiting.pop()
        for requirement in map(Requirement, package.requires or ()):
            marker = requirement.marker
            if marker and not any(marker.evaluate({"extra": each}) for each in wanted or {""}):
                continue
            name, asked = canonicalize_name(requirement.name), frozenset(requirement.extras)
            if (name, asked) not in seen:
                seen.add((name, asked))
                found[name] = metadata.distribution(name)
                waiting.append((found[name], asked | {""}))
    return found


def link(packages: Mapping[str, metadata.Distribution], folder: Path) -> None:
    """Link packages of the environment of the tests into a folder, which has no others then.

    Nothing is downloaded: `.ci/run` installed them by the lock file.
    """
    folder.mkdir(exist_ok=True)
    shared = Counter(top for each in metadata.distributions() for top in _tops(each))
    for each in packages.values():
        for top in _tops(each):
            names: Iterable[str] = [top]
            if shared[top] > 1:  # a folder of several packages
                names = [str(file) for file in each.files or () if file.parts[0] == top]
            for name in names:
                place, target = Path(str(each.locate_file(name))), folder / name
                if place.exists() and not target.exists():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.symlink_to(place)


def _tops(package: metadata.Distribution) -> set[str]:
    return {file.parts[0] for file in package.files or ()} - {"..", "__pycache__"}
