"""Mistakes at the command line: the exit code of the contract, and what to do instead."""

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.commands.conftest import Shell, wait_until
from tests.flow.driver import SENTENCES, seed

PEGEL = "seed:seeds/pegel.txt"
ARCHIVE = "lesart-data/lesart.sqlite3"


@pytest.mark.parametrize(
    "words",
    [
        ["proof", "--archive", ARCHIVE, PEGEL, "-o", "a.zip"],
        ["proof", "--passage", "36", "-o", "a.zip", PEGEL],
        ["proof", "--archive", ARCHIVE, "bundle", PEGEL, "-o", "a.zip"],
    ],
    ids=" ".join,
)
def test_options_of_a_bundle_may_precede_the_revision(archived, words):
    assert archived.run("proof", "--archive", ARCHIVE, "keygen").returncode == 0
    ended = archived.run(*words)
    assert ended.returncode == 0, ended.stderr
    assert (archived.folder / "a.zip").is_file()


@pytest.mark.parametrize(
    "words",
    [["source", "list"], ["db", "upgrade"]],
    ids=" ".join,
)
def test_the_shared_options_may_be_between_a_group_and_its_command(archived, words):
    (archived.folder / ARCHIVE).rename(archived.folder / "other.sqlite3")
    group, name = words
    ended = archived.run(group, "--archive", "other.sqlite3", "--output", "rows.json", name)
    assert ended.returncode == 0, ended.stderr
    assert isinstance(json.loads((archived.folder / "rows.json").read_text("utf-8")), list)


@pytest.mark.parametrize(
    "words",
    [
        ["export", "-o", "nirgends/x"],
        ["raw", PEGEL, "-o", "nirgends/x"],
        ["export", "--format", "warc", "-o", "nirgends/x"],
        ["list", "-o", "."],
    ],
    ids=" ".join,
)
def test_a_place_that_cannot_be_written_ends_with_4_and_a_remedy(archived, words):
    ended = archived.run(*words)
    assert (ended.returncode, ended.stdout) == (4, "")
    assert words[-1] in ended.stderr
    assert "choose " in ended.stderr


MISSING = {
    "token": ["token", "revoke", "nix"],
    "source": ["source", "set", "nix", "--every", "5m"],
    "source of an alert": ["alert", "add", "a", "--source", "nix", "--mail", "ada@bote.example"],
    "alert": ["alert", "pause", "nix"],
    "article of an alert": ["alert", "add", "a", "--article", "nix", "--mail", "ada@bote.example"],
    "job": ["jobs", "999999"],
    "job to retry": ["retry", "999999"],
    "decision": ["undo", "999999"],
    "pattern": ["ingest", "*.md"],
    "pattern below a folder": ["ingest", "nirgends/*.md"],
    "file": ["ingest", "nix.md"],
    "backup": ["restore", "nix.db"],
}


@pytest.mark.parametrize("words", MISSING.values(), ids=MISSING.keys())
def test_a_missing_object_ends_with_3(archived, words):
    ended = archived.run(*words)
    assert (ended.returncode, ended.stdout) == (3, ""), ended.stderr
    assert ended.stderr.startswith("lesart: ")


def test_a_pattern_without_a_match_writes_no_job(archived):
    before = archived.run("jobs", "--format", "json").stdout
    assert "no file matches" in archived.run("ingest", "*.md").stderr
    assert archived.run("jobs", "--format", "json").stdout == before


def test_a_token_can_be_revoked_twice(archived):
    assert archived.run("token", "add", "cms").returncode == 0
    assert archived.run("token", "revoke", "cms").returncode == 0
    before = archived.run("token", "list", "--format", "json").stdout
    assert archived.run("token", "revoke", "cms").returncode == 0
    assert archived.run("token", "list", "--format", "json").stdout == before


@pytest.mark.parametrize(
    ("command", "given", "meant"),
    [
        (["ingest"], "www.zeitung.example/pegel", "https://www.zeitung.example/pegel"),
        (["source", "add"], "zeitung.example", "https://zeitung.example"),
        (["explain"], "127.0.0.1:8000/a", "http://127.0.0.1:8000/a"),
    ],
)
def test_an_address_without_its_scheme_is_offered_with_it(archived, command, given, meant):
    ended = archived.run(*command, given)
    assert ended.returncode == (1 if command == ["explain"] else 3)
    assert f"rite {meant}" in ended.stderr + ended.stdout


def test_a_wrong_type_of_standard_input_is_named(archived):
    ended = archived.run("ingest", "-", "--type", "txt")
    assert (ended.returncode, "--type: txt is not one of seed," in ended.stderr) == (2, True)
    assert "the type of .txt is seed" in ended.stderr


def test_a_missing_file_is_not_taken_for_an_address(archived):
    assert "https" not in archived.run("ingest", "bericht.txt").stderr


def test_an_article_is_found_by_its_address_without_the_scheme(shell):
    (shell.folder / "in").mkdir()
    text = f"---\nurl: https://www.zeitung.example/pegel\n---\n# Pegel\n\n{SENTENCES[0]}\n"
    (shell.folder / "in" / "a.md").write_text(text)
    assert shell.run("ingest", "in").returncode == 0
    assert json.loads(shell.run("show", "www.zeitung.example/pegel").stdout)["title"] == "Pegel"


def test_an_own_server_is_refused_with_the_setting_that_allows_it(archived):
    address = "http://127.0.0.1:8000/a"
    added = archived.run("source", "add", address)
    assert (added.returncode, "LESART_ALLOW_HOSTS" in added.stderr) == (2, True)
    assert "LESART_ALLOW_HOSTS" in archived.run("explain", address).stdout
    assert archived.run("ingest", address, "http://127.0.0.1/a").returncode == 1
    rows = [json.loads(line) for line in archived.run("refusals").stdout.splitlines()]
    hints = {row["code"]: row["hint"] for row in rows if "127.0.0.1" in row["locator"]}
    assert hints.keys() == {"url_invalid", "address_not_public"}
    assert all("LESART_ALLOW_HOSTS" in hint for hint in hints.values())


FEED = "https://zeitung.example/feed"
SECOND_SOURCES = {
    "the same again": (FEED, [FEED]),
    "with another name": (FEED, [FEED, "--name", "zweite"]),
    "with another type": (FEED, [f"{FEED}?utm_source=x", "--name", "zweite", "--type", "front"]),
    "a folder with another name": ("in", ["in", "--name", "zweite"]),
}


@pytest.mark.parametrize(("first", "second"), SECOND_SOURCES.values(), ids=SECOND_SOURCES)
def test_a_second_source_for_the_same_place_is_refused_with_the_name_of_the_first(
    first, second, shell
):
    (shell.folder / "in").mkdir()
    assert shell.run("source", "add", first, "--name", "erste").returncode == 0
    ended = shell.run("source", "add", *second)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "the source erste already watches" in ended.stderr
    assert [
        json.loads(line)["name"] for line in shell.run("source", "list").stdout.splitlines()
    ] == ["erste"]


def test_an_address_that_cannot_be_fetched_is_found_by_the_commands_of_the_message(shell):
    shell.settings["LESART_ALLOW_HOSTS"] = "127.0.0.1:1"  # nobody listens there
    ended = shell.run("ingest", "http://127.0.0.1:1/a")
    job = json.loads(ended.stdout)["job"]
    message = f"lesart: 1 document failed: see `lesart refusals` and `lesart jobs {job}`; "
    assert (ended.returncode, ended.stderr.startswith(message)) == (1, True), ended.stderr
    assert json.loads(shell.run("refusals").stdout)["code"] == "unreachable"


class Restless:
    """A file that is written all the time, so that an ingestion waits for it."""

    def __init__(self, path) -> None:
        self._path, self._is_over = path, threading.Event()
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> None:
        self._path.write_text(seed("Unruhig", SENTENCES[0]))
        self._thread.start()

    def __exit__(self, *_exception: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _write(self) -> None:
        while not self._is_over.is_set():
            os.utime(self._path)
            time.sleep(0.02)


def interrupt_ingestion(shell: Shell, number: int) -> subprocess.CompletedProcess[str]:
    """Start `lesart ingest in`, and send it a signal while it waits for a file."""
    (shell.folder / "in").mkdir()
    (shell.folder / "in" / "a.txt").write_text(seed("Ruhig", SENTENCES[1]))
    with Restless(shell.folder / "in" / "z.txt"):
        process = shell.start("ingest", "in")
        wait_until(lambda: '"running"' in shell.run("jobs", "--format", "jsonl").stdout)
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess([], process.returncode, out, err)


@pytest.mark.slow
def test_an_interrupted_ingestion_says_how_to_continue_and_the_next_one_that_it_did(shell):
    ended = interrupt_ingestion(shell, signal.SIGINT)
    assert (ended.returncode, ended.stdout) == (130, "")
    (job,) = [json.loads(row)["job"] for row in shell.run("jobs").stdout.splitlines()]
    assert ended.stderr == (
        f"lesart: interrupted: job {job} is unfinished; the same command continues it\n"
    )
    again = shell.run("ingest", "in")
    assert again.returncode == 0, again.stderr
    summary = json.loads(again.stdout)
    assert (summary["job"], summary["resumed"], summary["new_articles"]) == (job, True, 2)
    assert f"job {job}" in again.stderr
    assert json.loads(shell.run("ingest", "in").stdout)["resumed"] is False


@pytest.mark.slow
def test_a_killed_ingestion_is_resumed_and_the_summary_says_so(shell):
    assert interrupt_ingestion(shell, signal.SIGKILL).returncode == -signal.SIGKILL
    summary = json.loads(shell.run("ingest", "in").stdout)
    assert (summary["resumed"], summary["new_articles"], summary["open"]) == (True, 2, 0)


@pytest.mark.slow
def test_an_interrupted_reading_command_says_so(archived):
    process = archived.start("search", "-")  # waits for its query on standard input
    wait_until(lambda: _has_loaded(process.pid))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    # Python ends by the signal itself if it comes during an import; a shell reports both as 130
    assert process.returncode in {130, -signal.SIGINT}
    assert (out, err) == ("", "lesart: interrupted\n")


def _has_loaded(pid: int) -> bool:
    """Return whether a process has opened the archive."""
    files = Path(f"/proc/{pid}/fd").iterdir()
    try:
        return any(str(each.readlink()).endswith("lesart.sqlite3") for each in files)
    except FileNotFoundError:  # closed between the listing and the reading
        return False
