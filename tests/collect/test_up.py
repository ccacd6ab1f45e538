"""`lesart up` and `lesart ingest` as processes, against the simulated web."""

import json
from datetime import UTC, datetime

import pytest

from tests.collect.test_lists import TEXTS, address, rss
from tests.flow.driver import findings, seed
from tests.flow.processes import Service, lesart, rows, until
from tests.services import free_port
from tests.web.desk import PEGEL, A
from tests.web.site import Reply, page, simulated_web, slow

pytestmark = pytest.mark.starts_first


@pytest.fixture
def web(tmp_path):
    with simulated_web(tmp_path, lambda: datetime.now(UTC)) as found:
        for host in ("zeitung.example", "bote.example"):
            found.sites[host] = {}
        yield found


@pytest.fixture
def settings(web, tmp_path):
    given = {
        "home": str(tmp_path / "home"), "seeds": str(tmp_path / "seeds"), "every": "1s",
        "allow_hosts": web.allow_hosts(), "ca_file": str(web.ca_file), "pace": "0.05s",
    }  # fmt: skip
    (tmp_path / "seeds").mkdir()
    yield given
    broken = findings(f"sqlite:///{tmp_path}/home/lesart.sqlite3")
    assert broken == [], broken


@pytest.mark.parametrize("status", [404, 410])
def test_an_address_that_does_not_exist_is_named_with_its_status_each_time(
    status, web, settings, tmp_path
):
    web.put(A, Reply(b"<p>Diese Seite gibt es nicht.</p>", status=status))
    for _ in range(2):
        done = lesart(tmp_path, "ingest", A, **settings)
        assert done.returncode == 1
        assert f"{A} does not exist: the server answered with status {status}" in done.stderr


def test_a_page_is_ingested_by_one_command(web, settings, tmp_path):
    web.put(A, page("Pegel der Lohe steigt", PEGEL))
    done = lesart(tmp_path, "ingest", A, "--format", "json", **settings)
    assert done.returncode == 0, done.stderr
    (summary,) = json.loads(done.stdout)
    assert (summary["seen"], summary["new_articles"]) == (1, 1)
    (shown,) = rows(tmp_path, "show", A, **settings)
    assert shown["origin"] == A
    assert shown["text"].startswith(PEGEL[0])


FRONT = "https://zeitung.example/politik/"
TEASERS = "".join(
    f'<article><h3><a href="/politik/{n}-der-rat-streitet-ueber-den-deich">Der Rat streitet zum '
    f"{n}. Mal über den Deich</a></h3><p>In der {n}. Sitzung ging es um die Kosten, die nach "
    "Angaben der Stadt weiter steigen werden.</p></article>"
    for n in range(2, 22)
)


def test_a_section_page_is_no_article_and_its_refusal_says_what_to_do(web, settings, tmp_path):
    front = f"<html lang=de><title>Politik in Lohe</title><body><h1>Politik in Lohe</h1>{TEASERS}</body></html>"
    web.put(FRONT, front)
    web.put(A, page("Pegel der Lohe steigt", PEGEL).replace(b"</body>", TEASERS.encode()))
    done = lesart(tmp_path, "ingest", FRONT, A, **settings)
    assert done.returncode == 1, done.stderr
    assert [row["origin"] for row in rows(tmp_path, "list", **settings)] == [A]
    (refusal,) = rows(tmp_path, "refusals", **settings)
    assert (refusal["code"], refusal["locator"]) == ("not_article", FRONT)
    assert "a front page or section page that lists other articles" in refusal["message"]
    assert "add the feed or sitemap of the site" in refusal["hint"]
    assert "lesart source add ADDRESS --type front" in refusal["hint"]
    query = f"SELECT outcome FROM observations WHERE origin = '{FRONT}'"
    assert rows(tmp_path, "sql", query, **settings) == [{"outcome": "not_article"}]


MENU = " ".join(f"Ressort{n} Abo Anmelden Wetter Sport Kultur" for n in range(200))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("paragraphs", "outcome"),
    [
        pytest.param([MENU, "Wir verwenden Cookies."], "not_article", id="a menu"),
        pytest.param(
            ["Jetzt den Newsletter der Zeitung kostenlos abonnieren!"] * 8,
            "unconfirmed",
            id="repeats",
        ),
    ],
)
def test_a_page_without_a_text_leaves_the_article_its_last_text(
    web, settings, tmp_path, paragraphs, outcome
):
    web.put(A, page("Impressum", PEGEL))
    assert lesart(tmp_path, "ingest", A, **settings).returncode == 0
    web.put(A, page("Impressum", paragraphs))
    code = lesart(tmp_path, "ingest", A, **settings).returncode
    assert code == (0 if outcome == "unconfirmed" else 1)
    outcomes = [row["outcome"] for row in rows(tmp_path, "observations", A, **settings)]
    assert sorted(outcomes) == ["content", outcome]
    (shown,) = rows(tmp_path, "show", A, **settings)
    assert (shown["versions"], shown["text"]) == (1, "\n\n".join(PEGEL))


@pytest.mark.slow
def test_a_refusal_ends_the_command_with_1_and_a_code(web, settings, tmp_path):
    done = lesart(tmp_path, "ingest", "ftp://zeitung.example/a", "http://127.0.0.1/", **settings)
    assert done.returncode == 1
    codes = sorted(row["code"] for row in rows(tmp_path, "refusals", **settings))
    assert codes == ["address_not_public", "url_scheme"]


@pytest.mark.slow
def test_a_slow_server_keeps_no_file_waiting(web, settings, tmp_path):
    web.put("https://bote.example/a", slow(Reply(page("Bote", PEGEL)), 20.0))
    assert lesart(tmp_path, "source", "add", "https://bote.example/a", **settings).returncode == 0
    up = Service(tmp_path, "up", **settings)
    up.start()
    try:
        until(lambda: web.asked("/a"), what="the slow request")
        (tmp_path / "seeds" / "pegel.txt").write_text(seed("Pegel steigt", PEGEL[0]))
        until(lambda: rows(tmp_path, "list", **settings), what="the file")
        assert [row["title"] for row in rows(tmp_path, "list", **settings)] == ["Pegel steigt"]
    finally:
        up.end()


@pytest.mark.slow
def test_up_watches_a_feed_and_goes_on_where_it_was_killed(web, settings, tmp_path):
    for n in TEXTS:
        web.put(address(n), Reply(page(f"Meldung {n} vom Hafen", TEXTS[n]), has_validators=True))
    feed = "https://zeitung.example/feed"
    web.put(feed, rss(*((f"M{n}", address(n)) for n in TEXTS)))
    added = lesart(tmp_path, "source", "add", feed, "--every", "2s", "--recheck", "1s", **settings)
    assert added.returncode == 0, added.stderr
    up = Service(tmp_path, "up", **settings)
    up.start()
    try:
        until(lambda: len(web.asked()) >= 4, what="some requests")
        up.kill()
        up.start()
        until(lambda: len(rows(tmp_path, "list", **settings)) == len(TEXTS), what="all pages")
        edited = [TEXTS[1][0].replace("Montag", "Dienstag"), *TEXTS[1][1:]]
        web.put(address(1), Reply(page("Meldung 1 vom Hafen", edited), has_validators=True))
        until(lambda: rows(tmp_path, "changes", **settings), what="the change")
    finally:
        up.end()
    versions = rows(tmp_path, "sql", "SELECT count(*) AS n FROM versions", **settings)
    assert versions == [{"n": len(TEXTS) + 1}]


@pytest.mark.slow
def test_a_source_that_cannot_be_reached_has_its_reason_in_jobs(web, settings, tmp_path):
    closed = f"tot.example:443=127.0.0.1:{free_port()}"
    settings["allow_hosts"] = f"{settings['allow_hosts']},{closed}"
    folder = tmp_path / "presse"
    folder.mkdir()
    (folder / "pegel.txt").write_text(seed("Pegel steigt", PEGEL[0]))
    for place in ("https://tot.example/a", str(folder)):
        added = lesart(tmp_path, "source", "add", place, **settings)
        assert added.returncode == 0, added.stderr
    folder.rename(tmp_path / "away")
    up = Service(tmp_path, "up", **settings)
    up.start()

    def reasons() -> set[str]:
        jobs = rows(tmp_path, "jobs", **settings)
        return {job["reason"] for job in jobs if job["reason"]}

    try:
        until(lambda: any(each.startswith("tot.example: ") for each in reasons()), what="the page")
        until(lambda: any("not read to its end" in each for each in reasons()), what="the folder")
    finally:
        up.end(seconds=120.0)
    told = reasons()
    assert any("could not be reached" in each for each in told), told
    assert all(
        job["state"] == "done" for job in rows(tmp_path, "jobs", **settings) if job["reason"]
    )
