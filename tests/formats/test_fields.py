"""Each name in a row of the table of fields gives a value, and a second row cannot have it too."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape

import pytest

from storage.values.draft import Draft, Json
from storage.values.fields import FIELDS, FieldForm, FieldSpec
from tests.formats.agency import BODY, ninjs
from tests.warcs import page
from worker.flow.fetched import entry_values
from worker.text.hints import Hints, TextSettings
from worker.text.read import read_document

ADDRESS = "https://bote.example/lokales/deich"
VALUES: dict[FieldForm, Json] = {
    FieldForm.ADDRESS: ADDRESS,
    FieldForm.DATE: "2024-06-18T10:00:00+02:00",
    FieldForm.MOMENT: "2024-06-18T10:00:00+02:00",
    FieldForm.LANGUAGE: "en",
    FieldForm.PEOPLE: "Bo Lohe",
}


def value_of(field: FieldSpec) -> Json:
    return VALUES.get(field.form, "Deich am Hafen")


def json_text(field: FieldSpec, key: str) -> bytes:
    return json.dumps({key: value_of(field), "text": BODY[0]}).encode()


def page_with(head: str = "", body: str = "") -> bytes:
    raw = page("Deich hält", *BODY).decode()
    return raw.replace("</head>", f"{head}</head>").replace("</body>", f"{body}</body>").encode()


def meta_tag(field: FieldSpec, name: str) -> bytes:
    return page_with(f'<meta name="{name}" content="{value_of(field)}">')


def microdata(field: FieldSpec, name: str) -> bytes:
    return page_with(body=f'<span itemprop="{name}">{value_of(field)}</span>')


def json_ld(field: FieldSpec, key: str) -> bytes:
    node = {"@type": "NewsArticle", key: value_of(field)}
    return page_with(f'<script type="application/ld+json">{json.dumps(node)}</script>')


def ninjs_item(field: FieldSpec, key: str) -> bytes:
    return ninjs(**{key: value_of(field)})


def newsml_item(field: FieldSpec, path: str) -> bytes:
    part, _, tag = path.partition("/")
    return (
        '<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/" guid="urn:a">'
        f"<{part}><{tag}>{escape(value_of(field))}</{tag}></{part}>"
        f'<contentSet><inlineXML contenttype="text/plain">{BODY[0]}</inlineXML></contentSet></newsItem>'
    ).encode()


DOCUMENTS = {
    "keys": ("json", json_text, "json: {}"),
    "meta": ("html", meta_tag, "meta {}"),
    "microdata": ("html", microdata, "itemprop {}"),
    "json_ld": ("html", json_ld, "JSON-LD {}"),
    "ninjs": ("ninjs", ninjs_item, "ninjs: {}"),
    "newsml": ("newsml", newsml_item, "newsml: {}"),
}
"""The type of document with names of each kind, how it is built, and the place of a value."""


def places(kind: str, raw: bytes, name: str) -> Iterator[str]:
    """Yield the places of the values of a field, also of those that were not chosen."""
    hints = Hints(kind, "a", None, datetime(2024, 6, 20, tzinfo=UTC), None)
    draft = read_document(raw, hints, TextSettings())
    assert isinstance(draft, Draft), draft
    if name in draft.fields:
        field = draft.fields[name]
        yield field.found_in
        yield from (each.found_in for each in field.candidates)


@pytest.mark.parametrize("attribute", DOCUMENTS)
def test_each_name_of_a_field_is_read(attribute):
    kind, build, place = DOCUMENTS[attribute]
    unread = [
        (field.name, name)
        for field in FIELDS
        for name in getattr(field, attribute)
        if not (field.form is FieldForm.ADDRESS and attribute == "meta" and name != "og:url")
        if place.format(name) not in set(places(kind, build(field, name), field.name))
    ]
    assert unread == []


def test_each_name_of_a_list_entry_is_offered_to_the_field():
    for field in FIELDS:
        for name in field.listed:
            (offered,) = entry_values({"kind": "feed", name: "x"})
            assert (offered.field, offered.found_in) == (field.name, f"feed {name}")


def test_the_places_of_a_page_exist():
    """A place that no reader writes would never be preferred."""
    code = {"trafilatura", "breadcrumb", "JSON-LD breadcrumb", "link rel=tag", "feed tags", "feed lead",
            "figure", "JSON-LD image", "JSON-LD WebPage image", "h1", "above the headline"}  # fmt: skip
    for field in FIELDS:
        derived = field._replace(places=(), form=FieldForm.LINE).place_order
        assert set(field.places) <= {*derived, *code}, field.name
