"""Parts of a page that belong to the body, and those that do not: boxes, link lists, credits."""

import pytest

from storage.values.draft import TEXT_ROLES, Draft
from tests.page.conftest import PARAGRAPHS, html, read
from worker.text.page.body.dropped_blocks import restore_dropped_blocks, restore_headings
from worker.text.page.body.fallback import choose_body, container_pieces
from worker.text.page.body.roles import assign_roles
from worker.text.page.fields.json_ld import read_json_ld
from worker.text.page.layout.blocks import Layout, Piece
from worker.text.page.layout.tree import parse_page

TEXT = tuple(Piece("p", text) for text in PARAGRAPHS)
RUNNING = "".join(f"<p>{text}</p>" for text in PARAGRAPHS)


def layout(body: str) -> Layout:
    return Layout(parse_page(f"<html><body>{body}</body></html>"))


def roles(body: str, *pieces: Piece, authors: tuple[str, ...] = ()) -> list[str]:
    blocks = layout(body).blocks
    return [p.role for p in assign_roles(pieces, blocks, "Deich", (), authors)]


@pytest.mark.parametrize(
    ("outside", "piece", "role"),
    [
        ("<ul><li>Politik</li></ul>", Piece("item", "Politik"), "aside"),
        ("<h4>Politik im Lohetal</h4>", Piece("head", "Politik im Lohetal", 4), "aside"),
        ("<p>Kurz und knapp</p>", Piece("p", "Kurz und knapp"), "aside"),
    ],
    ids=["list", "heading", "label"],
)
def test_what_does_not_run_outside_the_frame_of_the_text_is_set_aside(outside, piece, role):
    body = f"<div>{outside}</div><div class=body>{RUNNING}</div>"
    assert roles(body, piece, *TEXT)[0] == role


def test_a_paragraph_that_runs_is_text_but_behind_the_end_of_the_text():
    more = "Am Abend kamen noch einmal zweihundert Leute zum Siel und sahen sich das Wasser an."
    body = f"<div><p>{more}</p></div><div class=body>{RUNNING}</div>"
    assert roles(body, Piece("p", more), *TEXT)[0] in TEXT_ROLES
    behind = f"<div class=body>{RUNNING}</div><div><div><div><p>{more}</p></div></div></div>"
    assert roles(behind, *TEXT, Piece("p", more)) == ["text", "text", "text", "aside"]


def test_a_text_goes_on_in_a_second_part_that_is_as_long():
    parts = [" ".join((f"Teil {n}:", *PARAGRAPHS[:2])) for n in range(4)]
    first, second = ("".join(f"<p>{p}</p>" for p in half) for half in (parts[:2], parts[2:]))
    body = f"<div><div class=one>{first}</div></div><div><div class=two>{second}</div></div>"
    assert roles(body, *(Piece("p", part) for part in parts)) == ["text"] * 4


def test_a_text_in_two_parts_of_the_same_name_has_its_lists_in_both():
    body = f"<div class=part>{RUNNING}</div><div class=part><ul><li>Gras</li></ul></div>"
    assert roles(body, *TEXT, Piece("item", "Gras"))[-1] == "list"


def test_a_heading_is_not_taken_for_the_entry_of_a_table_of_contents():
    heading = Piece("head", "Woher das Wasser kommt", 2)
    body = (
        "<div><ul><li><a href=#a>Woher das Wasser kommt</a></li></ul></div>"
        f"<div class=body><h2>Woher das Wasser kommt</h2>{RUNNING}</div>"
    )
    assert roles(body, heading, *TEXT)[0] == "subheading"


def test_a_box_is_an_aside_even_where_it_is_longer_than_the_text():
    speech = [
        f"Satz {n} der Rede, die hier in ganzer Länge steht und viele, sehr viele Worte hat, die keiner streicht."
        for n in range(28)
    ]
    text = [
        f"Absatz {n}: Der Rat hat am Abend lange beraten und dann entschieden." for n in range(30)
    ]
    body = "".join(f"<p>{t}</p>" for t in text)
    box = "".join(f"<p>{t}</p>" for t in speech)
    pieces = [Piece("p", t) for t in (*text, *speech)]
    found = roles(f"<div>{body}<div class=fact-box>{box}</div></div>", *pieces)
    assert found == ["text"] * 30 + ["aside"] * 28


def test_an_element_of_the_sites_own_is_named_by_its_tag():
    fact = "Die Lohe ist 42 Kilometer lang."
    body = f"{RUNNING}<kb-factbox><p>{fact}</p></kb-factbox>"
    assert roles(body, *TEXT, Piece("p", fact))[-1] == "aside"


def test_a_list_of_topics_with_links_and_its_heading_are_promotion():
    items = (
        "Linde: Der alte Baum",
        "Siel? Der Vorsteher: „Es hält, aber nicht ewig“",
        "Pegel: Die Lohe steigt weiter",
    )
    links = "".join(
        f"<li>{t.split(': ', 1)[0]}: <a href=/x>{t.split(': ', 1)[1]}</a></li>" for t in items
    )
    body = f"{RUNNING}<h3>Für Sie recherchiert</h3><ul>{links}</ul><p>{PARAGRAPHS[0]} Ende.</p>"
    pieces = [*TEXT, Piece("head", "Für Sie recherchiert", 3), *(Piece("item", t) for t in items)]
    assert roles(body, *pieces, Piece("p", f"{PARAGRAPHS[0]} Ende."))[3:] == ["promo"] * 4 + [
        "text"
    ]


def test_a_heading_with_nothing_below_it_is_promotion():
    head = Piece("head", "Das sollten Sie gesehen haben", 2)
    body = f"{RUNNING}<h2>Das sollten Sie gesehen haben</h2>"
    assert roles(body, *TEXT, head)[-1] == "promo"
    assert roles(f"<h2>Das sollten Sie gesehen haben</h2>{RUNNING}", head, *TEXT)[0] == "subheading"


@pytest.mark.parametrize(
    ("line", "role"),
    [
        ("Folgen Sie uns auf <a href=/>Instagram</a>.", "promo"),
        ("Aktuelle Nachrichten aufs Handy? <a href=/>Hier geht es</a> zur News-App.", "promo"),
        ("Get in touch with our news team by <a href=/>emailing us</a>.", "promo"),
        ("For more stories like this, check our <a href=/>news page</a>.", "promo"),
        ("Mehr zum Thema auf kuestenbote.example", "promo"),
        ("Advertisement 1Story continues below", "promo"),
        ("Der Konzern meldete für <a href=/>Instagram</a> mehr Nutzer als je zuvor.", "text"),
        ("Der Verlag stellte seinen Newsletter im Mai ein.", "text"),
        ("Mehr Wasser kam am Abend.", "text"),
    ],
)
def test_a_call_to_follow_the_house_is_promotion(line, role):
    text = line.replace("<a href=/>", "").replace("</a>", "")
    assert roles(f"{RUNNING}<p>{line}</p>", *TEXT, Piece("p", text))[-1] == role


@pytest.mark.parametrize(
    ("line", "role"),
    [
        ("mit dpa", "aside"),
        ("dpa/lno", "aside"),
        ("Merle Addicks", "aside"),
        ("Von Merle Addicks", "aside"),
        ("Merle Addicks ging.", "text"),
        ("Stand: 18.06.2024, 13:34 Uhr", "aside"),
        ("17:41 JST, October 13, 2024", "aside"),
        ("Im Jahr 2024 war das so.", "text"),
        ("Abbildung 4: Der Deich von oben", "caption"),
        ("Abbildungen zeigen den Deich.", "text"),
        ("Klicken Sie auf den Button, um den Inhalt von YouTube zu laden.", "aside"),
    ],
)
def test_a_line_with_only_names_times_or_picture_contents_is_no_text(line, role):
    body = f"{RUNNING}<p>{line}</p>"
    assert roles(body, *TEXT, Piece("p", line), authors=("Merle Addicks",))[-1] == role


def test_a_box_called_teaser_above_the_text_is_its_lead():
    lead = "Der Deich soll 80 Zentimeter höher werden, und eine alte Linde steht ihm im Weg."
    page = read(
        html(body=f'<div class="news--teaser"><blockquote><p>{lead}</p></blockquote></div>')
    )
    assert isinstance(page, Draft)
    assert page.text_paragraphs()[0] == lead


def test_the_container_replaces_a_body_that_is_far_shorter():
    text = [
        f"Absatz {n}: Der Rat hat am Abend lange beraten und dann entschieden." for n in range(20)
    ]
    blocks = layout("<div>" + "".join(f"<p>{t}</p>" for t in text) + "</div>").blocks
    assert choose_body([Piece("p", text[0])], blocks, "") == container_pieces(blocks)
    half = tuple(Piece("p", t) for t in text[:15])
    assert choose_body(half, blocks, "") == half
    whole = (Piece("p", text[0] * 4),)
    assert choose_body(whole, blocks, text[0] * 4) == whole


def test_the_container_replaces_a_body_of_joined_lines():
    text = [
        f"Absatz {n}: Der Rat hat am Abend lange beraten und dann entschieden." for n in range(20)
    ]
    blocks = layout("<div>" + "".join(f"<p>{t}</p>" for t in text) + "</div>").blocks
    assert choose_body([Piece("p", " ".join(["Start", *text]))], blocks, "") == container_pieces(
        blocks
    )
    for other in ("\n".join(text), "Andere Worte. " * 400):
        assert choose_body([Piece("p", other)], blocks, "") == (Piece("p", other),)


def restored_texts(body: str, count: int) -> list[str]:
    """Return the texts that are added to the first paragraphs of a page."""
    pieces = [Piece("p", text) for text in PARAGRAPHS[:count]]
    added = restore_dropped_blocks(pieces, layout(body).blocks)
    assert [piece for piece in added if piece in pieces] == pieces
    return [piece.text for piece in added if piece not in pieces]


def test_paragraphs_that_run_on_where_the_extractor_stopped_are_added_in_their_order():
    assert restored_texts(f"<div class=body>{RUNNING}</div>", 1) == list(PARAGRAPHS[1:])


def test_links_below_a_text_are_not_added():
    links = "".join(f"<li><a href=/{n}>Weitere Nachricht {n}</a></li>" for n in range(5))
    body = f"<div class=body>{RUNNING}</div><div class=more><ul>{links}</ul></div>"
    assert restored_texts(body, len(PARAGRAPHS)) == []


def test_words_that_the_extractor_took_in_another_cut_are_not_added_again():
    whole = Piece("p", " ".join(PARAGRAPHS))
    assert restore_dropped_blocks([whole], layout(RUNNING).blocks) == (whole,)


def test_a_page_of_news_keeps_the_text_that_the_extractor_found():
    said = '<script type="application/ld+json">{"@type": "NewsArticle"}</script>'
    assert read_json_ld(parse_page(said)).is_news
    assert not read_json_ld(parse_page(said.replace("News", ""))).is_news


@pytest.mark.parametrize(
    ("page", "headings"),
    [
        ("{}<h3>Was der Bau kostet</h3>{}{}", ["Was der Bau kostet"]),
        ("{}<h2>Der Bau</h2><h3>Was er kostet</h3>{}{}", ["Der Bau", "Was er kostet"]),
        ("{}<div><h3>Mehr aus dem Lohetal</h3></div>{}{}", []),
        ("{}<h3>Anzeige</h3><div>a</div><div>b</div><div>c</div>{}{}", []),
        ("<h3>Meistgelesen</h3>{}{}{}<h3>Themen</h3>", []),
        ("{}<h3>mit ihnen hätte reden können</h3>{}{}", []),
    ],
    ids=["one", "two", "in a box", "far away", "around the text", "words of the text"],
)
def test_a_heading_between_two_paragraphs_that_the_extractor_dropped_is_read(page, headings):
    blocks = layout(f"<article>{page.format(*(f'<p>{text}</p>' for text in PARAGRAPHS))}</article>")
    found = restore_headings(TEXT, blocks.blocks)
    assert [piece.text for piece in found] == [PARAGRAPHS[0], *headings, *PARAGRAPHS[1:]]
    assert [piece.kind for piece in found[1:-2]] == ["head"] * len(headings)
