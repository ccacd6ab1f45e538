"""Who wrote a page, by its names and places, and which of its titles is the headline."""

import json

import pytest

from storage.values.draft import Candidate
from tests.page.conftest import html, read
from worker.text.annotate.bylines import is_byline, read_byline
from worker.text.page.fields.choose import choose_authors, site_names
from worker.text.page.fields.clues import PageClues
from worker.text.page.fields.titles import choose_title

TITLE = "Niederlohe streitet um den Deich"


def stated(*names):
    node = {"@type": "NewsArticle", "author": [{"@type": "Person", "name": name} for name in names]}
    return f'<script type="application/ld+json">{json.dumps(node)}</script>'


def authors(page):
    field = page.fields.get("authors")
    return field.value if field else None


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("ByMerle Addicks", ["Merle Addicks"]),
        ("VonJonte Wübbena", ["Jonte Wübbena"]),
        ("Auteur: Merle Addicks", ["Merle Addicks"]),
        ("Von Merle Addicks am", ["Merle Addicks"]),
        ("著者：高橋健", ["高橋健"]),
        ("文● 高橋健／編集部", ["高橋健"]),
        ("【記者 王小明】", ["王小明"]),
        ("Text & Fotos: Merle Addicks", ["Merle Addicks"]),
        ("Blog-Beitrag von Merle Addicks", ["Merle Addicks"]),
        ("Merle Addicks im Gespräch mit Bo Lind", ["Merle Addicks", "Bo Lind"]),
    ],
)
def test_a_byline_names_persons(line, names):
    assert list(read_byline(line).persons) == names


def test_a_byline_in_another_script_is_one():
    assert is_byline("著者：高橋健")
    assert not is_byline("著者：最新のニュース一覧を見る")


@pytest.mark.parametrize(
    "label",
    ["Weitere Informationen", "Mental Health", "Letzte Meldungen", "Unser Angebot", "Site Areas"],
)
@pytest.mark.parametrize("place", ["above", "below", "last line"])
def test_a_label_is_not_an_author(draft, html, label, place):
    line = f"<p>{label}</p>"
    raw = {
        "above": html(body=line).replace(b"<h1>", f"{line}<h1>".encode()),
        "below": html(body=line),
        "last line": html().replace(b"</article>", f"{line}</article>".encode()),
    }[place]
    assert authors(draft(raw)) is None


def test_a_label_in_a_byline_class_is_not_an_author(draft, html):
    text = ("Die letzten Zahlen wurden zuletzt in der Verwaltung geprüft und dann gemeldet. " * 4,)
    raw = html(body='<div class="byline">Zuletzt Geprüft</div>', paragraphs=text)
    assert authors(draft(raw)) is None


@pytest.mark.parametrize("name", ["Merle Jansen", "J. R. Stone", "Anna-Lena Kern"])
def test_a_name_on_its_own_below_the_headline_is_the_author(draft, html, name):
    body = f"<p>{name}</p><p>18. Juni 2024</p>"
    assert authors(draft(html(body=body))) == [name]


@pytest.mark.parametrize("name", ["Will Knight", "Duy Linh Dinh", "Xiaoying Sun"])
def test_a_name_that_all_metadata_agree_on_is_accepted(draft, html, name):
    head = stated(name) + f'<meta name="author" content="{name}">'
    body = f'<span itemprop="author">{name}</span>'
    assert authors(draft(html(head=head, body=body))) == [name]


def test_all_of_several_names_are_accepted(draft, html):
    body = '<div class="byline">Von ANNA KERN, Jonte Wübbena und Bo Lind</div>'
    assert authors(draft(html(body=body))) == ["ANNA KERN", "Jonte Wübbena", "Bo Lind"]


def test_a_person_is_reported_without_the_house(draft, html):
    site = '<meta property="og:site_name" content="KBR">'
    body = '<div class="byline">Von Anna Kern, KBR KÜSTE</div>'
    assert authors(draft(html(head=site, body=body))) == ["Anna Kern"]
    assert authors(draft(html(body='<div class="byline">Anna Kern, SDA</div>'))) == ["Anna Kern"]


def test_a_line_about_the_author_is_merged_with_the_name(draft, html):
    body = '<div class="byline">von Simon Kern</div><h2>Über Simon Kern</h2>'
    assert authors(draft(html(body=body))) == ["Simon Kern"]


def test_a_person_that_a_plugin_declares_as_organisation_is_a_person():
    candidates = [Candidate(["Anna Kern"], "JSON-LD author"), Candidate(["Anna Kern"], "byline")]
    clues = PageClues(organisations=frozenset({"Anna Kern"}))
    assert choose_authors(candidates, ["Anna Kern"], clues)[0].persons == ("Anna Kern",)


def test_meta_tags_may_carry_their_content_as_value(draft, html):
    page = draft(html('<meta name="author" value="Anna Kern">'))
    assert Candidate(["Anna Kern"], "meta author") in page.fields["authors"].candidates


HEADLINES = {
    "a logo that links to the front page": (
        '<h1><a href="https://www.boten.example/">Das Lohetal im Blick</a></h1><h1>{}</h1>',
        f"{TITLE} - Das Lohetal im Blick",
    ),
    "a section before the headline": (
        "<h1>Meldungen</h1><h1>{}</h1>",
        f"Meldungen - {TITLE}",
    ),
    "a heading of the page in a smaller size": (
        "<h1>Neues | Eintrag</h1><h2>{}</h2>",
        f"boten.example - Neues - {TITLE}",
    ),
    "a heading of a forum whose class is that of a menu": (
        '<div class="sidebar"><h2>{}</h2></div>',
        f"{TITLE} | Deiche | Forum | boten.example",
    ),
    "the site before and after": (
        '<a href="/">Lohe Aktuell</a><h3>{}</h3>',
        f"Lohe Aktuell » {TITLE} » Lohe Aktuell",
    ),
}


@pytest.mark.parametrize("case", HEADLINES)
def test_the_headline_is_neither_the_site_nor_a_section(draft, html, case):
    body, title = HEADLINES[case]
    head = f'<title>{title}</title><meta name="title" content="{title}">'
    assert draft(html(head, body.format(TITLE), h1="")).title == TITLE


def test_the_first_heading_is_the_headline_where_no_h1_and_no_metadata_state_one(draft, html):
    head = "<title>Feuerwehr Lohe - Ausbildung</title>"
    assert draft(html(head, "<h2>Ausbildung im Wasser</h2>", h1="")).title == "Ausbildung im Wasser"
    head += '<script type="application/ld+json">{"@type": "NewsArticle", "headline": "Ausbildung"}'
    assert draft(html(f"{head}</script>", "<h2>Ausbildung im Wasser</h2>", h1="")).title == (
        "Ausbildung"
    )


def test_lines_belong_to_the_heading_that_the_title_tag_names(draft, html):
    title = f"<title>{TITLE} | Boten</title>"
    menu = "<h1>Boten</h1>" + "<p>Leute</p>" * 30
    body = f"{menu}<h2>{TITLE}</h2><p>05.06.2024 - Redaktion: Merle Addicks (Sprecherin)</p>"
    fields = draft(html(title, body, h1=""), url=None).fields
    assert fields["authors"].value == ["Merle Addicks"]
    assert fields["published"].value["value"] == "2024-06-05"


def test_a_short_name_is_not_a_part_of_the_domain_of_a_site(draft, html):
    assert site_names({}, "https://www.boten.co.uk/a") == ("boten.co.uk", "boten")
    page = draft(html(stated("Kay")), url="https://www.boten.co.uk/deich")
    assert page.fields["authors"].value == ["Kay"]


def test_the_text_of_a_link_to_the_front_page_is_a_name_of_the_site():
    sites = site_names({"site": (Candidate("Lohe Aktuell", "home link"),)}, None)
    titles = [Candidate(f"{TITLE} – Lohe Aktuell", "title")]
    assert choose_title(titles, sites).value == TITLE


LABELS = (
    "Last Updated", "Last Modified", "Original Publication", "Posted", "Name", "facebook.com",
    "Zuletzt aktualisiert", "Stand", "Uhr", "Veröffentlicht Montag",
)  # fmt: skip


@pytest.mark.parametrize(
    "place",
    [
        '<meta name="author" content="{}">',
        '<p class="byline">By {}</p>',
        '<a rel="author" href="/x">{}</a>',
        '<script type="application/ld+json">{{"@type": "NewsArticle", "author": "{}"}}</script>',
    ],
    ids=["meta", "byline", "link", "JSON-LD"],
)
def test_a_label_a_host_or_a_month_is_no_one_wherever_it_is(place):
    def shown(name):
        raw = place.format(name)
        return authors(
            read(html(raw) if place.startswith(("<meta", "<script")) else html(body=raw))
        )

    assert [name for name in LABELS if shown(name)] == []
    assert shown("Ada Kern December") == shown("Ada Kern") == ["Ada Kern"]
