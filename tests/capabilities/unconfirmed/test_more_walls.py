"""Walls of many vendors become no version, alone or in place of an article, however often they are checked."""

import pytest

from tests.capabilities.unconfirmed.more_walls import MORE_WALLS
from tests.capabilities.unconfirmed.pages import DAMM, article
from tests.flow.driver import hour
from tests.flow.processes import lesart, rows
from tests.warcs import answer, response
from tests.web.conftest import desk  # noqa: F401 -- fixture

ARTICLE = article("Damm wird höher", DAMM)
HEADLINES = (
    "Browser im Unterricht",
    "Zu viele Anfragen",
    "Frist abgelaufen",
    "Access denied: village blocks through traffic",
)
NOTE = (
    "Die Realschule Lohe schließt ab Juli an zwei Tagen in der Woche ihre Bücherei für Besucher von außen.",
    "Im Herbst soll eine weitere Stelle besetzt werden, dafür stimmten 14 Mitglieder des Rates.",
)
BARE = """<!doctype html><html lang="de"><head><title>{title} | Bote</title><meta name="description" content="{lead}"></head><body>
<header><a href="/">Bote</a></header><div class="content"><h1>{title}</h1><p class="intro">{lead}</p><div class="ad">Anzeige</div><div>{text}</div></div>
<aside><h2>Mehr</h2><div><h3><a href="/1">Umleitung über die Fähre</a></h3><p>Die Umleitung dauert an, wie die Stadt mitteilte.</p></div></aside></body></html>"""


def capture(desk, at: float, pages: dict[str, str]) -> None:  # noqa: F811
    date = hour(at).strftime("%Y-%m-%dT%H:%M:%SZ")
    records = (response(url, date, answer(page.encode())) for url, page in pages.items())
    desk.write(f"{at}.warc", b"".join(records))
    desk.ingest(f"{at}.warc", at=10 + at)


def titles(desk) -> dict[str, list[str]]:  # noqa: F811
    found: dict[str, list[str]] = {}
    query = "SELECT a.origin, v.title FROM versions v JOIN articles a ON a.article = v.article"
    for row in desk.rows(query):
        found.setdefault(row["origin"], []).append(row["title"])
    return found


def test_no_wall_becomes_a_version(desk):  # noqa: F811
    places = {f"https://z{n}.example/damm": wall for n, wall in enumerate(MORE_WALLS.values())}
    alone = {f"https://y{n}.example/damm": wall for n, wall in enumerate(MORE_WALLS.values())}
    capture(desk, 1, dict.fromkeys(places, ARTICLE))
    for at in (2, 4):
        capture(desk, at, places | alone)
    assert titles(desk) == {url: ["Damm wird höher"] for url in places}


@pytest.mark.parametrize("marks", [True, False], ids=["with marks", "bare"])
def test_articles_with_the_headlines_of_walls_are_versions(desk, marks):  # noqa: F811
    lead, text = "Warum Wartende nun Geduld brauchen", "".join(f"<p>{each}</p>" for each in NOTE)
    pages = {
        f"https://bote{n}.example/note": article(title, (*NOTE, f"Das gilt seit Tag {n}."))
        if marks
        else BARE.format(title=title, lead=lead, text=f"{text}<p>Das gilt seit Tag {n}.</p>")
        for n, title in enumerate(HEADLINES)
    }
    capture(desk, 1, pages)
    capture(desk, 2, pages)
    held = {
        row["origin"]: row["grade"]
        for row in desk.rows("SELECT origin, grade FROM unconfirmed WHERE decision IS NULL")
    }
    assert titles(desk).keys() | held.keys() == pages.keys()
    assert desk.rows("SELECT * FROM refusals") == []
    if marks:
        assert held == {}
        assert titles(desk) == {url: [title] for url, title in zip(pages, HEADLINES, strict=True)}


WORDS_OF_WALLS = {
    "Stadt baut um": "Die Website ist am Sonntag wegen Wartungsarbeiten nicht erreichbar, teilte das Rathaus in Lohe mit.",
    "Werkstatt schließt": "Dieser Artikel ist leider nicht mehr verfügbar, steht nun an der Tür der Buchbinderin Tamm.",
    "Netz der Gemeinde": "Diese Domain steht zum Verkauf: Die Gemeinde Osterlohe hat vergessen, ihren Namen zu verlängern.",
    "Erklärt": "Wir verwenden Cookies, sagt der Bäcker, und meint Kekse: Sein Laden backt seit Montag 400 davon am Tag.",
}


def test_an_article_in_the_words_of_a_wall_is_held_back_and_not_refused(desk):  # noqa: F811
    pages = {
        f"https://bote{n}.example/note": article(title, (text, *NOTE, f"Das gilt seit Tag {n}."))
        for n, (title, text) in enumerate(WORDS_OF_WALLS.items())
    }
    capture(desk, 1, pages)
    assert desk.rows("SELECT * FROM refusals") == []
    held = desk.rows("SELECT origin, signs FROM unconfirmed")
    assert {row["origin"] for row in held} == pages.keys()
    assert all("wall_text" in row["signs"] for row in held)
    for url in pages:
        rows(desk.root, "confirm", url, "--archive", desk.url)
    assert titles(desk) == {url: [title] for url, title in zip(pages, WORDS_OF_WALLS, strict=True)}


def test_an_overlay_that_keeps_the_marks_of_its_article_is_no_edit(desk):  # noqa: F811
    url = "https://zeitung.example/damm"
    overlay = article(
        "Damm wird höher", ("Wir und unsere 167 Partner verwenden Cookies auf Ihrem Gerät.",)
    )
    for at, page in ((1, ARTICLE), (2, overlay), (4, overlay)):
        capture(desk, at, {url: page})
    assert titles(desk) == {url: ["Damm wird höher"]}


def test_a_source_is_decided_at_once_and_its_number_printed(desk):  # noqa: F811
    urls = [f"https://zeitung.example/{n}" for n in range(3)]
    for at, page in ((1, ARTICLE), (2, MORE_WALLS["metered"]), (3, MORE_WALLS["soon back"])):
        capture(desk, at, dict.fromkeys(urls, page))
    there = ("--archive", desk.url)
    source = desk.one("SELECT DISTINCT source FROM articles")["source"]
    done = lesart(desk.root, "dismiss", source, "--by", "ada", *there)
    assert "6 readings" in done.stderr, done.stderr
    listed = rows(desk.root, "unconfirmed", *there)
    assert [(row["decision"], row["decided_by"]) for row in listed] == [("dismissed", "ada")] * 6
    assert "0 readings" in lesart(desk.root, "dismiss", source, *there).stderr
    capture(desk, 5, dict.fromkeys(urls, MORE_WALLS["waiting room"]))
    assert titles(desk) == {url: ["Damm wird höher"] for url in urls}
