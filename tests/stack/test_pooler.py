"""Behind PgBouncer: what works, and what is refused by name instead of failing by chance."""

import json

import pytest

from tests import services
from tests.flow.driver import seed
from tests.flow.processes import lesart, lesart_process, rows

pytestmark = [
    pytest.mark.slow, pytest.mark.stack,
    pytest.mark.skipif(not services.has_bouncer(), reason="PgBouncer is not installed"),
]  # fmt: skip

EARLIER = ("list", "--as-of", "2100-01-01")
MODES = {
    # mode: state of the pooler in `doctor`, exit code of a query for an earlier time
    "session": ("ok", 0),
    "transaction": ("broken", 2),
}


@pytest.fixture(scope="module")
def server():
    with services.own_postgres() as server:
        yield server


@pytest.mark.parametrize("mode", MODES)
def test_an_archive_is_written_and_read_behind_a_pooler(server, mode, tmp_path):
    state, code = MODES[mode]
    with services.own_bouncer(f"host={server.folder}", mode) as bouncer:
        settings = {"database_url": bouncer.url("postgres"), "home": str(tmp_path / "home")}
        (tmp_path / "texts").mkdir()
        for number in range(12):
            text = seed(f"Pegel {mode} {number}", f"Der Pegel stieg um {number} Zentimeter.")
            (tmp_path / "texts" / f"{number}.txt").write_text(text, "utf-8")
        for words in (["db", "upgrade"], ["ingest", "texts"], ["ingest", "texts"], ["verify"]):
            ended = lesart_process(tmp_path, *words, **settings)
            assert ended.returncode == 0, (words, ended.stderr)
        ended = lesart_process(tmp_path, "search", f"Pegel {mode}", **settings)
        assert len(ended.stdout.splitlines()) == 12
        ended = lesart_process(tmp_path, *EARLIER, **settings)
        assert ended.returncode == code, ended.stderr
        ended = lesart_process(tmp_path, "doctor", "--format", "jsonl", **settings)
        found = [json.loads(each) for each in ended.stdout.splitlines()]
        assert [each["state"] for each in found if each["check"] == "pooler"] == [state]
        if mode == "transaction":
            ended = lesart_process(tmp_path, "up", **settings)
            assert (ended.returncode, "pool_mode=session" in ended.stderr) == (2, True)


def test_no_time_limit_or_read_only_session_reaches_another_client(server, tmp_path):
    """In transaction mode, an option of a session would stay with a process of the server."""
    with services.own_bouncer(f"host={server.folder}", "transaction") as bouncer:
        settings = {"database_url": bouncer.url("postgres"), "home": str(tmp_path / "home")}
        for number in range(3):
            (tmp_path / f"{number}.txt").write_text(seed(f"Hafen {number}", "Der Hafen ist offen."))
            assert rows(tmp_path, "list", **settings) is not None
            ended = lesart(tmp_path, "ingest", f"{number}.txt", **settings)
            assert ended.returncode == 0, ended.stderr
        services.reader_address(server.url("postgres"))
        sql = bouncer.url("postgres").replace("postgres@", "lesart_reader:reader@")
        shown = rows(
            tmp_path, "sql", "SELECT current_setting('transaction_read_only') AS r, "
            "current_setting('timezone') AS z, current_setting('statement_timeout') AS s",
            sql_database_url=sql, **settings
        )  # fmt: skip
        assert (shown[0]["r"], shown[0]["z"], shown[0]["s"] != "0") == ("on", "UTC", True)
