"""`lesart doctor` says within seconds which servers answer, whichever are away."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests import services
from tests.flow.processes import lesart

DATABASE = "postgres"


@pytest.fixture(scope="module")
def silent() -> Iterator[int]:
    """Give the port of servers that accept connections and never say a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """Give a primary and a replica that stays when the primary is stopped, and their folder."""
    with ExitStack() as stack:
        primary = stack.enter_context(services.own_postgres())
        folder = tmp_path_factory.mktemp("doctor")
        made = lesart(folder, "db", "upgrade", database_url=primary.url(DATABASE))
        assert made.returncode == 0, made.stderr
        yield folder, primary, stack.enter_context(services.own_replica(primary))


def examine(folder, **settings: str) -> tuple[dict[str, list[str]], float]:
    """Return the findings that are not ok, by check, and the seconds that they took."""
    began = time.monotonic()
    ended = lesart(folder, "doctor", "--format", "jsonl", **settings)
    seconds = time.monotonic() - began
    found: dict[str, list[str]] = {}
    for each in map(json.loads, ended.stdout.splitlines()):
        if each["state"] != "ok":
            found.setdefault(each["check"], []).append(each["message"])
    return found, seconds


@pytest.mark.slow
@pytest.mark.stack
@pytest.mark.postgresql("slow")
def test_doctor_waits_for_no_silent_server(servers, silent):
    folder, primary, replica = servers
    nobody = f"postgresql://lesart_page@127.0.0.1:{silent}/{DATABASE}"
    up = {
        "database_url": primary.url(DATABASE),
        "reader_database_url": f"postgresql://postgres@/{DATABASE}?host={replica.folder}",
    }
    _found, usual = examine(folder, **up)
    broker = {"broker_url": f"redis://127.0.0.1:{silent}/0"}
    captures = {
        "captures_url": f"s3://presse/x?endpoint=http://127.0.0.1:{silent}",
        "captures_key": "k", "captures_secret": "s",
    }  # fmt: skip
    replicas = {"reader_database_url": f"{nobody}?host=127.0.0.1&host=127.0.0.1"}
    away = {
        "archive": up | {"database_url": nobody},
        "replicas": up | replicas,
        "broker": up | broker,
        "captures": up | captures,
    }
    for check, settings in away.items():
        found, seconds = examine(folder, **settings)
        assert check in found, (check, found)
        assert seconds < usual + 8, f"{check}: it waited"  # two attempts at two seconds each
    found, seconds = examine(folder, **broker, **captures, **replicas, database_url=nobody)
    assert {*away} <= {*found}
    assert seconds < usual + 8


@pytest.mark.slow
@pytest.mark.stack
@pytest.mark.postgresql("slow")
def test_doctor_says_which_replicas_answer_while_the_primary_is_away(servers):
    folder, primary, replica = servers
    hosts = f"host={replica.folder}&host={folder / 'nowhere'}"
    settings = {
        "database_url": primary.url(DATABASE),
        "reader_database_url": f"postgresql://postgres@/{DATABASE}?{hosts}",
    }
    primary.kill()
    try:
        found, _seconds = examine(folder, **settings)
    finally:
        primary.start()
    assert "does not answer" in found["archive"][0]
    answering, gone = found["replicas"]
    assert f"{replica.folder.name} answers while the primary does not" in answering
    assert "cannot be read" in gone
