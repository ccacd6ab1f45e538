"""Which articles mean one person by a name: with the evidence, and doubtful ones stay apart."""

import re
from typing import Any

import pytest

from tests.flow.driver import hour, page
from tests.serve.conftest import served

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
        assert "joined to an earlier article" in shown
        alone = client.get("/statements", params={"speaker": "Ada Kern", "of": athlete["article"]})
        assert "müde" in alone.text
        assert "Lohebrücke" not in alone.text
        assert "/identities?name=Ada" in client.get("/persons").text
