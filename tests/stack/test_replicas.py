"""Pages, answers and commands are read from replicas, and nobody misses what he wrote or saw."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests import services
from tests.flow.driver import page
from tests.flow.processes import LESART, Service, environment, lesart, until
from tests.services import PostgresServer, ReplicaServer, free_port

DATABASE = "postgres"
BODY = "Der Pegel der Lohe stieg in der Nacht um 36 Zentimeter."


@dataclass(frozen=True)
class Cluster:
    """A primary with two replicas, and a page that reads the replicas."""

    folder: Path
    primary: PostgresServer
    replicas: tuple[ReplicaServer, ReplicaServer]

    def settings(self, *replicas: PostgresServer) -> dict[str, str]:
        hosts = "&".join(f"host={each.folder}" for each in replicas or self.replicas)
        sql = f"postgresql://lesart_reader@/{DATABASE}?{hosts}&host={self.primary.folder}"
        return {
            "database_url": self.primary.url(DATABASE),
            "reader_database_url": f"postgresql://postgres@/{DATABASE}?{hosts}",
            "sql_database_url": sql,
            "home": str(self.folder / "home"),
        }

    def run(self, *words: str, **more: str) -> str:
        """Run a command whose home folder the readers do not share."""
        ended = lesart(self.folder, *words, **self.settings(), **more)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def write(self, name: str) -> str:
        """Ingest an article, and return its title."""
        path = self.folder / "texts" / f"{name}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(page(f"{BODY} {name}", title=f"Pegel {name}"), "utf-8")
        self.run("ingest", str(path))
        return f"Pegel {name}"

    def catch_up(self) -> None:
        """Wait until the replicas have everything."""
        position = ask(self.primary, "SELECT pg_current_wal_insert_lsn()")
        for each in self.replicas:
            until(
                lambda each=each: ask(
                    each, f"SELECT pg_last_wal_replay_lsn() >= '{position}'::pg_lsn"
                ),
                what="the replica",
            )

    @contextmanager
    def behind(self, *replicas: PostgresServer) -> Iterator[None]:
        """Keep replicas in their state of now."""
        self.catch_up()
        for each in replicas or self.replicas:
            ask(each, "SELECT pg_wal_replay_pause()")
            until(
                lambda each=each: ask(each, "SELECT pg_get_wal_replay_pause_state()") == "paused",
                what="the pause",
            )
        try:
            yield
        finally:
            for each in replicas or self.replicas:
                ask(each, "SELECT pg_wal_replay_resume()")
            self.catch_up()

    @contextmanager
    def web(self, *replicas: PostgresServer) -> Iterator[httpx.Client]:
        address = f"127.0.0.1:{free_port()}"
        settings = {**self.settings(*replicas), "web_address": address, "web_workers": "1"}
        server = Service(self.folder, "web", **settings)
        server.start()
        try:
            with httpx.Client(base_url=f"http://{address}", timeout=120) as client:
                until(lambda: answers(client), what="the page")
                yield client
        finally:
            server.end()


def ask(server: PostgresServer, query: str) -> object:
    """Return the first value of a query, which is repeated if a replica ends it to replay a row."""
    with psycopg.connect(server.url(DATABASE), autocommit=True) as connection:
        while True:
            with suppress(psycopg.errors.SerializationFailure):
                row = connection.execute(query).fetchone()
                return row and row[0]


def answers(client: httpx.Client) -> bool:
    with suppress(httpx.TransportError):
        return client.get("/readyz").status_code == 200
    return False


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    with ExitStack() as stack:
        primary = stack.enter_context(services.own_postgres())
        folder = tmp_path_factory.mktemp("cluster")
        ended = lesart(folder, "db", "upgrade", database_url=primary.url(DATABASE))
        assert ended.returncode == 0, ended.stderr
        services.reader_address(primary.url(DATABASE))
        first, second = (stack.enter_context(services.own_replica(primary)) for _ in range(2))
        yield Cluster(folder, primary, (first, second))


@pytest.fixture(scope="module")
def client(cluster) -> Iterator[httpx.Client]:
    with cluster.web() as client:
        yield client


# ------------------------------------------------------------------------- who reads a replica

COMMANDS: tuple[Sequence[str], ...] = (
    ("list",), ("search", "Pegel"), ("export",), ("sql", "SELECT title FROM versions"),
)  # fmt: skip
PATHS = ("/search?q=Pegel", "/api/articles", "/api/search?q=Pegel")


def by_command(cluster: Cluster, _client: httpx.Client, *words: str) -> str:
    ended = lesart(
        cluster.folder, *words, "--format", "json",
        **cluster.settings() | {"home": str(cluster.folder / "other")},
    )  # fmt: skip
    return ended.stdout


def by_page(_cluster: Cluster, client: httpx.Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


def by_assistant(cluster: Cluster, _client: httpx.Client) -> str:
    parameters = StdioServerParameters(
        command=LESART[0], args=[*LESART[1:], "mcp"], env=environment(**cluster.settings()),
        cwd=cluster.folder,
    )  # fmt: skip

    async def call() -> str:
        async with Client(stdio_client(parameters)) as client:
            listed = await client.call_tool("list", {})
            queried = await client.call_tool("sql", {"query": "SELECT title FROM versions"})
            texts = [each.content[0].text for each in (listed, queried)]
            assert len({"Pegel danach" in each for each in texts}) == 1
            return texts[0]

    return asyncio.run(call())


READERS: tuple[tuple[Callable[..., str], tuple[str, ...]], ...] = (
    *((by_command, tuple(each)) for each in COMMANDS),
    *((by_page, (each,)) for each in PATHS),
    (by_assistant, ()),
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.stack
def test_every_reader_reads_a_replica(cluster, client):
    with cluster.behind():
        cluster.write("danach")
        early = [read(cluster, client, *words) for read, words in READERS]
    for (read, words), text in zip(READERS, early, strict=True):
        assert "Pegel danach" not in text, words
        assert "Pegel danach" in read(cluster, client, *words), words


# ------------------------------------------------------------------------ what the primary answers

HTML = f"<!doctype html><html><title>B</title><article><h1>B</h1><p>{BODY * 9}</p></article></html>"


@pytest.fixture(scope="module")
def token(cluster) -> str:
    made = cluster.run("token", "add", "ada", "--scope", "capture", "--format", "json")
    return f"Bearer {json.loads(made)[0]['token']}"


@pytest.mark.slow
@pytest.mark.stack
def test_whoever_wrote_sees_it_at_once(cluster, client, token):
    given = {"url": "https://zeitung.example/eigen", "html": HTML}
    with cluster.behind():
        answer = client.post("/api/captures", json=given, headers={"Authorization": token})
        position, cookie = (answer.headers[each] for each in ("lesart-position", "set-cookie"))
        client.cookies.clear()
        seen = {
            "nobody": client.get("/api/jobs"),
            "the program": client.get("/api/jobs", headers={"Lesart-Position": position}),
            "the browser": client.get("/api/jobs", headers={"Cookie": cookie.partition(";")[0]}),
        }
        titles = cluster.write("von eigener Hand"), cluster.run("list", "--format", "json")
    assert answer.status_code == 201
    job = answer.json()["job"]
    found = {
        who: job in {each["job"] for each in jobs.json()["items"]} for who, jobs in seen.items()
    }
    assert found == {"nobody": False, "the program": True, "the browser": True}
    assert titles[0] in titles[1]


@pytest.mark.slow
@pytest.mark.stack
def test_an_earlier_time_is_shown_from_the_primary(cluster, client):
    title = cluster.write("frueher")
    cluster.catch_up()
    at = {"as_of": "2100-01-01", "limit": "1000"}
    assert title in client.get("/api/articles", params=at).text
    assert title in by_command(cluster, client, "list", "--as-of", "2100-01-01")
    ended = lesart(
        cluster.folder, "list", "--as-of", "2100-01-01",
        database_url=cluster.replicas[0].url(DATABASE),
    )  # fmt: skip
    assert (ended.returncode, "is a replica" in ended.stderr) == (2, True), ended.stderr


@pytest.mark.slow
@pytest.mark.stack
def test_no_client_is_shown_an_older_state_than_it_has(cluster, client):
    fresh, late = cluster.replicas
    with cluster.web(fresh) as ahead, cluster.web(late) as back:
        old = back.get("/api/articles")
        with cluster.behind(late):
            title = cluster.write("nur vorn")
            position = ask(cluster.primary, "SELECT pg_current_wal_insert_lsn()")
            until(lambda: ask(fresh, f"SELECT pg_last_wal_replay_lsn() >= '{position}'::pg_lsn"))
            new = ahead.get("/api/articles")
            assert (title in old.text, title in new.text) == (False, True)
            assert title not in back.get("/api/articles").text
            for known, changed in ((new, False), (old, True)):
                for server in (ahead, back):
                    tag = {"If-None-Match": known.headers["etag"]}
                    answer = server.get("/api/articles", headers=tag)
                    if changed and server is back:  # it has the same old state
                        assert answer.status_code == 304
                    elif changed:
                        assert (answer.status_code, answer.text) == (200, new.text)
                    else:
                        assert answer.status_code == 304 or answer.text == new.text


@pytest.mark.slow
@pytest.mark.stack
def test_an_old_state_is_shown_as_such(cluster, client):
    late = cluster.replicas[1]
    cluster.catch_up()
    until(lambda: age_of(client) == 0, what="a current state")
    assert {each["state"] for each in findings(cluster)} == {"ok"}
    with cluster.behind():
        cluster.write("ungesehen")
        until(lambda: (age_of(client) or 0) >= 2, what="an old state")
        shown = client.get("/metrics").text
        assert float(shown.partition("\nlesart_state_age_seconds ")[2].split()[0]) > 0
        assert " s and " in findings(cluster)[0]["message"]
    late.kill()
    try:
        assert [each["state"] for each in findings(cluster)] == ["warning", "ok"]
        assert "cannot be read" in findings(cluster)[0]["message"]
    finally:
        late.start()


@pytest.mark.slow
@pytest.mark.stack
def test_a_replica_that_has_replayed_no_commit_yet_is_as_old_as_its_start(cluster):
    with services.own_replica(cluster.primary) as fresh, cluster.behind(fresh):
        assert ask(fresh, "SELECT pg_last_xact_replay_timestamp()") is None
        cluster.write("vor dem ersten Stand")
        shown = findings(cluster, fresh)[0]
        assert shown["state"] == "warning"
        assert int(shown["message"].partition(" is ")[2].partition(" s and ")[0]) >= 1, shown


def age_of(client: httpx.Client) -> int | None:
    age = client.get("/api/articles").headers.get("lesart-state-age")
    return None if age is None else int(age)


def findings(cluster: Cluster, *replicas: PostgresServer) -> list[dict[str, str]]:
    settings = cluster.settings(*replicas)
    ended = lesart(cluster.folder, "doctor", "--format", "jsonl", **settings)
    rows = map(json.loads, ended.stdout.splitlines())
    return [each for each in rows if each["check"] == "replicas"]


@pytest.mark.slow
@pytest.mark.stack
def test_the_page_answers_while_replicas_vanish_and_return(cluster):
    first, second = cluster.replicas
    cluster.catch_up()
    with cluster.web() as client:
        expected = client.get("/api/articles").text
        for gone in (first, second):
            gone.kill()
            for _ in range(12):  # as many as its pool has connections
                answer = client.get("/api/articles")
                assert (answer.status_code, answer.text) == (200, expected)
        assert by_command(cluster, client, "list")
        for each in (first, second):
            each.start()
        assert client.get("/api/articles").text == expected
    cluster.catch_up()
