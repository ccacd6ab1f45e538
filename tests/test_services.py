"""The servers that tests lean on are real, apart from each other, and leave nothing behind."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
import redis
from sqlalchemy import text

from storage.database.engine import database_url as parsed
from storage.database.engine import reading_engine
from storage.database.schema_version import require_current
from tests import services

pytestmark = pytest.mark.postgresql("fast")

STARTER = """
import sys, time
from tests import services
with services.own_redis() as broker, services.own_postgres() as database:
    print(broker.pid, broker.folder, database.pid, database.folder, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("again", ["once", "twice"])
def test_each_test_gets_an_empty_database(postgres_url, again):
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE mine (id int)")


def test_an_archive_is_there_in_the_schema_of_today(database_url):
    engine = reading_engine(parsed(database_url))
    require_current(engine)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM articles")).scalar_one() == 0
    engine.dispose()


def test_no_archive_is_at_an_empty_address(empty_database_url):
    assert parsed(empty_database_url).get_backend_name() in {"sqlite", "postgresql"}


def test_the_broker_is_real_and_empty(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        assert client.info("server")["redis_version"] >= "6.2"


def test_a_killed_broker_comes_back_empty_at_the_same_address(redis_server):
    with redis.Redis.from_url(redis_server.url) as client:
        client.set("key", "value")
        redis_server.kill()
        with pytest.raises(redis.ConnectionError):
            client.ping()
        redis_server.start()
        assert client.get("key") is None


@pytest.mark.slow
def test_a_killed_database_keeps_all_committed_rows(postgres_server):
    url = postgres_server.url("postgres")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    postgres_server.kill()
    postgres_server.start()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux for it")
def test_servers_die_with_a_killed_parent():
    parent = subprocess.Popen(
        [sys.executable, "-c", STARTER],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[1],
    )
    assert parent.stdout is not None
    with parent:
        words = parent.stdout.readline().split()
        parent.send_signal(signal.SIGKILL)
    pids, folders = [int(word) for word in words[::2]], words[1::2]
    assert len(pids) == 2
    deadline = time.monotonic() + 120
    while any(map(_runs, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(_runs, pids))
    for folder in folders:
        shutil.rmtree(folder)


def test_nothing_to_be_found_is_a_sentence(monkeypatch):
    monkeypatch.setattr(services.importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setattr(services.shutil, "which", lambda *_names, **_options: None)
    monkeypatch.setattr(services.Path, "glob", lambda *_pattern: iter(()))
    monkeypatch.delenv(services.POSTGRES_VARIABLE, raising=False)
    monkeypatch.delenv(services.REDIS_VARIABLE, raising=False)
    with pytest.raises(services.ServiceMissingError, match="no PostgreSQL for the tests"):
        services.postgres().__enter__()
    with pytest.raises(services.ServiceMissingError, match="redis-server"):
        services.broker().__enter__()


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z" and os.getpgid(pid) > 0
