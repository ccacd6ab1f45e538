"""What Lesart writes is private to its owner, and no message holds a part of a password."""

import os
import stat
from pathlib import Path

import pytest

from tests.flow.processes import lesart_process as run_process

pytestmark = [pytest.mark.postgresql("fast"), pytest.mark.traced_children]

PASSWORDS = ["ge@heim", "ge@heim/tail", "ge@heim:tail", "ge@heim?tail", "ge heim@tail", "ge@@tail"]


def modes(folder: Path) -> dict[str, int]:
    """Return the permissions of a folder and of everything below it."""
    return {
        str(each.relative_to(folder.parent)): stat.S_IMODE(each.stat().st_mode)
        for each in (folder, *folder.rglob("*"))
    }


@pytest.mark.slow
@pytest.mark.child
def test_archive_home_and_backup_are_private_to_their_owner(tmp_path):
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "pegel.txt").write_text(" date 2024-06 Pegel\n\nDer Pegel steigt.\n")
    before = os.umask(0o022)
    try:
        orders = ("up --once", "proof keygen", "backup copies/backup.sqlite3",
                  "export -o copies/out.jsonl", "export --format warc -o copies/out.warc",
                  "proof checkpoint -o copies/checkpoint.txt")  # fmt: skip
        dead = tmp_path / "copies" / ".out.jsonl.x.part"
        dead.mkdir(parents=True)
        (dead / "part").write_text("Der Pegel steigt.")
        dead.parent.chmod(0o700)
        for words in map(str.split, orders):
            done = run_process(tmp_path, *words)
            assert done.returncode == 0, done.stderr
        restored = run_process(
            tmp_path, "restore", "copies/backup.sqlite3", "--archive", "new/a.sqlite3"
        )
        assert restored.returncode == 0, restored.stderr
    finally:
        os.umask(before)
    found = {name: mode for each in ("lesart-data", "copies", "new")
             for name, mode in modes(tmp_path / each).items()}  # fmt: skip
    assert {"lesart-data/lesart.sqlite3", "copies/backup.sqlite3", "new/a.sqlite3"} <= set(found)
    assert not [name for name in found if ".part" in name], "a killed process left its texts"
    assert {name for name, mode in found.items() if mode & 0o077} <= {"lesart-data/proof.pub"}


def assert_hides_password(told: str) -> None:
    for part in ("heim", "tail"):
        assert part not in told, told


def server_url(setting: str, password: str) -> str:
    scheme = {"database_url": "postgresql", "broker_url": "redis"}[setting]
    return f"{scheme}://lesart:{password}@127.0.0.1:9/lesart"


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("words", [["list"], ["config"], ["doctor"]])
@pytest.mark.parametrize("setting", ["database_url", "broker_url"])
def test_no_output_holds_a_part_of_a_password(lesart, tmp_path, monkeypatch, password, words, setting):  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"LESART_{setting.upper()}", server_url(setting, password))
    _code, told, complained = lesart(*words)
    assert_hides_password(told + complained)


@pytest.mark.slow
@pytest.mark.parametrize("words", [["doctor"], ["up", "--once"]])
@pytest.mark.parametrize("setting", ["database_url", "broker_url"])
def test_no_process_prints_a_part_of_a_password(tmp_path, words, setting):
    done = run_process(tmp_path, *words, **{setting: server_url(setting, "ge@heim/tail")})
    assert_hides_password(done.stdout + done.stderr)
