"""A command that fails or is killed at any of its calls ends as documented, and completes when it is given again.

`python -m tests.tools.failures` tries all calls of all commands.
"""

import subprocess
import sys

import pytest

from tests.docs.test_documented import command_names
from tests.tools.failures.operations import OPERATIONS
from worker.cli.program import READING

SHORT = ("redact --passage", "backup --update")
"""Commands of which a few calls are tried each time."""
READS_ONLY = "it writes nothing"
RUNS_ON = "it runs until it is stopped: the chaos runs kill it"
EXCUSED = {
    **dict.fromkeys(
        ("alert list", "alert log", "alert show", "config", "db roles", "explain", "open",
         "source list", "source show", "sql", "token list", "top", "version", "watch",
         "proof stamps"),
        READS_ONLY,
    ),
    **dict.fromkeys(("mcp", "scheduler", "web"), RUNS_ON),
    "alert retry": "tests/capabilities/alert_sending/test_chaos.py",
}  # fmt: skip
"""The commands that are not made to fail, with reasons."""


def tried(most: int, *operations: str) -> str:
    words = [word for each in operations for word in ("--operation", each)]
    tool = (sys.executable, "-m", "tests.tools.failures", "--most", str(most), *words)
    ended = subprocess.run(tool, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_every_command_that_writes_is_made_to_fail():
    begins = {" ".join(each.words[:number]) for each in OPERATIONS.values() for number in (1, 2)}
    commands = {each.removeprefix("lesart ") for each in command_names()}
    left = commands - begins - set(READING)
    assert left == EXCUSED.keys()


@pytest.mark.slow
@pytest.mark.starts_first
def test_a_command_fails_as_documented_at_some_of_its_calls():
    assert tried(1, *SHORT).endswith(" s\n")


@pytest.mark.slow
@pytest.mark.starts_first
@pytest.mark.large
def test_every_command_fails_as_documented_at_many_of_its_calls():
    assert len(tried(2).splitlines()) > 3 * len(OPERATIONS)
