"""The installed wheel needs no checkout, and one sentence reports a module of the user that hides it."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEPENDENCIES = sysconfig.get_path("purelib")


def run(*words: str | Path, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LESART_", "PYTHON"))
    }
    return subprocess.run(
        words, cwd=cwd, env=kept | environ, capture_output=True, encoding="utf-8", timeout=300
    )


@pytest.mark.slow
def test_a_wheel_alone_installs_and_runs(tmp_path):
    source, place = tmp_path / "source", tmp_path / "place"
    files = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
    ).stdout
    for name in filter(None, files.decode().split("\0")):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, source / name)
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    (packages,) = (tmp_path / "venv" / "lib").glob("python3*/site-packages")
    pip = (python, "-m", "pip", "--quiet", "--disable-pip-version-check")
    ended = run(*pip, "wheel", "--no-deps", "--wheel-dir", tmp_path, ".", cwd=source)
    assert ended.returncode == 0, ended.stderr
    (wheel,) = tmp_path.glob("lesart-*.whl")
    ended = run(*pip, "install", "--no-deps", wheel, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert (packages / "lesart" / "views.pyi").exists()
    (packages / "dependencies.pth").write_text(DEPENDENCIES)
    shutil.copytree(ROOT / "seeds", place / "seeds")
    for words, told in (
        (("up", "--once"), ""), (("search", "Kanalbrücke"), "Kanalbrücke"), (("verify",), ""),
        (("config",), "captures_url"), (("version",), "lesart"),
    ):  # fmt: skip
        ended = run(tmp_path / "venv" / "bin" / "lesart", *words, cwd=place)
        assert ended.returncode == 0, ended.stderr
        assert told in ended.stdout
    ended = run(python, "-P", "-c", "import lesart; print(lesart.__file__)", cwd=place)
    assert ended.stdout.strip().startswith(str(packages)), ended.stderr
    page = (
        "from storage.web.app import make_app; from storage.web.archives import ServedArchive; "
        "from starlette.testclient import TestClient; "
        "app = make_app(ServedArchive('lesart-data/lesart.sqlite3')); "
        "client = TestClient(app.app, base_url='http://127.0.0.1'); "
        "print(client.get('/').status_code, client.get('/style.css').status_code)"
    )
    ended = run(python, "-P", "-W", "ignore", "-c", page, cwd=place)
    assert ended.stdout.split() == ["200", "200"], ended.stderr


@pytest.mark.parametrize("words", [("-c", "import lesart"), ("-m", "worker", "list")])
def test_a_module_of_the_user_that_hides_a_package_is_named_in_one_sentence(words, tmp_path):
    (tmp_path / "storage.py").write_text("")
    ended = run(sys.executable, *words, cwd=tmp_path, PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert ended.returncode == 1
    last = ended.stderr.strip().splitlines()[-1]
    assert f"{tmp_path}/storage.py hides the package `storage` of lesart: rename it" in last
    assert words[0] == "-c" or len(ended.stderr.strip().splitlines()) == 1
