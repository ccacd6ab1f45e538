"""The whole stack for real: `pytest -m compose`; needs Docker and the base images.

The tests of this file tell one story in order, on one stack of its own: files in, an edit, a
worker killed in mid-work, the stack down and up again.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import psycopg
import pytest

from tests.compose.stack import QUICK, ROOT, Stack, removed_at_end, wait_for
from tests.flow.driver import SENTENCES, seed
from worker.services.schedule.scheduler import ACTS

pytestmark = [pytest.mark.compose, pytest.mark.postgresql("fast")]

MANY = 600
FIRST = " date 2024-06-18 Kanalbrücke gesperrt\n\nDie Reparatur kostet 3,6 Millionen Euro, sagte Bauamtsleiterin Gesa Mühlan am Dienstag im Rat.\n\nGesperrt wird die Brücke im August, Radfahrer kommen weiter hinüber."
SECOND = FIRST.replace("3,6", "36")
STORM = " date 2024-06-18 Sturm über Lohetal\n\nDer Sturm hat 30 Bäume entwurzelt, sagte die Feuerwehr am Dienstag.\n\nVerletzt wurde niemand."
BUSES = " date 2024-06-19 Bücherbus fährt wieder\n\nDer Bücherbus hält von Montag an auch in Lohetal, sagte die Leiterin der Bibliothek am Mittwoch.\n\nEr bringt 3.000 Bücher mit."


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    if shutil.which("docker") is None:
        pytest.fail("there is no `docker` here: install Docker with its compose plugin")
    stack = Stack("lesart-compose-test", tmp_path_factory.mktemp("stack"))
    with removed_at_end(stack):
        stack.compose("up", "--build", "--wait")
        yield stack


def test_the_stack_is_healthy_with_four_busy_loops_and_reads_all_seeds(stack):
    stack.compose("down", "--volumes")
    for path in sorted((ROOT / "seeds").iterdir())[:7]:
        stack.write(path.name, path.read_text("utf-8"))
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4)]
    try:
        stack.up()
        wait_for(lambda: stack.number("SELECT count(*) FROM verdict") == 7, seconds=180)
        time.sleep(45)  # some checks, and what is no progress any more is noticed by then
        for service in ("postgres", "redis", "scheduler", "worker", "web"):
            assert stack.health(service) == "healthy", service
        told = stack.compose("logs", "scheduler")
        assert "maximum number of running instances" not in told
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
    stack.compose("down", "--volumes")
    for path in stack.seeds.iterdir():
        path.unlink()
    stack.up()


def test_a_dropped_file_is_archived_and_found(stack):
    stack.write("kanal.txt", FIRST)
    stack.write("bus.txt", BUSES)
    wait_for(lambda: stack.number("SELECT count(*) FROM articles") == 2)
    wait_for(lambda: len(stack.lesart("search", "Kanalbrücke")) == 1)
    [hit] = stack.lesart("search", "Bauamtsleiterin")
    assert hit["origin"] == "seed:seeds/kanal.txt"


def test_an_edit_becomes_a_second_version(stack):
    stack.write("kanal.txt", SECOND)
    wait_for(lambda: stack.number("SELECT count(*) FROM versions") == 3)
    history = stack.lesart("history", "seed:seeds/kanal.txt")
    assert [row["version"] for row in history] == [1, 2]
    assert history[1]["changes"] == ["number"]
    told = stack.lesart("show", "seed:seeds/kanal.txt@1")
    assert "3,6 Millionen" in told[0]["text"]


def test_every_service_is_confined(stack):
    for service in ("postgres", "redis", "scheduler", "worker"):
        status = stack.compose("exec", "-T", service, "cat", "/proc/1/status")
        facts = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        assert facts["Uid"].split()[0] != "0", service
        assert int(facts["CapEff"], 16) == 0, service
        assert facts["NoNewPrivs"].strip() == "1", service
        stack.compose("exec", "-T", service, "sh", "-c", "! touch /here 2>/dev/null")


def write_many(folder: Path) -> None:
    """Write `MANY` texts of three kilobytes, none of which is a copy of another one."""
    chance, words = Random(7), " ".join(SENTENCES).split()
    folder.mkdir()
    for number in range(MANY):
        paragraphs = (" ".join(chance.choices(words, k=40)) + "." for _ in range(12))
        (folder / f"{number}.txt").write_text(seed(f"Text {number}", *paragraphs), "utf-8")


def test_a_worker_killed_in_mid_work_loses_nothing(stack):
    before = stack.number("SELECT count(*) FROM articles")
    write_many(stack.seeds / "many")
    wait_for(lambda: stack.number("SELECT count(*) FROM articles") > before)
    restarts = int(stack.inspect("worker", "{{.RestartCount}}"))
    kill = "kill -9 $(cat /proc/1/task/1/children)"
    stack.compose("exec", "-T", "worker", "sh", "-c", kill, check=False)
    assert stack.number("SELECT count(*) FROM articles") < before + MANY, "it was not in mid-work"
    wait_for(lambda: stack.number("SELECT count(*) FROM articles") == before + MANY, seconds=300)
    assert int(stack.inspect("worker", "{{.RestartCount}}")) == restarts + 1
    assert stack.number("SELECT count(*) FROM verdict") == stack.number(
        "SELECT count(DISTINCT observation_id) FROM verdict"
    )
    stack.lesart("verify")


def test_the_published_database_can_only_be_read(stack):
    stack.compose("up", "--wait", published=True)
    password = stack.compose("exec", "-T", "postgres", "cat", "/secrets/postgres/reader")
    where = {"host": "127.0.0.1", "port": stack.port, "dbname": "lesart", "user": "lesart_reader"}
    with psycopg.connect(**where, password=password) as connection:
        row = connection.execute("SELECT count(*) FROM articles").fetchone()
        assert row == (MANY + 2,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM wording")
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(**where, password="guessed")
    stack.up()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(**where, password=password, connect_timeout=3)


def test_all_is_still_there_after_down_and_up(stack):
    before = stack.number("SELECT count(*) FROM versions")
    stack.compose("down")
    stack.up()
    assert stack.number("SELECT count(*) FROM versions") == before
    [shown] = stack.lesart("show", "seed:seeds/kanal.txt")
    assert "36 Millionen" in shown["text"]


def test_a_vanished_file_is_reported_as_gone(stack):
    (stack.seeds / "bus.txt").unlink()
    gone = "SELECT count(*) FROM articles WHERE state = 'gone'"
    wait_for(lambda: stack.number(gone) == 1)


RECEIVER = """
import http.server

class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        print(body.decode(), flush=True)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_words):
        pass

http.server.HTTPServer(("", 8080), Handler).serve_forever()
"""
"""A web server that prints the body of each request."""


def test_a_changed_file_reaches_a_webhook_while_every_act_of_the_scheduler_runs(stack):
    service = {
        "image": stack.image,
        "entrypoint": ["python", "-c", RECEIVER],
        "networks": ["outside"],
        "init": True,
    }
    before = stack.number("SELECT count(*) FROM articles")
    stack.write("sturm.txt", STORM)
    wait_for(lambda: stack.number("SELECT count(*) FROM articles") == before + 1)
    stack.configure(QUICK, {"receiver": service})
    stack.compose("up", "--no-deps", "--detach", "receiver")
    [address] = stack.inspect(
        "receiver", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    ).split()
    allowed = {"LESART_ALLOW_HOSTS": f"receiver.example:8080={address}"}
    stack.configure({**QUICK, **allowed}, {"receiver": service})
    stack.up()
    stack.lesart("alert", "add", "kanal", "--webhook", "http://receiver.example:8080/hook")

    def received() -> list[dict]:
        return [json.loads(line)["data"] for line in stack.logs("receiver")]

    began = time.monotonic()
    stack.write("sturm.txt", STORM.replace("30", "40"))
    wait_for(lambda: "Sturm über Lohetal" in {data["title"] for data in received()})
    sys.stdout.write(f"the webhook arrived {time.monotonic() - began:.1f} s after the change\n")
    wait_for(lambda: {row["state"] for row in stack.lesart("alert", "log")} == {"sent"})

    first = stack.act_ends()
    assert first.keys() == {act.name for act in ACTS}
    for act in ACTS:
        if act.seconds <= 60:
            wait_for(lambda act=act: stack.act_ends()[act.name] > first[act.name] + 1)
    checks = {row["check"]: row["state"] for row in stack.lesart("doctor")}
    assert checks["alerts"] == checks["scheduler"] == "ok"
