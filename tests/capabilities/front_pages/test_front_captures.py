"""Captures of other crawlers as front pages: their lists join the own checks in the order of time."""

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from storage.values.verdict import Counts
from storage.write.redaction.scrub import scrub
from storage.write.store_captures import import_captures
from tests.capabilities.front_pages.test_front_pages import (
    BRIDGE,
    CLOSED,
    FRONT,
    LONG,
    SHORT,
    front,
    teaser,
)
from tests.export.test_warc_export import exported
from tests.flow.driver import Newsroom, findings, hour, newsroom_at
from tests.flow.processes import lesart, rows
from tests.warcs import answer, packed, page, record, response, revisit, wacz, warcinfo
from tests.web.desk import PEGEL, A
from tests.web.site import simulated_web
from tests.web_archives.history_archive import Captured, HistoryArchive
from tests.write.searched import found_in, places_of_bytes
from worker.cli.commands import app
from worker.flow.run_jobs import run_next_job

URL = f"{FRONT}/"
NOTHING = {"unchanged": 0, "refused": 0, "passed_over": 0}
MORE = "Die Leiterin des Deichamts rechnet bis zum Abend mit sinkendem Wasser."


def at(number: float) -> str:
    return f"{hour(number):%Y-%m-%dT%H:%M:%SZ}"


def shown(headline: str, token: str = "") -> bytes:
    return front(teaser(BRIDGE, CLOSED), teaser(A, headline, kicker="Lohe"), token=token)


def captured(number: float, headline: str, **headers: str) -> bytes:
    return response(URL, at(number), answer(shown(headline), headers=headers))


def stays(folder, **settings: str) -> list[tuple[str, str, str | None, int, bool]]:
    """Return headline, first and last hour, checks and who saw it of each stay of an address."""
    found = rows(folder, "fronts", "--article", A, **settings)
    return [
        (row["headline"], row["first_seen"][11:16], row["last_seen"][11:16], row["checks"],
         row["foreign"])
        for row in found
    ]  # fmt: skip


def ingest(folder, *words: str, **settings: str) -> tuple[int, dict[str, int]]:
    """Run `lesart ingest … --type front`; return the number of front pages read, and its counts."""
    done = lesart(folder, "ingest", *words, "--type", "front", "--format", "json", **settings)
    assert done.returncode in {0, 1}, done.stderr
    (summary,) = json.loads(done.stdout)
    counts = {each: summary[each] for each in ("unchanged", "refused", "passed_over")}
    return int(done.stderr.partition("front pages read: ")[2].split()[0]), counts


def arc(*bodies: tuple[float, bytes]) -> bytes:
    """Return an ARC file, whose records have no names."""
    head = b"1 0 Probe\nURL IP-address Archive-date Content-type Archive-length\n\n"
    start = f"filedesc://a.arc 0.0.0.0 20240618060000 text/plain {len(head)}\n".encode() + head
    records = [
        f"{URL} 192.0.2.1 {hour(number):%Y%m%d%H%M%S} text/html {len(block)}\n".encode() + block
        for number, block in ((number, answer(body)) for number, body in bodies)
    ]
    return b"\n".join([start, *records]) + b"\n"


FILES = {
    "warc": ("crawl.warc.gz", lambda *records: packed(warcinfo(), *records)),
    "wacz": ("crawl.wacz", lambda *records: wacz({"archive/data.warc.gz": packed(*records)})),
}


@pytest.mark.slow
@pytest.mark.few_cases
@pytest.mark.parametrize("kind", FILES)
def test_headlines_of_other_crawlers_are_studied_as_own_ones(kind, tmp_path):
    name, write = FILES[kind]
    again = revisit(URL, at(3), of=shown(SHORT), refers_to=(URL, at(2)))
    records = [captured(1, LONG), captured(2, SHORT), again, captured(4, LONG)]
    (tmp_path / name).write_bytes(write(*records))
    settings = {"home": str(tmp_path / "home")}
    assert ingest(tmp_path, name, **settings) == (4, NOTHING)
    expected = [
        (LONG, "07:00", "07:00", 1, True), (SHORT, "08:00", "09:00", 2, True),
        (LONG, "10:00", "10:00", 1, True),
    ]  # fmt: skip
    assert stays(tmp_path, **settings) == expected
    found = rows(tmp_path, "front", URL, "--as-of", at(2.5), **settings)
    assert [(row["headline"], row["kicker"], row["foreign"]) for row in found] == [
        (CLOSED, None, True), (SHORT, "Lohe", True),
    ]  # fmt: skip
    assert {
        row["headline_test"] for row in rows(tmp_path, "fronts", "--article", A, **settings)
    } == {True}
    assert ingest(tmp_path, name, **settings) == (0, {**NOTHING, "unchanged": 4})
    assert stays(tmp_path, **settings) == expected
    assert rows(tmp_path, "list", **settings) == []
    assert findings(f"sqlite:///{tmp_path}/home/lesart.sqlite3") == []


@pytest.mark.parametrize("is_late", [False, True])
def test_captures_between_own_checks_give_the_same_stays_whenever_they_come(is_late, desk):
    def capture(number: float, headline: str) -> None:
        desk.write(f"{number}.warc", captured(number, headline))
        if not is_late:
            desk.ingest(f"{number}.warc", at=number, type="front")

    source = desk.watch_page(URL, kind="front")
    for number, headline in ((1, LONG), (2, SHORT), (3, LONG), (4, LONG), (5, SHORT)):
        if number % 2:
            desk.web.put(FRONT, shown(headline))
            desk.look(source, at=number)
        else:
            capture(number, headline)
    if is_late:
        desk.ingest("4.warc", "2.warc", at=6, type="front")
    assert desk.number("SELECT count(*) FROM observations WHERE outcome = 'unchanged'") == 1
    found = desk.rows(
        'SELECT headline, first_seen, last_seen, ended_by, checks, headline_test, "foreign" '
        "FROM fronts WHERE origin = :origin ORDER BY first_seen", origin=A,
    )  # fmt: skip
    assert [(row["headline"], row["first_seen"][11:13], row["last_seen"][11:13]) for row in found] == [
        (LONG, "07", "07"), (SHORT, "08", "08"), (LONG, "09", "10"), (SHORT, "11", "11"),
    ]  # fmt: skip
    assert [row["foreign"] for row in found] == [False, True, False, False]
    assert [row["checks"] for row in found] == [1, 1, 2, 1]
    assert {row["headline_test"] for row in found} == {True}


ORDERS = [("front", None), (None, "front"), (None, "front", None, "front")]


@pytest.mark.parametrize("orders", ORDERS)
def test_a_crawl_is_read_for_its_articles_and_for_its_front_pages(orders, room):
    story = page("Pegel der Lohe steigt", PEGEL[0], PEGEL[1], MORE)
    bridge = page(CLOSED, "Die Kanalbrücke wird bis Mai erneuert, teilte die Stadt mit.", MORE)
    records = [captured(1, LONG), response(A, at(1), answer(story)), captured(2, SHORT),
               response(BRIDGE, at(1), answer(bridge)),
               revisit(URL, at(3), of=shown(SHORT), refers_to=(URL, at(2))),
               response(f"{URL}plan", at(1), answer(b"%PDF-1.4", kind="application/pdf"))]  # fmt: skip
    room.write("crawl.warc.gz", packed(warcinfo(), *records))
    for order in (*orders, *orders[-2:]):
        counts = room.ingest("crawl.warc.gz", at=10, type=order)
    assert counts == Counts(unchanged=4, passed_over=2) if order else Counts(unchanged=6)
    assert {row["origin"] for row in room.rows("SELECT origin FROM articles")} == {A, BRIDGE}
    query = "SELECT headline, checks FROM fronts WHERE origin = :origin ORDER BY first_seen"
    assert [tuple(row.values()) for row in room.rows(query, origin=A)] == [(LONG, 1), (SHORT, 2)]
    no_front = room.rows("SELECT code FROM refusals WHERE message LIKE '%shows no headlines%'")
    assert no_front == [{"code": "not_article"}]
    assert room.scan(11).unchanged == 6
    assert room.findings() == []


def of_a_crawler(kind: str, room: Newsroom) -> None:
    """Store three captures of a front page: as WARC, ARC, saved files, or read as articles before."""
    bodies = [(number, shown(headline)) for number, headline in ((1, LONG), (2, SHORT), (3, LONG))]
    name = "crawl.arc" if kind == "arc" else "crawl.warc"
    if kind == "arc":
        raw = arc(*bodies)
    elif kind == "saved":
        raw = b"".join(
            record("resource", URL, at(number), body, fields=[("Content-Type", "text/html")])
            for number, body in bodies
        )
    else:
        raw = b"".join(
            response(
                URL, at(number), answer(gzip.compress(body), headers={"Content-Encoding": "gzip"})
            )
            for number, body in bodies
        )
    room.write(name, raw)
    if kind == "again":
        room.ingest(name, at=9)
    room.ingest(name, at=9, type="front")


@pytest.mark.few_cases
@pytest.mark.parametrize("kind", ["again", "warc", "arc", "saved"])
def test_another_archive_has_the_captured_fronts_after_a_merge(kind, room, tmp_path):
    query = (
        "SELECT headline, position, first_seen, ended_by, checks FROM fronts "
        "ORDER BY first_seen, position"
    )
    of_a_crawler(kind, room)
    expected = room.rows(query)
    assert [row["headline"] for row in expected] == [CLOSED, LONG, SHORT, LONG]
    (tmp_path / "own.warc").write_bytes(exported(room))
    with newsroom_at(f"sqlite:///{tmp_path / 'other.sqlite3'}", tmp_path / "other") as other:
        for raw in (exported(room), exported(room)):
            other.write("own.warc", raw)
            other.ingest("own.warc", at=9)
        assert other.rows(query) == expected
        assert {row["foreign"] for row in other.rows('SELECT "foreign" FROM fronts')} == {True}
        with newsroom_at(f"sqlite:///{tmp_path / 'third.sqlite3'}", tmp_path / "third") as third:
            third.write("other.warc", exported(other))
            third.ingest("other.warc", at=9)
            assert third.rows(query) == expected
            assert third.findings() == []
        assert other.findings() == []


@pytest.mark.few_cases
@pytest.mark.parametrize("kind", ["again", "warc", "arc", "saved"])
def test_a_redacted_headline_leaves_all_captures_of_other_crawlers(kind, room):
    of_a_crawler(kind, room)
    words = ["redact", A, "--archive", room.url, "--reason", "gdpr_erasure", "--addresses"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    scrub(room.archive.engine)
    texts = [each.encode() for each in (LONG, SHORT, "lokales/pegel")]
    assert found_in(places_of_bytes(room, room.root), texts) == []
    assert [row["headline"] for row in room.rows("SELECT headline FROM fronts")] == [CLOSED]
    room.ingest("crawl.arc" if kind == "arc" else "crawl.warc", at=10, type="front")
    assert [row["headline"] for row in room.rows("SELECT headline FROM fronts")] == [CLOSED]
    assert room.findings() == []


@pytest.mark.slow
def test_an_import_that_was_killed_continues_without_doubles(room, monkeypatch):
    records = [captured(number / 10, LONG if number % 3 else SHORT) for number in range(20)]
    room.write("crawl.warc.gz", packed(*records))
    room.ingest("crawl.warc.gz", at=9)
    job = room.ordered(room.places("crawl.warc.gz", type="front"))
    room.settings = replace(room.settings, batch_items=7)
    calls = iter(range(100))

    def dies_at_the_third(*args, **kwargs):
        if next(calls) == 2:
            raise KeyboardInterrupt
        return import_captures(*args, **kwargs)

    monkeypatch.setattr("worker.flow.collect.import_captures.import_captures", dies_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        run_next_job(room.archive, room.settings, room.reader, job_id=job)
    assert room.worked(job) == Counts()
    assert room.number("SELECT count(*) FROM front") == 20
    assert room.number("SELECT count(*) FROM foreign_record") == 20


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("seite.html", "--type", "front"), "seite.html is none"),
        (("-", "--type", "front"), "front"),
        (("--history", URL, "--type", "html"), "other than front"),
    ],
)
def test_what_has_no_captures_is_not_read_as_front_pages(words, reason, tmp_path):
    (tmp_path / "seite.html").write_bytes(shown(LONG))
    done = lesart(tmp_path, "ingest", *words, home=str(tmp_path / "home"))
    assert done.returncode == 2
    assert reason in " ".join(done.stderr.split())


def test_the_history_of_a_front_page_is_imported(tmp_path):
    captures = [
        Captured(f"{hour(number):%Y%m%d%H%M%S}", URL, shown(headline))
        for number, headline in ((1, LONG), (2, SHORT), (3, SHORT), (4, LONG))
    ]
    with simulated_web(tmp_path, lambda: datetime.now(UTC)) as web:
        archive = HistoryArchive(web, "eins.example", captures, as_rows=True)
        settings = {
            "home": str(tmp_path / "home"), "ca_file": str(web.ca_file), "pace": "0.01s",
            "allow_hosts": web.allow_hosts(), "web_archives": archive.cdx_setting,
        }  # fmt: skip
        read_as_articles = lesart(tmp_path, "ingest", "--history", URL, **settings)
        assert read_as_articles.returncode == 1
        planned = rows(
            tmp_path, "ingest", "--history", URL, "--type", "front", "--dry-run", **settings
        )
        assert [row["stored"] for row in planned] == [False] * 4
        assert ingest(tmp_path, "--history", URL, **settings) == (4, NOTHING)
        fetched = archive.fetched()
        assert ingest(tmp_path, "--history", URL, **settings) == (0, {**NOTHING, "unchanged": 4})
        assert archive.fetched() == fetched
    assert stays(tmp_path, **settings) == [
        (LONG, "07:00", "07:00", 1, True), (SHORT, "08:00", "09:00", 2, True),
        (LONG, "10:00", "10:00", 1, True),
    ]  # fmt: skip
    query = f"SELECT DISTINCT \"foreign\", substr(note, 1, 16) AS note FROM observations WHERE origin = '{FRONT}'"
    assert rows(tmp_path, "sql", query, **settings) == [
        {"foreign": True, "note": "captured by eins"}
    ]
    assert findings(f"sqlite:///{tmp_path}/home/lesart.sqlite3") == []
