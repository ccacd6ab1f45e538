"""A command that fails or is killed at any of its calls ends as documented, and completes when given again.

`python -m tests.tools.failures` tries all calls of all commands.
"""

import subprocess
import sys

import pytest

from tests.tools.failures.operations import OPERATIONS

pytestmark = [pytest.mark.slow, pytest.mark.starts_first]

SHORT = ("redact --passage", "backup --update")
"""Commands of which a few calls are tried each time."""


def tried(most: int, *operations: str) -> str:
    words = [word for each in operations for word in ("--operation", each)]
    tool = (sys.executable, "-m", "tests.tools.failures", "--most", str(most), *words)
    ended = subprocess.run(tool, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_a_command_fails_as_documented_at_some_of_its_calls():
    assert tried(1, *SHORT).endswith(" s\n")


@pytest.mark.large
def test_every_command_fails_as_documented_at_many_of_its_calls():
    assert len(tried(10).splitlines()) == 2 * len(OPERATIONS) + 1
