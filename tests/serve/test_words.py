"""Every sentence of pages and mails is said in German, and none that neither says."""

import re
from datetime import UTC
from pathlib import Path

import lxml.html
import pytest

from storage.read.render.words import catalogue, message_templates, translate_message
from storage.values.change_class import ChangeClass
from storage.values.net.rights import PROTOCOLS
from storage.values.refusals import REFUSALS, refuse
from storage.web.pages.query_parameters import VIEWS
from storage.web.pages.rendering import HERE, UNITS, PageWords
from storage.web.problems import TITLES
from tests.alerts.conftest import Watched, pegel
from tests.serve.conftest import served
from worker.alerts import mail

SAID = re.compile(r"""\b(?:t|template|translate)\(\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)')\s*[,)]""")
KINDS = re.compile(
    r"^(class|paragraph|protocol|rights|state|kind|view|role|outcome|is|job|trigger|rule|answer|field|flag|refusal) "
)
PLACES = sorted({*re.findall(r"\{(\w+)\}", " ".join(map(" ".join, REFUSALS.values())))})
"""The names of the values in the messages of refusals."""


def said() -> set[str]:
    files = [
        *(HERE / "templates").glob("*.html"),
        *(HERE / "pages").glob("*.py"),
        Path(mail.__file__),
    ]
    found = {a or b for path in files for a, b in SAID.findall(path.read_text("utf-8"))}
    return found | {title for _status, title in TITLES.values()} | {*UNITS}


def test_every_sentence_is_said_in_german_and_none_is_left_over():
    german = {each for each in catalogue()["de"] if not KINDS.match(each)}
    assert {each for each in said() if not KINDS.match(each)} == german


def test_names_of_classes_and_states_are_said_in_both_languages():
    english, german = catalogue()["en"], catalogue()["de"]
    assert set(english) == {each for each in german if KINDS.match(each)}
    assert {f"class {each.value}" for each in ChangeClass} <= set(english)
    assert {f"view {each}" for each in VIEWS} <= set(english)
    assert {f"protocol {each}" for each in PROTOCOLS} <= set(english)


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_sentence_keeps_the_places_for_its_values(language):
    for key, sentence in catalogue()[language].items():
        assert {*re.findall(r"\{\w+\}", key)} == {*re.findall(r"\{\w+\}", sentence)}


def test_every_refusal_and_flag_has_a_german_message_and_a_label():
    values = dict.fromkeys(PLACES, "7")
    for code in REFUSALS:
        refusal = refuse(code, **values)
        for text in (refusal.message, refusal.hint):
            assert translate_message("de", text) not in {None, text}
        assert f"refusal {code}" in catalogue()["de"]
    flags = Path(__file__).resolve().parents[2] / "docs" / "codes.md"
    listed = re.findall(r"^\| `(\w+)`", flags.read_text("utf-8").split("## Flags")[1], re.MULTILINE)
    rules = flags.read_text("utf-8").split("## Noise")[1]
    assert [
        f for f in listed if f"`{f}`" not in rules and f"flag {f}" not in catalogue()["de"]
    ] == []


def test_a_message_template_keeps_the_places_for_its_values():
    for english, german in message_templates().items():
        assert {*re.findall(r"\{\w+\}", german)} <= {*re.findall(r"\{\w+\}", english)}


def test_the_place_of_a_value_is_named_in_german_and_markup_as_it_is():
    places = "byline beside the article", "page text", "seed header", "meta og:title"
    german = [PageWords("de", UTC).place(each) for each in places]
    assert german[:3] == [
        "Autorenzeile neben dem Artikel",
        "Text der Seite",
        "Kopfzeile des Dokuments",
    ]
    assert german[3] == "meta og:title"


def test_no_english_is_left_on_a_german_page(tmp_path):
    url = f"sqlite:///{tmp_path / 'lesart.sqlite3'}"
    press = Watched(url)
    values = dict.fromkeys(PLACES, "it is empty")
    press.scan(0, pegel=pegel(3), damm=pegel(5, title="Damm"))
    press.alert("hafen", query="Zentimeter", classes=("number", "gone"), silent=True)
    press.alert("fluss", daily_at="07:00")
    press.scan(
        1, pegel=pegel(36), **{f"x{n}": refuse(code, **values) for n, code in enumerate(REFUSALS)}
    )
    press.scan(2, pegel=pegel(3), damm=None)
    press.match()
    press.close()
    with served(url) as client:
        articles = [row["article"] for row in client.get("/api/articles").json()["items"]]
        paths = [
            "/",
            "/?limit=20",
            "/?contains=nirgendwo",
            "/?as_of=gestern",
            "/search?q=Zentimeter",
            "/search?q=nirgendwo",
            "/search?as_of=gestern",
            "/relations",
            "/sources",
            "/alerts",
            "/front",
            "/front?as_of=gestern",
            "/front?front=https://nirgendwo.example/",
            "/refusals?limit=200",
            "/statistics",
            "/jobs",
            "/nirgendwo",
            "/a/nirgendwo",
            "/?nope=1",
            "/a/x@1",
            "/a/x/y",
            "/jobs?job=4711",
            f"/a/{articles[0]}/99",
            "/relations?after=x",
        ]
        for each in articles:
            views = ("", "/1", "/since", "/checks", "/rights", "/fronts", "/cite", "/cite?passage=nirgendwo", "/1..2",
                     "/1..2?view=changes", "/1..2?view=side", "/1..2?view=fields",
                     "/1..2?view=quotes", "/1..2?view=links", "/1..2?view=raw")  # fmt: skip
            paths += [f"/a/{each}{view}" for view in views] + [f"/proof/{each}"]
        for path in paths:
            german = f"{path}{'&' if '?' in path else '?'}lang=de"
            answer = client.get(german, headers={"Accept": "text/html"})
            assert answer.headers["content-type"].startswith("text/html"), path
            assert english_of(answer.text) == [], path


def english_of(page: str) -> list[str]:
    """Return the texts of a German page that are English: templates, labels, marked messages."""
    tree = lxml.html.document_fromstring(page)
    found = [each.text_content() for each in tree.xpath("//*[@lang='en']") if each.tag != "a"]
    for each in tree.xpath("//script|//style|//pre|//code|//*[@lang and @lang!='de']"):
        each.drop_tree()
    texts = [text.strip() for text in tree.xpath("//body//text()|//@aria-label|//title/text()")]
    german, labels = catalogue()["de"], catalogue()["en"]
    same = {*german.values()}
    words = {key for key in german if key not in labels} | {*labels.values()}
    sentences = [*message_templates(), *(key for key in german if key not in labels)]
    patterns = [
        re.compile(".*?".join(map(re.escape, re.split(r"\{\w+\}", part))))
        for sentence in sentences
        for part in sentence.split("|")
        if len(re.sub(r"\{\w+\}", "", part).split()) > 2 and part not in same
    ]
    for text in filter(None, texts):
        is_word = text in words and text not in same
        if (
            is_word
            or re.search(r"\{[a-z]+\}", text)
            or any(pattern.search(text) for pattern in patterns)
        ):
            found.append(text)
    return found
