"""A saved page is archived with the headline, persons, dates and quotations that a reader sees."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

PERSONS = """<!DOCTYPE html><html lang="de"><head><meta charset="utf-8">
<title>Meldungen - Der Deich in Niederlohe wird höher - Lohe Aktuell</title></head><body>
<header><h1><a href="/">Lohe Aktuell</a></h1></header><main><article><p>Meldungen</p>
<h1>Der Deich in Niederlohe wird höher</h1><p>VonAnna Kern und Jonte Wübbena, dpa</p>
<p>Der Verband will den Deich auf einer Länge von zwei Kilometern erhöhen, teilt er am Dienstag mit.</p>
<p>Die Anwohner halten dagegen, dass niemand mit ihnen geredet habe, bevor die Bagger kamen.</p>
<p>Weitere Informationen</p></article></main></body></html>"""

SPEAKERS = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<title>The old pier in North Harbour is closed</title></head><body><article>
<h1>The old pier in North Harbour is closed</h1>
<p>The council closed the old pier on Monday, after divers had found rotten piles below it.</p>
<p>“The piles are older than the town,” Ann Lee, head of Port & Harbour, told us. “They have to go.”</p>
<p>“It will open in May,” she said, and the fishermen who had come to listen nodded at that.</p>
</article></body></html>"""

STORY = """<!DOCTYPE html><html lang="de"><head><title>Damm wird höher</title>{head}</head><body><article>
<h1>Damm wird höher</h1><div class="meta">{line}</div>
<p>Der Damm bei Tönsbrink wird nach Angaben des Verbands um einen halben Meter erhöht.</p>
<p>Am Damm arbeiten vierzig Helfer, bis der Pegel der Lohe wieder fällt, sagt die Leiterin.</p>
</article></body></html>"""

ARCHIVED = "https://web.archive.org/web/20200101000000/http://example.org/x"
NESTED = "https://archive.example/2020/https://example.org/x?galerie=3"


@dataclass(frozen=True)
class Saved:
    """A page, the options of its ingestion, and values of `lesart show` by their path."""

    page: str
    shown: dict[str, Any]
    options: tuple[str, ...] = field(default=())


def story(line: str = "", address: str = "") -> str:
    return STORY.format(
        line=line, head=f'<link rel="canonical" href="{address}">' if address else ""
    )


SAVED = {
    "headline and persons": Saved(PERSONS, {
        "title": "Der Deich in Niederlohe wird höher", "authors": ["Anna Kern", "Jonte Wübbena"],
        "fields.agency.value": ["dpa"],
    }),
    "speakers of quotations": Saved(SPEAKERS, {
        "quotes.0.speaker": "Ann Lee", "quotes.1.speaker_resolved": "Ann Lee",
        "quotes.2.speaker": "she", "quotes.2.speaker_resolved": "Ann Lee",
        "quotes.2.speakers": [{"name": "Ann Lee", "office": "head of Port & Harbour", "kind": "person"}],
    }),
    "indirect speech": Saved(story(""), {
        "quotes": [], "indirect_quotes.0.cue": "nach Angaben", "indirect_quotes.0.kind": "indirect",
    }),
    "day near the headline": Saved(
        story("<span>Datum:</span> <span>18.10.2021</span>"), {"published.value": "2021-10-18"}),
    "distance without the time of capture": Saved(story("vor 5 Stunden"), {"published": None}),
    "distance from the time of capture": Saved(
        story("vor 5 Stunden"), {"published.value": "2021-10-18"}, ("--observed-at", "2021-10-18T12:00:00Z")),
    "address of a web archive": Saved(story(address=ARCHIVED), {"origin": ARCHIVED}),
    "address in the path of another": Saved(story(address=NESTED), {"origin": NESTED}),
}  # fmt: skip


@pytest.mark.few_cases
@pytest.mark.parametrize("saved", SAVED.values(), ids=SAVED)
def test_a_saved_page_is_shown_with_its_values(saved, shell):
    (shell.folder / "page.html").write_text(saved.page, encoding="utf-8")
    ingested = shell.run("ingest", "page.html", *saved.options)
    assert ingested.returncode == 0, ingested.stderr
    (article,) = map(json.loads, shell.run("list").stdout.splitlines())
    shown = json.loads(shell.run("show", article["origin"]).stdout)
    for path, expected in saved.shown.items():
        value = shown
        for name in path.split("."):
            value = value[int(name) if name.isdigit() else name]
        assert value == expected, path
