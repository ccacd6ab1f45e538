"""A file appears as a whole; partial files of killed processes are removed, those of live ones are not."""

import subprocess
import sys

from storage.database.part_folder import part_folder

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
