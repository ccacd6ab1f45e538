"""A command loads only required modules: started as a user does, with the interpreter's own list."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from storage.cli.app import PANELS
from storage.read.query.doors import DOORS
from worker.cli.commands import app
from worker.cli.program import READING

REPOSITORY = Path(__file__).resolve().parents[2]
WRITING = {
    "alembic", "apscheduler", "celery", "dateparser", "kombu", "lxml", "numpy", "psycopg",
    "py3langid", "pydantic", "redis", "rensa", "rich", "sqlmodel", "structlog", "trafilatura",
}  # fmt: skip
"""Packages that no reading command and no error message needs."""
ARTICLE = "seed:seeds/pegel.txt"
READING_ALONE = ["sqlalchemy", "worker.cli.commands", "storage.database.tables"]
INGESTING = {
    "alembic",
    "apscheduler",
    "celery",
    "dateparser",
    "kombu",
    "psycopg",
    "redis",
    "trafilatura",
}
"""Packages that no text needs."""
NO_DATABASE = ["sqlalchemy", "sqlite3", "urllib3", "worker.cli.control", "worker.flow.order"]
COMMANDS = {
    "help": (0, ["--help"], ["sqlalchemy", "sqlite3", "http", "storage.read.archive"]),
    "version": (0, ["--version"], ["sqlalchemy", "sqlite3", "http", "storage.read.archive"]),
    "unknown command": (2, ["lst"], ["sqlalchemy", "sqlite3", "http", "storage.cli.report"]),
    "wrong option": (2, ["list", "--lmit", "3"], ["sqlalchemy", "sqlite3", "worker.cli.commands"]),
    "list": (0, ["list"], READING_ALONE),
    "show": (0, ["show", ARTICLE], READING_ALONE),
    "diff": (1, ["diff", ARTICLE], READING_ALONE),
    "search": (0, ["search", "Pegel"], READING_ALONE),
    "changes": (0, ["changes"], READING_ALONE),
    "unknown article": (3, ["show", "missing"], READING_ALONE),
    "unknown cursor": (2, ["list", "--after", "x"], READING_ALONE),
    "unknown file": (3, ["ingest", "missing.txt"], NO_DATABASE),
    "unknown folder": (3, ["source", "add", "missing"], NO_DATABASE),
    "bad address": (2, ["source", "add", "ftp://zeitung.example/a"], NO_DATABASE),
    "explained address": (1, ["explain", "mailto:a@zeitung.example"], NO_DATABASE),
}


def loaded_modules(exit_code: int, *words: str) -> set[str]:
    """Return the modules that a command loads; it ends with that exit code."""
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "worker", *words],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == exit_code, ended.stderr
    lines = [line for line in ended.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines}


@pytest.mark.few_cases
@pytest.mark.parametrize(("exit_code", "words", "others"), COMMANDS.values(), ids=COMMANDS)
def test_a_command_loads_only_required_modules(exit_code, words, others, small_archive):
    modules = loaded_modules(exit_code, *words)
    assert "typer" in modules
    assert modules & {*WRITING, *others} == set()


def test_one_file_loads_no_other_command_list_or_database(small_archive, tmp_path):
    text = "# Der Deich hält\n\nDer Rat von Harkenbrück ist mit dem Deich und mit sich zufrieden.\n"
    (tmp_path / "deich.md").write_text(text, "utf-8")
    modules = loaded_modules(0, "ingest", str(tmp_path / "deich.md"))
    assert "storage.write.readings.store" in modules
    others = {
        "py3langid", "sqlalchemy.dialects.postgresql", "storage.write.redaction.redact_articles",
        "worker.cli.commands", "worker.flow.document_process", "worker.sources.listings.listing",
        "storage.read.archive", "storage.read.answers",
    }  # fmt: skip
    assert modules & (INGESTING | others) == set()


def test_each_reading_command_is_in_the_module_that_is_loaded_for_it():
    module = "storage.cli.article_commands"
    own = {each.name for each in app.registered_commands if each.callback.__module__ == module}
    assert own | {*DOORS} == set(READING)
    assert own <= {name for names in PANELS.values() for name in names}


def test_the_library_loads_sqlmodel_with_the_first_class_of_a_view():
    script = (
        "import sys, lesart; early = {'sqlmodel', 'sqlalchemy'} & {*sys.modules}; "
        "print(early, lesart.Article.__tablename__, hasattr(lesart, 'missing'), lesart.Diff.__name__)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert ended.stdout == "set() articles False Diff\n"
