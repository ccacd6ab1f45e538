"""The stack as compose runs it: real Redis, real workers and a real scheduler on PostgreSQL."""

import base64
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest
import redis

from tests import services
from tests.flow.driver import SENTENCES, findings, seed, touch
from tests.flow.processes import Service, Supervisor, environment, lesart_process, rows, until
from tests.services import free_port
from tests.web.desk import HIGHER, PEGEL
from tests.web.site import page as saved_page
from worker.cli.program import main

pytestmark = [pytest.mark.stack, pytest.mark.traced_children, pytest.mark.starts_first]
A, B, *_ = SENTENCES
NO_WORKER = "import worker.cli.ingest.families as c; c.NO_WORKER_SECONDS = 0.5; from worker.cli.program import main; main()"


@dataclass
class Stack:
    """A worker and a scheduler with their stores, and a folder for files."""

    folder: Path
    settings: dict[str, str]
    redis: services.RedisServer
    worker: Service
    scheduler: Service
    supervisor: Supervisor

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        touch(path)
        return path

    def broker(self) -> redis.Redis:
        return redis.Redis.from_url(self.redis.url)

    def command(self, *words: str):
        return lesart_process(self.folder, *words, **self.settings)

    def rows(self, *words: str):
        return rows(self.folder, *words, **self.settings)

    def number_of(self, word: str) -> int:
        """Return how many articles have the word in their origin."""
        return len([row for row in self.rows("list") if word in row["origin"]])

    def await_beat(self, service: str) -> None:
        """Wait until a service is at work: on a busy machine it takes half a minute to start."""
        heartbeat = self.folder / "lesart-data" / f"{service}.heartbeat"
        heartbeat.unlink(missing_ok=True)
        until(heartbeat.exists, what=f"the next beat of the {service}")

    def are_done(self, number: int) -> bool:
        """Return whether so many ingest jobs are through."""
        jobs = [row for row in self.rows("jobs") if row["kind"] == "ingest"]
        return [row["state"] for row in jobs].count("done") >= number


@pytest.fixture(scope="module")
def limits() -> dict[str, str]:
    """Give limits that let who died be noticed soon, and a busy machine have its time."""
    return {"document_seconds": "5s", "batch_seconds": "20s", "lease_seconds": "40s"}


@pytest.fixture(scope="module")
def stack(postgres_databases, _postgres_template, tmp_path_factory, limits) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    with (
        services.own_redis() as broker,
        postgres_databases.database(_postgres_template) as url,
    ):
        settings = {
            "database_url": url, "broker_url": broker.url, "seeds": str(folder / "none"),
            "batch_items": "5", **limits,
        }  # fmt: skip
        worker = Service(folder, "worker", "--concurrency", "2", **settings)
        scheduler = Service(folder, "scheduler", **settings)
        with Supervisor(worker, scheduler) as supervisor:
            made = Stack(folder, settings, broker, worker, scheduler, supervisor)
            made.await_beat("worker")
            yield made


@pytest.fixture(autouse=True)
def _sound(stack) -> Iterator[None]:
    """Check the archive after each test, and print the logs of the services if one fails."""
    yield
    sys.stdout.write(stack.worker.told()[-3000:] + stack.scheduler.told()[-3000:])
    found = findings(stack.settings["database_url"])
    assert found == [], found


def test_a_command_has_its_files_read_by_the_workers_and_reports_the_summary(stack):
    for n in range(3):
        stack.write(f"eins/m{n}.txt", seed(f"Meldung {n}", f"Es waren {n} Kutter im Hafen."))
    stack.write("eins/kopie.txt", seed("Meldung 1", "Es waren 1 Kutter im Hafen."))
    ended = stack.command("ingest", "eins", "--format", "json")
    assert ended.returncode == 0, ended.stderr
    (summary,) = json.loads(ended.stdout)
    assert (summary["seen"], summary["new_articles"], summary["copies"]) == (4, 3, 1)
    assert len(stack.rows("search", "Kutter")) == 4


@pytest.mark.slow
def test_log_lines_of_a_worker_name_their_level_themselves(stack):
    stack.write("zeile/a.txt", seed("Meldung", "Der Kutter liegt im Hafen."))
    assert stack.command("ingest", "zeile").returncode == 0
    until(lambda: "event=documents_read" in stack.worker.told(), what="the log line")
    events = [line for line in stack.worker.told().splitlines() if " event=" in line]
    assert [line for line in events if not line.startswith("timestamp=")] == []


@pytest.mark.slow
def test_a_refusal_ends_the_command_with_one(stack):
    stack.write("zwei/leer.txt", "")
    ended = stack.command("ingest", "zwei")
    assert ended.returncode == 1
    assert "leer.txt: The document contains no text." in ended.stderr


@pytest.mark.slow
def test_a_file_that_is_edited_gets_a_second_version(stack):
    for text in (A, B):
        stack.write("drei/pegel.txt", seed("Pegel steigt", text))
        assert stack.command("ingest", "drei").returncode == 0
    (article,) = [row for row in stack.rows("list") if row["origin"].endswith("drei/pegel.txt")]
    assert article["versions"] == 2


def message(task: str, *arguments: object, **changed: object) -> str:
    """Return what Celery puts into the queue for a task."""
    body = base64.b64encode(json.dumps([arguments, {}, {}]).encode()).decode()
    return json.dumps(
        {
            "body": body, "content-encoding": "utf-8", "content-type": "application/json",
            "headers": {"lang": "py", "task": task, "id": "0d0", "argsrepr": "", "kwargsrepr": ""},
            "properties": {
                "correlation_id": "0d0", "delivery_mode": 2, "priority": 0,
                "delivery_info": {"exchange": "", "routing_key": "lesart"},
                "body_encoding": "base64", "delivery_tag": "0d0",
            },
            **changed,
        }
    )  # fmt: skip


class Bomb:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self.mark}",)


def poisoned(mark: Path) -> dict[str, str | bytes]:
    """Return messages that no worker should obey, by their fault."""
    bomb = base64.b64encode(pickle.dumps(((Bomb(mark),), {}, {}))).decode()
    pickled = {"body": bomb, "content-type": "application/x-python-serialize"}
    return {
        "an unknown task": message("os.system", f"touch {mark}"),
        "a text for a number": message("lesart.wake", "1; DROP TABLE job"),
        "a negative number": message("lesart.wake", -1),
        "a number beyond all": message("lesart.wake", 2**80),
        "a job that is not there": message("lesart.wake", 2**60),
        "too many arguments": message("lesart.wake", 1, 2, 3),
        "no arguments": message("lesart.wake"),
        "a pickle": message("lesart.wake", **pickled, **{"content-encoding": "binary"}),
        "an unknown kind of content": message("lesart.wake", 1, **{"content-type": "text/x-php"}),
        "a body that is no JSON": message("lesart.wake", body=base64.b64encode(b"{").decode()),
        "a body that is no base64": message("lesart.wake", body="%%%"),
        "a message without headers": message("lesart.wake", 1, headers={}),
    }


def garbage() -> dict[str, bytes]:
    """Return bytes that are no message: kombu itself does not expect them, and the worker ends."""
    return {
        "half a message": message("lesart.wake", 1)[:40].encode(),
        "a list": b"[1, 2]",
        "bytes": bytes(range(256)),
    }


def push(stack: Stack, odd: Iterable[str | bytes]) -> None:
    with stack.broker() as broker:
        for each in odd:
            broker.lpush("lesart", each)
        until(lambda: broker.llen("lesart") == 0, what="the end of the messages")


@pytest.mark.slow
def test_odd_messages_execute_nothing_and_lose_nothing(stack, tmp_path):
    mark = tmp_path / "mark"
    restarts = stack.supervisor.restarts["worker"]
    push(stack, poisoned(mark).values())
    stack.write("mails/pegel.txt", seed("Post", "Geschrieben über Unfug."))
    ended = stack.command("ingest", "mails")
    assert ended.returncode == 0, ended.stderr
    assert not mark.exists()
    assert stack.supervisor.restarts["worker"] == restarts
    with stack.broker() as broker:
        until(lambda: broker.llen("lesart") == 0, what="the end of the messages")
        assert broker.hlen("unacked") == 0, "a message that nobody understood comes back"


@pytest.mark.slow
def test_garbage_ends_a_worker_and_not_the_work(stack, tmp_path):
    """Started again it goes on: what ended it is gone."""
    push(stack, garbage().values())
    stack.await_beat("worker")
    stack.write("unfug/pegel.txt", seed("Post", "Geschrieben über größeren Unfug."))
    ended = stack.command("ingest", "unfug")
    assert ended.returncode == 0, ended.stderr


@pytest.mark.slow
def test_an_emptied_redis_loses_nothing(stack):
    done = len([row for row in stack.rows("jobs") if row["kind"] == "ingest"])
    for turn in range(2):
        for n in range(30):
            stack.write(f"leeren{turn}/m{n}.txt", seed(f"Nummer {n}", f"In Runde {turn}: {n}."))
        assert stack.command("ingest", f"leeren{turn}", "--no-wait").returncode == 0
        with stack.broker() as broker:
            for _ in range(20):
                broker.flushall()
                time.sleep(0.02)
    until(lambda: stack.are_done(done + 2), what="the work")
    found = [row for row in stack.rows("list") if "leeren" in row["origin"]]
    assert len(found) == 60


@pytest.mark.slow
def test_a_redis_that_was_killed_and_came_back_empty_loses_nothing(stack):
    done = len([row for row in stack.rows("jobs") if row["kind"] == "ingest"])
    for n in range(30):
        stack.write(f"tot/m{n}.txt", seed(f"Nummer {n}", f"Nach dem Absturz: {n}."))
    stack.redis.kill()
    assert stack.command("ingest", "tot", "--no-wait").returncode == 0
    stack.redis.start()
    until(lambda: stack.are_done(done + 1), what="the work")
    assert len([row for row in stack.rows("list") if "/tot/" in row["origin"]]) == 30


@pytest.mark.slow
def test_a_redis_that_is_killed_in_mid_work_stops_no_worker(stack):
    """Wake-ups that could not be acknowledged must not keep their places for ever."""
    pid = stack.worker.pid
    for turn in range(2):
        for n in range(60):
            stack.write(f"mitten{turn}/m{n}.txt", seed(f"Nummer {n}", f"Mittendrin {turn}: {n}."))
        ordered = stack.command("ingest", f"mitten{turn}", "--no-wait")
        assert ordered.returncode == 0
        until(lambda n=turn: stack.number_of(f"mitten{n}/"), what="the first of the work")
        stack.redis.kill()
        time.sleep(1.5)
        stack.redis.start()
    until(lambda: stack.number_of("mitten") == 120, what="the work")
    assert stack.worker.pid == pid, "it went on without a restart"


@pytest.mark.slow
@pytest.mark.parametrize(
    "is_up",
    [
        pytest.param(True, id="the broker is up"),
        pytest.param(False, id="the broker is down", marks=pytest.mark.slow),
    ],
)
def test_without_a_worker_a_command_ends_with_four_and_its_job_stays(stack, is_up):
    stack.write(f"niemand{is_up}/pegel.txt", seed(f"Pegel steigt {is_up}", A))
    settings = dict(stack.settings)
    if not is_up:
        settings["broker_url"] = f"redis://127.0.0.1:{services.free_port()}/0"
    command = [sys.executable, "-c", NO_WORKER, "ingest", f"niemand{is_up}"]
    with stack.supervisor.without(stack.worker, stack.scheduler):
        ended = subprocess.run(
            command, cwd=stack.folder, env=environment(**settings), capture_output=True,
            encoding="utf-8", timeout=600, check=False,
        )  # fmt: skip
        assert ended.returncode == 4, ended.stderr
        assert "lesart doctor" in ended.stderr
        assert stack.rows("jobs")[0]["state"] == "ready"
        drained = stack.command("worker", "--drain")
        assert drained.returncode == 0, drained.stderr
        assert stack.rows("jobs")[0]["state"] == "done"


@pytest.mark.slow
def test_a_worker_that_is_stopped_ends_within_seconds_and_parks_nothing(stack):
    for n in range(60):
        stack.write(f"gehen/m{n}.txt", seed(f"Nummer {n}", f"Vor dem Feierabend: {n}."))
    assert stack.command("ingest", "gehen", "--no-wait").returncode == 0
    until(lambda: [r for r in stack.rows("jobs") if r["state"] in {"running", "done"}])
    children = stack.worker.children()
    with stack.supervisor.without(stack.worker):
        until(lambda: not any(child.is_running() for child in children), 60, "the children's end")
    until(lambda: len([r for r in stack.rows("list") if "/gehen/" in r["origin"]]) == 60)


@pytest.mark.slow
def test_health_reports_whether_work_goes_on(stack):
    until(lambda: stack.command("scheduler", "--health").returncode == 0)
    assert stack.command("worker", "--health").returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("service", ["worker", "scheduler"])
def test_a_service_beats_while_it_goes_on_and_not_while_it_hangs(stack, service):
    heartbeat = stack.folder / "lesart-data" / f"{service}.heartbeat"
    until(heartbeat.exists)
    stack.await_beat(service)
    process = getattr(stack, service).process
    process.send_signal(signal.SIGSTOP)
    try:
        heartbeat.unlink()
        time.sleep(5)
        assert not heartbeat.exists()
    finally:
        process.send_signal(signal.SIGCONT)
    until(heartbeat.exists, what="the beat after it went on")


@pytest.mark.slow
@pytest.mark.parametrize("words", [["worker"], ["scheduler"]], ids=["the worker", "the scheduler"])
def test_services_of_the_stack_declare_their_requirements(tmp_path, monkeypatch, capsys, words):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["lesart", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "LESART_BROKER_URL" in capsys.readouterr().err


@pytest.mark.slow
def test_a_broker_that_may_throw_messages_away_is_refused(stack):
    with services.own_redis() as broker:
        with redis.Redis.from_url(broker.url) as client:
            client.config_set("maxmemory-policy", "allkeys-lru")
        ended = lesart_process(
            stack.folder, "worker", **{**stack.settings, "broker_url": broker.url}
        )
    assert ended.returncode == 2
    assert "noeviction" in ended.stderr


@pytest.mark.slow
def test_a_page_that_a_browser_submits_is_read_by_the_workers(stack):
    port, sent = free_port(), {"url": "https://bote.example/plus/pegel"}
    made = stack.command("token", "add", "ada", "--scope", "capture", "--format", "json")
    headers = {"Authorization": f"Bearer {json.loads(made.stdout)[0]['token']}"}
    settings = {**stack.settings, "web_address": f"127.0.0.1:{port}", "web_workers": "1"}
    web = Service(stack.folder, "web", **settings)
    with Supervisor(web), httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        until(lambda: is_served(client), what="the page")
        for text in (PEGEL, HIGHER):
            file = ("pegel.html", saved_page("Pegel der Lohe steigt", text), "text/html")
            answer = client.post("/api/captures", data=sent, files={"file": file}, headers=headers)
            assert answer.status_code == 201
            asked = {"job": answer.json()["job"]}
            until(partial(is_done, client, asked), what="the reading of the page")
    changes = stack.rows("changes", answer.json()["article"])
    assert [(row["removed"], row["added"]) for row in changes] == [(["3,6"], ["36"])]


def is_done(client: httpx.Client, asked: dict[str, int]) -> bool:
    (job,) = client.get("/api/jobs", params=asked).json()["items"]
    return job["state"] == "done"


def is_served(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False
