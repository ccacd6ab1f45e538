"""PDF: headline, paragraphs, text removed by the steps, scans, and hostile documents."""

import zlib

import pytest

from storage.values.draft import Draft
from storage.values.refusals import RefusalReason
from tests.formats.pdfs import Line, content, pdf, text_lines
from tests.text.cases import by_role, draft, hints, outcome
from worker.capabilities.documents.pdf import extractor as pdf_extractor
from worker.flow.document_process import DocumentReader
from worker.sources.containers.items import Item
from worker.sources.folders.members import MemberHints, members_of_bytes
from worker.text.file_types import detect_type
from worker.text.hints import TextSettings

TITLE = "Deich hält: Entwarnung am Hafen"
FIRST = (
    "Der Deich am Hafen hält dem Hoch-", "wasser stand, sagt die Leiterin des Amtes", "am Dienstag.",
)  # fmt: skip
SECOND = ("Die Fähre bleibt bis zum Abend im Hafen,", "teilt die Reederei mit.")
PARAGRAPHS = (
    "Der Deich am Hafen hält dem Hochwasser stand, sagt die Leiterin des Amtes am Dienstag.",
    "Die Fähre bleibt bis zum Abend im Hafen, teilt die Reederei mit.",
)
INFO = {
    "Title": "Microsoft Word - Vorlage 7", "Author": "Jo Müller",
    "CreationDate": "D:20240618103000+02'00'",
}  # fmt: skip
RELEASE = pdf(
    [
        Line("Pressestelle des Amtes", 815, size=8),
        Line(TITLE, 780, size=18),
        *text_lines(["Hamburg, 18. Juni 2024", "", *FIRST, "", *SECOND]),
    ],
    info=INFO,
)


def steps(found: Draft) -> dict:
    return {each.name: each.detail for each in found.steps}


def numbered(count: int, footer: str = "Seite {} von {}") -> list[list[Line]]:
    """Return pages with a running header, a page number, and a sentence that goes on overleaf."""
    return [
        [
            Line("Amt für Küstenschutz · Lagebericht", 815, size=8),
            *text_lines(
                [
                    f"Abschnitt {'ABC'[n % 3]} steht auf einer eigenen Seite und geht auf der nächsten"
                ]
            ),
            Line(footer.format(n + 1, count), 30, 280, 8),
        ]
        for n in range(count)
    ]


def test_text_headline_and_properties_become_the_article():
    found = draft(RELEASE, "pdf")
    assert (found.title, found.fields["title"].found_in) == (TITLE, "title paragraph")
    assert found.text_paragraphs() == (
        "Pressestelle des Amtes", "Hamburg, 18. Juni 2024", *PARAGRAPHS,
    )  # fmt: skip
    assert by_role(found, "lead") == [PARAGRAPHS[0]]
    fields = found.fields
    assert [each.value for each in fields["title"].candidates] == ["Microsoft Word - Vorlage 7"]
    assert fields["published"].value["value"] == "2024-06-18"
    assert fields["published"].found_in == "date line"
    assert fields["created"].value == "2024-06-18T10:30:00+02:00"
    assert (fields["authors"].value, fields["authors"].found_in) == (["Jo Müller"], "pdf: author")
    assert fields["language"].value == "de"
    assert found.extractor == pdf_extractor(TextSettings())
    assert "pypdfium2=" in found.extractor.config


def test_hyphens_are_removed_by_a_step_and_hyphenated_words_stay():
    assert steps(draft(RELEASE, "pdf"))["line_end_hyphens"] == {
        "removed": ["Hochwasser"], "words": 1,
    }  # fmt: skip
    lines = [
        "Vor- und Nachteile nennt das Land Baden-", "Württemberg in seiner Vor-", "und Nachbereitung.",
        "Die E-Mail kam an. Er schrieb noch eine E-", "mail und wartete. Die E-mail blieb.",
    ]  # fmt: skip
    texts = draft(pdf(text_lines(lines)), "pdf").text_paragraphs()
    assert " ".join(texts) == (
        "Vor- und Nachteile nennt das Land Baden-Württemberg in seiner Vor- und Nachbereitung. "
        "Die E-Mail kam an. Er schrieb noch eine E-mail und wartete. Die E-mail blieb."
    )


@pytest.mark.parametrize("footer", ["Seite {} von {}", "- {} -", "{}"])
def test_headers_and_page_numbers_are_removed_and_sentences_continue(footer):
    found = draft(pdf(*numbered(3, footer)), "pdf")
    assert len(found.text_paragraphs()) == 1
    assert found.text_paragraphs()[0].count("Abschnitt") == 3
    removed = steps(found)
    assert removed["page_headers_and_footers"] == {
        "removed": ["Amt für Küstenschutz · Lagebericht"], "lines": 3,
    }  # fmt: skip
    assert removed["page_numbers"]["lines"] == 3


def test_a_number_in_the_text_is_no_page_number():
    lines = [
        Line("Im Jahr kamen so viele Menschen zum Deich:", 100),
        Line("2024", 60),
        Line("17", 30),
    ]
    found = draft(pdf([*text_lines(FIRST), *lines]), "pdf")
    assert found.text_paragraphs()[-2:] == ("2024", "17")
    assert "page_numbers" not in steps(found)


def test_columns_indents_lists_and_subheadings_make_paragraphs():
    left = text_lines([*FIRST[:2]], 700)
    right = text_lines(
        [FIRST[2], "Danach kam ein neuer Absatz ohne Abstand,", "der eingerückt ist."], 700, x=320
    )
    right[1] = right[1]._replace(x=335)
    found = draft(
        pdf([
            Line(TITLE, 780, size=18), *left, *right,
            Line("Was jetzt gilt", 640, font="F2"),
            *text_lines(["• Sandsäcke liegen bereit", "• Die Schule bleibt zu", "", *SECOND], 620),
        ]),
        "pdf",
    )  # fmt: skip
    assert found.text_paragraphs() == (
        PARAGRAPHS[0], "Danach kam ein neuer Absatz ohne Abstand, der eingerückt ist.", "Was jetzt gilt",
        "• Sandsäcke liegen bereit", "• Die Schule bleibt zu", PARAGRAPHS[1],
    )  # fmt: skip
    assert by_role(found, "subheading") == ["Was jetzt gilt"]
    assert len(by_role(found, "list")) == 2


# ---------------------------------------------------------------------- scans and other types

PICTURE = b"q 500 0 0 700 40 40 cm BI /W 2 /H 2 /BPC 8 /CS /G ID abcd EI Q"


def test_a_scan_without_a_text_layer_has_its_own_code():
    folio = [Line("1", 30, 290)]
    for pages, told in (
        ([PICTURE], "its only page contains no text"),
        ([PICTURE, PICTURE], "its 2 pages contain only pictures"),
        ([PICTURE + b"\n" + content(folio)], "its only page contains no text"),
    ):
        found = outcome(pdf(*pages), "pdf")
        assert isinstance(found, RefusalReason)
        assert (found.code, "OCRmyPDF" in found.hint) == ("no_text_layer", True)
        assert told in found.message
    assert outcome(pdf(folio), "pdf").code == "empty"


def test_pages_without_text_among_others_are_flagged():
    assert "pages_without_text" in draft(pdf(text_lines([*FIRST]), PICTURE), "pdf").flags
    assert "pages_without_text" not in draft(RELEASE, "pdf").flags


@pytest.mark.parametrize("name", ["a", "a.docx", "a.pdf"])
def test_the_content_decides_between_documents(name):
    (found,) = members_of_bytes(name, RELEASE, MemberHints(detect_type))
    assert isinstance(found, Item)
    assert (found.type, found.raw) == ("pdf", RELEASE)


# -------------------------------------------------------------------------- hostile documents

ENCRYPTED = pdf(
    text_lines([*FIRST]),
    encrypt="/ID [<00112233445566778899AABBCCDDEEFF> <00112233445566778899AABBCCDDEEFF>] /Encrypt << "
    f"/Filter /Standard /V 2 /R 3 /Length 128 /P -44 /O <{'1A' * 32}> /U <{'2B' * 32}> >>",
)
LOOP = RELEASE.replace(b"/Kids [5 0 R]", b"/Kids [2 0 R]")
RUNAWAY = RELEASE.replace(b"/Count 1", b"/Count 9999999")
SPARE = b"<< /Type /ObjStm /N 99999999 /First 9 >>"


@pytest.mark.parametrize(
    ("raw", "codes"),
    [
        (ENCRYPTED, {"document_encrypted"}),
        (pdf(*[[]] * 10_000), {"too_many_pages"}),
        (b"", {"document_invalid"}),
        (b"%PDF-1.7\n", {"document_invalid"}),
        (b"%PDF-1.7\n" + bytes(5_000), {"document_invalid"}),
        (RELEASE[:300], {"document_invalid", "empty"}),
        (LOOP, {"document_invalid", "empty", "no_text_layer"}),
        (RELEASE.replace(b"/Parent 2 0 R", b"/Parent 5 0 R"), {"text"}),
        (RUNAWAY, {"too_many_pages", "text"}),
        (pdf([]), {"empty"}),
    ],
)
def test_a_hostile_document_is_refused(raw, codes):
    found = outcome(raw, "pdf")
    assert (found.code if isinstance(found, RefusalReason) else "text") in codes


def test_a_document_that_is_cut_off_keeps_the_text_of_its_intact_objects():
    """PDFium restores the list of objects of a file whose end is missing."""
    found = draft(RELEASE[: RELEASE.rindex(b"startxref")], "pdf")
    assert found.text_paragraphs()[-1] == PARAGRAPHS[1]


def test_no_flipped_byte_raises():
    for at in range(0, len(RELEASE), 29):
        changed = RELEASE[:at] + bytes([RELEASE[at] ^ 0x55]) + RELEASE[at + 1 :]
        assert isinstance(outcome(changed, "pdf"), Draft | RefusalReason)


def test_half_a_character_in_a_property_does_not_cost_the_text():
    raw = pdf(text_lines([*FIRST]), info={"Title": "Lage Q"}).replace(b"0051", b"D83D")
    assert draft(raw, "pdf").text_paragraphs() == (PARAGRAPHS[0],)


NESTED = pdf(b"/X Do", form=b"/X Do /X Do")
"""A page of a form that draws itself twice: PDFium follows it to a depth of forty."""


def bomb(megabytes: int) -> bytes:
    """Return a page whose content grows a thousandfold with each of its two filters."""
    packer = zlib.compressobj(9)
    piece = b"BT (Deich) Tj ET\n" * 60_000
    first, more = (packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    raw = pdf(zlib.compress(first + more * megabytes, 9), compress=False)
    return raw.replace(b"<< /Length", b"<< /Filter [/FlateDecode /FlateDecode] /Length", 1)


@pytest.mark.slow
@pytest.mark.child
def test_a_document_that_costs_too_much_ends_alone():
    lines = "".join(
        f"BT /F1 1 Tf 1 0 0 1 {n % 500} {n % 800} Tm (a) Tj ET\n" for n in range(400_000)
    )
    with DocumentReader(
        TextSettings(), document_seconds=1, wall_seconds=120, memory_mb=512
    ) as reader:
        spent = {"resource_time", "resource_memory"}
        for raw, codes in (
            (bomb(80), spent | {"empty"}), (pdf(lines.encode()), spent), (NESTED, spent),
        ):  # fmt: skip
            found = reader.read(raw, hints("pdf"))  # a fast machine reads the whole bomb in time
            assert isinstance(found, RefusalReason)
            assert found.code in codes
        assert isinstance(reader.read(RELEASE, hints("pdf")), Draft)


@pytest.mark.slow
@pytest.mark.child
@pytest.mark.parametrize("make", [lambda: bomb(2_000), lambda: NESTED], ids=["stream", "forms"])
def test_a_document_that_needs_too_much_memory_says_so_at_once(make):
    with DocumentReader(
        TextSettings(), document_seconds=60, wall_seconds=600, memory_mb=400
    ) as reader:
        found = reader.read(make(), hints("pdf"))
    assert isinstance(found, RefusalReason)
    assert found.code == "resource_memory"
