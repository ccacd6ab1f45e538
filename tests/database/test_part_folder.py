"""A file appears as a whole; partial files of killed processes are removed, those of live ones are not."""

import re
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from storage.cli.exits import run
from storage.database.part_folder import part_folder
from tests.flow.driver import SENTENCES, seed
from worker.cli.commands import app

ROOT = Path(__file__).parents[2]
HOLDER = """
import sys
from pathlib import Path
from storage.database.part_folder import part_folder
with part_folder(Path(sys.argv[1])) as folder:
    (folder / "part").write_text("x")
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_a_dead_process_leaves_nothing_and_a_living_one_keeps_its_folder(tmp_path):
    path = tmp_path / "out[1].jsonl"
    command = [sys.executable, "-c", HOLDER, path]
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True) as other:
        assert other.stdout is not None
        held = other.stdout.readline().strip()
        with part_folder(path) as own:
            assert own.stat().st_mode & 0o777 == 0o700
            assert {str(each) for each in tmp_path.iterdir()} == {held, str(own)}
        other.kill()
    assert [str(each) for each in tmp_path.iterdir()] == [held]
    with part_folder(path) as own:
        assert list(tmp_path.iterdir()) == [own]
    assert list(tmp_path.iterdir()) == []


LEFT = {
    "backup copy.sqlite3": (".copy.sqlite3.x.part", 2),
    "backup copy.sqlite3 --update": (".copy.sqlite3.x.part", 0),
    "backup copies": ("copies/.lesart-2024-06-18T120000Z.sqlite3.x.part", 0),
    "backup copies --update": ("copies/.lesart-2024-06-18T120000Z.sqlite3.x.part", 0),
    "restore copy.sqlite3 --archive copies/new.sqlite3": ("copies/.new.sqlite3.x.part", 0),
    "restore copy.sqlite3 --archive copy.sqlite3": (".copy.sqlite3.x.part", 2),
    "restore copy.sqlite3 --drill": ("temporary/.lesart-drill.x.part", 0),
    "merge copy.sqlite3": ("merging/.an-earlier-state.warc.gz.x.part", 0),
    "merge copy.sqlite3 --format json": ("merging/{archive_id}-1.warc.gz", 0),
    "export -o out.jsonl": (".out.jsonl.x.part", 0),
    "proof keygen": (".proof.key.x.part", 0),
    "proof keygen --format json": (".proof.key.x.part", 2),
    "proof keygen --rotate": (".proof.key.new.x.part", 0),
    "proof keygen --rotate --format json": ("proof.key.new", 0),
    "proof checkpoint": (".proof.key.checkpoint.x.part", 0),
    "proof tiles log": ("log/.checkpoint.x.part", 0),
}
"""What a killed process leaves, which the same command removes, and its exit code then.

A folder whose name ends with `.part`, or a file.
"""
WRITERS = {
    "storage/cli/output.py": "export -o out.jsonl",
    "storage/database/capture_store.py": "sweep, in tests/write/test_capture_store.py",
    "storage/proof/checkpoints.py": "proof keygen",
    "storage/proof/files.py": "proof tiles log",
    "storage/write/copies.py": "backup copy.sqlite3",
    "worker/cli/copy_commands.py": "restore copy.sqlite3 --drill",
    "worker/flow/language_model.py": "ingest, in tests/flow/test_language_model.py",
    "worker/flow/spool.py": "merge copy.sqlite3",
    "worker/services/web.py": "nothing at a place that a user names",
}
"""The modules that write a file before it has its name, and the row that shows what becomes of it."""
TEMPORARY = re.compile(
    r"\b(mkdtemp|mkstemp|NamedTemporaryFile|TemporaryDirectory|os\.link|part_folder)\("
    r"|\.(replace|rename)\(\w+\)"
)


def test_every_module_that_writes_a_temporary_file_is_known():
    found = {
        path.relative_to(ROOT).as_posix()
        for room in ("lesart", "storage", "worker")
        for path in (ROOT / room).rglob("*.py")
        if TEMPORARY.search(path.read_text("utf-8"))
    }
    assert found - {"storage/database/part_folder.py"} == set(WRITERS)


@pytest.mark.slow
def test_no_command_leaves_what_it_left_when_it_was_killed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LESART_HOME", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    for folder in ("seeds", "copies", "temporary"):
        (tmp_path / folder).mkdir()
    (tmp_path / "seeds/a.txt").write_text(seed("Pegel steigt", SENTENCES[0]))
    assert run(app, ["ingest", "seeds"]) == 0
    assert run(app, ["backup", "copy.sqlite3"]) == 0
    with closing(sqlite3.connect("copy.sqlite3")) as connection:
        query = "SELECT value FROM archive WHERE key = 'id'"
        (archive_id,) = connection.execute(query).fetchone()
    for words, (name, code) in LEFT.items():
        left = tmp_path / name.format(archive_id=archive_id)
        file = left / "part" if left.suffix == ".part" else left
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(SENTENCES[0])
        assert run(app, words.split()) == code, words
        assert not left.exists(), words
        assert not list(tmp_path.rglob("*.part")), words
