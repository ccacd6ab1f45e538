"""Pages whose text exists only after their scripts have run, followed like any other page."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.flow.processes import Service, lesart, rows, until
from tests.web.desk import HIGHER, PEGEL, A, Desk, desk_at
from tests.web.site import Reply, page, simulated_web
from worker.capabilities.browser_pages.browser import PROGRAM

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(PROGRAM).exists(), reason="there is no Chromium"),
]
SHELL = b"""<!doctype html><html lang=de><head><title>Zeitung</title></head><body><div id=a></div>
<script>fetch('/text.html').then(r => r.text()).then(t => {
  document.getElementById('a').attachShadow({mode: 'closed'}).innerHTML = t;
  document.body.dataset.visit = Math.random() })</script></body></html>"""
TEXT = "https://zeitung.example/text.html"
WALL = (
    "<h1>Wir brauchen Ihre Einwilligung</h1>" + "<p>Mit Werbung und Cookies lesen: akzeptieren.</p>"
)
BY_SCRIPT = "<script>document.querySelector('p').append(' Der Deich hält.')</script></body>"


def shown(paragraphs: tuple[str, ...]) -> Reply:
    inner = "".join(f"<p>{each}</p>" for each in paragraphs)
    return Reply(f"<article><h1>Pegel steigt</h1>{inner}</article>".encode())


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    with desk_at(database_url, tmp_path, fetch_seconds="20s") as found:
        found.web.put(A, Reply(SHELL))
        found.web.put(TEXT, shown(PEGEL))
        yield found


def versions(desk: Desk) -> list[str]:
    return [row["text"] for row in desk.rows("SELECT text FROM versions ORDER BY version")]


def kept(desk: Desk) -> list[int]:
    tables = ("capture", "wording", "derivation")
    return [desk.one(f"SELECT count(*) AS n FROM {each}")["n"] for each in tables]


def test_a_page_of_scripts_has_versions_and_a_wall_makes_none(desk: Desk) -> None:
    source = desk.watch_page(A, kind="page", options={"browser": "always"})
    desk.due(0)
    before = kept(desk)
    desk.look(source, 1)
    assert desk.outcomes(A) == ["content", "unchanged"]
    assert kept(desk) == before
    desk.web.put(TEXT, Reply(WALL.encode()))
    desk.look(source, 2)
    desk.web.put(TEXT, shown(HIGHER))
    desk.look(source, 3)
    desk.web.put(TEXT, shown((*HIGHER, "Am Freitag berät der Rat über den Deich und die Kosten.")))
    desk.look(source, 4)
    found = versions(desk)
    assert len(found) == 3, (found, desk.outcomes(A), desk.codes())
    assert "3,6 Zentimeter" in found[0]
    assert "36 Zentimeter" in found[1]
    assert "Am Freitag" in found[2]


SCRIPTS = b"""<!doctype html><html lang=de><head><title>Zeitung</title></head><body>
<article id=a><h1>Pegel steigt</h1></article><script>
(async () => { for (const name of ['/text.html', '/more.html']) {
  const answer = await fetch(name);
  if (answer.ok) document.getElementById('a').innerHTML += await answer.text() } })()
</script></body></html>"""
MORE = "https://zeitung.example/more.html"
REST = (
    "Im Süden der Stadt stehen zwei Schulen leer, deren Turnhallen als Notlager dienen.",
    "Landrätin Vogt versprach den Betrieben schnelle Hilfe und kündigte einen Fonds an.",
    "Experten warnen seit Jahren vor dem undichten Wehr, das bereits dreimal repariert wurde.",
    "Ein Sprecher der Genossenschaft nannte die Schäden an den Feldern noch nicht absehbar.",
    "Freiwillige kochen inzwischen Suppe für die Helfer, die seit Mitternacht arbeiten.",
)


def test_a_text_is_held_back_if_requests_failed_and_most_of_it_is_missing(desk: Desk) -> None:
    desk.web.put(A, Reply(SCRIPTS))
    desk.web.put(MORE, shown(REST))
    source = desk.watch_page(A, kind="page", options={"browser": "always"})
    desk.due(0)
    desk.web.put(MORE, Reply(b"", 503))
    desk.look(source, 1)
    assert len(versions(desk)) == 1
    (held,) = desk.rows("SELECT signs, grade FROM unconfirmed")
    assert (held["grade"], "resources_failed" in str(held["signs"])) == ("soft", True)
    desk.web.put(MORE, shown(REST))
    desk.look(source, 2)
    assert len(versions(desk)) == 1
    desk.web.put(MORE, Reply(b""))  # the newspaper itself took it out
    desk.look(source, 3)
    assert len(versions(desk)) == 2


def test_fetched_and_rendered_texts_make_no_edit(desk: Desk) -> None:
    raw = page("Pegel steigt", PEGEL)
    desk.web.put(A, Reply(raw.replace(b"</body>", BY_SCRIPT.encode())))
    source = desk.watch_page(A, kind="page")
    desk.due(0)
    desk.archive.change_source(source.name, options={"browser": "always"})
    desk.look(source, 1)
    desk.archive.change_source(source.name, options={"browser": "off"})
    desk.look(source, 2)
    configs = [row["config"] for row in desk.rows(
        "SELECT config FROM derivation WHERE wording_id IS NOT NULL ORDER BY id")]  # fmt: skip
    assert [each.endswith(";browser=1") for each in configs][:2] == [False, True], configs
    assert len(versions(desk)) == 1


def test_auto_renders_pages_without_text_and_stays_so(desk: Desk) -> None:
    full = "https://zeitung.example/lokales/bericht"
    desk.web.put(full, page("Ein anderer Bericht", PEGEL))
    for each in (A, full):
        desk.watch_page(each, kind="page", options={"browser": "auto"})
    desk.due(0)
    read = {row["origin"]: row["hints"] for row in desk.rows(
        "SELECT o.origin, b.hints FROM observation b JOIN origin o ON o.id = b.locator_id "
        "WHERE b.outcome = 'captured'")}  # fmt: skip
    assert '"rendered"' in str(read[A]).replace("'", '"')
    assert '"rendered"' not in str(read[full]).replace("'", '"')
    desk.web.put(A, page("Pegel steigt", PEGEL))
    desk.web.remove(TEXT)
    desk.due(1000)
    assert len(versions(desk)) == 2


def test_no_browser_is_a_refusal_and_no_text(desk: Desk, tmp_path: Path) -> None:
    missing = tmp_path / "browser"
    missing.write_text("#!/bin/sh\nexit 1\n")
    missing.chmod(0o755)
    object.__setattr__(desk.settings, "browser", missing)
    desk.watch_page(A, kind="page", options={"browser": "always"})
    desk.due(0)
    assert desk.codes() == ["browser_missing"]
    missing.chmod(0o644)
    desk.due(1000)
    assert set(desk.codes()) == {"browser_missing"}
    assert versions(desk) == []


def test_commands_follow_a_page_of_scripts(tmp_path: Path) -> None:
    with simulated_web(tmp_path, lambda: datetime.now(UTC)) as web:
        web.put(A, Reply(SHELL))
        web.put(TEXT, shown(PEGEL))
        settings = {
            "allow_hosts": web.allow_hosts(), "ca_file": str(web.ca_file), "pace": "0.01",
        }  # fmt: skip
        lesart(tmp_path, "ingest", A, "--browser", **settings)
        assert len(rows(tmp_path, "changes")) == 0
        lesart(tmp_path, "source", "add", A, "--name", "zeitung", "--browser", **settings)
        web.put(TEXT, shown(HIGHER))
        service = Service(tmp_path, "up", web_address="127.0.0.1:0", **settings)
        service.start()
        try:
            until(lambda: len(rows(tmp_path, "changes")) == 1, 90)
            web.put(TEXT, shown((*HIGHER, "Am Freitag berät der Rat über den Deich.")))
            lesart(tmp_path, "source", "set", "zeitung", "--every", "2s", "--recheck", "2s")
            until(lambda: len(rows(tmp_path, "changes")) == 2, 90)
        finally:
            service.end()
        changed = lesart(tmp_path, "diff", A).stdout
        assert re.search("Freitag", changed), changed


def test_auto_renders_what_has_no_text_and_only_that_until_it_is_turned_off(
    tmp_path: Path,
) -> None:
    full = "https://zeitung.example/lokales/bericht"
    with simulated_web(tmp_path, lambda: datetime.now(UTC)) as web:
        web.put(A, Reply(SHELL))
        web.put(TEXT, shown(PEGEL))
        web.put(full, page("Ein anderer Bericht", REST))
        settings = {
            "allow_hosts": web.allow_hosts(), "ca_file": str(web.ca_file), "pace": "0.01",
        }  # fmt: skip

        def configs(address: str) -> list[bool]:
            """Return for each version whether a browser read it."""
            return [
                rows(tmp_path, "show", f"{address}@{each['version']}")[0]["extractor"]["config"]
                .endswith(";browser=1") for each in rows(tmp_path, "history", address)
            ]  # fmt: skip

        for name, address in (("skript", A), ("bericht", full)):
            words = ("--name", name, "--browser", "auto", "--every", "2s", "--recheck", "2s")
            done = lesart(tmp_path, "source", "add", address, *words, **settings)
            assert done.returncode == 0, done.stderr
        service = Service(tmp_path, "up", web_address="127.0.0.1:0", **settings)
        service.start()
        try:
            until(lambda: len(rows(tmp_path, "list")) == 2, 90)
            assert (configs(A), configs(full)) == ([True], [False])
            web.put(A, page("Pegel steigt", HIGHER))  # a text without a script: the choice stays
            until(lambda: len(rows(tmp_path, "changes", A)) == 1, 90)
            web.put(full, page("Ein anderer Bericht", (*REST, "Der Rat tagt am Freitag.")))
            until(lambda: len(rows(tmp_path, "changes", full)) == 1, 90)
            assert (configs(A), configs(full)) == ([True, True], [False, False])
            lesart(tmp_path, "source", "set", "skript", "--browser", "off")
            seen = len(web.requests)
            until(
                lambda: [each.path for each in web.requests[seen:]].count("/lokales/pegel") > 1, 90
            )
            web.put(A, page("Pegel steigt", (*HIGHER, "Am Freitag berät der Rat über den Deich.")))
            until(lambda: len(rows(tmp_path, "changes", A)) == 2, 90)
        finally:
            service.end()
    assert configs(A) == [True, True, False]
    assert rows(tmp_path, "resources", full) == rows(tmp_path, "pictures", full) == []
    assert {row["version"] for row in rows(tmp_path, "pictures", A)} == {1, 2}
    changed = lesart(tmp_path, "diff", A).stdout
    assert "Freitag" in changed
    assert "Zentimeter" not in changed
