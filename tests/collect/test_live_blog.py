"""`lesart up` watches a live blog: its entries, their edits, and the messages about them."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from storage.read.archive import open_archive
from tests.alerts.receivers import receiving
from tests.flow.driver import findings
from tests.flow.processes import environment, lesart, rows, until
from tests.page.conftest import html
from tests.page.test_entries import EDITED, LIVE, MICRODATA, NAME, blog, entry, iso, sentence
from tests.page.test_page_metadata import json_ld_script
from tests.serve.conftest import served
from tests.web.clock import SharedClock
from tests.web.site import Reply, simulated_web
from worker.cli.commands import app

BLOG = "https://zeitung.example/liveblog-sturm"
INTRO = "Ein Sturmtief zieht über die Küste von Niederlohe und trifft am Abend ein."
STATES = (
    (entry(2), entry(1)),
    (entry(3), entry(2), entry(1)),
    (entry(3), entry(2, EDITED), entry(1)),
    (entry(5), entry(4), entry(3)),
    (entry(5), entry(3)),
)
"""What the page shows: a new entry, an edit, new entries in the place of old ones, a removal."""
ALERTS = {
    "neu": ["--class", "entry_added"], "weg": ["--class", "entry_removed"], "alles": ["--article", BLOG],
}  # fmt: skip


@pytest.mark.slow
def test_two_versions_are_compared_entry_by_entry(desk):
    for at, state in enumerate(STATES, 1):
        desk.web.put(BLOG, Reply(blog(*state, intro=INTRO.replace("Abend", f"{at}. Tag"))))
        desk.fetch(BLOG, at=at)
    expected = {
        "2..@3": [("edited", "Wehr 2")],
        "3..@4": [("added", "Wehr 5"), ("added", "Wehr 4"), ("not_shown", "Wehr 2"), ("not_shown", "Wehr 1")],
        "4..@5": [("removed", "Wehr 4")],
    }  # fmt: skip
    for pair, events in expected.items():
        words = ["diff", f"{BLOG}@{pair}", "--archive", desk.url]
        found = json.loads(CliRunner().invoke(app, [*words, "--format", "json"]).stdout)
        assert {(e["event"], e["headline"]) for e in found["entries"]} == set(events)
        assert found["operations"] != []
        text = CliRunner().invoke(app, [*words, "--format", "text"]).stdout
        assert text.count("===") == len(events)
        outside, *entries = text.split("===")
        assert ". Tag" in outside
        assert not any(". Tag" in each for each in entries)
        page = CliRunner().invoke(app, [*words, "--format", "html"]).stdout
        assert page.count("<h3>") == len(events)
    with open_archive(desk.url) as archive:
        ((edited,),) = [archive.diff(f"{BLOG}@2..@3").grouped.entries]
    assert "".join(each.b_text for each in edited.operations) == f"Wehr 2{EDITED}"
    assert {each.op for each in edited.operations} == {"equal", "insert", "delete"}
    with served(desk.url) as client:
        article = desk.one("SELECT article FROM articles")["article"]
        german = client.get(f"/a/{article}/3..4?lang=de").text
        assert german.index("Geänderte Einträge") < german.index("Eintrag hinzugefügt")
        assert german.count("nicht mehr angezeigt") == 2
        assert "Changed entries" in client.get(f"/a/{article}/3..4?view=changes&lang=en").text
        assert "Changed entries" not in client.get(f"/a/{article}/3..4?view=side&lang=en").text
        api = client.get("/api/diff", params={"rev": f"{article}@4..@5"}).json()
        assert [each["event"] for each in api["entries"]] == ["removed"]


SHORT = {
    1: "Die Polizei sperrt die Brücke.",
    2: "Der Pegel steigt weiter.",
    3: "Erste Keller laufen voll.",
}
LONG_INTRO = (
    f"{INTRO} Die Feuerwehr rechnet mit einer langen Nacht und bittet, die Deiche zu meiden."
)


def microdata(n: int) -> str:
    return MICRODATA.format(n=n, time=iso(n), text=SHORT[n])


def json_ld_alone(n: int) -> str:
    """Return the markup of an entry that is complete only in JSON-LD."""
    return f"<p>Wehr {n}: {SHORT[n]}</p>"


GROWING = {
    "microdata": (microdata, False),
    "classes": (lambda n: entry(n, SHORT[n]), False),
    "JSON-LD": (json_ld_alone, True),
    "lines": (lambda n: f"<p>10.0{n} Uhr: {SHORT[n]}</p>", False),
}


@pytest.mark.parametrize(("shown", "is_declared"), GROWING.values(), ids=GROWING)
def test_a_blog_of_short_entries_grows_without_an_edit(shown, is_declared, desk):
    for at, numbers in enumerate(((1,), (2, 1), (3, 2, 1)), 1):
        listed = [
            {"@type": "BlogPosting", "headline": f"Wehr {n}", "articleBody": SHORT[n],
             "url": f"{BLOG}#e{n}", "datePublished": iso(n)}
            for n in numbers
        ]  # fmt: skip
        head = json_ld_script(**LIVE, liveBlogUpdate=listed) if is_declared else ""
        body = f"<p>{LONG_INTRO}</p>{''.join(map(shown, numbers))}"
        desk.web.put(BLOG, Reply(html(head, body, h1=NAME, paragraphs=())))
        desk.fetch(BLOG, at=at)
    changes = desk.rows("SELECT changes FROM changes WHERE version > 1 ORDER BY version")
    assert [each["changes"] for each in changes] == [["entry_added"]] * 2
    for version in desk.rows("SELECT title, text, published FROM versions"):
        assert (version["title"], version["published"]) == (NAME, None)
        assert version["text"].startswith(INTRO)
    assert all(version["text"].count(line) == 1 for line in SHORT.values())
    words = ["entries", BLOG, "--archive", desk.url, "--format", "jsonl"]
    assert len(CliRunner().invoke(app, words).stdout.splitlines()) == len(SHORT)


@pytest.mark.slow
@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_up_lists_the_entries_of_a_live_blog_and_reports_their_edits(dialect, tmp_path, request):
    clock = SharedClock(tmp_path / "clock", datetime.now(UTC))
    url = f"sqlite:///{tmp_path}/home/lesart.sqlite3"
    if dialect == "postgresql":
        url = request.getfixturevalue("postgres_url")
    with simulated_web(tmp_path, clock) as web, receiving() as receiver:
        web.sites["zeitung.example"] = {}
        web.put(BLOG, Reply(blog(*STATES[0])))
        settings = {
            "home": str(tmp_path / "home"), "seeds": str(tmp_path / "none"), "database_url": url,
            "allow_hosts": f"{web.allow_hosts()},127.0.0.1:{receiver.port}",
            "ca_file": str(web.ca_file), "pace": "0.01s",
        }  # fmt: skip
        command = ("source", "add", BLOG, "--recheck", "1h")
        assert lesart(tmp_path, *command, **settings).returncode == 0
        up = subprocess.Popen(
            [sys.executable, "-m", "tests.tools.month.up", str(clock.path)],
            cwd=tmp_path,
            env=environment(**settings),
        )
        try:
            until(lambda: len(rows(tmp_path, "list", **settings)) == 1, what="the first version")
            for name, conditions in ALERTS.items():
                hook = ("alert", "add", name, *conditions, "--webhook", receiver.url)
                added = lesart(tmp_path, *hook, **settings)
                assert added.returncode == 0, added.stderr
            for number, state in enumerate(STATES[1:], 2):
                web.put(BLOG, Reply(blog(*state)))
                clock.jump(clock() + timedelta(hours=25))
                until(
                    lambda wanted=number: (
                        len(rows(tmp_path, "history", BLOG, **settings)) == wanted
                    ),
                    what=f"version {number}",
                )
            until(lambda: len(receiver.bodies) == 5, what="the messages")
        finally:
            up.terminate()
            up.wait(60)
        sent = sorted((b["data"]["alert"], b["data"]["version"]) for b in receiver.bodies)
        assert sent == [("alles", 3), ("alles", 5), ("neu", 2), ("neu", 4), ("weg", 5)]
        new = next(b["data"] for b in receiver.bodies if b["data"]["version"] == 2)
        assert new["added"] == ["Wehr 3", sentence(3)]
    _read(tmp_path, url, settings)
    assert findings(url) == []


def _read(tmp_path, url, settings) -> None:
    """Read the entries by command, over HTTP, in a feed and on the pages."""
    found = rows(tmp_path, "entries", BLOG, "--oldest-first", **settings)
    assert [(each["headline"], each["state"], each["versions"]) for each in found] == [
        ("Wehr 1", "not_shown", 1), ("Wehr 2", "not_shown", 2), ("Wehr 3", "shown", 1),
        ("Wehr 4", "removed", 1), ("Wehr 5", "shown", 1),
    ]  # fmt: skip
    assert [each["text"] for each in found[1]["history"]] == [sentence(2), EDITED]
    past = rows(tmp_path, "entries", BLOG, "--as-of", found[1]["first_seen"], **settings)
    assert [each["headline"] for each in past] == ["Wehr 2", "Wehr 1"]
    edits = rows(tmp_path, "changes", BLOG, **settings)
    assert [each["changes"] for each in edits] == [
        ["entry_removed"], ["number", "wording", "entry_edited"],
    ]  # fmt: skip
    with served(url) as client:
        api = client.get("/api/entries", params={"article": BLOG, "limit": 2}).json()
        assert [each["headline"] for each in api["items"]] == ["Wehr 5", "Wehr 4"]
        feed = client.get("/feed.atom", params={"class": "entry_added", "article": BLOG}).text
        assert feed.count("<entry>") == 2
        assert " steht bei drei Metern, meldet der Deichverband" in feed
        assert "&lt;del&gt;" not in feed
        article = found[0]["article"]
        german = client.get(f"/a/{article}/entries?oldest_first=true&lang=de").text
        assert german.index("Wehr 1") < german.index("Wehr 5")
        assert "nicht mehr angezeigt" in german
        assert "1 früherer Text" in german
        newest = client.get(f"/a/{article}/entries?lang=en").text
        assert newest.index("Wehr 5") < newest.index("Wehr 1")
        assert "2 versions have new entries only." in client.get(f"/a/{article}?lang=en").text
