import json
from collections.abc import Callable
from typing import Any

import pytest

from storage.cli.exits import run
from tests.serve.conftest import (  # noqa: F401 -- fixtures
    _served_postgresql,
    _served_sqlite,
    archive_url,
)
from worker.cli.commands import app


@pytest.fixture
def lesart(room, capsys, monkeypatch, tmp_path) -> Callable[..., list[dict[str, Any]]]:
    """Run a command on the archive of the newsroom; give its rows."""
    monkeypatch.setenv("LESART_HOME", str(tmp_path / "home"))

    def call(*words: str) -> list[dict[str, Any]]:
        capsys.readouterr()
        code = run(app, [*words, *(() if "--archive" in words else ("--archive", room.url))])
        told = capsys.readouterr()
        assert code == 0, told.err
        return [json.loads(line) for line in told.out.splitlines() if line[:1] == "{"]

    return call
