"""The position of a piece of text on the page, and the roles that follow from it."""

import pytest

from storage.values.draft import Draft
from tests.page.conftest import PARAGRAPHS, html, read
from worker.text.page.body.fallback import (
    add_lead,
    fallback_body,
    restore_repeats,
    split_paragraphs,
)
from worker.text.page.body.roles import assign_roles
from worker.text.page.layout.blocks import Layout, Piece, link_share
from worker.text.page.layout.tree import parse_page

LEAD = "Der Deich soll 80 Zentimeter höher werden, und eine alte Linde steht ihm im Weg."


def layout(body: str) -> Layout:
    return Layout(parse_page(f"<html><body>{body}</body></html>"))


def zone_of(body: str, text: str) -> str:
    return next(block.zone for block in layout(body).blocks if block.text == text)


@pytest.mark.parametrize(
    ("body", "zone"),
    [
        ("<p>x</p>", "article"),
        ("<aside><p>x</p></aside>", "aside"),
        ('<div class="newsletter-box"><div class="newsletter"><p>x</p></div></div>', "aside"),
        ('<div class="related"><p>x</p></div>', "aside"),
        ("<nav><p>x</p></nav>", "chrome"),
        ("<footer><p>x</p></footer>", "chrome"),
        ('<div id="comments"><p>x</p></div>', "chrome"),
        ('<div style="display:none"><p>x</p></div>', "hidden"),
        ("<div hidden><p>x</p></div>", "hidden"),
        ("<figure><figcaption>x</figcaption></figure>", "caption"),
        ('<div class="readable navigator"><p>x</p></div>', "article"),
    ],
)
def test_a_block_knows_its_zone(body, zone):
    assert zone_of(body, "x") == zone


def test_what_holds_most_of_the_text_is_no_aside_whatever_its_class():
    text = "".join(f"<p>{p}</p>" for p in PARAGRAPHS)
    assert zone_of(f'<div class="widget ad"><h1>Deich</h1>{text}</div>', PARAGRAPHS[0]) == "article"


def _parts(name: str, count: int, size: int) -> str:
    part = "".join(f"<p>{PARAGRAPHS[0]}</p>" for _ in range(size))
    return f"<h1>Deich</h1><p>{PARAGRAPHS[1]}</p>" + f'<div class="{name} x">{part}</div>' * count


@pytest.mark.parametrize(
    ("name", "count", "size", "zone"),
    [
        pytest.param("sidebar grid", 4, 3, "article", id="a text cut into parts"),
        pytest.param("sidebar grid", 4, 1, "chrome", id="bars of one paragraph"),
        pytest.param("teaser", 9, 1, "aside", id="teasers of one paragraph"),
        pytest.param("comment", 4, 3, "chrome", id="comments"),
    ],
)
def test_parts_of_one_class_that_hold_most_of_the_text_are_the_article(name, count, size, zone):
    assert zone_of(_parts(name, count, size), PARAGRAPHS[0]) == zone


def test_blocks_are_in_reading_order_and_once():
    blocks = layout(
        "<div>eins<p>zwei</p><ul><li>drei</li></ul></div><div><span>vier</span></div>"
    ).blocks
    assert [block.text for block in blocks] == ["eins", "zwei", "drei", "vier"]


def test_the_share_of_links_counts_letters():
    (block,) = layout("<p>abcd <a href=/>efgh</a></p>").blocks
    assert link_share(block.element) == 0.5


def roles(body: str, *pieces: Piece):
    return [p.role for p in assign_roles(pieces, layout(body).blocks, "Deich", ())]


def test_a_list_of_links_is_promotion_and_a_list_of_words_is_text():
    links = (
        "<ul><li><a href=/a>So hoch stand die Lohe</a></li><li><a href=/b>Mehr Gras</a></li></ul>"
    )
    words = "<ul><li>So hoch stand die Lohe</li><li>Mehr Gras</li></ul>"
    pieces = (Piece("item", "So hoch stand die Lohe"), Piece("item", "Mehr Gras"))
    assert roles(links, *pieces) == ["promo", "promo"]
    assert roles(words, *pieces) == ["list", "list"]


def test_one_linked_item_of_a_list_does_not_make_it_promotion():
    body = "<ul><li><a href=/a>Lohetal</a></li><li>Niederlohe</li></ul>"
    assert roles(body, Piece("item", "Lohetal"), Piece("item", "Niederlohe")) == ["list", "list"]


def test_a_line_that_is_one_link_is_promotion():
    teaser = "Mehr zum Deich: So hoch stand die Lohe im Winter"
    body = f"<p>{PARAGRAPHS[0]}</p><p>Mehr zum Deich: <a href=/a>So hoch stand die Lohe im Winter</a></p>"
    assert roles(body, Piece("p", PARAGRAPHS[0]), Piece("p", teaser)) == ["text", "promo"]


def test_a_link_inside_a_sentence_is_text():
    body = "<p>Der <a href=/v>Verband der Deiche</a> will bauen, sagt sein Vorsteher Lübbo.</p>"
    text = "Der Verband der Deiche will bauen, sagt sein Vorsteher Lübbo."
    assert roles(body, Piece("p", text)) == ["text"]


def test_a_box_in_the_text_is_an_aside():
    body = f"<p>{PARAGRAPHS[0]}</p><div class=infobox><p>Die Lohe ist ein Fluss.</p></div>"
    pieces = (Piece("p", PARAGRAPHS[0]), Piece("p", "Die Lohe ist ein Fluss."))
    assert roles(body, *pieces) == ["text", "aside"]


def test_boxes_that_would_be_most_of_the_text_are_text():
    body = f"<p>Kurz.</p><p>Kurz, ja.</p><p>So.</p><div class=infobox><p>{PARAGRAPHS[0]}</p></div>"
    pieces = (Piece("p", "Kurz."), Piece("p", PARAGRAPHS[0]))
    assert roles(body, *pieces) == ["text", "text"]


def test_the_words_before_an_embedded_post_are_an_aside(draft):
    consent = (
        "An dieser Stelle finden Sie einen externen Inhalt von YouTube, der den Artikel ergänzt."
    )
    page = draft(html(paragraphs=(PARAGRAPHS[0], consent, *PARAGRAPHS[1:])))
    assert consent not in page.text_paragraphs()
    assert ("aside", consent) in [(p.role, p.text) for p in page.paragraphs]


@pytest.mark.parametrize(
    ("above", "leads"),
    [
        pytest.param(f"<div class=x>{LEAD}</div>", [LEAD], id="the description"),
        pytest.param(
            f"<div class=x>Niederlohe. {LEAD}</div>", [LEAD], id="the description behind a place"
        ),
        pytest.param(
            f"<p>Von Merle Addicks</p><p class=article-intro>{LEAD}</p>", [], id="its class"
        ),
        pytest.param(f"<div>{LEAD}</div>", [], id="the sentence below the headline"),
    ],
)
def test_a_lead_that_was_lost_comes_back_before_the_text(above, leads):
    blocks = layout(f"<h1>Deich</h1>{above}<p>{PARAGRAPHS[0]}</p><p>{PARAGRAPHS[1]}</p>").blocks
    pieces = tuple(Piece("p", text) for text in PARAGRAPHS[:2])
    mended = add_lead(pieces, blocks, "Deich", leads)
    assert mended[0].text.endswith(LEAD)
    assert mended[1:] == pieces
    assert add_lead(mended, blocks, "Deich", leads) == mended


@pytest.mark.parametrize(
    "above",
    [
        pytest.param("", id="nothing"),
        pytest.param("<p>Von Merle Addicks</p>", id="a byline"),
        pytest.param(f"<nav><p>{LEAD}</p></nav>", id="a menu"),
        pytest.param(f"<p><a href=/>{LEAD}</a></p>", id="a link"),
    ],
)
def test_a_paragraph_that_is_no_lead_is_not_added(above):
    blocks = layout(f"<h1>Deich</h1>{above}<p>{PARAGRAPHS[0]}</p><p>{PARAGRAPHS[1]}</p>").blocks
    pieces = tuple(Piece("p", text) for text in PARAGRAPHS[:2])
    assert add_lead(pieces, blocks, "Deich", ()) == pieces


def test_the_fallback_body_prefers_the_text_of_json_ld():
    stated = "\n".join(PARAGRAPHS)
    assert [p.text for p in fallback_body((), stated)] == list(PARAGRAPHS)


def test_the_fallback_body_contains_the_paragraphs_of_the_article():
    blocks = layout(
        f"<nav><p>{LEAD * 3}</p></nav><h2>Deich</h2><p>{PARAGRAPHS[0]}</p><p>{PARAGRAPHS[1]}</p>"
    ).blocks
    found = fallback_body(blocks, "")
    assert [(p.kind, p.text) for p in found] == [
        ("head", "Deich"),
        ("p", PARAGRAPHS[0]),
        ("p", PARAGRAPHS[1]),
    ]


def test_a_single_line_is_no_fallback_body():
    assert fallback_body(layout(f"<p>{LEAD}</p>").blocks, "") == ()


def test_a_step_records_the_fallback_body(monkeypatch):
    monkeypatch.setattr("worker.text.page.read_page.extract_body", lambda tree, url: None)
    page = read(html())
    assert isinstance(page, Draft)
    assert page.raw_output is None
    assert page.steps[-1].detail == {"by": "second opinion"}
    assert page.text_paragraphs() == PARAGRAPHS


def test_paragraphs_that_were_joined_are_cut_again():
    blocks = layout("".join(f"<p>{p}</p>" for p in PARAGRAPHS)).blocks
    joined = (Piece("p", "\n".join(PARAGRAPHS)),)
    assert split_paragraphs(joined, blocks) == tuple(Piece("p", p) for p in PARAGRAPHS)


def test_lines_of_a_poem_stay_together():
    blocks = layout("<p>Die Flut kommt<br>die Flut geht</p>").blocks
    poem = (Piece("p", "Die Flut kommt\ndie Flut geht"),)
    assert split_paragraphs(poem, blocks) == poem


@pytest.mark.parametrize(
    "order",
    [
        pytest.param("ABAC", id="once more"),
        pytest.param("ABACAB", id="at the end too"),
        pytest.param("AABC", id="twice in a row"),
        pytest.param("ABC", id="no repetition"),
    ],
)
def test_paragraphs_that_a_page_repeats_come_back_in_their_places(order):
    texts = dict(zip("ABC", PARAGRAPHS, strict=True))
    blocks = layout("".join(f"<p>{texts[name]}</p>" for name in order)).blocks
    once = tuple(Piece("p", texts[name]) for name in dict.fromkeys(order))
    mended = restore_repeats(once, blocks)
    wanted = order[: order.rindex("C") + 1]  # a block after the last piece may be a teaser
    assert "".join(name for p in mended for name in "ABC" if texts[name] == p.text) == wanted
    assert restore_repeats(mended, blocks) == mended
