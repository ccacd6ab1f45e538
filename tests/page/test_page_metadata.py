"""Metadata of a page: candidates from all places, and the choice among them."""

import json

import pytest

from storage.values.draft import Candidate
from tests.page.conftest import PARAGRAPHS
from worker.text.annotate.bylines import classify_names, is_agency, read_byline
from worker.text.annotate.measures import title_key
from worker.text.page.fields.choose import choose_address, choose_authors, site_names
from worker.text.page.fields.clues import PageClues
from worker.text.page.fields.titles import choose_title


def json_ld_script(**node):
    return (
        f'<script type="application/ld+json">{json.dumps({"@type": "NewsArticle"} | node)}</script>'
    )


TITLE = "Niederlohe streitet um den Deich"


def titles(**places):
    return [Candidate(value, place.replace("_", " ")) for place, value in places.items()]


@pytest.mark.parametrize(
    ("candidates", "sites", "expected"),
    [
        pytest.param([("h1", TITLE), ("title", f"{TITLE} | Küstenbote")], ["Küstenbote"], TITLE, id="suffix"),
        pytest.param([("title", f"Küstenbote - {TITLE}")], ["Küstenbote"], TITLE, id="prefix"),
        pytest.param([("title", f"{TITLE} - Lohetal - Küstenbote")], ["Küstenbote"], f"{TITLE} - Lohetal", id="a section is no site"),
        pytest.param([("h1", TITLE), ("title", f"{TITLE} - Lohetal - Das Blatt")], [], TITLE, id="learned from the h1"),
        pytest.param([("meta og:title", TITLE), ("title", f"{TITLE} – boten.example")], ["boten.example"], TITLE, id="host"),
        pytest.param([("h1", "Küstenbote"), ("meta og:title", TITLE)], ["Küstenbote"], TITLE, id="a logo in the h1"),
        pytest.param([("h1", "Sturm – Dächer fliegen")], ["Küstenbote"], "Sturm – Dächer fliegen", id="a dash of its own"),
        pytest.param([("JSON-LD headline", TITLE), ("h1", TITLE), ("meta og:title", "Deich: Was jetzt in Niederlohe droht")], [], TITLE, id="SEO title"),
        pytest.param([("h1", "Straßen\u00adbahn fährt"), ("meta og:title", "Straßenbahn fährt")], [], "Straßenbahn fährt", id="soft hyphen"),
        pytest.param([("h1", "„Nein“, sagt sie"), ("meta og:title", '"Nein", sagt sie')], [], "„Nein“, sagt sie", id="spelling of the h1"),
        pytest.param([("JSON-LD headline", "Sorge &#8211; Auftrag")], [], "Sorge – Auftrag", id="escaped twice"),
        pytest.param([("h1", TITLE), ("h1", "Ein ganz anderer Text"), ("title", TITLE)], [], TITLE, id="a second h1"),
        pytest.param([("h1", "Der Deich von Niederlohe spaltet ein Dorf"), ("JSON-LD headline", TITLE), ("meta og:title", TITLE), ("title", TITLE)], [], "Der Deich von Niederlohe spaltet ein Dorf", id="the h1 in other words"),
        pytest.param([("h1", "Mehr aus der Region"), ("JSON-LD headline", TITLE), ("meta og:title", TITLE)], [], TITLE, id="a section in the h1"),
        pytest.param([("h1", f"Küstenschutz {TITLE}"), ("meta og:title", TITLE), ("title", TITLE)], [], TITLE, id="a kicker in the h1"),
        pytest.param([("h1", f"Thema: {TITLE}"), ("meta og:title", TITLE), ("title", f"{TITLE} | Bote")], ["Bote"], TITLE, id="a label in the h1"),
        pytest.param([("h1", f"Deich: {TITLE}"), ("meta og:title", f"Deich: {TITLE}"), ("title", TITLE)], [], f"Deich: {TITLE}", id="a colon of its own"),
        pytest.param([("h2", TITLE), ("meta og:title", f"{TITLE} (2024/5)"), ("title", f"{TITLE} (2024/5): Bote")], ["Bote"], TITLE, id="a number that the page does not show"),
        pytest.param([("h1", TITLE), ("meta og:title", TITLE), ("JSON-LD headline", "Deich: Was Niederlohe jetzt droht"), ("title", "Deich: Was Niederlohe jetzt droht")], [], TITLE, id="the h1 that is shared"),
        pytest.param([("h1", f"2024: {TITLE} und Linde"), ("JSON-LD headline", f"{TITLE} und Linde"), ("title", "2024: Deich in Niederlohe")], [], f"2024: {TITLE} und Linde", id="the fuller h1"),
        pytest.param([("h1", TITLE), ("itemprop headline", TITLE), ("JSON-LD headline", "Deich droht"), ("meta og:title", "Deich droht"), ("title", "Deich droht")], [], TITLE, id="the h1 is marked as headline"),
        pytest.param([("meta og:title", TITLE), ("title", TITLE), *(("itemprop headline", t) for t in ("Orte im Lohetal", "Themen", "Teilen"))], [], TITLE, id="every heading is marked"),
        pytest.param([("h1", 'Der Streit um "Deich" und Linde'), ("title", 'Der Streit um "Deich" und Linde'), ("itemprop headline", "Der Streit um")], [], 'Der Streit um "Deich" und Linde', id="a quotation in the headline"),
    ],
)  # fmt: skip
def test_the_headline_is_the_one_that_a_reader_sees(candidates, sites, expected):
    found = choose_title([Candidate(value, place) for place, value in candidates], sites)
    assert found.value == expected


def test_headlines_that_disagree_are_a_conflict():
    agreeing = choose_title(titles(h1=TITLE, JSON_LD=TITLE), [])
    assert not agreeing.conflict
    places = [Candidate(TITLE, "h1"), Candidate("Die Linde muss weg", "JSON-LD headline")]
    assert choose_title(places, []).conflict


def test_without_a_title_there_is_none():
    assert choose_title([Candidate("Küstenbote", "title")], ["Küstenbote"]) is None


@pytest.mark.parametrize(
    ("line", "persons", "agencies", "publishers"),
    [
        ("Von Merle Addicks", ("Merle Addicks",), (), ()),
        ("Von Merle Addicks und Jonte Wübbena", ("Merle Addicks", "Jonte Wübbena"), (), ()),
        ("By Ann Lee, Bo Reed and Cy Hart", ("Ann Lee", "Bo Reed", "Cy Hart"), (), ()),
        ("Ein Kommentar von Jonte Wübbena", ("Jonte Wübbena",), (), ()),
        ("Merle Addicks/dpa", ("Merle Addicks",), ("dpa",), ()),
        ("dpa/lni", (), ("dpa", ), ()),
        ("AFP, AP", (), ("AFP", "AP"), ()),
        ("Merle Addicks, Redakteurin", ("Merle Addicks",), (), ()),
        ("Von Merle Addicks, Berlin", ("Merle Addicks",), (), ()),
        ("By Ann Lee in Kyiv and Bo Reed", ("Ann Lee", "Bo Reed"), (), ()),
        ("By Ann Lee and Bo Reed in New York", ("Ann Lee", "Bo Reed"), (), ()),
        ("Text von Ada Kern Illustration von Bo Lind", ("Ada Kern",), (), ()),
        ("Ada Kern (Text), Bo Lind (Fotos)", ("Ada Kern",), (), ()),
        ("Ada Kern | Fotos: Bo Lind", ("Ada Kern",), (), ()),
        ("Von unserem Korrespondenten Bo Lind", ("Bo Lind",), (), ()),
        ("Von Gastautorin Ada von Kern", ("Ada von Kern",), (), ()),
        ("Redaktion", (), (), ()),
        ("admin", (), (), ()),
        ("https://www.facebook.com/kuestenbote", (), (), ()),
        ("Küstenbote Online", (), (), ("Küstenbote Online",)),
        ("Stand: 18.06.2024, 13:34 Uhr", (), (), ()),
        ("", (), (), ()),
    ],
)  # fmt: skip
def test_a_byline_names_persons_agencies_and_houses(line, persons, agencies, publishers):
    found = read_byline(line)
    assert (found.persons, found.agencies, found.publishers) == (persons, agencies, publishers)


def test_a_name_occurs_once():
    assert classify_names(["Ada Kern", " Ada  Kern", "von Ada Kern"]).persons == ("Ada Kern",)


def test_an_agency_is_known_by_its_name_alone():
    assert is_agency("dpa")
    assert not is_agency("Apart")


def test_the_best_place_that_names_persons_gives_the_authors():
    people, found_in, _ = choose_authors(
        [
            Candidate(["https://www.facebook.com/x"], "JSON-LD author"),
            Candidate(["Küstenbote"], "meta author"),
            Candidate(["Von Merle Addicks"], "byline"),
        ],
        ["Küstenbote"],
    )
    assert (people.names(), found_in) == (("Merle Addicks",), "byline")


def test_a_house_is_the_author_where_no_person_is_named_and_it_is_not_the_site():
    offered = [Candidate(["Küstenbote"], "JSON-LD author"), Candidate(["Verband Lohe"], "byline")]
    assert choose_authors(offered, ["Küstenbote"])[0].names() == ("Verband Lohe",)
    assert choose_authors(offered[:1], ["Küstenbote"])[0].names() == ()


@pytest.mark.parametrize(("is_blog", "names"), [(True, ("Küstenbote",)), (False, ())])
def test_the_site_is_the_author_on_its_blog_alone(is_blog, names):
    offered = [Candidate(["Küstenbote"], "JSON-LD author"), Candidate(["Küstenbote"], "byline")]
    assert choose_authors(offered, ["Küstenbote"], PageClues(is_blog=is_blog))[0].names() == names


def test_a_name_in_capitals_is_spelled_as_elsewhere_on_the_page():
    offered = [Candidate(["ADA KERN"], "JSON-LD author"), Candidate(["Von Ada Kern"], "byline")]
    assert choose_authors(offered, [])[0].names() == ("Ada Kern",)


def test_a_line_below_the_headline_that_begins_like_a_byline_names_the_author(draft, html):
    page = draft(html(body="<h1>Die Linde bleibt</h1><ul><li>by The Deich Team</li></ul>"))
    assert page.fields["authors"].candidates[0].found_in == "byline below the headline"


def test_houses_that_are_neither_desk_nor_site_are_next_to_persons():
    offered = [Candidate(["Von Ada Kern, Redaktion Nord, Küstenbote, LANDESFUNK LOHE"], "byline")]
    clues = PageClues(lines=((1, title_key(offered[0].value[0]), False),))
    people, *_ = choose_authors(offered, ["Küstenbote"], clues)
    assert people.names()[0] == "Ada Kern"
    assert not {"Redaktion Nord", "Küstenbote"} & set(people.names())


def test_an_agency_next_to_a_person_is_a_mark_and_no_author(draft, html):
    page = draft(html(json_ld_script(author=[{"name": "Ada Kern"}, {"name": "dpa"}])))
    assert (page.fields["authors"].value, page.fields["agency"].value) == (["Ada Kern"], ["dpa"])


ACCOUNT = {"@id": "https://bote.example/#/schema/person/5f2a", "name": "Ada Kern"}


def test_who_uploaded_a_text_is_no_author_where_no_one_can_read_it(draft, html):
    page = draft(html(json_ld_script(author=ACCOUNT)))
    assert page.fields["authors"].value is None
    assert page.fields["authors"].candidates[0].value == ["Ada Kern"]


def test_an_account_that_the_page_shows_is_the_author(draft, html):
    page = draft(html(json_ld_script(author=ACCOUNT), "<p class=meta>Ada Kern am Dienstag</p>"))
    assert page.fields["authors"].value == ["Ada Kern"]


def test_the_name_below_a_line_that_announces_it_is_the_author(draft, html):
    page = draft(html(body="<h4>Autorin</h4><p>Ada Kern,</p>"))
    assert page.fields["authors"].value == ["Ada Kern"]


@pytest.mark.parametrize(
    ("body", "authors"),
    [
        ("<div><small>04.02.2024 | 13:10 Uhr | Ada Kern</small><h2>x</h2></div>", ["Ada Kern"]),
        ("<p>06.02.2024 13:30 von Olga</p>", ["Olga"]),
        ("<h2>Leute <span>06.02.2024 13:30 von Olga</span> <i>Symbolbild</i></h2>", ["Olga"]),
        ("<p>By Ada Kern, in News, Lohetal · 31 Jan 2024, 20:02</p>", ["Ada Kern"]),
        ('<h5 class="field-author">Ada Kern</h5>', ["Ada Kern"]),
        ("<div class=author><b>Ada Kern</b><i>Redakteurin im Ressort Küste</i></div>", ["Ada Kern"]),
        ("<div class=byline>Alles über Deiche und Gras. Und viele gute Tipps für zu Hause.</div>", None),
    ],
)  # fmt: skip
def test_a_byline_is_read_wherever_it_is_above_the_text(draft, html, body, authors):
    field = draft(html(body=body)).fields.get("authors")
    assert (field and field.value) == authors


@pytest.mark.parametrize(
    "byline",
    [
        '<div class="social-bar"><span class="author">Ada Kern</span> <i>teilen</i></div>',
        '<figure><figcaption><address><a rel="author" href="/autoren/ada-kern">Ada Kern</a></address></figcaption></figure>',
        '<aside><div class="teaser"><p>Von <a href="/autor/ada-kern">Ada Kern</a></p></div></aside>',
        "<div>Ada Kern | 4.2.2024</div>",
        "<p><i>4. Februar</i> <b>Geschrieben von</b></p><p>Ada Kern</p>",
    ],
    ids=["among controls", "in a caption", "in a teaser", "without a class",
         "below a date and a label"],
)  # fmt: skip
def test_a_byline_at_the_headline_names_the_author_despite_the_text_around_it(draft, html, byline):
    assert draft(html(body=byline)).fields["authors"].value == ["Ada Kern"]


def test_a_name_is_a_candidate_without_the_text_after_a_block_in_its_element(draft, html):
    around = "<div><i>Ada Kern</i><div>4. Februar 2024</div><b>Teilen</b></div>"
    offered = draft(html(body=around)).fields["authors"].candidates
    assert [each.value for each in offered] == [["Ada Kern"]]


def test_a_name_is_apart_from_the_role_and_the_links_next_to_it(draft, html):
    byline = (
        '<div class="author"><b>Ada Kern</b><i>Redakteurin</i><a href="/k">Alle Texte</a></div>'
    )
    assert draft(html(body=byline)).fields["authors"].value == ["Ada Kern"]


def test_all_who_wrote_together_are_authors_in_the_order_of_the_page(draft, html):
    names = ["Ada Kern", "Bo Lind", "Cy Dorn"]
    links = ", ".join(f'<a class="author" href="/autor/{name[:2]}">{name}</a>' for name in names)
    assert draft(html(body=f"<p>Von {links}</p>")).fields["authors"].value == names


def test_who_wrote_a_comment_is_no_author(draft, html):
    comment = '<div class="comments"><div itemprop="author">Bo Lind</div><p>Stimmt.</p></div>'
    page = draft(html(body="<p>Von Ada Kern</p>", paragraphs=(*PARAGRAPHS * 3, comment)))
    assert page.fields["authors"].value == ["Ada Kern"]


def test_the_names_below_a_line_that_announces_them_are_all_authors(draft, html):
    listed = "<h6>Author(s)</h6><ul><li>Ada Kern</li><li>Bo Lind</li></ul>"
    assert draft(html(body=listed)).fields["authors"].value == ["Ada Kern", "Bo Lind"]


def test_a_name_of_a_catalogue_is_turned(draft, html):
    head = '<meta name="dc.creator" content="Kern, Ada"><meta name="dc.creator" content="Lind, Bo">'
    assert draft(html(head)).fields["authors"].value == ["Ada Kern", "Bo Lind"]


def test_a_meta_tag_of_a_house_of_its_own_names_the_author(draft, html):
    head = '<meta name="bote:author" content="Ada Kern">'
    assert draft(html(head, "<p>Ada Kern</p>")).fields["authors"].value == ["Ada Kern"]
    maker = '<meta name="smartbanner:author" content="Ada Kern">'
    assert "authors" not in draft(html(maker)).fields


def test_another_node_names_the_author_where_that_of_the_article_does_not(draft, html):
    page = {"@type": "WebPage", "author": {"@type": "Person", "name": "Ada Kern"}}
    graph = {"@graph": [{"@type": "NewsArticle", "headline": "Deich"}, page]}
    head = f'<script type="application/ld+json">{json.dumps(graph)}</script>'
    assert draft(html(head)).fields["authors"].value == ["Ada Kern"]


def test_one_person_under_two_spellings_is_one_author():
    offered = [
        Candidate(["Ada Kern"], "JSON-LD author"),
        Candidate(["Von Dr. Ada Kern"], "byline"),
        Candidate(["Ada Maria Kern"], "author box"),
    ]
    assert choose_authors(offered, [])[0].names() == ("Ada Kern",)


def test_a_link_to_a_person_alone_names_no_author():
    link = Candidate(["Bo Lind"], "author link")
    assert choose_authors([link], [])[0].names() == ()
    stated = Candidate(["Bo Lind"], "meta author")
    assert choose_authors([link, stated], [])[0].names() == ("Bo Lind",)


BOX = '<div class="author-bio"><h3>{}</h3><div><a href="/b">Alle Texte</a></div></div>'


@pytest.mark.parametrize(
    ("head", "boxes", "authors"),
    [
        ("", ["Ada Kern"], ["Ada Kern"]),
        ("", ["Ada Kern", "Ada Kern"], ["Ada Kern"]),
        ('<meta name="author" content="Cy Dorn">', ["Ada Kern"], ["Cy Dorn"]),
    ],
    ids=["one", "the same twice", "beside a better place"],
)
def test_a_box_on_an_author_names_one_where_no_other_place_does(draft, html, head, boxes, authors):
    aside = "".join(f"</p><aside>{BOX.format(name)}</aside>" for name in boxes)
    field = draft(html(head, paragraphs=(*PARAGRAPHS * 5, aside))).fields.get("authors")
    assert (field and field.value) == authors


def test_boxes_on_several_authors_or_on_none_name_no_one(draft, html):
    for names in (["Ada Kern", "Bo Lind"], ["Mehr zum Thema:"]):
        aside = "".join(f"<aside>{BOX.format(name)}</aside>" for name in names)
        page = draft(html(body=aside))
        assert "author box" not in {c.found_in for c in page.fields["authors"].candidates}


@pytest.mark.parametrize(
    "around",
    ['<div class="comment-list">{}</div>', '<div class="related">{}</div>', "<ul><li>{}</li></ul>"],
    ids=["a comment", "a recommended article", "a list"],
)
def test_a_box_among_comments_or_other_articles_names_no_one(draft, html, around):
    box = around.format('<div class="author vcard"><b><a href="/k">Ada Kern</a></b></div>')
    field = draft(html(body=f"<aside>{box}</aside>")).fields.get("authors")
    assert field is None or "author box" not in {c.found_in for c in field.candidates}


def test_an_imprint_far_away_hides_no_author(draft, html):
    page = draft(
        html(body="<p>Autorin: Ada Kern</p>").replace(
            b"</body>", b"<footer><p>Verlag: Deichpresse GmbH</p></footer></body>"
        )
    )
    assert page.fields["authors"].value == ["Ada Kern"]


def test_who_wrote_a_book_that_is_reviewed_did_not_write_the_review(draft, html):
    book = "<p>Titel: Das Gras</p><p>Autorin: Ada Kern</p><p>Verlag: Deichpresse</p>"
    assert "authors" not in draft(html(body=book)).fields


def test_a_name_that_the_page_marks_as_an_organisation_is_no_person(draft, html):
    author = {"@type": "Organization", "name": "Lohe Heute"}
    page = draft(html(json_ld_script(author=author), "<p>Von Ada Kern</p>"))
    assert page.fields["authors"].value == ["Ada Kern"]
    assert draft(html(json_ld_script(author=author))).fields["authors"].value == ["Lohe Heute"]


def test_a_first_name_is_the_whole_name_that_the_byline_gives(draft, html):
    page = draft(html('<meta name="author" content="Ada">', "<p>Eine Kolumne von Ada Kern</p>"))
    assert page.fields["authors"].value == ["Ada Kern"]


def test_a_last_line_names_the_house_that_a_text_is_from_next_to_the_site(draft, html):
    head = '<meta property="og:site_name" content="Küstenbote">'
    page = draft(html(head, paragraphs=(*PARAGRAPHS, "Küstenbote / Lohe Heute")))
    assert page.fields["authors"].value == ["Lohe Heute"]


def test_a_name_alone_below_the_last_paragraph_is_the_author(draft, html):
    page = draft(html(paragraphs=(PARAGRAPHS[0], PARAGRAPHS[1] * 2, "Ada Kern")))
    assert page.fields["authors"].value == ["Ada Kern"]
    assert "Ada Kern" not in page.text_paragraphs()


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        pytest.param([("canonical link", "https://a.example/b?utm_source=x&id=3#top")], "https://a.example/b?id=3", id="tracking off"),
        pytest.param([("canonical link", "https://a.example/b?galerie=3&cid=4")], "https://a.example/b?cid=4&galerie=3", id="parameters kept"),
        pytest.param([("meta og:url", "https://a.example/b"), ("canonical link", "https://a.example/c")], "https://a.example/c", id="canonical first"),
        pytest.param([("canonical link", "https://a.example/"), ("meta og:url", "https://a.example/b")], "https://a.example/b", id="no front page"),
        pytest.param([("canonical link", "/b")], None, id="relative"),
        pytest.param([("canonical link", "javascript:alert(1)")], None, id="script"),
        pytest.param([("canonical link", "file:///etc/passwd")], None, id="file"),
        pytest.param([("canonical link", "https://user:pw@a.example/b")], None, id="credentials"),
        pytest.param([("canonical link", "https://[")], None, id="broken"),
    ],
)  # fmt: skip
def test_the_address_is_a_clean_web_address(links, expected):
    found = choose_address([Candidate(value, place) for place, value in links])
    assert (found.value if found else None) == expected


def test_a_relative_canonical_link_is_read_from_where_the_page_came(draft, html):
    page = draft(html('<link rel="canonical" href="/region/deich-2">'))
    assert page.address == "https://www.kuestenbote.example/region/deich-2"


def test_a_page_without_an_address_has_none(draft, html):
    assert draft(html(), url=None).address is None


def test_a_capture_made_elsewhere_names_its_time(draft, html):
    page = draft(html('<meta name="observed_at" content="2024-06-18T10:00:00Z">'))
    assert page.observed_at.isoformat() == "2024-06-18T10:00:00+00:00"


def test_a_time_of_observation_in_the_future_is_none(draft, html):
    assert (
        draft(html('<meta name="observed_at" content="2031-01-01T10:00:00Z">')).observed_at is None
    )


@pytest.mark.parametrize(
    ("head", "body", "value", "precision", "zone"),
    [
        pytest.param(json_ld_script(datePublished="2024-05-27T06:00:00+02:00"), "", "2024-05-27T06:00:00", "second", "+02:00", id="JSON-LD"),
        pytest.param('<meta property="article:published_time" content="2024-05-27T06:00Z">', "", "2024-05-27T06:00", "minute", "+00:00", id="meta"),
        pytest.param("", '<time datetime="2024-05-27">27. Mai</time>', "2024-05-27", "day", None, id="time"),
        pytest.param("", "<time>27. Mai 2024, 6:05 Uhr</time>", "2024-05-27T06:05", "minute", None, id="time in words"),
        pytest.param("", '<span itemprop="datePublished" content="2024-05-27"></span>', "2024-05-27", "day", None, id="microdata"),
        pytest.param(json_ld_script(datePublished="2024-05"), "", "2024-05", "month", None, id="a month stays a month"),
        pytest.param(json_ld_script(datePublished="2024-05-27"), '<time datetime="2024-05-27T06:00+02:00">x</time>', "2024-05-27T06:00", "minute", "+02:00", id="finer on the same day"),
        pytest.param(json_ld_script(datePublished="2031-05-27"), '<time datetime="2024-05-26">x</time>', "2024-05-26", "day", None, id="not after the capture"),
        pytest.param(json_ld_script(datePublished="1970-01-01T00:00:00Z"), '<time datetime="2024-05-26">x</time>', "2024-05-26", "day", None, id="not the epoch"),
        pytest.param(json_ld_script(datePublished="31.02.2024"), '<time datetime="2024-05-26">x</time>', "2024-05-26", "day", None, id="no such day"),
        pytest.param(json_ld_script(datePublished=["2024-05-27", "2024-05-28"]), "", "2024-05-27", "day", None, id="a list"),
    ],
)  # fmt: skip
def test_a_date_is_as_precise_as_its_source(draft, html, head, body, value, precision, zone):
    found = draft(html(head, body)).fields["published"].value
    assert (found["value"], found["precision"], found["zone"]) == (value, precision, zone)


def test_dates_that_disagree_are_kept_and_flagged(draft, html):
    page = draft(
        html(
            '<meta property="article:published_time" content="2024-01-02">'
            + json_ld_script(datePublished="2024-05-27")
        )
    )
    assert "date_conflict" in page.flags
    assert (
        Candidate("2024-01-02", "meta article:published_time")
        in page.fields["published"].candidates
    )


def test_a_page_without_a_date_says_so(draft, html):
    page = draft(html())
    assert "date_missing" in page.flags
    assert "published" not in page.fields


def test_an_update_is_distinguished_from_the_publication(draft, html):
    page = draft(
        html(
            body='<div class="updated">Aktualisiert: <time datetime="2024-06-02T10:00+02:00">x</time></div>'
            '<div class="date"><time datetime="2024-06-01T09:00+02:00">y</time></div>'
        )
    )
    assert page.fields["published"].value["value"] == "2024-06-01T09:00"
    assert page.fields["modified"].value["value"] == "2024-06-02T10:00"


@pytest.mark.parametrize(
    ("block", "broken"),
    [
        pytest.param('{"@graph": [{"@type": "WebSite", "name": "x"}, {"@type": "NewsArticle", "headline": "%s"}]}', False, id="graph"),
        pytest.param('[{"@type": "BreadcrumbList"}, {"@type": "Article", "headline": "%s"}]', False, id="array"),
        pytest.param('{"@type": ["NewsArticle", "Article"], "headline": "%s",}', True, id="trailing comma"),
        pytest.param('<!-- {"@type": "NewsArticle", "headline": "%s"} -->', False, id="in a comment"),
        pytest.param('{"@type": "NewsArticle", "headline": "%s\nzweite"', True, id="cut off"),
        pytest.param("[" * 50_000 + "%s", True, id="50,000 brackets"),
        pytest.param('{"@type": "NewsArticle", "headline": {"a": [1, null, "%s"]}, "author": 7}', False, id="wrong types"),
    ],
)  # fmt: skip
def test_linked_data_of_any_shape_is_read_or_flagged(draft, html, block, broken):
    page = draft(html(f'<script type="application/ld+json">{block.replace("%s", TITLE)}</script>'))
    assert page.title == TITLE
    assert ("metadata_broken" in page.flags) == broken


def test_an_author_named_by_reference_is_found(draft, html):
    graph = {
        "@graph": [
            {"@type": "NewsArticle", "author": {"@id": "#m"}, "headline": TITLE},
            {"@type": "Person", "@id": "#m", "name": "Merle Addicks"},
        ]
    }
    page = draft(html(f'<script type="application/ld+json">{json.dumps(graph)}</script>'))
    assert page.fields["authors"].value == ["Merle Addicks"]
    assert page.fields["authors"].found_in == "JSON-LD author"


def test_a_hundred_authors_are_bounded(draft, html):
    names = [
        {"@type": "Person", "name": f"Ada Kern{chr(97 + i % 26)}{chr(97 + i // 26)}"}
        for i in range(300)
    ]
    page = draft(html(json_ld_script(author=names)))
    assert len(page.fields["authors"].value) <= 100


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(f"<title>{'x' * 1_000_000}</title>", id="a title of a million characters"),
        pytest.param(f'<meta name="keywords" content="{",".join(f"k{i}" for i in range(10_000))}">', id="10,000 keywords"),
    ],
)  # fmt: skip
def test_metadata_beyond_sense_is_cut_and_flagged(draft, html, head):
    page = draft(html(head))
    assert "metadata_truncated" in page.flags
    assert len(str(page.fields)) < 100_000


def test_rejected_candidates_stay_with_where_they_were_found(draft, html):
    page = draft(
        html(
            f'<title>{TITLE} | Küstenbote</title><meta property="og:title" content="Deich-Streit">'
        )
    )
    places = {c.found_in: c.value for c in page.fields["title"].candidates}
    assert places["meta og:title"] == "Deich-Streit"
    assert places["title"] == f"{TITLE} | Küstenbote"
    assert page.fields["title"].found_in == "h1"


def test_every_field_says_where_it_was_found(draft, html):
    page = draft(
        html(json_ld_script(headline=TITLE, author="Merle Addicks", datePublished="2024-06-01"))
    )
    assert all(field.found_in for field in page.fields.values())


def test_a_kicker_is_distinguished_from_the_headline(draft, html):
    page = draft(html(h1=f'<span class="kicker">Hochwasserschutz</span> {TITLE}'))
    assert page.title == TITLE
    assert page.fields["kicker"].value == "Hochwasserschutz"


def test_a_kicker_inside_the_marked_headline_is_not_part_of_it(draft, html):
    marked = f'<div itemprop="headline"><span class="highline">Deichbau</span> {TITLE}</div>'
    page = draft(html("<title>Deichbau in Lohe</title>", marked, h1=""))
    assert page.title == TITLE


def test_a_paywalled_teaser_is_flagged(draft, html):
    assert "teaser" in draft(html(json_ld_script(isAccessibleForFree=False))).flags
    assert "teaser" not in draft(html(json_ld_script(isAccessibleForFree=True))).flags


def test_a_live_blog_is_reported(draft, html):
    page = draft(html('<script type="application/ld+json">{"@type": "LiveBlogPosting"}</script>'))
    assert "live_blog" in page.flags


def test_the_language_of_the_text_wins_over_the_template(draft, html):
    page = draft(html(lang="en"))
    assert page.fields["language"].value == "de"
    assert Candidate("en", "html lang") in page.fields["language"].candidates


def test_the_declared_language_is_taken_where_the_text_is_unsure(draft, html):
    page = draft(
        html(
            lang="es",
            paragraphs=("El dique de la ciudad resiste la fuerza del agua durante la noche.",),
        )
    )
    assert page.fields["language"].value == "es"


def test_an_agency_in_the_text_is_a_field_of_its_own(draft, html):
    page = draft(html(paragraphs=(*PARAGRAPHS_WITH_AGENCY,)))
    assert page.fields["agency"].value == ["dpa"]


PARAGRAPHS_WITH_AGENCY = (
    "Niederlohe (dpa/lni) - Der Deich in Niederlohe soll höher werden, teilte der Verband am Dienstag mit, und zwar bald.",
    "Die Kosten liegen bei 7,3 Millionen Euro, und der Rat muss im Herbst noch darüber entscheiden, heißt es im Rathaus.",
)


def test_site_names_come_from_the_page_and_its_host():
    names = site_names(
        {"publisher": (Candidate("Küstenbote", "meta og:site_name"),)},
        "https://www.boten.example/x",
    )
    assert set(names) >= {"Küstenbote", "boten.example", "boten"}


def test_text_of_the_metadata_holds_no_control_characters(draft, html):
    page = draft(
        html(
            '<script type="application/ld+json">{"@type":"NewsArticle","description":"a\\u0000b\\ud83dc"}</script>'
        )
    )
    values = json.dumps(
        [c.value for c in page.fields["lead"].candidates] + [page.fields["lead"].value]
    )
    assert "\\u0000" not in values
    assert "\\ud83d" not in values


def test_a_paragraph_may_begin_with_the_date(html, draft):
    first = "18.6.2024 - Der Verband will bauen, und zwar auf einer Länge von 1,9 Kilometern. " * 3
    read = draft(
        html(paragraphs=(first, "Die Anwohner halten dagegen, dass man sie nie fragte. " * 4))
    )
    assert read.fields["published"].value["value"] == "2024-06-18"


def test_a_date_inside_a_sentence_is_not_that_of_the_text(html, draft):
    line = "<p>Der nächste Abend zum Deich findet am 5. Februar 2020 im Gasthof an der Schleuse statt.</p>"
    assert "published" not in draft(html(body=line)).fields


def test_a_byline_may_name_the_role_behind_the_name(html, draft):
    read = draft(html(body="<p>Autorin: Merle Addicks, Projektleiterin des Verbandes.</p>"))
    assert read.fields["authors"].value == ["Merle Addicks"]


def test_the_site_is_no_one_even_where_linked_data_says_so(html, draft):
    site = '<meta property="og:site_name" content="Küstenbote">'
    said = json_ld_script(author={"name": "Küstenbote"})
    body = '<span itemprop="author">Küstenbote</span>'
    assert draft(html(head=site + said, body=body)).fields["authors"].value is None
