"""Fixtures for the tests of the commands: a small archive, and a way to run a command."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from storage.cli.exits import run
from worker.cli.commands import app


@dataclass(frozen=True)
class Written:
    """An archive on disk; `article` is the id of the one that has two versions."""

    path: Path
    article: str


@pytest.fixture
def written(small_archive) -> Written:
    """Change to a folder with an archive of three articles at its default place."""
    return Written(small_archive, "seed:seeds/pegel.txt")


@pytest.fixture
def lesart(capsys) -> Callable[..., tuple[int, str, str]]:
    """Run a command in this process; give its exit code, output and messages."""

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(app, arguments)
        told = capsys.readouterr()
        return code, told.out, told.err

    return call
