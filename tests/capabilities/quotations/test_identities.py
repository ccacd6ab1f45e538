"""Which articles mean one person by a name: with the evidence, and doubtful ones stay apart."""

import re
from typing import Any

import pytest

from storage.cli.exits import run
from tests.flow.driver import hour, page
from tests.serve.conftest import served
from worker.cli.commands import app

SPOKEN = (
    ("bote", 1, "Die Bürgermeisterin von Lohetal, Ada Kern (SPD), sprach am Montag im Rat. „Wir bauen die Lohebrücke "
     "im Mai“, sagte Ada Kern. Auch Kämmerer Jörg Köstlin stimmte zu."),
    ("kurier", 2, "Der Streit um die Lohebrücke geht weiter. „Das ist uns die Lohebrücke wert“, sagte die Lohetaler "
     "Bürgermeisterin Ada Kern (SPD) dem Kurier. Kern verwies auf Kämmerer Jörg Köstlin und den Rat von Lohetal."),
    ("sport", 3, "Die Schwimmerin Ada Kern gewann in Turin zwei Medaillen über hundert Meter Schmetterling. „Ich bin "
     "einfach nur müde und sehr glücklich“, sagte Ada Kern nach ihrem Lauf."),
)  # fmt: skip


@pytest.fixture
def told(room) -> Any:
    """Give a newsroom with a mayor in two articles, and an athlete of her name in a third one."""
    for outlet, at, text in SPOKEN:
        address = f"https://{outlet}.example/kern"
        story = page(text, url=address, observed_at=hour(at), publisher=outlet)
        room.write(f"{outlet}.md", story)
    room.scan(9)
    return room


def test_articles_of_one_person_are_joined_with_the_evidence_and_another_one_stays_apart(
    told, lesart
):
    mayor, again, athlete = lesart("identities", "ada KERN")
    assert [each["outlet"] for each in (mayor, again, athlete)] == ["bote", "kurier", "sport"]
    assert again["person"] == again["nearest"] == mayor["person"] == mayor["article"]
    assert again["score"] >= again["threshold"] > athlete["score"]
    assert again["evidence"]["beside"] > 0 > athlete["evidence"]["beside_none"]
    assert athlete["person"] == athlete["article"] != mayor["article"]
    assert lesart("identities", "Ada Kern", "--limit", "2") == [mayor, again]
    assert lesart("identities", "Ada Kern", "--after", again["cursor"]) == [athlete]
    assert lesart("identities", "Kern") == []
    columns = ("name", "article", "version", "outlet", "office")
    view = lesart("sql", f"SELECT {', '.join(columns)} FROM identities ORDER BY first_seen")
    assert view == [{name: each[name] for name in columns} for each in (mayor, again, athlete)]
    assert len(lesart("person", "Ada Kern")) == 3
    for of, number in ((mayor, 2), (again, 2), (athlete, 1)):
        rows = lesart("person", "Ada Kern", "--of", of["article"])
        assert (len(rows), {row["first_outlet"] == "sport" for row in rows}) == (
            number, {of is athlete},
        )  # fmt: skip
    assert lesart("person", "Ada Kern", "--of", "nowhere") == []
    with served(told.url) as client:
        items = client.get("/api/identities", params={"name": "Ada Kern"}).json()["items"]
        assert items == [mayor, again, athlete]
        client.headers["accept"] = "text/html"
        shown = client.get("/identities", params={"name": "Ada Kern"}).text
        assert re.findall(r"<h2><a [^>]+>(.*?)</a></h2>", shown) == ["2 articles", "1 article"]
        assert "the same person as in an earlier article" in shown
        alone = client.get("/statements", params={"speaker": "Ada Kern", "of": athlete["article"]})
        assert "müde" in alone.text
        assert "Lohebrücke" not in alone.text
        assert "/identities?name=Ada" in client.get("/persons").text


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_join_can_be_undone_for_good_also_in_a_merged_archive(told, lesart, tmp_path):
    mayor, again, _athlete = lesart("identities", "Ada Kern")
    assert again["parted_at"] is None
    articles = again["article"], mayor["article"]
    lesart("part-persons", "ada kern", *articles, "--by", "eva")
    _first, parted, _athlete = lesart("identities", "Ada Kern")
    assert parted["score"] >= parted["threshold"]
    assert parted["person"] == parted["article"]
    assert parted["parted_at"] is not None
    target = f"sqlite:///{tmp_path / 'target.sqlite3'}"
    for _twice in range(2):
        lesart("merge", told.url, "--archive", target)
    merged = lesart("identities", "Ada Kern", "--archive", target)
    assert [each["person"] == each["article"] for each in merged] == [True] * 3
    assert merged[1]["parted_at"] == parted["parted_at"]
    lesart("redact-person", "Ada Kern", "--reason", "gdpr_objection")
    assert lesart("identities", "Ada Kern") == []
    lesart("redact-person", "Ada Kern", "--undo")
    assert lesart("identities", "Ada Kern")[1]["parted_at"] == parted["parted_at"]
    assert run(app, ["verify", "--archive", told.url]) == 0
    assert told.number("SELECT count(*) FROM person_parted WHERE actor = 'eva'") == 1
    for words, code in (
        (("Ada Kern", articles[0], "nowhere"), 3),
        (("Ada Kern", *articles[:1] * 2), 2),
    ):
        assert run(app, ["part-persons", *words, "--archive", told.url]) == code
