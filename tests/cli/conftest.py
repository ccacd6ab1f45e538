"""What the tests of the commands ask for: a small archive, and a way to run a command."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from storage.cli.article_commands import app
from storage.cli.exits import run
from tests.cli.small_archive import make_archive


@dataclass(frozen=True)
class Written:
    """An archive on disk; `article` is the id of the one that has two versions."""

    path: Path
    article: str


@pytest.fixture(scope="session")
def _template(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("cli") / "lesart.sqlite3"
    make_archive(path)
    return path


@pytest.fixture
def written(_template, tmp_path, monkeypatch) -> Written:
    """Give a folder to stand in with an archive of three articles at its default place."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "lesart-data" / "lesart.sqlite3"
    path.parent.mkdir()
    path.write_bytes(_template.read_bytes())
    return Written(path, "seed:seeds/pegel.txt")


@pytest.fixture
def lesart(capsys) -> Callable[..., tuple[int, str, str]]:
    """Run a command in this process; give its exit code, output and messages."""

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(app, arguments)
        told = capsys.readouterr()
        return code, told.out, told.err

    return call
