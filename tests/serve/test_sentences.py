"""A click on a sentence shows its first version, its edit, and the other articles that have it."""

import pytest
from lxml import html

from storage.diff.blame import Stand, blame, cut_sentences
from tests.read.press import START

PEGEL = "seed:seeds/pegel.txt"


@pytest.fixture(scope="module")
def named(client):
    return {
        each["origin"].rpartition("/")[2]: each["article"]
        for each in client.get("/api/articles").json()["items"]
    }


def page(client, path):
    answer = client.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 200, answer.text
    return html.fromstring(answer.text)


def test_the_sentences_of_a_page_are_those_of_blame_and_keep_the_text(client, named):
    shown = page(client, f"/a/{named['pegel.txt']}?lang=de")
    links = shown.xpath("//article//a[contains(@href, '#s')]")
    sentences = [
        each["sentence"] for each in client.get("/api/blame", params={"rev": PEGEL}).json()["items"]
    ]
    assert [each.text_content().strip() for each in links] == sentences
    assert [each.get("href") for each in links] == [
        f"?lang=de&s={number}#s" for number in range(1, len(sentences) + 1)
    ]


def test_a_sentence_leads_to_its_edit_and_to_the_articles_that_have_it_now(client, named):
    path = f"/a/{named['pegel.txt']}"
    changed = page(client, path).xpath("//article//a[contains(., '36')]/@href")[0]
    shown = page(client, path + changed.partition("#")[0])
    (card,) = shown.xpath("//aside[@class='sentence']")
    assert shown.xpath("//a[@id='s' and @aria-current='true']")
    assert "since version 2" in card.text_content()
    links = card.xpath(".//a/@href")
    assert f"{path}/1..2" in links
    assert f"/a/{named['kopie.txt']}" in links
    assert "this article" in card.text_content()
    for link in links:
        page(client, link)


def test_the_sentence_of_a_copy_names_the_article_that_had_it_first(client, named):
    shown = page(client, f"/a/{named['kopie.txt']}/1?s=1&lang=de")
    (card,) = shown.xpath("//aside[@class='sentence']")
    first = card.xpath(".//dt[.='zuerst gesehen in']/following-sibling::dd[1]//a/@href")
    assert first == [f"/a/{named['pegel.txt']}?lang=de"]


def test_ages_are_coloured_on_request_and_a_number_without_a_sentence_is_refused(client, named):
    path = f"/a/{named['pegel.txt']}"
    assert not page(client, path).xpath("//article//span[@class='a4']/a")
    coloured = page(client, f"{path}?age=true").xpath("//article//span[@class='a4']/a")
    assert [each for each in coloured if "36" in each.text_content()] == coloured != []
    answer = client.get(f"{path}?s=999", headers={"Accept": "text/html"})
    assert answer.status_code == 404


def test_the_sentence_history_links_each_sentence_to_its_card(client, named):
    path = f"/a/{named['pegel.txt']}"
    links = page(client, f"{path}/since").xpath("//div[contains(@class, 'stood')]/a/@href")
    assert links[0] == f"{path}?v=2&s=1#s"
    assert page(client, links[-1].partition("#")[0]).xpath("//aside[@class='sentence']")


def test_cut_sentences_are_the_paragraph_again_and_numbered_like_blame():
    paragraph = "- Der  **Damm** hält.\u00a0„Ja!“ rief er. Dr. Kern   ging.  "
    pieces = cut_sentences(paragraph)
    assert "".join(pieces) == paragraph
    (stand,) = [Stand(1, None, START, (paragraph,))]
    assert [piece.strip() for piece in pieces] == [each.sentence for each in blame([stand])]
