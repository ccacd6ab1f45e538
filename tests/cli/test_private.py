"""What Lesart writes is private to its owner, and no message holds a part of a password."""

import os
import stat
from pathlib import Path

import pytest

from tests.flow.processes import lesart

PASSWORDS = ["ge@heim", "ge@heim/tail", "ge@heim:tail", "ge@heim?tail", "ge heim@tail", "ge@@tail"]


def modes(folder: Path) -> dict[str, int]:
    """Return the permissions of a folder and of everything below it."""
    return {
        str(each.relative_to(folder.parent)): stat.S_IMODE(each.stat().st_mode)
        for each in (folder, *folder.rglob("*"))
    }


def test_archive_home_and_backup_are_private_to_their_owner(tmp_path):
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "pegel.txt").write_text(" date 2024-06 Pegel\n\nDer Pegel steigt.\n")
    before = os.umask(0o022)
    try:
        for words in (["up", "--once"], ["proof", "keygen"], ["backup", "copies/backup.sqlite3"]):
            done = lesart(tmp_path, *words)
            assert done.returncode == 0, done.stderr
        restored = lesart(
            tmp_path, "restore", "copies/backup.sqlite3", "--archive", "new/a.sqlite3"
        )
        assert restored.returncode == 0, restored.stderr
    finally:
        os.umask(before)
    found = {name: mode for each in ("lesart-data", "copies", "new")
             for name, mode in modes(tmp_path / each).items()}  # fmt: skip
    assert {"lesart-data/lesart.sqlite3", "copies/backup.sqlite3", "new/a.sqlite3"} <= set(found)
    assert {name for name, mode in found.items() if mode & 0o077} <= {"lesart-data/proof.pub"}


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("words", [["list"], ["config"], ["doctor"], ["up", "--once"]])
@pytest.mark.parametrize("setting", ["database_url", "broker_url"])
def test_no_output_holds_a_part_of_a_password(tmp_path, password, words, setting):
    scheme = {"database_url": "postgresql", "broker_url": "redis"}[setting]
    given = f"{scheme}://lesart:{password}@127.0.0.1:9/lesart"
    done = lesart(tmp_path, *words, **{setting: given})
    told = done.stdout + done.stderr
    for part in ("heim", "tail"):
        assert part not in told, told
