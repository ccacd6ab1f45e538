"""Front pages: the teasers of each check, how long they stayed, and headlines that alternate."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from lxml import html
from typer.testing import CliRunner

from storage.capabilities.front_pages import pages
from storage.capabilities.front_pages.view_sql import select_fronts
from storage.database.tables import FRONT as FRONT_TABLE
from storage.database.tables import TEASER
from storage.database.view_queries.sql_words import words_of
from storage.language.passage import Passage
from storage.read.archive import open_archive
from storage.read.filters import Clocks
from storage.record.observations import add_observation, ensure_origins
from storage.values.errors import NoSuchError
from storage.values.redaction import RedactionReason
from storage.values.refusals import RefusalReason
from storage.write.redaction.redact_articles import redact_passage
from storage.write.redaction.scrub import scrub
from tests.collect.test_lists import rss
from tests.export.test_warc_export import exported
from tests.flow.driver import findings, hour, newsroom_at
from tests.flow.processes import environment, lesart, rows, until
from tests.serve.conftest import served
from tests.web.clock import SharedClock
from tests.web.desk import HIGHER, PEGEL, A
from tests.web.site import page, redirect, simulated_web
from tests.write.searched import found_in, places_of_bytes
from tests.write.test_redaction import redact, target
from worker.capabilities.front_pages.page_reader import MOST_TEASERS
from worker.cli.commands import app
from worker.cli.redactions import prepare_reading
from worker.flow.document_process import DocumentReader
from worker.text.hints import Hints, TextSettings

FRONT = "https://zeitung.example"
BRIDGE = "https://zeitung.example/lokales/bruecke-gesperrt-bis-mai-4711"
LONG, SHORT = "Der Pegel der Lohe steigt weiter", "Lohe: Hochwasser erreicht die Altstadt"
CLOSED = "Kanalbrücke bleibt bis Mai gesperrt"
FREE = "Brücke früher frei als erwartet"


def teaser(address: str, headline: str, *, level: int = 2, kicker: str = "", picture=False) -> str:
    above = f'<span class="kicker">{kicker}</span> ' if kicker else ""
    image = f'<a href="{address}"><img src="/b.jpg" alt=""></a>' if picture else ""
    return (
        f'<article>{image}<h{level}><a href="{address}?utm_source=start">{above}{headline}</a>'
        f'</h{level}><p>Mehr dazu. <a href="{address}#kommentare">3 Kommentare</a></p></article>'
    )


def front(*teasers: str, token: str = "") -> bytes:
    menu = "".join(
        f'<li><a href="/{name}/">{name.title()}</a></li>' for name in ("lokales", "sport")
    )
    return (
        f"<html lang=de><head><title>Zeitung</title></head><body data-token='{token}'>"
        f"<nav><ul>{menu}<li><a href='/abo-jetzt-vier-wochen-testen-99'>Jetzt vier Wochen lang "
        f"testen</a></li></ul></nav><main>{''.join(teasers)}</main><footer><a href='/impressum'>"
        "Impressum</a></footer></body></html>"
    ).encode()


def shown(desk, as_of=None) -> list[tuple[object, ...]]:
    with open_archive(desk.url, clocks=Clocks(as_of)) as archive:
        return [
            (t.position, t.heading_level, t.picture, t.kicker, t.headline, t.origin)
            for t in archive.front(FRONT)
        ]


def stays(desk, article: str = A) -> list[tuple[object, ...]]:
    with open_archive(desk.url) as archive:
        return [
            (s.headline, s.position, s.headline_test, s.first_seen, s.last_seen, s.ended_by)
            for s in archive.fronts(article)
        ]


def test_a_front_page_is_shown_as_it_was(desk):
    desk.web.put(FRONT, front(teaser(A, LONG, level=1, kicker="Hochwasser", picture=True)))
    source = desk.watch_page(FRONT, kind="front", every_seconds=900)
    desk.look(source, at=1)
    desk.web.put(FRONT, front(teaser(BRIDGE, CLOSED), teaser(A, LONG, level=3)))
    desk.look(source, at=2)
    assert shown(desk, as_of=hour(1.5)) == [(1, 1, True, "Hochwasser", LONG, A)]
    assert shown(desk) == [(1, 2, False, None, CLOSED, BRIDGE), (2, 3, False, None, LONG, A)]
    assert desk.number("SELECT count(*) FROM articles") == 0  # nothing on it is fetched


def test_an_unchanged_front_adds_one_row(desk):
    def counts() -> tuple[int, ...]:
        return tuple(desk.number(f"SELECT count(*) FROM {name}") for name in ("front", "teaser"))

    desk.web.put(FRONT, front(teaser(A, LONG)))
    source = desk.watch_page(FRONT, kind="front")
    desk.look(source, at=1)
    assert counts() == (1, 1)
    desk.look(source, at=2)  # the same bytes: the observation is all
    assert counts() == (1, 1)
    desk.web.put(FRONT, front(teaser(A, LONG), token="neu"))
    desk.look(source, at=3)
    assert counts() == (2, 1)
    assert desk.number("SELECT count(*) FROM front WHERE teasers IS NULL") == 1
    assert stays(desk) == [(LONG, 1, False, hour(1), hour(3), None)]
    (stay,) = desk.rows("SELECT checks, changed_after FROM fronts")
    assert (stay["checks"], stay["changed_after"]) == (3, None)


def test_headlines_that_alternate_are_a_test_and_a_new_headline_is_none(desk):
    source = desk.watch_page(FRONT, kind="front")
    other = teaser(BRIDGE, CLOSED)
    for at, headline in enumerate((LONG, SHORT, LONG, LONG, SHORT), 1):
        desk.web.put(FRONT, front(other, teaser(A, headline), token=str(at)))
        desk.look(source, at=at)
    desk.web.put(FRONT, front(teaser(BRIDGE, "Brücke früher frei"), teaser(A, SHORT)))
    desk.look(source, at=6)
    assert [(row[0], row[2], row[3]) for row in stays(desk)] == [
        (LONG, True, hour(1)), (SHORT, True, hour(2)), (LONG, True, hour(3)), (SHORT, True, hour(5)),
    ]  # fmt: skip
    assert [(row[0], row[2]) for row in stays(desk, BRIDGE)] == [
        (CLOSED, False), ("Brücke früher frei", False),
    ]  # fmt: skip


def test_a_second_place_with_another_headline_is_no_test(desk):
    source = desk.watch_page(FRONT, kind="front")
    for at, top in enumerate((teaser(A, LONG), "", teaser(A, LONG)), 1):
        read_most = teaser(BRIDGE, CLOSED) + teaser(A, SHORT, level=4)
        desk.web.put(FRONT, front(top, read_most))
        desk.look(source, at=at)
    assert {row[2] for row in stays(desk)} == {False}


def test_a_page_without_headlines_is_refused_and_ends_no_stay(desk):
    source = desk.watch_page(FRONT, kind="front")
    desk.web.put(FRONT, front(teaser(A, LONG)))
    desk.look(source, at=1)
    desk.web.put(FRONT, front("<p>Bitte stimmen Sie zu.</p>"))
    desk.look(source, at=2)
    assert desk.codes() == ["not_article"]
    desk.look(source, at=3)
    assert stays(desk) == [(LONG, 1, False, hour(1), hour(1), None)]


def test_a_front_page_answers_to_the_address_that_redirects_to_it(desk):
    start = "https://zeitung.example/start"
    desk.web.put(start, redirect(FRONT))
    desk.web.put(FRONT, front(teaser(A, LONG)))
    desk.fetch(start, at=1, type="front")
    with open_archive(desk.url) as archive:
        for address in (start, FRONT):
            assert [each.headline for each in archive.front(address)] == [LONG]
            assert [each.front for each in archive.fronts(front=address)] == [FRONT]
        with pytest.raises(NoSuchError, match="--type front"):
            archive.front("https://bote.example/")


def test_a_redacted_address_leaves_all_front_pages_and_does_not_come_back(desk):
    source = desk.watch_page(FRONT, kind="front")
    desk.web.put(A, page("Ada Kern gesteht", PEGEL))
    both = (teaser(BRIDGE, CLOSED), teaser(A, "Ada Kern gesteht alles ein"))
    desk.web.put(FRONT, front(*both))
    desk.look(source, at=1)
    desk.fetch(A, at=1)
    assert [row[4] for row in shown(desk)] == [CLOSED, "Ada Kern gesteht alles ein"]
    redact(desk, [target(desk, A)], with_addresses=True)
    assert [row[4] for row in shown(desk)] == [CLOSED]
    desk.web.put(FRONT, front(*both, token="neu"))
    desk.look(source, at=2)
    assert [row[4] for row in shown(desk)] == [CLOSED]
    assert desk.number("SELECT count(*) FROM teaser WHERE headline LIKE '%Kern%'") == 0
    assert desk.number("SELECT count(*) FROM origin WHERE origin LIKE '%pegel%'") == 0


def test_an_address_that_only_a_front_page_names_is_redacted_by_command(desk):
    source = desk.watch_page(FRONT, kind="front")
    both = (teaser(BRIDGE, CLOSED), teaser(A, "Ada Kern gesteht alles ein"))
    desk.web.put(FRONT, front(*both))
    desk.look(source, at=1)
    words = ["redact", A, "--archive", desk.url, "--reason", "gdpr_erasure", "--addresses"]
    tried = CliRunner().invoke(app, [*words, "--passage", "Kern", "--dry-run"])
    assert tried.exit_code == 2
    planned = json.loads(CliRunner().invoke(app, [*words, "--dry-run"]).stdout)
    assert (planned["teasers"], planned["addresses"], planned["captures"]) == (1, 1, 1)
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert [row[4] for row in shown(desk)] == [CLOSED]
    desk.web.put(FRONT, front(*both, token="neu"))
    desk.look(source, at=2)
    assert [row[4] for row in shown(desk)] == [CLOSED]
    for table, column in (("teaser", "headline"), ("origin", "origin")):
        found = "LIKE '%Kern%'" if table == "teaser" else "LIKE '%pegel%'"
        assert desk.number(f"SELECT count(*) FROM {table} WHERE {column} {found}") == 0


def test_the_cost_of_stays_grows_with_the_checks_not_with_their_square(tmp_path):
    steps = []
    for checks in (100, 200):
        with newsroom_at(f"sqlite:///{tmp_path / str(checks)}", tmp_path / f"room{checks}") as room:
            store_checks(room, checks)
            room.close()
        with closing(sqlite3.connect(tmp_path / str(checks))) as connection:
            counted = count()
            connection.set_progress_handler(lambda c=counted: next(c) < 0, 100)
            rows = connection.execute(select_fronts(words_of("sqlite"))).fetchall()
            assert len(rows) == 10 + checks // 2 - 1
            steps.append(next(counted))
    assert steps[1] < 2.5 * steps[0]


def test_the_page_of_a_front_page_shows_the_earlier_headlines_and_marks_a_test(desk):
    source = desk.watch_page(FRONT, kind="front")
    for at, (first, second) in enumerate(((LONG, CLOSED), (SHORT, CLOSED), (LONG, FREE)), 1):
        desk.web.put(
            FRONT,
            front(
                teaser(A, first),
                teaser(BRIDGE, second),
                teaser(f"{A}-2", "Der Damm an der Lohe hält"),
            ),
        )
        desk.look(source, at=at)
    with served(desk.url) as client:
        text = client.get("/front", params={"front": FRONT, "lang": "en"}).text
    tested, edited = html.fromstring(text).xpath("//main//td//details")
    said = [[each.text.strip() for each in part.xpath("ol/li")] for part in (tested, edited)]
    assert said == [[LONG, SHORT, LONG], [FREE, CLOSED]]
    assert ["headline test" in each.text_content() for each in (tested, edited)] == [True, False]
    assert [each.get("open") for each in (tested, edited)] == ["", None]


def test_earlier_headlines_of_a_front_page_with_many_checks_are_shown_on_request(desk, monkeypatch):
    monkeypatch.setattr(pages, "MOST_CHECKS", 1)
    source = desk.watch_page(FRONT, kind="front")
    with served(desk.url) as client:
        for path in ("/front", f"/front?front={FRONT}"):
            text = client.get(path, headers={"Accept": "text/html", "Accept-Language": "en"}).text
            assert "no check with headlines yet" in text or "no check has found headlines" in text
            assert "source add" not in text
        for at, headline in enumerate((LONG, SHORT), 1):
            desk.web.put(FRONT, front(teaser(A, headline)))
            desk.look(source, at=at)
        text = client.get("/front", params={"front": FRONT}).text
        assert LONG not in text
        (link,) = html.fromstring(text).xpath("//a[contains(@href, 'headlines=true')]/@href")
        assert LONG in client.get(link).text


def store_checks(room, checks: int) -> None:
    """Store checks of a front page: every second one has a new teaser, the others confirm it."""
    with room.archive.unit() as unit:
        names = [f"{FRONT}/meldung-{number}" for number in range(10 + checks)]
        origins = ensure_origins(unit, [FRONT, *names])
        own = origins[FRONT]
        teasers = {}
        for name in names[: 10 + checks // 2 - 1]:
            teasers[name] = unit.number()
            unit.add(TEASER, {"id": teasers[name], "front_id": own, "origin_id": origins[name],
                "headline": name, "kicker": None, "recorded_at": unit.now})  # fmt: skip
        for number in range(checks):
            seen = add_observation(
                unit, source_id=room.source.id, job_id=None, locator_id=own,
                observed_at=hour(number), outcome="unchanged" if number % 2 else "content",
            )  # fmt: skip
            if number % 2 == 0:
                listed = [[teasers[name], 2, 1] for name in names[number // 2 : number // 2 + 10]]
                unit.add(FRONT_TABLE, {"id": unit.number(), "observation_id": seen,
                    "origin_id": own, "same_as_id": None, "teasers": listed, "found": 10,
                    "method": "1", "recorded_at": unit.now})  # fmt: skip


def test_a_redacted_passage_leaves_headlines_feeds_and_bylines_and_does_not_come_back(desk):
    def publish(headline: str, body=PEGEL) -> None:
        desk.web.put(A, page("Der Pegel steigt", body, author="Ada Zwölfkern"))
        desk.web.put(FRONT, front(teaser(BRIDGE, CLOSED), teaser(A, headline)))
        desk.web.put(feed, rss((headline, A)))
        for source in sources:
            desk.look(source, at=next(times))

    def remove(passage: str) -> int | None:
        why = RedactionReason.GDPR_ERASURE
        return redact_passage(
            desk.archive, [target(desk, A)], Passage.parse(passage), why, "ada", prepare_reading
        )

    feed, times = "https://zeitung.example/feed", count(1)
    sources = [desk.watch_page(FRONT, kind="front"), desk.watch_page(feed)]
    publish("Zwölfkern: Der Pegel steigt weiter an")
    assert remove("Zwölfkern") is not None
    assert remove("Zwölfkern") is None
    assert remove("Zwölfkerns") is None
    publish("Jetzt warnt auch Zwölfkern vor dem Pegel", HIGHER)
    desk.fetch(A, at=next(times))
    assert "redacted" in desk.codes()
    assert [row[4] for row in shown(desk)] == [CLOSED]
    scrub(desk.archive.engine)
    assert found_in(places_of_bytes(desk, desk.root), ["Zwölfkern".encode()]) == []


def test_another_archive_has_the_fronts_after_a_merge(desk, tmp_path):
    source = desk.watch_page(FRONT, kind="front")
    for at, headline in enumerate((LONG, LONG, SHORT), 1):
        desk.web.put(FRONT, front(teaser(A, headline)))
        desk.look(source, at=at)
    query = (
        "SELECT origin, headline, position, first_seen, ended_by FROM fronts ORDER BY first_seen"
    )
    expected = desk.rows(query)
    assert len(expected) == 2
    (tmp_path / "own.warc").write_bytes(exported(desk))
    with newsroom_at(f"sqlite:///{tmp_path / 'other.sqlite3'}", tmp_path / "other") as other:
        other.write("own.warc", (tmp_path / "own.warc").read_bytes())
        other.ingest("own.warc", at=9)
        assert other.rows(query) == expected
        assert {each["foreign"] for each in other.rows('SELECT "foreign" FROM fronts')} == {True}


HOSTILE = {
    "100,000 links": front(*(teaser(f"/a-{n}-b-c", f"Der Rat streitet zum {n}. Mal") for n in range(100_000))),
    "one link around all": b"<a href=/a-b-c-d>" + b"<h2>Der Rat streitet wieder</h2>" * 50_000,
    "nested links": b"".join(b"<div><a href=/a-%d-b-c>Der Rat streitet zum %d. Mal" % (n, n) for n in range(20_000)),
    "nested depth": b"<div>" * 200_000 + front(teaser(A, LONG)),
    "a long headline": front(teaser(A, "Lohe " * 200_000)),
    "long classes": b"<div class='" + b"a-" * 500_000 + b"'>" + front(teaser(A, LONG)),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_front_pages_are_read_within_the_bounds_or_refused(kind):
    hints = Hints("front", "start", None, datetime.now(UTC), FRONT)
    with DocumentReader(TextSettings(), wall_seconds=60) as reader:
        answer = reader.read(HOSTILE[kind], hints)
        if isinstance(answer, RefusalReason):
            assert answer.code in {"extraction_empty", "not_article", "resource_time"}
        else:
            listed = answer.fields["teasers"].value["teasers"]
            assert 0 < len(listed) <= MOST_TEASERS
        assert not isinstance(reader.read(front(teaser(A, LONG)), hints), RefusalReason)


@pytest.mark.slow
@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_up_follows_a_front_page_and_names_a_headline_test(dialect, tmp_path, request):
    clock = SharedClock(tmp_path / "clock", datetime.now(UTC))
    url = f"sqlite:///{tmp_path}/home/lesart.sqlite3"
    if dialect == "postgresql":
        url = request.getfixturevalue("postgres_url")
    with simulated_web(tmp_path, clock) as web:
        web.sites["zeitung.example"] = {}
        web.put(A, page("Pegel der Lohe steigt", PEGEL))
        web.put(FRONT, front(teaser(A, LONG), teaser(BRIDGE, CLOSED)))
        settings = {
            "home": str(tmp_path / "home"), "seeds": str(tmp_path / "none"), "database_url": url,
            "allow_hosts": web.allow_hosts(), "ca_file": str(web.ca_file), "pace": "0.01s",
        }  # fmt: skip
        assert lesart(tmp_path, "ingest", A, **settings).returncode == 0
        words = ("source", "add", FRONT, "--type", "front", "--every", "15m")
        added = lesart(tmp_path, *words, **settings)
        assert added.returncode == 0, added.stderr
        up = subprocess.Popen(
            [sys.executable, "-m", "tests.tools.month.up", str(clock.path)],
            cwd=tmp_path,
            env=environment(**settings),
        )
        try:
            query = "SELECT DISTINCT observed_at FROM teasers"
            for number, headline in enumerate((LONG, SHORT, LONG, SHORT), 1):
                web.put(FRONT, front(teaser(BRIDGE, CLOSED), teaser(A, headline)))
                if number > 1:
                    clock.jump(clock() + timedelta(minutes=16))
                until(
                    lambda n=number: len(rows(tmp_path, "sql", query, **settings)) == n,
                    what=f"check {number}",
                )
        finally:
            up.terminate()
            up.wait(60)
    found = rows(tmp_path, "fronts", "--article", A, **settings)
    assert [(each["headline"], each["headline_test"], each["checks"]) for each in found] == [
        (LONG, True, 1), (SHORT, True, 1), (LONG, True, 1), (SHORT, True, 1),
    ]  # fmt: skip
    assert [each["ended_by"] for each in found[:3]] == [each["first_seen"] for each in found[1:]]
    now = rows(tmp_path, "front", FRONT, **settings)
    assert [(each["position"], each["headline"]) for each in now] == [(1, CLOSED), (2, SHORT)]
    assert [each["article"] is not None for each in now] == [False, True]
    then = rows(tmp_path, "front", FRONT, "--as-of", found[0]["first_seen"], **settings)
    assert [each["headline"] for each in then][-1] == LONG
    versions = rows(tmp_path, "sql", "SELECT title FROM versions", **settings)
    assert versions == [{"title": "Pegel der Lohe steigt"}]
    assert rows(tmp_path, "changes", **settings) == []
    with served(url) as client:
        listed = client.get("/api/front", params={"front": FRONT}).json()["items"]
        assert [each["headline"] for each in listed] == [CLOSED, SHORT]
        stayed = client.get("/api/fronts", params={"article": A, "front": FRONT}).json()["items"]
        assert [each["headline_test"] for each in stayed] == [True] * 4
        place = f"/a/{stayed[0]['article']}/fronts"
        assert "Überschriften-Test" in client.get(place, headers={"Accept-Language": "de"}).text
        assert "headline test" in client.get(place, headers={"Accept-Language": "en"}).text
        shown_then = client.get("/front", params={"front": FRONT, "as_of": found[0]["first_seen"]})
        assert LONG in shown_then.text
        assert SHORT not in shown_then.text
    assert findings(url) == []
