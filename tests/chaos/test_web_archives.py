"""A web archive comes in while its processes are killed: the record is that of a calm import."""

from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from random import Random

import psutil
import pytest

from tests import services, warcs
from tests.flow.driver import SENTENCES
from tests.flow.processes import Service, Supervisor, lesart_process, until
from tests.tools.chaos.checker import asking

pytestmark = pytest.mark.starts_first

START = datetime(2024, 6, 18, 6, tzinfo=UTC)
PAGES, CAPTURES, KILLS = 12, 5, 2
SETTINGS = {"every": "1s", "batch_items": "20", "batch_seconds": "3s", "lease_seconds": "60s"}
RECORD = {
    "versions": (
        "SELECT r.origin, v.number, w.text, v.changed_after, v.changed_by, v.last_seen "
        "FROM version v JOIN article a ON a.id = v.article_id JOIN origin r ON r.id = a.origin_id "
        "JOIN wording w ON w.id = v.wording_id"
    ),
    "observations": (
        "SELECT r.origin, o.observed_at, o.outcome, count(*), count(DISTINCT v.id) "
        "FROM observation o JOIN origin r ON r.id = o.locator_id "
        "LEFT JOIN verdict v ON v.observation_id = o.id WHERE o.source_id IS NOT NULL "
        "GROUP BY r.origin, o.observed_at, o.outcome"
    ),
    "records": "SELECT count(*) FROM foreign_record",
    "captures": "SELECT count(*) FROM capture",
}


@pytest.fixture(scope="module")
def archive():
    """Give the bytes of a web archive: pages with histories, requests, pictures, repetitions."""
    return warcs.packed(warcs.warcinfo(), *_records())


def _records():
    picture = warcs.answer(Random(3).randbytes(100_000), kind="image/png")
    for capture in range(CAPTURES):
        for number in range(PAGES):
            url = f"https://zeitung.example/lohe/{number}"
            date = (START + timedelta(hours=capture, seconds=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
            changed = SENTENCES[2 if capture >= 1 + number % 3 else 3]
            body = warcs.page(
                f"Pegel {number} steigt", f"Messstelle {number}.", *SENTENCES[:2], changed
            )
            if capture == CAPTURES - 1:
                yield warcs.revisit(url, date, of=body)
            else:
                yield warcs.response(url, date, warcs.answer(body))
            yield warcs.request(url, date)
            yield warcs.response(f"{url}.png", date, picture)


@pytest.fixture(scope="module")
def expected(archive, tmp_path_factory):
    """Give the rows of the record after an undisturbed import."""
    calm = tmp_path_factory.mktemp("calm")
    (calm / "all.warc.gz").write_bytes(archive)
    url = f"sqlite:///{calm / 'lesart.sqlite3'}"
    ended = lesart_process(calm, "ingest", "all.warc.gz", **SETTINGS, database_url=url)
    assert ended.returncode == 0, ended.stderr
    record = {name: _rows(url, query) for name, query in RECORD.items()}
    assert len(record["versions"]) == 2 * PAGES
    return record


@pytest.mark.postgresql("large")
@pytest.mark.chaos
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_kills_change_no_content_of_a_web_archive(database, archive, expected, tmp_path):
    with ExitStack() as resources:
        folder = tmp_path / "killed"
        (folder / "seeds").mkdir(parents=True)
        url = f"sqlite:///{folder / 'lesart.sqlite3'}"
        settings, words = {**SETTINGS, "seeds": str(folder / "seeds")}, [["up"]]
        if database == "postgresql":
            url = resources.enter_context(services.own_postgres()).url("postgres")
            settings["broker_url"] = resources.enter_context(services.own_redis()).url
            words = [["worker", "--concurrency", "2"], ["scheduler"]]
        settings["database_url"] = url
        assert lesart_process(folder, "db", "upgrade", **settings).returncode == 0
        (folder / "seeds" / "all.warc.gz").write_bytes(archive)
        supervisor = Supervisor(*(Service(folder, *each, **settings) for each in words))
        resources.enter_context(supervisor)
        seen = _kill_while_it_works(supervisor, url, Random(5))
        assert len(set(seen)) > KILLS / 2, f"too few kills met work under way: {seen}"
        until(lambda: _is_done(url), 300, "the end of the import")
        for name, query in RECORD.items():
            assert _rows(url, query) == expected[name], name
        verified = lesart_process(folder, "verify", **settings)
        assert verified.returncode == 0, verified.stdout + verified.stderr


def _kill_while_it_works(supervisor, url, chance):
    """Kill a process or one of its children, time and again; return how far work was then."""
    seen = []
    for _kill in range(KILLS):
        before = seen[-1] if seen else 0
        until(lambda n=before: _done(url) > n, 120, "progress")
        seen.append(_done(url))
        with supervisor.lock:
            service = chance.choice(supervisor.services)
            with suppress(psutil.NoSuchProcess):
                chance.choice([service, *service.children()]).kill()
    return seen


def _done(url):
    """Return a number that grows with each batch of records, and with each reading."""
    with asking(url) as ask:
        return ask.number("SELECT count(*) FROM foreign_record") + ask.number(
            "SELECT count(*) FROM verdict"
        )


def _is_done(url):
    with asking(url) as ask:
        captures = ask.number("SELECT count(*) FROM verdict")
        left = ask.number(
            "SELECT count(*) FROM job WHERE state IN ('ready', 'running') AND kind = 'read'"
        )
        return captures >= PAGES * CAPTURES and not left


def _rows(url, query):
    with asking(url) as ask:
        return sorted(tuple(_plain(value) for value in row) for row in ask.rows(query))


def _plain(value):
    """Return a value as both databases give it: times are text in SQLite, in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value)
