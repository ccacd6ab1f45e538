"""DOCX and ODT: headline, paragraphs, properties, omitted parts, and hostile documents."""

import io
import zipfile
from functools import partial

import pytest

from storage.values.draft import Draft
from storage.values.refusals import RefusalReason
from tests.formats.office import BODY, TITLE, W, docx, odt, packed, paragraph, run
from tests.text.cases import by_role, draft, hints, outcome, refusal
from worker.capabilities.documents.docx import extractor as docx_extractor
from worker.capabilities.documents.odt import extractor as odt_extractor
from worker.flow.document_process import DocumentReader
from worker.sources.containers.items import Item, RefusedDocument
from worker.sources.folders.members import MemberHints, members_of_bytes
from worker.text.file_types import HEAD_BYTES, detect_type
from worker.text.hints import TextSettings

WORD = docx(paragraph(TITLE, "Titel"), "Hamburg, 18. Juni 2024", *BODY)
ODT_TEXTS = "".join(f"<text:p>{each}</text:p>" for each in BODY)
OFFICE = odt(
    f'<text:p text:style-name="Title">{TITLE}</text:p><text:p>Hamburg, 18. Juni 2024</text:p>{ODT_TEXTS}'
)


def steps(found: Draft) -> dict:
    return {each.name: each.detail for each in found.steps}


@pytest.mark.parametrize(("raw", "type_"), [(WORD, "docx"), (OFFICE, "odt")])
def test_title_text_and_properties_become_the_article(raw, type_):
    found = draft(raw, type_)
    assert found.title == TITLE
    assert found.text_paragraphs() == ("Hamburg, 18. Juni 2024", *BODY)
    fields = found.fields
    assert fields["title"].found_in == "title paragraph"
    assert [each.value for each in fields["title"].candidates] == ["Vorlage 7"]
    published = fields["published"].value
    assert (published["value"], published["found_in"]) == ("2024-06-18", "date line")
    assert fields["modified"].value["value"].startswith("2024-06-18T")
    assert (fields["authors"].value, fields["authors"].found_in) == (
        ["Jo Müller"],
        f"{type_}: author",
    )
    assert fields["language"].value == "de"
    assert found.extractor == {"docx": docx_extractor, "odt": odt_extractor}[type_](TextSettings())


def test_the_headline_is_found_without_a_title_style():
    heading = draft(docx(paragraph(TITLE, "Mein"), *BODY), "docx")
    bold = draft(docx("Pressemitteilung Nr. 12", paragraph(run(TITLE, "<w:b/>")), *BODY), "docx")
    plain = draft(docx(TITLE, *BODY), "docx")
    for found, place in (
        (heading, "first heading"), (bold, "prominent paragraph"), (plain, "first paragraph"),
    ):  # fmt: skip
        assert (found.title, found.fields["title"].found_in) == (TITLE, place)
    none = draft(docx(*BODY), "docx")
    assert (none.title, none.fields["title"].found_in) == ("Vorlage 7", "docx: title")


def test_byline_and_embargo_are_read_from_the_text():
    lines = ("Sperrfrist: 19. Juni 2024, 18:00 Uhr", "Von Ada Kern", *BODY)
    fields = draft(docx(paragraph(TITLE, "Titel"), *lines), "docx").fields
    assert (fields["authors"].value, fields["authors"].found_in) == (["Ada Kern"], "byline")
    assert fields["embargoed"].value["value"] == "2024-06-19T18:00"
    assert "published" not in fields


def test_tracked_changes_are_accepted_and_recorded():
    inserted, deleted = f"<w:ins>{run('drei')}</w:ins>", f"<w:del>{run('zwei')}</w:del>"
    text = run("Der Deich ist ") + deleted + inserted + run(" Meter hoch, sagt das Amt am Abend.")
    found = draft(docx(paragraph(TITLE, "Titel"), paragraph(text)), "docx")
    assert found.text_paragraphs() == ("Der Deich ist drei Meter hoch, sagt das Amt am Abend.",)
    assert "tracked_changes" in found.flags
    assert steps(found)["tracked_changes"] == {"deleted": 1, "inserted": 1}


def test_headers_hidden_text_and_soft_hyphens_are_removed_by_named_steps():
    hyphen = run("Hoch") + "<w:r><w:softHyphen/></w:r>" + run("wasser: ")
    text = hyphen + run("geheim ", "<w:vanish/>") + run("Der Pegel fällt seit dem frühen Morgen.")
    found = draft(
        docx(paragraph(TITLE, "Titel"), paragraph(text), word__header1="<w:hdr/>"), "docx"
    )
    assert found.text_paragraphs() == ("Hochwasser: Der Pegel fällt seit dem frühen Morgen.",)
    assert steps(found)["hidden_text"] == {"runs": 1}
    assert steps(found)["soft_hyphens"] == {"removed": 1}
    assert steps(found)["headers_and_footers"] == {"parts": ["word/header1"]}
    assert steps(draft(OFFICE, "odt"))["headers_and_footers"] == {
        "removed": ["Pressestelle · Seite 1"]
    }


def test_roles_tables_notes_and_text_boxes_of_a_word_document():
    cell = f"<w:tbl><w:tr><w:tc>{paragraph('Pegel')}</w:tc><w:tc>{paragraph('3 Meter')}</w:tc></w:tr></w:tbl>"
    box = (
        '<mc:AlternateContent xmlns:mc="m"><mc:Choice><w:txbxContent>'
        f"{paragraph('Kasten')}</w:txbxContent></mc:Choice><mc:Fallback><w:txbxContent>"
        f"{paragraph('Kasten')}</w:txbxContent></mc:Fallback></mc:AlternateContent>"
    )
    notes = f'<w:footnotes xmlns:w="{W}"><w:footnote>{paragraph("Stand: Mai.")}</w:footnote></w:footnotes>'
    listed = f"<w:p><w:pPr><w:numPr/></w:pPr>{run('Sandsäcke')}</w:p>"
    found = draft(
        docx(
            paragraph(TITLE, "Titel"), BODY[0], paragraph("Lage", "Mein"), listed,
            paragraph("Wir hatten Glück.", "Zitat"), paragraph(f"{run(BODY[1])}{box}"),
            f"<w:p></w:p>{cell}", **{"word__footnotes.xml": notes},
        ),
        "docx",
    )  # fmt: skip
    texts = found.text_paragraphs()
    assert texts == (
        BODY[0], "Lage", "Sandsäcke", "Wir hatten Glück.", "Kasten", BODY[1], "Pegel", "3 Meter",
        "Stand: Mai.",
    )  # fmt: skip
    assert by_role(found, "subheading") == ["Lage"]
    assert by_role(found, "list") == ["Sandsäcke"]
    assert by_role(found, "quote") == ["Wir hatten Glück."]


def test_roles_spaces_notes_and_changes_of_an_odt_document():
    automatic = (
        '<style:style style:name="P1" style:parent-style-name="Heading_20_2"/>'
        '<style:style style:name="T1"><style:text-properties fo:font-weight="bold"/></style:style>'
    )
    body = (
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>weg</text:p>"
        "</text:deletion></text:changed-region></text:tracked-changes>"
        f'<text:p><text:span text:style-name="T1">{TITLE}</text:span></text:p>{ODT_TEXTS}'
        '<text:h text:style-name="P1">Lage</text:h>'
        "<text:p>Der  Pegel<text:s text:c='3'/>fällt<text:note><text:note-citation>1"
        "</text:note-citation><text:note-body><text:p>Stand: Mai.</text:p></text:note-body>"
        "</text:note> seit<dc:annotation/>\n dem <text:span>frühen</text:span> Morgen.</text:p>"
        "<text:list><text:list-item><text:p>Sandsäcke</text:p></text:list-item></text:list>"
    )
    found = draft(odt(body, automatic=automatic), "odt")
    assert (found.title, found.fields["title"].found_in) == (TITLE, "prominent paragraph")
    assert [" ".join(each.split()) for each in found.text_paragraphs()] == [
        *BODY, "Lage", "Der Pegel fällt seit dem frühen Morgen.", "Sandsäcke", "Stand: Mai.",
    ]  # fmt: skip
    assert by_role(found, "list") == ["Sandsäcke"]
    assert found.fields["tags"].value == ["Hafen", "Deich"]
    assert steps(found)["tracked_changes"] == {"deleted": 1, "inserted": 0}


# --------------------------------------------------------------------------- types by content


@pytest.mark.parametrize(("raw", "type_"), [(WORD, "docx"), (OFFICE, "odt")])
@pytest.mark.parametrize("name", ["a", "a.odt", "a.docx", "a.pdf"])
def test_the_content_decides_between_documents(raw, type_, name):
    (found,) = members_of_bytes(name, raw, MemberHints(detect_type))
    assert isinstance(found, Item)
    assert (found.type, found.raw) == (type_, raw)


@pytest.mark.parametrize("raw", [WORD, OFFICE, b"%PDF-1.7"])
@pytest.mark.parametrize("name", ["a.txt", "a.html", "a.json"])
def test_a_document_under_the_name_of_a_text_is_refused(raw, name):
    assert detect_type(name, raw[:HEAD_BYTES]).code == "not_text"


def test_a_wrong_extension_is_no_reason_to_refuse_a_text():
    assert detect_type("a.docx", b"<!doctype html><p>A") == "html"
    assert detect_type("a.docx", b" date 2024-06 A\n\nB") == "seed"
    assert refusal(b"Nur ein Satz.", "docx") == "document_invalid"


def test_a_table_that_is_a_document_is_refused():
    (found,) = members_of_bytes("a.csv", WORD, MemberHints(detect_type))
    assert isinstance(found, RefusedDocument)
    assert found.refused.code == "not_text"


# ------------------------------------------------------------------------- hostile documents

LAUGHS = (
    '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + f']><w:document xmlns:w="{W}"><w:p><w:r><w:t>&i;</w:t></w:r></w:p></w:document>'
)
FILE = f'<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><w:document xmlns:w="{W}">&a;</w:document>'
ATTRIBUTE = LAUGHS.replace("<w:p>", '<w:p w:a="&i;">')


def encrypted_zip(raw: bytes) -> bytes:
    """Set the flag of encryption in every local header and directory entry."""
    changed = bytearray(raw)
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = -1
        while (at := raw.find(signature, at + 1)) >= 0:
            changed[at + offset] |= 1
    return bytes(changed)


def bomb(name: str) -> bytes:
    """Return a small file that unpacks to 300 megabytes; a second to make, so not at collection."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        with archive.open(name, "w") as part:
            for _ in range(300):
                part.write(bytes(1_000_000))
    return stream.getvalue()


DEEP = f'<w:document xmlns:w="{W}">' + "<w:p>" * 5_000 + "</w:p>" * 5_000 + "</w:document>"


@pytest.mark.parametrize(
    ("raw", "type_", "code"),
    [
        (partial(bomb, "word/document.xml"), "docx", "document_invalid"),
        (partial(bomb, "content.xml"), "odt", "document_invalid"),
        (docx(**{"word__document.xml": LAUGHS}), "docx", "xml_unsafe"),
        (docx(**{"word__document.xml": ATTRIBUTE}), "docx", "xml_unsafe"),
        (docx(**{"word__document.xml": FILE}), "docx", "xml_unsafe"),
        (docx(**{"word__document.xml": FILE.encode("utf-16")}), "docx", "xml_unsafe"),
        (docx(*BODY, **{"docProps__core.xml": LAUGHS}), "docx", "xml_unsafe"),
        (odt("", **{"content.xml": LAUGHS}), "odt", "xml_unsafe"),
        (docx(**{"word__document.xml": DEEP}), "docx", "document_invalid"),
        (docx(**{"word__document.xml": "<w:document"}), "docx", "document_invalid"),
        (encrypted_zip(WORD), "docx", "document_encrypted"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "docx", "document_encrypted"),
        (odt("", **{"META-INF__manifest.xml": "<encryption-data/>"}), "odt", "document_encrypted"),
        (WORD[:-200], "docx", "document_invalid"),
        (WORD[:400], "docx", "document_invalid"),
        (b"", "odt", "document_invalid"),
        (packed({"a.txt": "A"}), "docx", "document_invalid"),
        (packed({f"a{n}": "" for n in range(5_100)}), "odt", "document_invalid"),
        (docx(), "docx", "empty"),
        (docx(paragraph(TITLE, "Titel")), "docx", "no_body"),
    ],
)
def test_a_hostile_document_is_refused(raw, type_, code):
    assert refusal(raw() if callable(raw) else raw, type_) == code


@pytest.mark.parametrize("raw", [WORD, OFFICE])
def test_no_flipped_byte_raises(raw):
    type_ = "docx" if raw is WORD else "odt"
    for at in range(0, len(raw), 23):
        changed = raw[:at] + bytes([raw[at] ^ 0x55]) + raw[at + 1 :]
        assert isinstance(outcome(changed, type_), Draft | RefusalReason)


@pytest.mark.slow
@pytest.mark.child
def test_a_document_of_many_paragraphs_stays_within_the_limits_of_the_child():
    many = docx(*(f"Absatz {n} von vielen im Text." for n in range(20_100)))
    with DocumentReader(TextSettings(), document_seconds=20, wall_seconds=120) as reader:
        for raw, code in (
            (many, "too_many_paragraphs"),
            (bomb("word/document.xml"), "document_invalid"),
        ):
            found = reader.read(raw, hints("docx"))
            assert isinstance(found, RefusalReason)
            assert found.code == code
        assert isinstance(reader.read(WORD, hints("docx")), Draft)
