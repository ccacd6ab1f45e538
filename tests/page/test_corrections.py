"""Corrections that a page declares for machines."""

import json

import pytest

from tests.page.conftest import PARAGRAPHS

TEXT = "In einer früheren Fassung war der Deich 19 Kilometer lang."
COMMENT = {"@type": "CorrectionComment", "text": TEXT, "datePublished": "2024-06-19T08:00:00+02:00"}
OTHER = {
    "@type": "NewsArticle",
    "url": "https://www.kuestenbote.example/other",
    "correction": "Nein.",
}
URL = "https://www.kuestenbote.example/region/deich"


def script(*nodes: object) -> str:
    return f'<script type="application/ld+json">{json.dumps(nodes)}</script>'


def article(**values: object) -> dict[str, object]:
    return {"@type": "NewsArticle", "url": URL, "headline": "Niederlohe streitet", **values}


@pytest.mark.parametrize(
    "nodes",
    [
        [article(correction=COMMENT)],
        [article(correction=[COMMENT, COMMENT])],
        [article(correction={"@id": "#c"}), {"@id": "#c", **COMMENT}],
        [article(comment=[{"@type": "Comment", "text": "Schön!"}, COMMENT])],
        [article(), COMMENT],
        [OTHER, article(correction=COMMENT)],
    ],
)
def test_a_declared_correction_is_a_notice_with_its_date(draft, html, nodes):
    (notice,) = draft(html(script(*nodes))).notices
    assert (notice.kind, notice.text) == ("correction", TEXT)
    assert (notice.date["value"], notice.date["zone"]) == ("2024-06-19T08:00:00", "+02:00")
    assert notice.date["found_in"] == "JSON-LD correction"


def test_a_correction_may_be_text_alone(draft, html):
    (notice,) = draft(html(script(article(correction=f"<p>{TEXT}</p>")))).notices
    assert (notice.text, notice.date) == (TEXT, None)
    named = "Der Deich ist 1,9 Kilometer lang, nicht 19 Kilometern."
    (notice,) = draft(html(script(article(correction=named)))).notices
    assert notice.passage is not None
    assert "1,9 Kilometern" in notice.passage


def test_a_correction_that_the_text_shows_is_one_notice(draft, html):
    shown = f"Korrektur: {TEXT}"
    page = draft(html(script(article(correction=COMMENT)), paragraphs=(*PARAGRAPHS, shown)))
    assert [notice.text for notice in page.notices] == [shown]


@pytest.mark.parametrize("value", ["", " ", None, 3, [], {}, {"text": 3}, URL, "x" * 5_001])
def test_a_value_without_a_text_is_no_notice(draft, html, value):
    assert draft(html(script(article(correction=value)))).notices == ()
