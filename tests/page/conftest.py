"""Example pages, and fixtures that read them."""

from datetime import UTC, datetime

import pytest

from storage.values.draft import Draft
from storage.values.refusals import RefusalReason
from tests.tiers import mark_unit_test as pytest_itemcollected  # noqa: F401 -- a hook
from worker.text.hints import Hints, TextSettings
from worker.text.page.read_page import read_page

SEEN_AT = datetime(2024, 6, 20, 12, 0, tzinfo=UTC)
ADDRESS = "https://www.kuestenbote.example/region/deich"

PARAGRAPHS = (
    "Wer in Niederlohe aus dem Fenster schaut, sieht Gras, und hinter dem Gras beginnt der Deich, der seit dem Winter zu niedrig ist.",
    "Der Verband will bauen, und zwar auf einer Länge von 1,9 Kilometern. Das kostet nach den Plänen 7,3 Millionen Euro, sagt er.",
    "Die Anwohner halten dagegen, dass man mit ihnen hätte reden können, bevor die Pflöcke im Rasen standen und die Bagger kamen.",
)


def html(
    head: str = "",
    body: str = "",
    *,
    h1: str = "Niederlohe streitet um den Deich",
    paragraphs: tuple[str, ...] = PARAGRAPHS,
    lang: str = "de",
) -> bytes:
    """Build a page with a headline and paragraphs; `body` is inserted between them."""
    heading = f"<h1>{h1}</h1>" if h1 else ""
    text = "".join(f"<p>{p}</p>" for p in paragraphs)
    return (
        f'<!DOCTYPE html><html lang="{lang}"><head><meta charset="utf-8">{head}</head>'
        f"<body><main><article>{heading}{body}{text}</article></main></body></html>"
    ).encode()


def hints(*, charset: str | None = None, url: str | None = ADDRESS) -> Hints:
    return Hints("html", "deich.html", charset, SEEN_AT, url)


def read(
    raw: bytes, *, charset: str | None = None, url: str | None = ADDRESS
) -> Draft | RefusalReason:
    return read_page(raw, hints(charset=charset, url=url), TextSettings())


@pytest.fixture(name="html")
def html_fixture():
    return html


@pytest.fixture(name="read")
def read_fixture():
    return read


@pytest.fixture(name="draft")
def draft_fixture():
    """Read a page that has to be an article."""

    def draft(raw: bytes, **known: str | None) -> Draft:
        outcome = read(raw, **known)
        assert isinstance(outcome, Draft), outcome
        return outcome

    return draft


@pytest.fixture(name="hints")
def hints_fixture():
    return hints
