"""Pages built by scripts, with the text in the data of a script."""

import json

import pytest

from storage.values.draft import Draft
from storage.values.refusals import RefusalReason
from tests.page.conftest import PARAGRAPHS, read

MARKUP = "".join(f'<p class="editor">{text}</p>' for text in PARAGRAPHS)


def page(script: str, body: str = "<div id=root></div>") -> bytes:
    head = '<meta property="og:title" content="Niederlohe streitet um den Deich">'
    return f"<html lang=de><head>{head}</head><body>{body}<script>{script}</script></body></html>".encode()


@pytest.mark.parametrize(
    "script",
    [
        f"window.data = {json.dumps({'article': {'body': MARKUP}})}",
        "window.data = "
        + json.dumps({"body": MARKUP}).replace("<", "\\u003c").replace(">", "\\u003e"),
        f"self.push([1, {json.dumps(json.dumps({'body': MARKUP}))}])",
    ],
    ids=["markup", "escaped", "a string in a string"],
)
def test_the_text_is_read_out_of_the_data(script):
    draft = read(page(script))
    assert isinstance(draft, Draft)
    assert draft.text_paragraphs() == PARAGRAPHS
    assert draft.title == "Niederlohe streitet um den Deich"
    assert "read_scripts" in [step.name for step in draft.steps]


def test_a_page_that_shows_a_text_is_not_asked_for_its_data():
    other = "".join(f"<p>{text.replace('Deich', 'Wald')}</p>" for text in PARAGRAPHS)
    draft = read(
        page(f"window.data = {json.dumps({'body': MARKUP})}", f"<article>{other}</article>")
    )
    assert isinstance(draft, Draft)
    assert "Wald" in draft.text_paragraphs()[0]


@pytest.mark.parametrize(
    "script", ["x = 3", f"x = {json.dumps('a' * 5000)}", '"' * 5000, '"\\' * 3000]
)
def test_data_without_a_text_is_no_article(script):
    assert isinstance(read(page(script)), RefusalReason)
