"""Each page answers in both languages, has its promised content, and stays small."""

import re
import shutil
import subprocess
from datetime import timedelta
from itertools import count
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from lxml import html

from storage.web.app import Site
from storage.web.pages.pictures import time_line
from storage.web.pages.rendering import PageWords
from storage.write.archive import Archive
from tests.cli.small_archive import START, _ingest, draft
from tests.conftest import DIALECTS
from tests.flow.processes import LESART, ROOT, environment
from tests.read.conftest import copied
from tests.read.press import Press, the_usual_press
from tests.read.press import draft as press_draft
from tests.serve.conftest import served

PEGEL = "seed:seeds/pegel.txt"


@pytest.fixture(scope="module")
def article(client) -> str:
    return client.get("/api/version", params={"rev": PEGEL}).json()["article"]


@pytest.mark.parametrize("lang", ["en", "de"])
@pytest.mark.parametrize("path", [
    "/", "/?limit=20&class=number&silent=", "/search", "/search?q=Pegel", "/search?q=Pegel&change=number&language=de",
    "/a/{}", "/a/{}/1", "/a/{}/1..2", "/a/{}/1..2?view=changes", "/a/{}/1..2?view=side", "/a/{}/1..2?view=fields",
    "/a/{}/1..2?view=quotes", "/a/{}/1..2?view=links", "/a/{}/1..2?view=raw", "/a/{}/since", "/a/{}/checks", "/a/{}/cite", "/proof/{}", "/proof/{}@1",
    "/a/{}?as_of=2100", "/a/{}/1..2?known_at=2100", "/relations", "/sources", "/refusals",
    "/statistics", "/jobs", "/articles", "/articles?class=number&state=present&month=2024-06&source=seeds",
])  # fmt: skip
def test_a_page_answers_in_its_language_and_is_no_larger_than_50_kilobytes(
    client, article, path, lang
):
    place = path.format(article)
    answer = client.get(f"{place}{'&' if '?' in place else '?'}lang={lang}")
    assert answer.status_code == 200, answer.text
    assert f'<html lang="{lang}">' in answer.text
    assert len(answer.content) <= 50 * 1024
    assert "<h1" in answer.text


def test_only_an_article_of_several_versions_has_buttons_for_a_comparison(client, article):
    for origin, buttons in ((PEGEL, 4), ("seed:seeds/ferry.txt", 0)):
        name = client.get("/api/version", params={"rev": origin}).json()["article"]
        shown = html.fromstring(client.get(f"/a/{name}").text)
        assert len(shown.xpath("//input[@type='radio']")) == buttons


def test_the_number_of_a_version_fits_into_its_bar():
    def version(number: int) -> SimpleNamespace:
        seen = START + timedelta(hours=7 * number)
        return SimpleNamespace(version=number, changed_by=seen, last_seen=seen)

    words = PageWords("en", ZoneInfo("UTC"))
    for first in (1, 491, 1491):
        line = time_line([version(first + n) for n in range(10)], [], "/a/x", words)
        for width, number in re.findall(r'width="([\d.]+)" height="28".*?>(\d+)</text>', line):
            assert float(width) >= 10 * len(number)


@pytest.mark.parametrize("path", ["/", "/search", "/a/{}", "/a/{}/1..2", "/a/{}/cite", "/front"])
def test_a_form_keeps_the_language_of_its_page(client, article, path):
    shown = html.fromstring(client.get(f"{path.format(article)}?lang=de").text)
    forms = shown.xpath("//form[@method='get']")
    assert forms
    assert [each.fields.get("lang") for each in forms] == ["de"] * len(forms)


def test_a_changed_number_is_in_its_place_and_is_the_loudest(client):
    text = client.get("/").text
    assert '<del><b>3,6</b></del><ins class="next"><b>36</b></ins>' in text
    assert "Der Pegel der Lohe stieg in der Nacht um " in text


def test_a_browser_that_names_no_language_gets_that_of_the_page(archive_url):
    with served(archive_url, language="de") as client:
        assert '<html lang="de">' in client.get("/").text
        assert '<html lang="en">' in client.get("/", headers={"Accept-Language": "en-GB"}).text


def test_a_browser_gets_its_own_language_and_english_where_it_names_no_other(client):
    german = client.get("/", headers={"Accept-Language": "fr;q=0.9, de-AT, en;q=0.5"}).text
    assert "Letzte Änderungen" in german
    assert "Recent changes" in client.get("/", headers={"Accept-Language": "fr"}).text


def test_the_front_claims_no_version_in_an_empty_archive_and_no_stillness_with_a_filter(
    client, tmp_path
):
    url = f"sqlite:///{tmp_path / 'lesart.sqlite3'}"
    Archive.open(url).close()
    site = Site(state={"may_write": True})
    with served(url) as empty, served(url, site) as writable:
        text = empty.get("/").text
        assert "No articles." in text
        assert "<code>lesart source add https://…</code>" in text
        assert "is stored" not in text
        assert "/sources#add" not in text
        assert 'href="/sources#add"' in writable.get("/").text
        assert "No articles." in empty.get("/articles").text
    text = client.get("/?contains=nirgendwo").text
    assert "No matching changes." in text
    assert "No changes yet" not in text


ARTICLE = "//ul[@class='rows']/li"


def rows_of_page(client, path: str) -> dict[str, str]:
    """Return the titles of a page of articles, with the other texts of their rows."""
    shown = html.fromstring(client.get(path).text)
    return {
        row.xpath("string(h2)"): " ".join(row.xpath("string(p[@class='meta'])").split())
        for row in shown.xpath(ARTICLE)
    }


@pytest.fixture(scope="module", params=DIALECTS)
def desk(request, tmp_path_factory):
    """Keep four articles of two outlets; the tests change and remove some."""
    with copied(request, request.param, None) as url:
        press = Press(url)
        press.scan(0, a=press_draft("Pegel", "Der Pegel steht bei 3 Metern.", publisher="Bote"))
        press.scan(1, b=press_draft("Fähre", "Die Fähre bleibt im Hafen.", published="2024-05"))
        press.scan(2, c=press_draft("Damm", "Der Damm an der Lohe hält noch."))
        press.scan(3, d=press_draft("Brand", "Am Hafen brannte ein Lager."))
        yield press, url
        press.close()


def test_a_new_archive_shows_its_articles_with_outlet_date_and_state(desk):
    press, url = desk
    with served(url) as client:
        for path in ("/?lang=en", "/articles?lang=en"):
            assert list(rows_of_page(client, path)) == ["Brand", "Damm", "Fähre", "Pegel"]
        text = client.get("/?lang=en").text
        assert "No changes yet." in text
        assert ">Bote</a>" in text
        assert html.fromstring(text).xpath("string(//nav//a)") == "Articles"
    press.scan(4, a=press_draft("Pegel", "Der Pegel steht bei 4 Metern.", publisher="Bote"), c=None)
    press.scan(5, a=press_draft("Pegel", "Der Pegel steht bei 5 Metern.", publisher="Bote"))
    with served(url) as client:
        assert "Recent changes" in client.get("/?lang=en").text
        rows = rows_of_page(client, "/articles?lang=en")
        assert rows["Pegel"].startswith("published 2024-06 3 versions last change 2024-06-18")
        assert rows["Damm"].startswith("gone ")
        assert rows["Fähre"] == "published 2024-05 no change seen"
        chosen = {
            "state=gone": ["Damm"], "class=number": ["Pegel"], "class=quote": [],
            "publisher=Bote": ["Pegel"], "month=2024-05": ["Fähre"],
            "month=2024-06&state=present": ["Brand", "Pegel"], "class=quote&class=number": ["Pegel"],
        }  # fmt: skip
        assert {each: list(rows_of_page(client, f"/articles?{each}")) for each in chosen} == chosen
        listed = client.get("/api/articles", params={"state": "gone"}).json()["items"]
        assert [row["title"] for row in listed] == ["Damm"]
        assert "No matching articles." in client.get("/articles?class=quote&lang=en").text


def test_the_articles_go_on_page_by_page_with_their_filter(desk):
    _press, url = desk
    with served(url) as client:
        path, seen = "/articles?limit=1&month=2024-06&lang=de", []
        while path:
            seen += rows_of_page(client, path)
            path = html.fromstring(client.get(path).text).xpath("string(//a[@rel='next']/@href)")
        assert seen == ["Brand", "Damm", "Pegel"]


def test_a_comparison_shows_the_second_time_of_a_version_only_if_it_differs(desk):
    press, url = desk
    press.scan(50, e=press_draft("Wehr", "Das Wehr ist zu."))
    press.scan(51, e=press_draft("Wehr", "Das Wehr ist offen."))
    press.scan(52, e=press_draft("Wehr", "Das Wehr ist offen."))
    with served(url) as client:
        (row,) = client.get("/api/search", params={"q": "Wehr", "latest": True}).json()["items"]
        shown = html.fromstring(client.get(f"/a/{row['article']}/1..2?lang=en").text)
        first, second = shown.xpath("//aside[@class='margin']/dl/dd")
    assert ("last seen" in first.text_content(), "last seen" in second.text_content()) == (
        False, True,
    )  # fmt: skip


def test_a_problem_shows_commands_as_code_and_escapes_the_query(client):
    text = client.get("/a/%3Cb%3E", headers={"Accept": "text/html"}).text
    assert "<code>lesart list</code> lists the articles" in text
    assert "&lt;b&gt;" in text
    assert "<b>" not in text


def test_edits_are_reported_with_a_picture_and_as_a_table(client):
    text = client.get("/statistics").text
    assert "Edit statistics" in text
    assert '<th scope="row" dir="auto">seeds</th>' in text
    rows = client.get("/api/statistics/edits").json()["items"]
    assert [(row["source"], row["edits"], row["edited"]) for row in rows] == [("seeds", 1, 1)]
    since = {"since": "2000", "source": "seeds"}
    (hour,) = client.get("/api/statistics/edits/hours", params=since).json()["items"]
    assert (hour["edits"], hour["headlines"]) == (1, 0)


def test_jobs_are_listed_with_their_results(tmp_path):
    url = f"sqlite:///{tmp_path / 'lesart.sqlite3'}"
    Archive.open(url).close()
    the_usual_press(url).close()
    with served(url) as client:
        first = client.get("/api/jobs").json()["items"][0]
        assert client.get("/jobs").text.count(f">{first['job']}</a>") == 1
        text = client.get("/jobs", params={"job": first["job"]}).text
        assert "<td>import " in text
        assert client.get("/jobs", params={"job": 4711}).status_code == 404


def test_a_form_leads_to_the_address_of_a_comparison(client, article):
    answer = client.get(f"/a/{article}/compare", params={"a": 2, "b": 1})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/a/{article}/1..2")


def test_a_change_can_be_shared_as_a_picture_and_as_a_snippet(client, article):
    answer = client.get(f"/a/{article}/1..2/picture.svg?lang=de")
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert "line-through" in answer.text
    assert "zwischen" in answer.text
    page = client.get(f"/a/{article}/1..2?lang=en").text
    assert f"/a/{article}/1..2/picture.svg" in page
    assert "&lt;figure&gt;" in page
    assert client.get(f"/a/{article}/1..99/picture.svg").status_code == 404
    assert client.get(f"/a/{article}/1..2/picture.svg?nope=1").status_code == 400


def test_the_hits_of_an_article_are_one_card_with_its_current_version_first(client, article):
    page = client.get("/search?q=Pegel&lang=en").text
    card = page.partition(f"/a/{article}/2?lang=en")[2].partition("</article>")[0]
    assert f"/a/{article}/1?lang=en" in card
    assert "Version 1" in card
    assert "outdated version" in card
    assert page.count(f'<h2 dir="auto" lang="de"><a href="/a/{article}/') == 1


@pytest.mark.parametrize(("rev", "place"), [
    (PEGEL, "/a/{}/2"), (f"{PEGEL}@1", "/a/{}/1"), ("nirgendwo", "/search?q=nirgendwo"),
])  # fmt: skip
def test_any_name_of_an_article_is_found(client, article, rev, place):
    answer = client.get("/find", params={"rev": rev})
    assert (answer.status_code, answer.headers["location"]) == (303, place.format(article))


def test_both_sides_of_a_relation_have_outlet_and_title(client):
    (card,) = html.fromstring(client.get("/relations").text).xpath("//article")
    assert card.xpath(".//span[@class='outlet']/text()") == ["seeds:", "seeds:"]
    assert card.xpath(".//p/a[@dir='auto']/text()") == ["Der Damm hält", "Der Damm hält"]


def test_a_cluster_is_compared_with_its_first_article(client, article):
    answer = client.get("/cluster/of", params={"a": article}, follow_redirects=True)
    assert answer.status_code == 200
    assert answer.url.path.startswith("/cluster/")


@pytest.mark.parametrize(
    "path",
    [
        "/nirgendwo",
        "/a/nirgendwo",
        "/a/nirgendwo/1..2",
        "/a/x/y",
        "/?nope=1",
        "/search?q=x&as_of=gestern",
    ],
)
def test_a_problem_is_a_page_for_people_and_json_for_programs(client, path):
    page = client.get(path, headers={"Accept": "text/html"})
    told = client.get(path, headers={"Accept": "application/json"})
    assert page.status_code == told.status_code >= 400
    assert page.headers["content-type"].startswith("text/html")
    assert told.headers["content-type"] == "application/problem+json"
    assert told.json()["code"] in page.text


def test_no_page_names_anything_elsewhere(client, article):
    for path in ("/", f"/a/{article}", "/search?q=Pegel"):
        targets = re.findall(r'(?:src|href|action)="([^"]+)"', client.get(path).text)
        assert all(each.startswith(("/", "#", "?")) for each in targets), targets


@pytest.mark.slow
def test_all_times_of_a_page_are_in_the_zone_that_it_names(tmp_path):
    shutil.copytree(ROOT / "seeds", tmp_path / "seeds")
    subprocess.run(
        [*LESART, "up", "--once"], cwd=tmp_path, env=environment(), check=True, timeout=300,
        capture_output=True,
    )  # fmt: skip
    archive = f"sqlite:///{tmp_path}/lesart-data/lesart.sqlite3"
    with served(archive, timezone=ZoneInfo("America/New_York")) as client:
        rows = client.get("/api/articles").json()["items"]
        (row,) = (each for each in rows if each["versions"] == 3)
        assert (row["published"]["value"], row["published"]["zone"]) == (
            "2024-06-18T07:40:00",
            "+02:00",
        )
        english = client.get(f"/a/{row['article']}?lang=en").text
        german = client.get(f"/a/{row['article']}?lang=de").text
        coverage = client.get("/sources?lang=en").text
    assert "Time zone: America/New_York." in english
    assert "Zeitzone: America/New_York." in german
    assert "<td>2024-06-18 01:40 (2024-06-18 07:40 +02:00)<" in english
    assert ">2024-06-18 12:00</time>" in english, "last seen at 16:00 UTC"
    assert "<td>18.06.2024 01:40 (18.06.2024 07:40 +02:00)<" in german
    hours = set(re.findall(r"<title>(\d{4}-\d\d-\d\d \d\d:\d\d): [1-9]", coverage))
    cells = set(re.findall(r"<td><time [^>]*>([^<]*)</time></td>", coverage))
    assert hours == cells, "the picture and its table have the same times"


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """Serve an article of 520 sentences with 40 versions."""
    url = f"sqlite:///{tmp_path_factory.mktemp('long') / 'lesart.sqlite3'}"
    moments = (START + timedelta(minutes=number) for number in count())
    with Archive.open(url, clock=lambda: next(moments)) as archive:
        source = archive.ensure_source("seeds", "folder", "seeds", standing=True)
        for turn in range(40):
            paragraphs = (
                " ".join(
                    f"Satz {4 * number + n} nennt den Pegel{f' zum Stand {turn}' if number == turn else ''}."
                    for n in range(4)
                )
                for number in range(130)
            )
            _ingest(archive, source.id, {"lang.txt": draft("Der lange Text", *paragraphs)})
    with served(url) as client:
        yield client, client.get("/api/articles").json()["items"][0]["article"]


@pytest.mark.few_cases
@pytest.mark.parametrize("path", [
    "", "?age=1", "?s=3&age=1", "?to=12", "/39..40", "/1..2", "/1..40?view=changes", "/39..40?view=side", "/1..40?view=raw",
    "/since", "/checks",
])  # fmt: skip
def test_a_page_of_a_long_article_has_at_most_60_kilobytes(long, path):
    client, article = long
    answer = client.get(f"/a/{article}{path}{'&' if '?' in path else '?'}lang=de")
    assert answer.status_code == 200, answer.text
    assert len(answer.content) <= 60_000
    shown = html.fromstring(answer.text)
    bars = shown.xpath("//svg//a/@href | //form//td/a/@href")
    if path in {"", "/39..40"}:
        assert any(re.search(r"40\b", each) for each in bars), "the newest version is listed"
    if path == "/1..2":
        assert shown.xpath("//nav[@class='steps']/a[contains(@href, '39..40')]")


def test_the_parts_of_a_long_list_of_sentences_and_versions_are_all_of_it(long):
    client, article = long
    place, sentences = f"/a/{article}/since", []
    while place:
        shown = html.fromstring(client.get(place).text)
        sentences += shown.xpath("//div[contains(@class, 'stood')]/a/text()")
        place = next(iter(shown.xpath("//main//a[@rel='next']/@href")), None)
    rows = client.get("/api/blame", params={"rev": article, "limit": 1000}).json()["items"]
    assert sentences == [each["sentence"] for each in rows]
    place, versions = f"/a/{article}", []
    while place:
        shown = html.fromstring(client.get(place).text)
        versions += shown.xpath("//td//strong/text()")
        place = next(iter(shown.xpath("//a[.='Older versions']/@href")), None)
        place = place and f"/a/{article}?{place.partition('?')[2]}"
    assert versions == [str(number) for number in range(40, 0, -1)]
