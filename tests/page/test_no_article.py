"""What is no article is refused with its reason; nothing that says something is."""

import pytest

from storage.values.draft import Draft
from storage.values.refusals import Refused
from tests.page.conftest import PARAGRAPHS, html
from tests.page.test_page_text import read

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
            "a page without running text",
            id="a shell",
        ),
    ],
)
def test_a_page_without_an_article_is_refused_with_its_reason(body, reason):
    page = read(html(body=body, paragraphs=()))
    assert isinstance(page, Refused)
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
