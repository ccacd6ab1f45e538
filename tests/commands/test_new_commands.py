"""`watch`, `open`, `version`, `lineages`, `source show`, and output files by their suffix."""

import json
import signal
from pathlib import Path

import pytest

from storage.cli.exits import run
from storage.web.app import make_app
from storage.web.archives import ServedArchive
from storage.web.server import ThreadedServer, bound
from tests.commands.conftest import Shell, wait_until
from tests.flow.driver import SENTENCES, seed
from worker.cli.commands import app

FORMATS = (".csv", ".json", ".jsonl", ".tsv")


@pytest.mark.parametrize("words", [["changes"], ["list"], ["stats"], ["source", "list"]])
@pytest.mark.parametrize("name", ["x.xlsx", "x.jsonl.gz"])
def test_a_suffix_that_a_command_does_not_write_is_refused_with_those_that_it_writes(
    small_archive, words, name, capsys
):
    assert run(app, [*words, "-o", name]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert all(suffix in printed.err for suffix in FORMATS)
    assert not Path(name).exists()


def test_a_suffix_is_refused_before_anything_is_done(archived):
    (archived.folder / "a.txt").write_text(seed("Pegel", SENTENCES[0]))
    before = archived.run("jobs").stdout
    assert archived.run("ingest", "a.txt", "-o", "x.parquet").returncode == 2
    assert archived.run("jobs").stdout == before


@pytest.mark.slow
def test_a_file_is_written_in_the_format_that_its_suffix_names(archived):
    starts = {
        ("export", "e.parquet"): b"PAR1", ("export", "e.warc"): b"WARC/1", ("list", "l.json"): b"[",
        ("changes", "c.csv"): b"article,", ("show", "s.txt"): b"Der Damm", ("cite", "c.bib"): b"@misc",
    }  # fmt: skip
    for (command, name), start in starts.items():
        words = ["seed:seeds/pegel.txt"] if command in {"show", "cite"} else []
        ended = archived.run(command, *words, "-o", name)
        assert ended.returncode == 0, ended.stderr
        assert (archived.folder / name).read_bytes().startswith(start)
    assert archived.run("-o", "first.parquet", "export").returncode == 0
    assert (archived.folder / "first.parquet").read_bytes().startswith(b"PAR1")


def test_a_format_that_is_named_counts_more_than_the_suffix(archived):
    assert archived.run("list", "--format", "json", "-o", "x.dat").returncode == 0
    assert json.loads((archived.folder / "x.dat").read_text("utf-8"))


def test_version_prints_the_version(archived):
    assert archived.run("version").stdout == archived.run("--version").stdout
    assert "Python 3" in archived.run("version").stdout


@pytest.fixture
def edited(shell: Shell) -> Shell:
    """Give an archive in which one file has changed once."""
    (shell.folder / "in").mkdir()
    write(shell, "Der Pegel stieg um 3 Meter.")
    assert shell.run("source", "add", "in", "--name", "presse").returncode == 0
    scan(shell)
    write(shell, "Der Pegel stieg um 4 Meter.")
    scan(shell)
    return shell


def write(shell: Shell, sentence: str) -> None:
    (shell.folder / "in" / "damm.txt").write_text(seed("Damm", f"{sentence} {SENTENCES[0]}"))


def scan(shell: Shell) -> None:
    assert shell.run("up", "--once").returncode == 0


@pytest.mark.slow
def test_watch_writes_each_change_as_it_comes_and_continues_after_its_cursor(edited):
    process = edited.start("watch", "--class", "number", "--source", "presse")
    assert "watching for changes" in process.stderr.readline()
    write(edited, "Der Pegel stieg um 5 Meter.")
    scan(edited)
    row = json.loads(process.stdout.readline())
    assert (row["version"], row["added"]) == (3, ["5"])
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (130, "")
    cursor = err.strip().rpartition("--after ")[2]
    assert int(cursor) >= int(row["cursor"])
    write(edited, "Der Pegel stieg um 6 Meter.")
    scan(edited)
    later = edited.run("watch", "--after", cursor, "--limit", "1")
    assert json.loads(later.stdout)["version"] == 4


@pytest.mark.slow
def test_watch_ends_when_no_one_reads_it_any_more(edited):
    process = edited.start("watch", "--after", "0")
    assert json.loads(process.stdout.readline())["version"] == 2
    process.stdout.close()
    process.stderr.read()
    assert process.wait(timeout=120) == 0


@pytest.mark.slow
def test_watch_starts_after_its_cursor(edited):
    ended = edited.run("watch", "damm.txt", "--after", "0", "--limit", "1", "--format", "table")
    assert ended.returncode == 0, ended.stderr
    first, *passages = ended.stdout.splitlines()
    assert "@2" in first
    assert "number" in first
    assert [line[:3] for line in passages] == ["  -", "  +"]
    assert edited.run("watch", "--after", "gestern").returncode == 2


@pytest.mark.slow
def test_a_source_is_shown_with_its_schedule_and_figures(edited):
    row = json.loads(edited.run("source", "show", "presse").stdout)
    assert (row["name"], row["kind"], row["articles"], row["paused"]) == (
        "presse",
        "folder",
        1,
        False,
    )
    assert row["last_scan"]
    ended = edited.run("source", "show", "nix")
    assert (ended.returncode, "lesart source list" in ended.stderr) == (3, True)


@pytest.mark.slow
def test_a_file_is_shown_by_its_last_part_and_several_are_offered(edited):
    found = json.loads(edited.run("show", "damm.txt").stdout)
    assert (found["origin"], found["version"]) == ("seed:presse/damm.txt", 2)
    assert json.loads(edited.run("show", "damm.txt@1").stdout)["version"] == 1
    wrong = edited.run("show", "damm.txt@gestern")
    assert (wrong.returncode, "@gestern is neither" in wrong.stderr) == (2, True)
    (edited.folder / "in" / "alt").mkdir()
    (edited.folder / "in" / "alt" / "damm.txt").write_text(seed("Alt", SENTENCES[1]))
    scan(edited)
    ended = edited.run("show", "damm.txt")
    assert (ended.returncode, ended.stdout) == (3, "")
    assert "seed:presse/alt/damm.txt, seed:presse/damm.txt" in ended.stderr
    assert json.loads(edited.run("show", "alt/damm.txt").stdout)["title"] == "Alt"


def test_an_article_opens_in_the_browser_and_without_one_its_address_is_printed(archived):
    browser = archived.folder / "browser"
    browser.write_text('#!/bin/sh\nprintf "%s" "$1" > opened.part && mv opened.part opened\n')
    browser.chmod(0o755)
    with bound("127.0.0.1", 0) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        archived.settings |= {"LESART_WEB_ADDRESS": address, "BROWSER": f"{browser} %s"}
        archive = f"sqlite:///{archived.folder}/lesart-data/lesart.sqlite3"
        with ThreadedServer(make_app(ServedArchive(archive)), listening):
            ended = archived.run("open", "pegel.txt@1")
            assert (ended.returncode, ended.stdout) == (0, "")
            wait_until((archived.folder / "opened").exists)
            opened = (archived.folder / "opened").read_text("utf-8")
            article = json.loads(archived.run("show", "pegel.txt").stdout)["article"]
            assert opened == f"http://{address}/a/{article}/1"
            archived.settings |= {"BROWSER": "none-of-this-name", "PATH": "", "DISPLAY": ""}
            assert archived.run("open").stdout == f"http://{address}/\n"
            assert archived.run("open", "pegel.txt").stdout == f"http://{address}/a/{article}\n"
            assert archived.run("open", "nix").returncode == 3


def test_open_says_how_to_start_the_page_where_none_answers(archived):
    with bound("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
    archived.settings["LESART_WEB_ADDRESS"] = f"127.0.0.1:{port}"
    ended = archived.run("open")
    assert (ended.returncode, ended.stdout) == (4, "")
    assert f"http://127.0.0.1:{port}" in ended.stderr
    assert "`lesart up`" in ended.stderr
    assert "LESART_WEB_ADDRESS" in ended.stderr


def test_a_wrong_number_to_undo_leads_to_the_commands_that_list_decisions(archived):
    assert "`lesart lineages`" in archived.run("undo", "999999").stderr
    assert archived.run("lineages").returncode == 0
