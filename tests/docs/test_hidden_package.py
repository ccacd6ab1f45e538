"""One sentence reports a module of the user that hides a package of the program."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*words: str | Path, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LESART_", "PYTHON"))
    }
    return subprocess.run(
        words, cwd=cwd, env=kept | environ, capture_output=True, encoding="utf-8", timeout=300
    )


@pytest.mark.parametrize("words", [("-c", "import lesart"), ("-m", "worker", "list")])
def test_a_module_of_the_user_that_hides_a_package_is_named_in_one_sentence(words, tmp_path):
    (tmp_path / "storage.py").write_text("")
    ended = run(sys.executable, *words, cwd=tmp_path, PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert ended.returncode == 1
    last = ended.stderr.strip().splitlines()[-1]
    assert f"{tmp_path}/storage.py hides the package `storage` of lesart: rename it" in last
    assert words[0] == "-c" or len(ended.stderr.strip().splitlines()) == 1
