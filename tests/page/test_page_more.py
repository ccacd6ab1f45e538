"""Images, tags, section and feed metadata of a page; teasers and live blogs."""

import json

import pytest

from storage.values.draft import Candidate, Draft
from tests.page.conftest import PARAGRAPHS, html, read
from tests.page.test_page_metadata import json_ld_script
from worker.text.hints import Hints, SourceValue, TextSettings
from worker.text.page.read_page import read_page
from worker.text.page.wire import pack_hints, unpack_hints


def fields(head: str = "", body: str = "", **known):
    page = read(html(head, body, **known))
    assert isinstance(page, Draft)
    return page.fields


def flags(head: str = "", body: str = "", **known) -> tuple[str, ...]:
    page = read(html(head, body, **known))
    assert isinstance(page, Draft)
    return page.flags


FIGURE = '<figure><img src="/deich.jpg" alt=x><figcaption>{}</figcaption></figure>'
AT = "https://www.kuestenbote.example/deich.jpg"


@pytest.mark.parametrize(
    ("words", "caption", "credit"),
    [
        ("Der Deich von oben. Foto: Ada Kern/dpa", "Der Deich von oben.", "Ada Kern/dpa"),
        ("Der Deich (© KB)", "Der Deich", "KB"),
        ('Der Deich <span class="image-copyright">Ada Kern</span>', "Der Deich", "Ada Kern"),
        ("Quelle: dpa", None, "dpa"),
        ("Ein Bild von Wert", "Ein Bild von Wert", None),
        ("Firefighters at the depot. Photo by Ann Lee", "Firefighters at the depot.", "Ann Lee"),
    ],
)
def test_a_picture_has_its_address_words_and_credit(words, caption, credit):
    found = fields(body=FIGURE.format(words))["images"]
    assert found.value == [{"address": AT, "caption": caption, "credit": credit}]
    assert found.found_in == "figure"


def test_a_picture_that_is_loaded_late_has_its_own_address_and_an_advert_is_none():
    late = '<figure><img src="/img/grey-placeholder.png" data-src="/deich.jpg"></figure>'
    advert = FIGURE.format("Anzeige").replace("deich", "kaufen")
    assert [image["address"] for image in fields(body=late + advert)["images"].value] == [AT]


def test_pictures_of_json_ld_are_reported_where_the_page_shows_none():
    image = {"url": "/deich.jpg", "caption": "Der Deich", "creditText": "Ada Kern"}
    found = fields(json_ld_script(image=[image, "/lohe.jpg"]))["images"]
    assert found.value[0] == {"address": AT, "caption": "Der Deich", "credit": "Ada Kern"}
    assert found.value[1]["address"].endswith("/lohe.jpg")


def test_tags_of_one_meta_each_are_one_list():
    metas = "".join(
        f'<meta property="article:tag" content="{t}">' for t in ("Deich", "Lohe", "Deich")
    )
    assert fields(metas)["tags"].value == ["Deich", "Lohe"]


def test_an_internal_name_of_a_system_is_no_tag():
    tags = ["98be933f-38cf-4fba-b6c6-ad438e82010a", "Politik &amp; Gesellschaft"]
    assert fields(json_ld_script(keywords=tags))["tags"].value == ["Politik & Gesellschaft"]


def test_the_section_is_the_last_step_of_the_breadcrumbs_before_the_page():
    steps = [{"@type": "ListItem", "name": n} for n in ("Start", "Region", "Lohetal", "Titel")]
    crumbs = {"@type": "BreadcrumbList", "itemListElement": steps}
    head = f'<script type="application/ld+json">{json.dumps(crumbs)}</script>'
    assert (fields(head)["section"].value, fields(head)["section"].found_in) == (
        "Lohetal",
        "JSON-LD breadcrumb",
    )
    seen = "<nav class=breadcrumb><a href=/>Start</a><a href=/r>Region</a></nav>"
    assert fields(body=seen)["section"].value == "Region"


def test_a_kicker_above_the_headline_is_kept_apart():
    raw = html().replace(b"<h1>", b"<p class=dachzeile>Deichbau</p><h1>")
    page = read(raw)
    assert (page.title, page.fields["kicker"].value) == (
        "Niederlohe streitet um den Deich",
        "Deichbau",
    )


SOURCE_VALUES = (
    SourceValue("title", "Streit um den Deich", "feed title"),
    SourceValue("authors", ["Ada Kern"], "feed authors"),
    SourceValue("published", "2024-06-18T06:00:00+02:00", "feed published"),
    SourceValue("tags", ["Deich"], "feed tags"),
)


def with_offers(raw: bytes, hints: Hints) -> Draft:
    offering = Hints(
        hints.type, hints.name, hints.charset, hints.observed_at, hints.url, SOURCE_VALUES
    )
    page = read_page(raw, unpack_hints(pack_hints(offering)), TextSettings())
    assert isinstance(page, Draft)
    return page


def test_a_value_of_a_feed_is_used_where_the_page_has_none(hints):
    page = with_offers(html(), hints())
    told = {name: page.fields[name].value for name in ("authors", "tags")}
    assert told == {"authors": ["Ada Kern"], "tags": ["Deich"]}
    assert page.fields["published"].value["value"] == "2024-06-18T06:00:00"
    assert page.fields["published"].found_in == "feed published"


def test_a_value_of_a_feed_is_one_candidate_next_to_that_of_the_page(hints):
    head = json_ld_script(
        author="Bo Lind", datePublished="2024-06-17", headline="Niederlohe streitet um den Deich"
    )
    page = with_offers(html(head), hints())
    assert (page.title, page.fields["authors"].value) == (
        "Niederlohe streitet um den Deich",
        ["Bo Lind"],
    )
    assert Candidate("Streit um den Deich", "feed title") in page.fields["title"].candidates
    assert Candidate(["Ada Kern"], "feed authors") in page.fields["authors"].candidates


LOCKED = json_ld_script(isAccessibleForFree=False)
WALL = (
    "<div class=piano><p>Sie möchten diesen Artikel weiterlesen? Jetzt kostenlos testen</p></div>"
)
LONG = PARAGRAPHS * 20


@pytest.mark.parametrize(
    ("head", "body", "paragraphs", "teaser"),
    [
        pytest.param(LOCKED, "", PARAGRAPHS, True, id="declared and short"),
        pytest.param(LOCKED, "", LONG, False, id="declared and whole"),
        pytest.param(json_ld_script(isAccessibleForFree="False", wordCount=900), "", PARAGRAPHS, True, id="far fewer words than stated"),
        pytest.param(json_ld_script(isAccessibleForFree=False, wordCount=75), "", PARAGRAPHS, False, id="all words that are stated"),
        pytest.param(json_ld_script(isAccessibleForFree=False, wordCount=9000), "", LONG, True, id="long, and far fewer words than stated"),
        pytest.param(json_ld_script(hasPart={"@type": "WebPageElement", "isAccessibleForFree": False}), "", PARAGRAPHS, True, id="a part is locked"),
        pytest.param("", WALL, PARAGRAPHS, True, id="a paywall"),
        pytest.param("", WALL, LONG, False, id="a paywall and a whole text"),
        pytest.param(json_ld_script(isAccessibleForFree=True), "", PARAGRAPHS, False, id="free"),
        pytest.param("", "", PARAGRAPHS, False, id="nothing said"),
    ],
)  # fmt: skip
def test_a_teaser_is_recognised_by_the_statement_of_the_page_and_by_its_length(
    head, body, paragraphs, teaser
):
    raw = html(head, paragraphs=paragraphs).replace(b"</article>", body.encode() + b"</article>")
    page = read(raw)
    assert isinstance(page, Draft)
    assert ("teaser" in page.flags) == teaser


ENTRIES = "".join(
    f"<p>{h}:15 Uhr: Der Pegel steht bei {h} Metern, meldet der Verband.</p>" for h in range(10, 20)
)


@pytest.mark.parametrize(
    ("head", "h1", "body", "live"),
    [
        (json_ld_script(**{"@type": "LiveBlogPosting"}), "Sturm über der Lohe", "", True),
        ("", "Liveblog: Sturm über der Lohe", ENTRIES, True),
        ("", "Sturm über der Lohe", ENTRIES, True),
        ("", "Liveblog: Sturm über der Lohe", "", False),
        ("", "Sturm über der Lohe", "<p>13:15 Uhr: Der Pegel steht.</p>", False),
    ],
    ids=["type", "name and entries", "many entries", "name alone", "one time"],
)
def test_a_live_blog_is_reported(head, h1, body, live):
    assert ("live_blog" in flags(head, body, h1=h1)) == live


@pytest.mark.parametrize(
    "block",
    [
        '{"@type":"NewsArticle","headline":"Der "Deich" hält","author":{"name":"Ada Kern"}}',
        '{"@type":"NewsArticle","author":{"name":"Ada Kern"},}',
        '{"@type":"NewsArticle" "author":{"name":"Ada Kern"}}',
        '{"@type":"NewsArticle","description":"eine\nZeile","author":{"name":"Ada Kern"}',
    ],
    ids=["quotes inside", "comma", "no comma", "not closed"],
)
def test_broken_json_ld_is_mended_and_flagged(block):
    page = read(html(f'<script type="application/ld+json">{block}</script>'))
    assert page.fields["authors"].value == ["Ada Kern"]
    assert "metadata_broken" in page.flags


@pytest.mark.parametrize("block", ["[" * 50_000, '{"a":' * 20_000, '"' * 90_000, "{" * 250_000])
def test_hopeless_json_ld_is_left_and_flagged(block):
    assert "metadata_broken" in flags(f'<script type="application/ld+json">{block}</script>')
