"""Pages without an article are refused with a reason, and articles are not."""

import pytest

from storage.values.draft import Draft, Paragraph
from storage.values.refusals import RefusalReason
from tests.page.conftest import PARAGRAPHS, html
from tests.page.test_page_text import read
from worker.text.page.no_article import _SIGNS, no_article_reason
from worker.text.page.scoring import load_model

LINKS = "".join(
    f'<p><a href="/{n}">Der Pegel der Lohe steigt am Tag {n} um weitere drei Zentimeter</a></p>'
    for n in range(30)
)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(LINKS, "a list of links", id="a section front"),
        pytest.param(f"<h2>Themen</h2><ul>{LINKS}</ul>", "a list of links", id="a list"),
        pytest.param(
            "<p>Start / Politik / Region Lohetal / Wetter / Sport / Kultur / Anzeigen / Abo</p>"
            * 2,
            "not that of an article",
            id="a shell",
        ),
    ],
)
def test_a_page_without_an_article_is_refused_with_its_reason(body, reason):
    page = read(html(body=body, paragraphs=()))
    assert isinstance(page, RefusalReason)
    assert page.code in ("not_article", "extraction_empty")
    if page.code == "not_article":
        assert reason in page.message


@pytest.mark.parametrize(
    "paragraphs",
    [
        pytest.param(PARAGRAPHS, id="an article"),
        pytest.param(("Der Rat der Stadt tagt am Dienstag im Rathaus.",), id="one sentence"),
        pytest.param(
            (
                "Ich ging im Walde so für mich hin",
                "und nichts zu suchen",
                "das war mein Sinn",
                "fürwahr",
            ),
            id="verse",
        ),
        pytest.param((*PARAGRAPHS, f'<a href="/x">{PARAGRAPHS[0]}</a>'), id="a link in a text"),
    ],
)
def test_what_says_something_is_kept(paragraphs):
    assert isinstance(read(html(paragraphs=paragraphs)), Draft)


OTHERS = (
    (
        "Stadtbücherei",
        "Die Bücherei öffnet nach dem Umbau im Mai wieder, und zwar auch am Sonntag.",
    ),
    ("Handball", "Zum dritten Mal in Folge verlieren die Frauen aus Osterlohe gegen den Letzten."),
    ("Brückensperrung", "Wer nach Süden will, muss bis in den Herbst über die alte Fähre fahren."),
)
TEASERS = "".join(
    f'<div class="tile"><h3><a href="/{name}">{name}: was Sie wissen müssen</a></h3><p>{text}</p></div>'
    for name, text in OTHERS
)
FOOT = (
    "<div><p>Dieses Angebot wird betrieben vom Verlag Küstenbote in Lohe, der auch Bücher verlegt.</p>"
    "<p>Nutzen Sie unsere Suche, um mehr zu lesen, oder rufen Sie die Redaktion an.</p></div>"
)
LEAD = "Niederlohe bekommt einen höheren Deich, doch um die Kosten wird gestritten."


def page(text: str) -> bytes:
    return f"""<!DOCTYPE html><html lang="de"><head><meta charset="utf-8">
        <title>Niederlohe streitet um den Deich</title><meta name="description" content="{LEAD}">
        </head><body><header><h1>Niederlohe streitet um den Deich</h1></header><article>{text}</article>
        <section><h2>Mehr aus der Region</h2>{TEASERS}</section>{FOOT}</body></html>""".encode()


def test_a_page_whose_article_is_gone_does_not_yield_the_text_around_it():
    outcome = read(page(""))
    assert isinstance(outcome, RefusalReason)
    assert outcome.code == "not_article"
    assert "it has no word of the title" in outcome.message


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"<p>{LEAD}</p>", id="a lead alone"),
        pytest.param(f"<p>{PARAGRAPHS[0]}</p>", id="one paragraph"),
        pytest.param("".join(f"<p>{p}</p>" for p in PARAGRAPHS), id="the whole"),
    ],
)
def test_the_beginning_of_an_article_is_kept_among_teasers_of_others(text):
    assert isinstance(read(page(text)), Draft)


def test_the_words_to_a_film_are_read_where_the_dialogs_of_a_page_are_longer():
    dialog = "".join(
        f"<p>Nutzen Sie bitte unser Formular Nummer {n}, um Ihr Kennwort für das Konto zu ändern.</p>"
        for n in range(9)
    )
    raw = page(f'<div class="film"><p>{LEAD}</p></div>').replace(
        FOOT.encode(), f"<section><div>{dialog}</div></section>".encode()
    )
    draft = read(raw)
    assert isinstance(draft, Draft)
    assert LEAD in draft.text_paragraphs()


def test_a_text_that_the_page_states_is_kept_whatever_its_headline_says():
    text = "Nutzen Sie unsere Suche, um mehr zu lesen, oder rufen Sie die Redaktion an."
    question = ((Paragraph("text", text),), (), "Niederlohe streitet um den Deich", (LEAD,))
    assert no_article_reason(*question)
    assert no_article_reason(*question, f"Ein Hinweis. {text}") is None


IMPRINT = (
    "Angaben gemäß § 5 DDG: Verlag Küstenbote GmbH, Hafenstraße 3, 24999 Niederlohe.",
    "Vertreten durch die Geschäftsführerin Ada Kern. Registergericht: Amtsgericht Niederlohe, HRB 1234.",
    "Verantwortlich für den Inhalt ist Jo Tamm, Anschrift wie oben. Die Steuernummer lautet 000/000/000.",
    "Wir nehmen an keinem Verfahren zur Streitbeilegung vor einer Schlichtungsstelle teil.",
    "Für die Inhalte verlinkter Seiten ist stets der jeweilige Anbieter verantwortlich.",
)


def headlines(count: int) -> str:
    return "".join(
        f'<li><a href="/artikel/{n}-pegel-der-lohe">Pegel der Lohe steigt an Wehr Nummer {n}</a></li>'
        for n in range(count)
    )


@pytest.mark.parametrize("paragraphs", [IMPRINT, IMPRINT[:3]], ids=["long", "short"])
@pytest.mark.parametrize("place", [None, "/impressum", "/"])
@pytest.mark.parametrize(("above", "below"), [(40, 30), (100, 100), (5, 60)])
def test_a_page_with_a_text_of_its_own_is_an_article_whatever_links_surround_it(
    paragraphs, place, above, below
):
    text = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    raw = (
        "<!doctype html><html lang=de><head><title>Impressum | Küstenbote</title></head><body>"
        f"<ul>{headlines(above)}</ul><main><h1>Impressum</h1>{text}</main>"
        f"<section><ul>{headlines(below)}</ul></section></body></html>"
    )
    page = read(raw.encode(), url=place and f"https://kuestenbote.example{place}")
    assert isinstance(page, Draft)
    assert page.text_paragraphs()[0] == IMPRINT[0]


def test_a_message_reports_each_sign_against_an_article_in_words():
    weights = load_model("no_article").weights
    assert set(_SIGNS) == {name for name, weight in weights.items() if weight > 0}
