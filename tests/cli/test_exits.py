"""How commands end."""

import errno
import json
import os
import sqlite3
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import psycopg
import pytest
import typer
from sqlalchemy.exc import OperationalError, ProgrammingError

from storage.cli.exits import OF_ARCHIVES, exit_code_of, run
from storage.cli.options import ArchiveOptions, OutputOptions, WithGroups, command
from storage.cli.output import OutputError, UnwritableError
from storage.database.archive_errors import (
    ArchiveMissingError,
    ArchiveUnreachableError,
    DatabaseUrlError,
)
from storage.database.rows import CursorError
from storage.database.schema_version import SchemaNewerError, SchemaOlderError
from storage.read.query.queries import FilterOptions, PageOptions
from storage.read.render.moment import MomentError
from storage.read.revision import RevisionError
from storage.settings import SettingsError
from storage.values.errors import AmbiguousError, NoSuchError
from worker.cli.commands import app

pytestmark = [pytest.mark.postgresql("fast"), pytest.mark.traced_children]


def refused_by_server(sqlstate: str) -> ProgrammingError:
    origin = Exception("permission denied")
    origin.sqlstate = sqlstate
    return ProgrammingError("SELECT", {}, origin)


ENDINGS = {
    "wrong setting": (SettingsError("every", "it is negative"), 2),
    "wrong time": (MomentError("yesterday"), 2),
    "wrong revision": (RevisionError("x@0", "no"), 2),
    "wrong cursor": (CursorError("x"), 2),
    "wrong place to write to": (OutputError("x", "no"), 2),
    "wrong address": (DatabaseUrlError("x", "no"), 2),
    "several fit": (AmbiguousError("wording", "w1:00000000", ["a", "b"]), 3),
    "newer schema": (SchemaNewerError("x", "2", "1"), 2),
    "older schema": (SchemaOlderError("x", "1", "2"), 2),
    "no archive": (ArchiveMissingError("x"), 3),
    "no such thing": (NoSuchError("article", "x", "look"), 3),
    "database away": (ArchiveUnreachableError("x", "connection refused"), 4),
    "password missing": (ArchiveUnreachableError("x", "fe_sendauth: no password supplied"), 2),
    "password wrong": (ArchiveUnreachableError("x", "password authentication failed"), 2),
    "database locked": (OperationalError("", {}, Exception("database is locked")), 4),
    "server went away": (OperationalError("", {}, Exception("server closed the connection")), 4),
    "disk full": (OperationalError("", {}, Exception("database or disk is full")), 4),
    "disk full, as SQLite says it": (sqlite3.OperationalError("database or disk is full"), 4),
    "server went away, as its driver says it": (psycopg.OperationalError("connection lost"), 4),
    "disk of the server full": (
        OperationalError("", {}, Exception("could not extend file: No space left on device")),
        4,
    ),
    "not to be written": (
        OperationalError("", {}, Exception("attempt to write a readonly database")),
        4,
    ),
    "no room to answer": (UnwritableError("x", "no"), 4),
    "no room at all": (OSError(errno.ENOSPC, "No space left on device"), 4),
    "no more processes": (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), 4),
    "folder not to be written": (PermissionError(errno.EACCES, "Permission denied", "/a"), 4),
    "another error of the system": (ConnectionResetError(errno.ECONNRESET, "reset"), None),
    "no database at all": (OperationalError("", {}, Exception("file is not a database")), 2),
    "not granted": (refused_by_server("42501"), 2),
    "unexpected": (KeyError("x"), None),
    "unexpected of the database": (refused_by_server("42601"), None),
}


@pytest.mark.parametrize(("error", "code"), ENDINGS.values(), ids=ENDINGS.keys())
def test_every_expected_error_has_its_exit_code(error, code):
    assert exit_code_of(error) == code


def test_every_error_that_is_known_by_its_name_is_there():
    for module, name, _code in OF_ARCHIVES:
        assert issubclass(getattr(import_module(module), name), Exception)


def ending_with(error: BaseException) -> typer.Typer:
    toy = typer.Typer(rich_markup_mode=None)

    @toy.callback()
    def root() -> None:
        """Do nothing before."""

    @toy.command()
    def fail() -> None:
        """Raise."""
        raise error

    return toy


def test_an_expected_error_is_one_sentence(capsys):
    assert run(ending_with(ArchiveMissingError("/srv/a\nb")), ["fail"]) == 3
    assert capsys.readouterr().err == (
        "lesart: there is no archive at /srv/a b: `lesart ingest FOLDER` creates one, "
        "`--archive` names another place\n"
    )


def test_a_caller_may_say_how_its_own_errors_end(capsys):
    assert run(ending_with(TimeoutError("no worker")), ["fail"], exit_codes={OSError: 4}) == 4
    assert capsys.readouterr().err == "lesart: no worker\n"


def test_no_sentence_reports_a_password_or_a_statement(capsys):
    origin = Exception("server closed the connection postgresql://u:geheim@h/d\nmore")
    assert run(ending_with(OperationalError("SELECT text", {"t": "Pegel"}, origin)), ["fail"]) == 4
    told = capsys.readouterr().err
    assert "geheim" not in told
    assert "SELECT" not in told
    assert "more" not in told


def test_an_internal_error_goes_to_a_log_in_the_home_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LESART_HOME", str(tmp_path))
    arguments = ["fail"]
    assert run(ending_with(KeyError("redis://:geheim@h")), arguments) == 70
    told = capsys.readouterr().err
    assert (
        told == "lesart: internal error (KeyError): please report it; the details are in "
        f"{tmp_path}/errors.log\n"
    )
    kept = (tmp_path / "errors.log").read_text()
    assert "KeyError" in kept
    assert "Traceback" in kept
    assert "geheim" not in kept


def test_in_a_container_the_trace_is_printed_where_the_log_would_be_lost(monkeypatch, capsys):
    with TemporaryDirectory(dir="/dev/shm") as home:
        monkeypatch.setenv("LESART_HOME", home)
        monkeypatch.setenv("LESART_IMAGE", "true")
        assert run(ending_with(KeyError("x")), ["fail"]) == 70
        assert list(Path(home).iterdir()) == []
    assert "Traceback" in capsys.readouterr().err


def test_without_a_home_folder_none_is_made_and_the_trace_is_printed(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LESART_HOME", str(tmp_path / "none"))
    assert run(ending_with(KeyError("x")), ["fail"]) == 70
    assert "Traceback" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_an_interruption_ends_with_130():
    assert run(ending_with(KeyboardInterrupt()), ["fail"]) == 130


def test_an_answer_that_is_a_no_ends_with_1():
    assert run(ending_with(typer.Exit(1)), ["fail"]) == 1


WRONG_USE = {
    "no such command": ["nope"],
    "no such option": ["list", "--nope"],
    "no number": ["list", "--limit", "many"],
    "limit of zero": ["list", "--limit", "0"],
    "a number that no database knows": ["list", "--limit", "99999999999999999999"],
    "a job that no database knows": ["jobs", "99999999999999999999"],
    "no such format": ["list", "--format", "xlsx"],
    "argument missing": ["show"],
    "no such class": ["changes", "--class", "mood"],
    "nothing at all": [],
    "no command of a group": ["db"],
    "unknown config": ["config", "--config", "/no/such.toml"],
    "wrong address": ["list", "--archive", "mysql://x"],
    "parameter without a name": ["sql", "SELECT 1", "--param", "x"],
    "wrong time": ["list", "--since", "yesterday"],
}


@pytest.mark.parametrize("arguments", WRONG_USE.values(), ids=WRONG_USE.keys())
def test_wrong_use_ends_with_2_and_a_message(arguments, written, capsys):
    assert run(app, arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err


@pytest.mark.parametrize(("arguments", "said", "command"), [
    (["diff"], "Missing argument 'REV'", "lesart diff"),
    (["list", "--format", "xlsx"], "'xlsx' is not one of 'table', 'json'", "lesart list"),
    (["list", "--nope"], "No such option: --nope", "lesart list"),
    (["source", "run"], "Missing argument", "lesart source run"),
    (["nope"], "No such command 'nope'", "lesart"),
])  # fmt: skip
def test_wrong_use_is_two_lines(arguments, said, command, capsys):
    assert run(app, arguments) == 2
    what, where = capsys.readouterr().err.splitlines()
    assert what.startswith("lesart: ")
    assert said in what
    assert where == f"lesart: try `{command} --help`"


@pytest.mark.parametrize(("words", "usage"), [
    (["-h"], "lesart [OPTIONS]"),
    (["help"], "lesart [OPTIONS]"),
    (["diff", "-h"], "lesart diff"),
    (["help", "diff"], "lesart diff"),
    (["source", "run", "-h"], "lesart source run"),
    (["help", "source", "run"], "lesart source run"),
    (["up", "-h"], "lesart up"),
])  # fmt: skip
def test_help_has_a_short_option_and_a_command(words, usage):
    done = subprocess.run(
        [sys.executable, "-m", "worker", *words], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"Usage: {usage}")
    assert "-h, --help" in done.stdout
    assert done.stderr == ""


def test_the_head_of_a_long_answer_ends_silently(tmp_path):
    script = (
        "import sys; from storage.cli.exits import run; import typer\n"
        "from storage.cli.output import AnswerTarget, write_rows\n"
        "app = typer.Typer()\n"
        "@app.command()\n"
        "def long() -> None:\n"
        "    write_rows(({'n': n} for n in range(10**7)), AnswerTarget(format='jsonl'))\n"
        "sys.exit(run(app, []))\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert json.loads(child.stdout.readline()) == {"n": 0}
    child.stdout.close()
    assert child.stderr.read() == b""
    child.stderr.close()
    assert child.wait(30) == 0


def test_answers_are_utf8_in_any_locale():
    script = (
        "import sys; from storage.cli.exits import run; import typer\n"
        "from storage.cli.output import AnswerTarget, write_rows\n"
        "app = typer.Typer()\n"
        "@app.command()\n"
        "def told() -> None:\n"
        "    write_rows([{'t': '\\xd6l \\udcff'}], AnswerTarget(format='jsonl'))\n"
        "sys.exit(run(app, []))\n"
    )
    environ = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    told = subprocess.run(
        [sys.executable, "-c", script], env=environ, capture_output=True, check=True
    )
    assert json.loads(told.stdout.decode("utf-8"))["t"] == "Öl \udcff"


# ------------------------------------------------------------------------------- options


@pytest.fixture
def told() -> list:
    return []


@pytest.fixture
def toy(told) -> typer.Typer:
    toy = typer.Typer(rich_markup_mode=None)

    @toy.callback()
    @WithGroups
    def root(place: ArchiveOptions, shown: OutputOptions) -> None:
        """Take the options before the command."""

    @command(toy, "ask", example="toy ask")
    def ask(
        place: ArchiveOptions,
        filtering: FilterOptions,
        page: PageOptions,
        shown: OutputOptions,
        word: Annotated[str, typer.Argument()] = "none",
    ) -> None:
        """Record the parsed values."""
        told.extend([place, filtering, page, shown, word, place.settings()])

    return toy


def test_groups_arrive_as_values(toy, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = "ask Damm --archive a.sqlite3 --language de --limit 3 --after x --format csv -o -"
    assert run(toy, given.split()) == 0
    place, filtering, page, shown, word, settings = told
    assert place.archive == settings.database_url == "a.sqlite3"
    assert (filtering.language, filtering.since) == ("de", None)
    assert (page.limit, page.after) == (3, "x")
    assert (shown.target().chosen, shown.target().path) == ("csv", None)
    assert word == "Damm"


def test_an_option_before_the_command_counts_unless_one_is_after_it(
    toy, told, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    before = "--archive before.sqlite3 --format csv ask"
    assert run(toy, [*before.split(), "--archive", "after.sqlite3"]) == 0
    place, _, _, shown, _, settings = told
    assert place.archive == settings.database_url == "after.sqlite3"
    assert shown.format == "csv"


def test_files_may_be_named_before_the_command_as_well(toy, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.toml").write_text('timezone = "Europe/Berlin"\n')
    assert run(toy, ["--config", "own.toml", "-o", "rows.csv", "ask"]) == 0
    _, _, _, shown, _, settings = told
    assert settings.timezone == "Europe/Berlin"
    assert shown.target().path == Path("rows.csv")
    assert run(toy, ["--config", "none.toml", "ask"]) == 2


def test_the_ending_of_a_file_names_its_format_unless_one_is_given(
    toy, told, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert run(toy, ["ask", "-o", "x.tsv"]) == 0
    assert told[3].target().chosen == "tsv"
    assert run(toy, ["ask", "-o", "x.tsv", "--format", "json"]) == 0
    assert told[9].target().chosen == "json"


def test_a_database_that_does_not_answer_ends_with_4_and_reports_no_password(lesart):
    url = "postgresql://lesart:geheim@127.0.0.1:1/lesart?connect_timeout=2"
    code, told, message = lesart("list", "--archive", url)
    assert (code, told) == (4, "")
    assert message.startswith("lesart: the database at postgresql")
    assert "geheim" not in message
