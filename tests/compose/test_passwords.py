"""Passwords are made once and stay."""

import importlib.util
from pathlib import Path

import pytest

pytestmark = pytest.mark.postgresql("fast")

SCRIPT = Path(__file__).resolve().parents[2] / "docker" / "passwords.py"


@pytest.fixture
def passwords(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("passwords", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    for name in ("lesart", "owner", "postgres", "redis"):
        (tmp_path / name).mkdir()
    return module


def test_the_first_start_makes_different_passwords(passwords, tmp_path):
    passwords.main()
    made = [(tmp_path / "postgres" / role).read_text() for role in ("owner", "worker", "reader")]
    made.append((tmp_path / "redis" / "password").read_text())
    assert len(set(made)) == 4
    assert min(map(len, made)) >= 40


def test_the_second_start_changes_nothing(passwords, tmp_path, capsys):
    passwords.main()
    before = _tree(tmp_path)
    capsys.readouterr()
    passwords.main()
    assert _tree(tmp_path) == before
    assert capsys.readouterr().out == ""


def test_a_start_that_was_cut_off_is_completed(passwords, tmp_path):
    passwords.main()
    worker = (tmp_path / "postgres" / "worker").read_text()
    (tmp_path / "lesart" / "database_url").unlink()
    passwords.main()
    url = (tmp_path / "lesart" / "database_url").read_text()
    assert url == f"postgresql://lesart_worker:{worker}@postgres/lesart"


def test_the_worker_never_sees_the_password_of_the_owner(passwords, tmp_path):
    passwords.main()
    owner = (tmp_path / "postgres" / "owner").read_text()
    for path in (tmp_path / "lesart").iterdir():
        assert owner not in path.read_text()


def test_an_earlier_stack_gets_the_addresses_of_the_role_for_sql_with_its_password(
    passwords, tmp_path
):
    passwords.main()
    reader = (tmp_path / "postgres" / "reader").read_text()
    for name in ("sql_url", "sql_replicas_url"):
        (tmp_path / "lesart" / name).unlink()
    passwords.main()
    sql = f"postgresql://lesart_reader:{reader}"
    assert (tmp_path / "lesart" / "sql_url").read_text() == f"{sql}@postgres/lesart"
    replicas = (tmp_path / "lesart" / "sql_replicas_url").read_text()
    assert replicas == f"{sql}@replica1,replica2,postgres/lesart"


def _tree(folder: Path) -> dict[str, tuple[str, int]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): (path.read_text(), path.stat().st_mtime_ns) for path in files}
