"""The text of a page: roles, order, losses, and refusals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.values.draft import Draft
from storage.values.refusals import RefusalReason
from tests.docs.test_documented import flags
from tests.page.conftest import PARAGRAPHS, html, read


def roles(draft):
    return [(p.role, p.text) for p in draft.paragraphs]


def test_paragraphs_keep_their_order_and_roles(draft, html):
    page = draft(
        html(
            body='<p class="intro">Der Deich soll höher werden, und eine Linde steht im Weg.</p>'
            f"<p>{PARAGRAPHS[0]}</p><h2>Das Gutachten liegt seit März im Rathaus</h2>"
            f"<p>{PARAGRAPHS[1]}</p><ul><li>Der Deich soll 80 Zentimeter höher werden.</li>"
            "<li>Sieben Gärten fallen weg.</li></ul>"
            "<blockquote>Niemand hier ist gegen Hochwasserschutz, niemand.</blockquote>",
            paragraphs=PARAGRAPHS[2:],
        )
    )
    assert [role for role, _ in roles(page) if role != "headline"] == [
        "lead",
        "text",
        "subheading",
        "text",
        "list",
        "list",
        "quote",
        "text",
    ]
    assert page.text_paragraphs()[0].startswith("Der Deich soll höher werden")


def test_the_headline_in_the_body_is_no_part_of_the_text(draft, html):
    page = draft(html())
    assert page.title == "Niederlohe streitet um den Deich"
    assert all(page.title not in text for text in page.text_paragraphs())


def test_the_description_repeated_above_the_text_is_the_lead(draft, html):
    description = "Der Deich soll 80 Zentimeter höher werden. Dafür müssten sieben Gärten weichen."
    page = draft(
        html(
            f'<meta name="description" content="{description}">', f"<div><b>{description}</b></div>"
        )
    )
    assert ("lead", description) in roles(page)
    assert page.fields["lead"].value == description


def test_a_promotion_and_a_notice_get_their_roles(draft, html):
    page = draft(
        html(
            paragraphs=(
                *PARAGRAPHS,
                "Lesen Sie auch: So hoch stand die Lohe in den letzten 50 Jahren",
                "Korrektur: In einer früheren Version stand, der Deich sei 80 Meter hoch.",
            )
        )
    )
    assert [role for role, _ in roles(page)][-2:] == ["promo", "notice"]
    assert page.notices[0].kind == "correction"
    assert "Lesen Sie auch" not in "".join(page.text_paragraphs())


def test_byline_and_date_above_the_text_are_set_aside(draft, html):
    page = draft(html(body="<p>Von Merle Addicks</p><p>18. Juni 2024, 13:34 Uhr</p>"))
    assert page.text_paragraphs() == PARAGRAPHS


def test_repeated_paragraphs_are_kept_or_flagged(draft, html):
    refrain = (
        "Und immer wieder kommt die Flut, und immer wieder geht sie, sagen die Leute am Deich."
    )
    page = draft(html(paragraphs=(PARAGRAPHS[0], refrain, PARAGRAPHS[1], refrain, PARAGRAPHS[2])))
    kept = page.text_paragraphs().count(refrain)
    assert kept == 2 or "extraction_loss" in page.flags


def test_the_same_page_gives_the_same_text_every_time(draft, html):
    first, second, third = (draft(html()) for _ in range(3))
    assert first == second == third


def test_an_article_of_ten_words_is_accepted(draft, html):
    page = draft(html(paragraphs=("Der Deich hielt in der Nacht, sagt der Verband heute.",)))
    assert page.fields["word_count"].value == 10


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"<html><head><title>Leer</title></head><body></body></html>", id="no body"),
        pytest.param(b"", id="no bytes"),
        pytest.param(b"   \n ", id="blanks"),
        pytest.param(b"<html><body><script>let a = 1</script></body></html>", id="only a script"),
    ],
)
def test_a_page_without_text_is_refused(raw):
    outcome = read(raw)
    assert isinstance(outcome, RefusalReason)
    assert outcome.code == "extraction_empty"


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param("<div>" * 300 + "x", id="300 levels"),
        pytest.param("<div>" * 100_000 + "x", id="100,000 levels"),
        pytest.param("<span>x" * 50_000, id="50,000 unclosed tags"),
        pytest.param("<table><tr><td>" * 2_000 + "x", id="2,000 tables"),
    ],
)
def test_markup_nested_deeper_than_the_limit_of_the_parser_is_refused_with_its_reason(raw):
    outcome = read(f"<html><body>{raw}<p>{PARAGRAPHS[0]}</p></body></html>".encode())
    assert isinstance(outcome, RefusalReason)
    assert outcome.code == "extraction_empty"
    assert "nesting deeper than the parser's limit" in outcome.message


def test_paragraphs_that_are_never_closed_are_no_nesting(draft, html):
    page = draft(html(body="".join(f"<p>{PARAGRAPHS[0]} {i}" for i in range(300))))
    assert len(page.text_paragraphs()) >= 300


@pytest.mark.parametrize("end", ["</body>", "</body></html>", "</html>"])
def test_text_after_the_end_of_a_page_belongs_to_it_as_in_browsers(draft, end):
    menu = f"<html><body><nav>Start</nav>{end}"
    text = "".join(f"<p>{p}</p>" for p in PARAGRAPHS)
    page = draft(f"{menu}<div><h1>Niederlohe</h1>{text}</div>".encode())
    assert page.text_paragraphs() == PARAGRAPHS


@pytest.mark.parametrize("half", ["&#xD83D;", "&#55357;"], ids=["hex", "decimal"])
def test_half_a_character_pair_does_not_cut_off_the_rest(draft, html, half):
    page = draft(html(paragraphs=(f"{PARAGRAPHS[0]} {half} weiter.", *PARAGRAPHS[1:])))
    assert "surrogate_replaced" in page.flags
    assert page.text_paragraphs()[-1] == PARAGRAPHS[-1]


@pytest.mark.parametrize(
    ("title", "text", "reason"),
    [
        ("Seite nicht gefunden", "Diese Seite konnte leider nicht gefunden werden. Zur Startseite.", "error"),
        ("Page not found", "The page you requested could not be found. Try the search.", "error"),
        ("Just a moment...", "Checking your browser before accessing the site. Please wait.", "robot"),
        ("Küstenbote", "Bestätigen Sie, dass Sie ein Mensch sind, um die Seite zu sehen.", "robot"),
        ("Küstenbote", "Mit Werbung weiterlesen oder im Pur-Abo ohne Tracking, Sie haben die Wahl.", "consent"),
        ("Beach Post", "We and our 812 partners store and use cookies on your device. Accept all.", "consent"),
        ("Beach Post", "Please log in to continue reading this page on the Beach Post.", "log-in"),
    ],
)  # fmt: skip
def test_text_in_front_of_an_article_is_no_article(html, read, title, text, reason):
    outcome = read(html(f"<title>{title}</title>", h1=title, paragraphs=(text,)))
    assert isinstance(outcome, RefusalReason)
    assert outcome.code == "not_article"
    assert reason in outcome.message


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Warum die Cookie-Banner bleiben", "Die Richter in Luxemburg urteilten am Dienstag. Wir verwenden Cookies, steht auf jeder Seite. "),
        ("Fehler 404: Wie eine Zahl berühmt wurde", "Im Netz kennt jeder die Zahl, und kaum einer weiß, woher sie kommt, erzählt ein Forscher. "),
        ("Roboter im Altenheim", "Sind Sie ein Mensch? fragt die alte Dame, und der Roboter antwortet höflich, er sei keiner. "),
    ],
)  # fmt: skip
def test_an_article_about_walls_is_an_article(draft, html, title, text):
    page = draft(html(h1=title, paragraphs=(*PARAGRAPHS, text * 12)))
    assert page.title == title


def test_text_that_the_page_shows_and_the_extractor_lost_is_flagged():
    from storage.values.draft import Paragraph
    from worker.text.page.draft_fields import loss_flags
    from worker.text.page.layout.blocks import Layout
    from worker.text.page.layout.tree import parse_page

    tree = parse_page(html().decode())
    whole = [Paragraph("text", text) for text in PARAGRAPHS]
    blocks = Layout(tree).blocks
    assert loss_flags(whole, blocks, "") == ()
    assert loss_flags([whole[0], whole[2]], blocks, "") == ()  # one short paragraph: no alarm
    long_page = parse_page(
        html(
            paragraphs=(
                PARAGRAPHS[0],
                *PARAGRAPHS * 4,
                "Ende gut, alles gut, sagt der Deichgraf und geht in die warme Stube.",
            )
        ).decode()
    )
    lost = [
        whole[0],
        Paragraph("text", "Ende gut, alles gut, sagt der Deichgraf und geht in die warme Stube."),
    ]
    assert "extraction_loss" in loss_flags(lost, Layout(long_page).blocks, "")


def test_a_text_far_shorter_than_the_page_states_is_flagged(draft, html):
    stated = " ".join(PARAGRAPHS * 6)
    page = draft(
        html(
            f'<script type="application/ld+json">{{"@type":"NewsArticle","articleBody":"{stated}"}}</script>'
        )
    )
    assert "extraction_short" in page.flags


def test_line_breaks_stay_and_blank_lines_go(draft, html):
    page = draft(
        html(
            body=f"<p>Erste Zeile eines Liedes<br><br>zweite\n   Zeile des Liedes</p><p>{PARAGRAPHS[0]}</p>"
        )
    )
    text = next(t for t in page.text_paragraphs() if t.startswith("Erste"))
    assert text == "Erste Zeile eines Liedes\nzweite Zeile des Liedes"


def test_every_flag_of_a_page_is_reported_in_the_docs(draft, html):
    page = draft(html('<script type="application/ld+json">{broken</script>'))
    assert "metadata_broken" in page.flags
    assert set(page.flags) <= flags()


def test_the_raw_output_and_the_extractor_are_named(draft, html):
    page = draft(html())
    assert page.raw_output.startswith("<body")
    assert page.extractor.name == "lesart-page"
    assert "trafilatura=" in page.extractor.config
    assert "no-dedup" in page.extractor.config


FRAGMENTS = st.lists(
    st.sampled_from(
        ["<p>", "</p>", "<div>", "</div>", "<b>", "<!--", "-->", "<![CDATA[", "<script>", "</script>",
         "<table>", "<td>", "</textarea>", "&#0;", "&amp;", "\x00", "Ein Satz am Deich. ", "ö", "<svg/onload=x>",
         "<h1>", "<li>", "<br>", "<meta charset=utf-16>", '<time datetime="', "]]>", "<p", "\ufffe", "\U0001f30a"]
    ),
    max_size=40,
)  # fmt: skip


@given(FRAGMENTS)
def test_any_markup_is_answered(fragments):
    outcome = read("".join(fragments).encode())
    assert isinstance(outcome, (Draft, RefusalReason))


@given(st.binary(max_size=300))
def test_any_bytes_are_answered(raw):
    assert isinstance(read(raw), (Draft, RefusalReason))
