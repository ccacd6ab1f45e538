"""A form with wrong values is shown again with the values and the reason."""

from urllib.parse import parse_qs, urlsplit

import pytest
from lxml import html

ARTICLE = "seed:seeds/pegel.txt"
HTML = {"Accept": "text/html"}


def page(client, path, status):
    answer = client.get(path, headers=HTML)
    assert answer.status_code == status, answer.text
    return html.fromstring(answer.text)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/search?q=Damm&language=de&since=gestern", "since"),
        ("/search?q=Damm&language=de&as_of=18.06.24", "as_of"),
        ("/search?q=Damm&language=de&published_until=2024-13", "published_until"),
        ("/?contains=Damm&as_of=gestern", "as_of"),
    ],
)
def test_a_wrong_date_keeps_the_form_and_is_named(client, path, field):
    shown = page(client, path, 400)
    for name, (value,) in parse_qs(urlsplit(path).query).items():
        assert value in shown.xpath("//main//input[@name=$name]/@value", name=name)
    (alert,) = shown.xpath("//*[@role='alert']")
    given = parse_qs(urlsplit(path).query)[field][0]
    assert f"{given} is not a date" in alert.text_content()
    assert "2024-06-18" in alert.text_content()


def test_months_of_publication_filter_a_search_and_can_be_removed(client):
    def links(path):
        shown = page(client, path, 200)
        heading = "Erscheinungsmonat"
        return shown.xpath("//h2[.=$heading]/following-sibling::ul[1]//a", heading=heading)

    link = links("/search?q=Damm&publisher=&lang=de")[0]
    month = parse_qs(urlsplit(link.get("href")).query)
    assert month["published_since"] == month["published_until"]
    assert month["q"] == ["Damm"]
    (chosen,) = links(link.get("href"))
    assert chosen.get("class") == "on"
    assert "published_since" not in chosen.get("href")


def test_a_wrong_date_is_named_in_german(client):
    shown = page(client, "/search?q=Damm&since=gestern&lang=de", 400)
    assert "gestern ist kein Datum" in shown.xpath("//*[@role='alert']")[0].text_content()


def test_a_passage_that_is_there_twice_offers_longer_ones_that_lead_to_references(client):
    name = client.get("/api/cite", params={"rev": ARTICLE}).json()["article"]
    shown = page(client, f"/a/{name}/cite?passage=e", 400)
    assert shown.xpath("//input[@name='passage']/@value") == ["e"]
    (alert,) = shown.xpath("//*[@role='alert']")
    assert "times in the text: quote more of it" in alert.text_content()
    links = alert.xpath(".//a/@href")
    assert len(links) >= 2
    for link in links:
        found = page(client, link, 200)
        assert found.xpath("//h2[.='BibTeX']")


def test_a_passage_that_is_not_there_keeps_the_form(client):
    name = client.get("/api/cite", params={"rev": ARTICLE}).json()["article"]
    shown = page(client, f"/a/{name}/cite?passage=nirgends", 404)
    assert shown.xpath("//input[@name='passage']/@value") == ["nirgends"]
    assert "nirgends" in shown.xpath("//*[@role='alert']")[0].text_content()


def test_an_ambiguous_passage_is_a_problem_of_the_api_with_candidates(client):
    answer = client.get("/api/cite", params={"rev": ARTICLE, "passage": "e"})
    assert (answer.status_code, answer.json()["code"]) == (400, "ambiguous")
    assert len(answer.json()["candidates"]) >= 2
