"""Delete a capability in a scratch copy, and use the program that is left.

`python -m tests.tools.without NAME` deletes the folders, the tests and the document of a capability
and its lines in the list of capabilities and in the stubs. The commands then read and change an
archive that the whole program made, rows of the capability included, and upgrade an archive of each
earlier schema. Exit code 1 names the failed checks. `--quick` leaves out the tests that remain.
"""

import argparse
import json
import os
import pkgutil
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("storage/capabilities", "worker/capabilities", "tests/capabilities")
COMMANDS = (
    "list", "verify", "doctor", "stats", "export --format jsonl", "export --format warc",
    "up --once", "verify", "db upgrade",
)  # fmt: skip
PAGES = ("/", "/search?q=pegel", "/sources", "/refusals", "/relations", "/statistics", "/alerts",
         "/jobs", "/api/articles", "/api/changes", "/api/stats", "/metrics")  # fmt: skip
TESTS = (
    "tests/capabilities/test_capabilities.py", "tests/database/test_table_facts.py",
    "tests/database/test_opening.py",
)  # fmt: skip


def delete(name: str, copy: Path) -> None:
    """Delete a capability in a copy of the program."""
    listed = copy / ROOMS[0] / "__init__.py"
    facts = import_module(f"storage.capabilities.{name}")
    constant = name.upper()
    for room in ROOMS:
        shutil.rmtree(copy / room / name, ignore_errors=True)
    (copy / "docs" / getattr(facts, constant).document).unlink()
    text = re.sub(rf"\b{constant}, ?", "", listed.read_text("utf-8"))
    listed.write_text(_without_lines(text, f"storage.capabilities.{name} import"), "utf-8")
    stubs = copy / "lesart/views.pyi"
    text = _without_lines(stubs.read_text("utf-8"), f"storage.capabilities.{name} import")
    stubs.write_text(_without_lines(text, f" {name}."), "utf-8")


def _without_lines(text: str, words: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if words not in line)


def copy_program(target: Path) -> None:
    """Copy the files of the checkout that Git tracks."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target / name)


def make_archive(folder: Path) -> str:
    """Make an archive with a row in each table of the record, and a log of them."""
    driver, whole = import_module("tests.flow.driver"), import_module("tests.flow.whole_record")
    room = driver.Newsroom(f"sqlite:///{folder}/archive.sqlite3", folder)
    whole.fill_record(room)
    whole.log_record(room)
    room.close()
    return f"{folder}/archive.sqlite3"


def failures(name: str, *, is_quick: bool = False, is_import: bool = False) -> list[str]:
    """Return the checks that fail without a capability, each with the end of its output.

    `is_quick` leaves out the tests that remain, `is_import` all but the import of each module.
    """
    with tempfile.TemporaryDirectory() as made:
        copy, rows = Path(made, "copy"), Path(made, "rows")
        copy.mkdir()
        rows.mkdir()
        copy_program(copy)
        delete(name, copy)
        python = [sys.executable, "-m"]
        if is_import:
            return [*_run([*python, "tests.tools.without", "--here", "modules"], copy)]
        checks = (["modules"], ["schemas"], ["pages", make_archive(rows)])
        words = [[*python, "tests.tools.without", "--here", *each] for each in checks]
        place = ["--archive", str(rows / "archive.sqlite3")]
        words += [[*python, "worker", *each.split(), *place] for each in COMMANDS]
        if not is_quick:
            words.append([*python, "pytest", "-q", "-x", "-n0", *TESTS])
        return [failure for each in words for failure in _run(each, copy)]


def _run(words: list[str], copy: Path) -> Iterator[str]:
    variables = os.environ | {"PYTHONPATH": str(copy)}
    ended = subprocess.run(
        words, cwd=copy, env=variables, capture_output=True, text=True, timeout=600, check=False
    )
    # `up` also ends with 1 when a document was refused
    if ended.returncode not in ({0, 1} if "up" in words else {0}):
        yield f"{' '.join(words[2:])}: {ended.returncode}: {(ended.stdout + ended.stderr)[-700:]}"


def import_modules() -> None:
    """Import all modules of the program."""
    for package in ("storage", "worker", "lesart"):
        found = import_module(package)
        for module in pkgutil.walk_packages(found.__path__, f"{package}."):
            if not module.name.endswith("__main__") and ".migrations." not in module.name:
                import_module(module.name)


def upgrade_schemas() -> None:
    """Upgrade an archive of each earlier schema, and list it."""
    upgrades = import_module("tests.database.test_upgrade")
    cli, run = import_module("worker.cli.commands"), import_module("storage.cli.exits").run
    with tempfile.TemporaryDirectory() as made:
        for number, (_commit, revision, schema) in enumerate(upgrades.schemas()):
            old = upgrades.made(Path(made, f"{number}.sqlite3"), revision, schema)
            for words in (["db", "upgrade"], ["list"]):
                if run(cli.app, [*words, "--archive", old]) != 0:
                    sys.exit(f"{' '.join(words)} of schema {revision} failed")


def request_pages(archive: str) -> None:
    """Request pages and lists from the web server."""
    serve = import_module("tests.serve.conftest")
    with serve.served(f"sqlite:///{archive}") as client:
        article = client.get("/api/articles").json()["items"][0]["article"]
        own = [f"/a/{article}{end}" for end in ("", "/checks", "/cite", "/since")]
        answers = {path: client.get(path).status_code for path in (*PAGES, *own)}
    if wrong := {path: status for path, status in answers.items() if status != 200}:
        sys.exit(json.dumps(wrong))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", metavar="NAME")
    parser.add_argument("--quick", action="store_true", help="leave out the tests that remain")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        checks = {"modules": import_modules, "schemas": upgrade_schemas, "pages": request_pages}
        checks[given.names[0]](*given.names[1:])
        return 0
    found = {name: failures(name, is_quick=given.quick) for name in given.names}
    for name, failed in found.items():
        sys.stdout.write("\n".join([f"without {name}: {len(failed)} checks failed", *failed, ""]))
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
