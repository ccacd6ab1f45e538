"""Where answers and messages cannot be written: a sentence, exit 4, and no trace."""

import os
import subprocess
import sys

import pytest

from tests.flow.processes import ROOT, environment

pytestmark = [pytest.mark.postgresql("fast"), pytest.mark.traced_children, pytest.mark.starts_first]

COMMANDS = {
    "an answer": (["config"], ">/dev/full"),
    "a help": (["--help"], ">&-"),
    "a help of a command": (["list", "--help"], ">/dev/full"),
    "a version": (["--version"], ">&-"),
}
"""Each with one of the two ways in which nothing can be written, each way twice."""


def shell(folder, line: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `lesart WORDS` with the redirections of `line`."""
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {line}', "sh", sys.executable, "-m", "worker", *words],
        cwd=folder, env=environment(), capture_output=True, encoding="utf-8", timeout=120,
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize(("words", "line"), COMMANDS.values(), ids=COMMANDS.keys())
def test_an_answer_that_cannot_be_written_ends_with_4(tmp_path, words, line):
    ended = shell(tmp_path, line, *words)
    assert (ended.returncode, ended.stdout) == (4, "")
    assert ended.stderr.startswith("lesart: ")
    assert len(ended.stderr.splitlines()) == 1
    assert "free some disk space" in ended.stderr or "keep it open" in ended.stderr


def test_a_device_without_room_that_was_named_ends_with_4(tmp_path):
    ended = shell(tmp_path, "", "config", "--output", "/dev/full")
    assert (ended.returncode, ended.stdout) == (4, "")
    assert "cannot write to /dev/full" in ended.stderr


@pytest.mark.slow
@pytest.mark.few_cases
@pytest.mark.parametrize("line", ["2>/dev/full", "2>&-"], ids=["full", "closed"])
def test_messages_that_cannot_be_written_change_no_exit_code(tmp_path, line):
    assert shell(tmp_path, line, "list").returncode == 3
    assert shell(tmp_path, line, "list", "--nope").returncode == 2
    ended = shell(tmp_path, line, "config")
    assert (ended.returncode, bool(ended.stdout)) == (0, True)


@pytest.mark.slow
def test_an_archive_never_gets_the_number_of_a_closed_stream(tmp_path):
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "a.txt").write_text(" date 2024-06-18 Kutter\nEin Kutter lag im Hafen.")
    os.utime(tmp_path / "seeds" / "a.txt", (1_700_000_000, 1_700_000_000))
    assert shell(tmp_path, "<&- >&- 2>&-", "up", "--once").returncode == 4
    ended = shell(tmp_path, "<&-", "verify")
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr
    assert '"seen": 1, "new_articles": 0' in shell(tmp_path, "", "up", "--once").stdout


def test_a_closed_pipe_is_silent(tmp_path):
    head = f'"{sys.executable}" -m worker config --format json | true'
    ended = subprocess.run(
        ["/bin/sh", "-c", head], cwd=tmp_path, env=environment(), capture_output=True,
        encoding="utf-8", check=False,
    )  # fmt: skip
    assert (ended.stdout, ended.stderr) == ("", "")


@pytest.mark.slow
@pytest.mark.parametrize("home", ["/dev/null/x", "/proc/x"])
def test_a_home_that_cannot_be_made_is_reported_with_its_path(tmp_path, home):
    (tmp_path / "seeds").mkdir()
    ended = subprocess.run(
        [sys.executable, "-m", "worker", "up", "--once"], cwd=tmp_path,
        env=environment(home=home), capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (4, "")
    assert home in ended.stderr
    assert "LESART_HOME" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_working_folder_that_is_gone_is_reported(tmp_path):
    (tmp_path / "gone").mkdir()
    line = f'rmdir "$PWD"; exec "{sys.executable}" -m worker list'
    ended = subprocess.run(
        ["/bin/sh", "-c", line], cwd=tmp_path / "gone", env=environment(), capture_output=True,
        encoding="utf-8", check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (4, "")
    assert "current folder" in ended.stderr
    assert str(ROOT) not in ended.stderr
