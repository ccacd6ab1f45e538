"""Each name in a row of the table of fields gives a value, and a second row cannot have it too."""

import json
from collections import defaultdict
from datetime import UTC, datetime
from hashlib import sha256
from html import escape

import pytest

from storage.values.draft import Draft, Json, as_dict
from storage.values.fields import FIELDS, FieldForm, FieldSpec
from tests.commands.test_formats import EXAMPLES
from tests.formats.agency import BODY, ninjs
from tests.warcs import page
from worker.flow.decide import entry_values
from worker.text.hints import Hints, TextSettings
from worker.text.read import READERS, read_document

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


def read(kind: str, raw: bytes) -> Draft:
    hints = Hints(kind, "a", None, datetime(2024, 6, 20, tzinfo=UTC), None)
    draft = read_document(raw, hints, TextSettings())
    assert isinstance(draft, Draft), draft
    return draft


def places(draft: Draft, name: str) -> set[str]:
    """Return the places of the values of a field, also of those that were not chosen."""
    if name not in draft.fields:
        return set()
    field = draft.fields[name]
    return {field.found_in, *(each.found_in for each in field.candidates)}


@pytest.mark.parametrize("attribute", DOCUMENTS)
def test_each_name_of_a_field_is_read(attribute):
    kind, build, place = DOCUMENTS[attribute]
    unread = [
        (field.name, name)
        for field in FIELDS
        for name in getattr(field, attribute)
        if not (field.form is FieldForm.ADDRESS and attribute == "meta" and name != "og:url")
        if place.format(name) not in places(read(kind, build(field, name)), field.name)
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


TEXT_VALUES: dict[str, tuple[str, Json]] = {
    "word_count": ("3,6 Prozent – das ist 152-Millimeter-Munition.", 5),
}
"""For each field with `from_text` a text, and its value there."""


def test_a_field_from_the_text_has_an_example():
    computed = {each.name: each.from_text for each in FIELDS if each.from_text}
    assert TEXT_VALUES.keys() == computed.keys(), "add a text and its value to TEXT_VALUES"
    for name, (text, value) in TEXT_VALUES.items():
        assert computed[name](text) == value


@pytest.mark.parametrize("kind", sorted(READERS.keys() - {"csv", "tsv", "rendered"}))
def test_each_format_has_the_fields_from_the_text(kind):
    draft = read(kind, EXAMPLES[kind])
    text = "\n\n".join(draft.text_paragraphs())
    for each in FIELDS:
        if each.from_text and (value := each.from_text(text)) is not None:
            field = draft.fields[each.name]
            assert value in [field.value, *(other.value for other in field.candidates)]


DIGESTS: dict[str, str] = {
    "lesart-docx 2 text=22": "ed701fabc6987c4c",
    "lesart-mail 1 text=22 page=35": "cf5d3827c71ccdf7",
    "lesart-newsml 2 page=35 text=22": "3545cb458f0de7ba",
    "lesart-ninjs 3 page=35 text=22": "7d69134f1bc253f6",
    "lesart-odt 2 text=22": "a743c46419cf13ee",
    "lesart-page 35": "d8bc432013c7242d",
    "lesart-pdf 2 text=22": "9a13cc2a7bef1d6c",
    "lesart-text 22": "6cbc56d44b4210bd",
}
"""The digest of all fields of the documents by the version of their extractor, and of those that it uses."""


def documents_of_all_names() -> list[tuple[str, bytes]]:
    """Return the examples of all formats, and a document for each name of each field."""
    found = [
        (kind, EXAMPLES[kind]) for kind in READERS if kind not in {"csv", "tsv", "rendered"}
    ]  # JSON, and a page
    for attribute, (kind, build, _place) in DOCUMENTS.items():
        found += [(kind, build(each, name)) for each in FIELDS for name in getattr(each, attribute)]
    return found


def version_of(draft: Draft) -> str:
    used = [
        part for part in draft.extractor.config.split(";") if part.startswith(("text=", "page="))
    ]
    return " ".join([draft.extractor.name, draft.extractor.version, *used])


def test_other_fields_of_the_same_documents_need_another_version_of_the_extractor():
    fields = defaultdict[str, list[Json]](list)
    for kind, raw in documents_of_all_names():
        draft = read(kind, raw)
        fields[version_of(draft)].append(
            {name: as_dict(each) for name, each in draft.fields.items()}
        )
    found = {
        version: sha256(json.dumps(each, sort_keys=True).encode()).hexdigest()[:16]
        for version, each in sorted(fields.items())
    }
    missing = {
        version: digest for version, digest in found.items() if DIGESTS.get(version) != digest
    }
    assert missing == {}, (
        "these extractors read other fields: increase their version (VERSION and PAGE_VERSION in "
        f"worker/text/hints.py, VERSION in the module of the format) and add the digests: {missing}"
    )
