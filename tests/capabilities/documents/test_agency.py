"""ninjs and NewsML-G2: text, fields, the agency's versions, items without text, hostile items."""

import json

import pytest

from storage.values.draft import Draft
from storage.values.refusals import RefusalReason
from tests.formats.agency import BODY, GUID, TEXTS, TITLE, message, news_item, newsml, ninjs, nitf
from tests.text.cases import by_role, draft, outcome, refusal
from worker.capabilities.documents.newsml import extractor as newsml_extractor
from worker.capabilities.documents.ninjs import extractor as ninjs_extractor
from worker.flow.document_process import DocumentReader
from worker.sources.containers.items import Item, Limits
from worker.sources.folders.members import MemberHints, members_of_bytes
from worker.text.file_types import detect_type
from worker.text.formats.metadata import is_text_key
from worker.text.hints import TextSettings
from worker.text.read import split_document


@pytest.mark.parametrize(("raw", "type_"), [(ninjs(), "ninjs"), (newsml(), "newsml")])
def test_text_status_and_places_of_the_fields_become_the_article(raw, type_):
    found = draft(raw, type_)
    assert (found.title, found.text_paragraphs()) == (TITLE, BODY)
    values = {name: each.value for name, each in found.fields.items()}
    assert (values["pubstatus"], values["version"]) == ("usable", "1")
    assert values["embargoed"]["value"] == "2024-06-18T12:00:00"
    assert values["published"]["value"] == "2024-06-18T09:00:00"
    assert values["modified"]["value"] == "2024-06-18T10:00:00"
    assert (values["authors"], values["language"]) == (["Ada Kern"], "de")
    assert values["publisher"] == "Agentur Beispiel"
    assert values["tags"] == ["Hochwasser", "Hafen"]
    assert found.address == GUID
    assert found.observed_at is not None
    assert found.observed_at.isoformat() == "2024-06-18T08:00:00+00:00"
    places = {"ninjs": ("by", "firstCreated"), "newsml": ("nitf byline", "itemMeta/firstCreated")}[
        type_
    ]
    assert found.fields["authors"].found_in == f"{type_}: {places[0]}"
    assert found.fields["published"].found_in == f"{type_}: {places[1]}"
    assert found.extractor == {"ninjs": ninjs_extractor, "newsml": newsml_extractor}[type_](
        TextSettings()
    )


def test_the_spelling_of_earlier_versions_of_ninjs_is_read():
    one = {
        "guid": GUID, "versioncreated": "2024-06-18T10:00:00+0200", "pubstatus": "canceled",
        "headline": TITLE, "byline": "Ada Kern", "body_text": "\n\n".join(BODY), "description_text": "Kurz.",
    }  # fmt: skip
    found = draft(json.dumps(one), "ninjs")
    assert (found.title, found.text_paragraphs()) == (TITLE, BODY)
    assert found.fields["pubstatus"].value == "canceled"
    assert found.fields["authors"].value == ["Ada Kern"]
    assert draft(json.dumps(one | {"body_xhtml": f"<h2>Lage</h2><p>{BODY[0]}</p>"}), "ninjs").text_paragraphs() == (
        "Lage", BODY[0],
    )  # fmt: skip


def test_xhtml_plain_text_and_the_blocks_of_nitf_are_read():
    xhtml = (
        '<inlineXML contenttype="application/xhtml+xml"><html xmlns="http://www.w3.org/1999/xhtml"><head>'
        f"<title>x</title></head><body><p>{BODY[0]}</p><h2>Lage</h2><p>{BODY[1]}</p></body></html></inlineXML>"
    )
    assert draft(news_item(xhtml), "newsml").text_paragraphs() == (BODY[0], "Lage", BODY[1])
    plain = f'<inlineData contenttype="text/plain">{BODY[0]}\n\n{BODY[1]}</inlineData>'
    assert draft(news_item(plain), "newsml").text_paragraphs() == BODY
    more = "<hl2>Lage</hl2><ul><li>Sandsäcke</li><li><p>Pumpen</p></li></ul><media><media-caption>Foto</media-caption></media>"
    found = draft(news_item(nitf(*BODY, more=more)), "newsml")
    assert by_role(found, "subheading") == ["Lage"]
    assert by_role(found, "list") == ["Sandsäcke", "Pumpen"]
    assert by_role(found, "caption") == ["Foto"]
    message = f'<newsMessage xmlns="http://iptc.org/std/nar/2006-10-01/"><itemSet>{news_item(nitf(*BODY))}</itemSet></newsMessage>'
    assert draft(message, "newsml").title == TITLE


def test_an_identifier_that_is_no_address_of_its_own_is_no_origin():
    for identifier in ("seed:fremd/a.txt", "file:///etc/passwd", "17", "urn:a b", ""):
        assert draft(ninjs(uri=identifier), "ninjs").address is None
    found = draft(ninjs(versionCreated="gestern"), "ninjs")
    assert (found.address, "date_invalid" in found.flags) == (None, True)


@pytest.mark.parametrize("name", ["a.json", "a.xml", "a.txt", "a"])
@pytest.mark.parametrize(("raw", "type_"), [(ninjs(), "ninjs"), (newsml(), "newsml")])
def test_items_are_recognised_by_their_content(name, raw, type_):
    (found,) = members_of_bytes(name, raw, MemberHints(detect_type))
    assert isinstance(found, Item)
    assert (found.type, found.raw) == (type_, raw)


def test_other_json_and_xml_keep_their_types():
    assert detect_type("a.json", b'{"title": "A", "url": "https://a.example/"}') == "json"
    assert detect_type("a.jsonl", ninjs()) == "jsonl"
    found = detect_type("a.xml", b"<?xml version='1.0'?><books/>")
    assert isinstance(found, RefusalReason)
    assert found.code == "type_unknown"


def parts(name: str, raw: bytes) -> list[Item]:
    hints = MemberHints(detect_type, is_text_key, split=split_document)
    return [each for each in members_of_bytes(name, raw, hints) if isinstance(each, Item)]


def test_each_text_of_a_message_is_a_member():
    picture = news_item("<remoteContent href='a.jpg'/>", guid="urn:a:picture")
    raw = message(*TEXTS, picture, news_item("", name="packageItem", guid="urn:a:package"))
    found = parts("dienst.xml", raw)
    assert [(each.member, each.type) for each in found] == [
        ("#urn:a:1", "newsml"), ("#urn:a:2", "newsml"), ("#urn:a:2~2", "newsml"),
    ]  # fmt: skip
    read = [draft(each.raw, each.type) for each in found]
    assert [each.address for each in read] == ["urn:a:1", "urn:a:2", "urn:a:2"]
    assert [each.text_paragraphs() for each in read] == [BODY, BODY, BODY[:1]]
    assert found[2].flags == ("key_repeated",)
    (only,) = parts("dienst.xml", message(TEXTS[0], picture))
    assert (only.member, only.raw) == ("", message(TEXTS[0], picture))


def test_each_text_of_a_list_or_a_package_is_a_member():
    listed = [json.loads(ninjs(uri=f"urn:a:{number}")) for number in range(2)]
    raw = json.dumps([*listed, {"uri": "urn:a:picture", "type": "picture"}]).encode()
    for name in ("liste.json", "liste.ninjs"):
        found = parts(name, raw)
        assert [(each.member, each.type, each.has_text) for each in found] == [
            ("#1", "ninjs", True), ("#2", "ninjs", True), ("#3", "ninjs", False),
        ]  # fmt: skip
    inner = listed[0] | {"associations": [listed[1], {"uri": "urn:a:bild", "type": "picture"}]}
    for own in (
        ninjs(uri="urn:p", associations=[inner]),
        ninjs(uri="urn:p", associations={"a": inner}),
    ):
        assert [each.member for each in parts("paket.json", own)] == [
            "#urn:p",
            "#urn:a:0",
            "#urn:a:1",
        ]
    composite = ninjs(uri="urn:p", type="composite", bodies=None, associations=listed)
    assert [draft(each.raw, each.type).address for each in parts("paket.ninjs", composite)] == [
        "urn:a:0", "urn:a:1",
    ]  # fmt: skip
    illustrated = ninjs(associations=[{"uri": "urn:a:bild", "type": "picture"}])
    (only,) = parts("a.ninjs", illustrated)
    assert (only.member, only.raw) == ("", illustrated)


def test_a_message_is_split_within_the_bounds_of_a_list():
    hints = MemberHints(detect_type, limits=Limits(rows=2), split=split_document)
    *found, last = members_of_bytes("dienst.xml", message(*TEXTS), hints)
    assert [each.member for each in found] == ["#urn:a:1", "#urn:a:2"]
    assert last.refused.code == "too_many_rows"
    (broken,) = members_of_bytes("dienst.xml", message(*TEXTS)[:-30], hints)
    assert (broken.refused.code, broken.raw) == ("document_invalid", message(*TEXTS)[:-30])


@pytest.mark.slow
@pytest.mark.child
def test_a_message_that_grows_ends_the_child_alone():
    names = " ".join(f'xmlns:a{n}="urn:{n}"' for n in range(20_000))
    raw = message(*[news_item(nitf("Satz."), guid=f"urn:a:{n}") for n in range(2_000)])
    raw = raw.replace(b"<newsMessage ", f"<newsMessage {names} ".encode())
    with DocumentReader(TextSettings(), document_seconds=4, wall_seconds=60) as reader:
        found = reader.split(raw, "newsml")
        assert isinstance(found, RefusalReason)
        assert found.code in {"resource_memory", "resource_time"}
        assert len(reader.split(message(*TEXTS), "newsml")) == 3


LAUGHS = '<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
MANY = f'<newsMessage xmlns="http://iptc.org/std/nar/2006-10-01/">{news_item(nitf(*BODY)) * 2}</newsMessage>'


@pytest.mark.parametrize(
    ("raw", "type_", "code"),
    [
        (ninjs(bodies=None), "ninjs", "item_without_text"),
        (ninjs(bodies=[{"value": 7}, 8, None]), "ninjs", "item_without_text"),
        (ninjs(bodies={"value": "A"}, headlines=7, subjects="x"), "ninjs", "item_without_text"),
        (b'{"uri": "urn:a", "uri": "urn:b"}', "ninjs", "record_invalid"),
        (b'{"uri": ' + b"[" * 100_000, "ninjs", "record_invalid"),
        (b"[]", "ninjs", "record_invalid"),
        (news_item("<remoteContent href='a.jpg'/>"), "newsml", "item_without_text"),
        (news_item("", name="packageItem"), "newsml", "item_without_text"),
        (MANY, "newsml", "document_invalid"),
        ("<books/>", "newsml", "document_invalid"),
        (newsml()[:-40], "newsml", "document_invalid"),
        (LAUGHS + news_item(nitf("&b;")), "newsml", "xml_unsafe"),
        (news_item(nitf("<p>" * 300 + "</p>" * 300)), "newsml", "document_invalid"),
    ],
)
def test_a_harmful_document_or_one_that_is_no_text_is_refused(raw, type_, code):
    assert refusal(raw, type_) == code


@pytest.mark.parametrize(("raw", "type_"), [(ninjs(), "ninjs"), (newsml(), "newsml")])
def test_no_flipped_byte_raises(raw, type_):
    for at in range(0, len(raw), 31):
        changed = raw[:at] + bytes([raw[at] ^ 0x55]) + raw[at + 1 :]
        assert isinstance(outcome(changed, type_), Draft | RefusalReason)
