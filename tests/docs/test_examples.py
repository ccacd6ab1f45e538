"""The examples of the README and the docs run unchanged against the sample seeds."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from lesart import open_archive
from storage.cli.exits import run
from worker.cli import commands as cli

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "README.md", "docs/administration.md", "docs/alerts.md", "docs/bundles.md", "docs/proof.md", "docs/read.md", "docs/sql.md",
)  # fmt: skip
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
WITHOUT_OUTPUT = re.compile(r"checked \d|[1-9]\d* (?:more )?rows")
COMMENT = re.compile(r"\s{2,}#.*$")
RUN_SQL = """
from lesart import open_archive

with open_archive("lesart-data/lesart.sqlite3") as archive:
    for row in archive.sql({query!r}, {{"last": 0, "language": "de"}}).rows:
        print(row)
"""
FILE = re.compile(r'"lesart-data/lesart\.sqlite3"')
SERVER = re.compile(r'"postgresql://lesart_reader:…@127\.0\.0\.1/lesart"')
THREE_VERSIONS = "https://www.hafenkurier.example/lokales/kanalbruecke-sperrung"


def blocks(page: str, language: str) -> list[str]:
    return [
        text for name, text in BLOCK.findall((ROOT / page).read_text("utf-8")) if name == language
    ]


def examples() -> list[tuple[str, str]]:
    """Return the examples that read an archive in Python or SQL: the page, and a Python program."""
    read = [("python.md", each) for each in blocks("docs/python.md", "python")]
    pandas = [("administration.md", each) for each in blocks("docs/administration.md", "python")]
    queries = blocks("docs/sql.md", "sql") + [
        shlex.split(line)[2]
        for block in blocks("docs/sql.md", "sh")
        for line in block.splitlines()
        if line.startswith("lesart sql")
    ]
    return read + pandas + [("sql.md", RUN_SQL.format(query=query)) for query in queries]


def role_for(page: str, program: str) -> str:
    """Return the role that the page names for such a program on PostgreSQL."""
    needs_views_alone = page != "python.md" or "archive.sql(" in program or "session" in program
    return "lesart_reader" if needs_views_alone else "lesart_page"


def console_lines() -> list[str]:
    """Return the commands after a `$` in the console blocks of all pages, once each."""
    lines = [
        COMMENT.sub("", line.removeprefix("$ "))
        for page in PAGES
        for block in blocks(page, "console")
        for line in block.splitlines()
        if line.startswith("$ ")
    ]
    return list(dict.fromkeys(lines))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Give a folder with the samples archived and `.venv/bin/lesart` in it, as a newcomer has it."""
    folder = tmp_path_factory.mktemp("newcomer")
    shutil.copytree(ROOT / "seeds", folder / "seeds")
    program = folder / ".venv" / "bin" / "lesart"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m worker "$@"\n')
    program.chmod(0o755)
    ended = shell(folder, "lesart up --once --format json")
    assert ended.returncode == 0, ended.stderr
    (summary,) = json.loads(ended.stdout)
    return folder, summary


def shell(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name[:7] != "LESART_"}
    environment["PATH"] = f"{folder / '.venv' / 'bin'}:{environment['PATH']}"
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", line], cwd=folder, env=environment,
        capture_output=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.slow
def test_the_samples_are_what_their_page_says(place):
    _, summary = place
    told = re.search(
        r"sees (\d+) items: (\d+) new articles, (\d+) new versions and (\d+) copy",
        (ROOT / "seeds" / "README.md").read_text("utf-8"),
    )
    counts = ("seen", "new_articles", "new_versions", "copies")
    assert told is not None
    assert [summary[name] for name in counts] == [int(number) for number in told.groups()]
    assert summary["refused"] == summary["failed"] == 0


@pytest.mark.slow
def test_ten_scans_of_the_samples_make_no_further_version(place, monkeypatch):
    folder, _ = place
    monkeypatch.chdir(folder)
    for _ in range(10):
        assert run(cli.app, ["up", "--once", "--output", "told.json"]) == 0
        (again,) = json.loads((folder / "told.json").read_text("utf-8"))
        assert again["unchanged"] == again["seen"]
    with open_archive(folder / "lesart-data" / "lesart.sqlite3") as archive:
        assert [each.version for each in archive.history(THREE_VERSIONS)] == [1, 2, 3]


@pytest.mark.parametrize("line", console_lines())
def test_an_example_runs(place, line, monkeypatch, capsys):
    folder, _ = place
    monkeypatch.chdir(folder)
    program, *words = shlex.split(line)
    assert program == "lesart"
    assert run(cli.app, words) == 0
    told = capsys.readouterr()
    assert told.out.strip() or WITHOUT_OUTPUT.search(told.err), f"no output: {told.err}"


def test_the_first_command_ends_with_a_diff(place):
    folder, _ = place
    (block,) = (text for text in blocks("README.md", "sh") if "lesart up --once" in text)
    install, diff = block.strip().splitlines()
    assert install.endswith(".venv/bin/lesart up --once")
    ended = shell(folder, diff)
    assert ended.returncode == 0, ended.stderr
    assert "[-3,6-]{+36+} Millionen Euro" in ended.stdout
    assert "[-frühestens-]{+spätestens+}" in ended.stdout


def test_the_diff_that_the_readme_shows_is_the_one_that_is_printed(place):
    folder, _ = place
    shown = "".join(blocks("README.md", "diff"))
    printed = shell(folder, f"lesart diff {THREE_VERSIONS}@1..@2 || [ $? = 1 ]").stdout
    assert shown == printed


def test_the_python_example_prints_a_hit(place):
    folder, _ = place
    (example,) = blocks("README.md", "python")
    ended = subprocess.run(
        [sys.executable, "-c", example], cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "Kanalbrücke" in ended.stdout


@pytest.fixture(scope="module")
def server(place, postgres_databases):
    """Give the samples in PostgreSQL: the address of its owner, without its role."""
    folder, _ = place
    with postgres_databases.database() as url:
        databases_roles(url)
        assert (
            run(
                cli.app,
                ["ingest", str(folder / "seeds"), "--archive", url, "-o", str(folder / "n.json")],
            )
            == 0
        )
        yield url


def databases_roles(url: str) -> None:
    """Make the roles of the stack that read, unless another test made them in this server."""
    with psycopg.connect(url, autocommit=True) as connection:
        for role in ("lesart_reader", "lesart_page"):
            found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
            connection.execute(f"{'ALTER' if found.fetchone() else 'CREATE'} ROLE {role} LOGIN")


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
@pytest.mark.parametrize(("page", "program"), examples())
def test_an_example_in_python_or_sql_runs_with_the_role_that_its_page_names(
    place, page, program, database, request, monkeypatch, capsys
):
    folder, _ = place
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", f"{folder / '.venv' / 'bin'}:{os.environ['PATH']}")
    address = "sqlite:///lesart-data/lesart.sqlite3"
    if database == "postgresql":
        owner = make_url(request.getfixturevalue("server"))
        address = owner.set(username=role_for(page, program)).render_as_string(hide_password=False)
    program = FILE.sub(repr(address), program)
    pandas_address = address.replace("postgresql://", "postgresql+psycopg://")
    exec(compile(SERVER.sub(repr(pandas_address), program), page, "exec"), {})  # ours
    assert capsys.readouterr().out or "print" not in program or page == "sql.md"


@pytest.mark.slow
def test_a_command_that_the_reader_may_not_run_names_the_role_that_may(server, capsys):
    address = make_url(server).set(username="lesart_reader").render_as_string(hide_password=False)
    for words in (["list"], ["show", THREE_VERSIONS], ["stats"], ["ingest", "seeds"]):
        assert run(cli.app, [*words, "--archive", address]) == 2
        assert "lesart_page" in capsys.readouterr().err
    assert run(cli.app, ["sql", "SELECT count(*) FROM articles", "--archive", address]) == 0
    page = make_url(server).set(username="lesart_page").render_as_string(hide_password=False)
    assert run(cli.app, ["list", "--archive", page]) == 0


def test_the_second_command_runs_the_tests():
    assert any("pytest" in text for text in blocks("README.md", "sh"))
