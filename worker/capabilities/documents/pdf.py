"""Read a PDF with a text layer."""

import re

from storage.values.draft import Draft, Extractor, Json
from storage.values.messages import message_text
from storage.values.refusals import RefusalReason, refuse
from worker.capabilities.documents.pdf_layout import layout
from worker.capabilities.documents.pdf_lines import (
    PDFIUM_VERSION,
    PdfContent,
    PdfError,
    read_content,
)
from worker.capabilities.documents.press_text import PressText, build_draft, document_extractor
from worker.text.hints import Hints, TextSettings

NAME = "lesart-pdf"
VERSION = "2"
"""Incremented with every change that can alter a text, role, mark or field."""
KIND = message_text("pdf")
MAX_PAGES = 500
MAX_UNKNOWN_SHARE = 0.3
"""Share of letters that the fonts do not identify, above which a text layer is useless."""
PDF_DATE = re.compile(
    r"(?:D:)?(?P<day>\d{8})(?P<clock>\d{4}(?:\d{2})?)?(?P<zone>Z|[+-]\d{2}'?(?:\d{2})?)?"
)
"""A date of the document information (ISO 32000-2, 7.9.4).

>>> PDF_DATE.match("D:20240618103000+02'00'").groups()
('20240618', '103000', "+02'00")
"""
_KEYS = {
    "Title": "title", "Author": "author", "Subject": "subject", "Keywords": "keywords",
    "CreationDate": "created", "ModDate": "modified", "Lang": "language",
}  # fmt: skip


def extractor(settings: TextSettings) -> Extractor:
    """Return the extractor of PDF documents, which depends on the version of PDFium."""
    return document_extractor(NAME, VERSION, settings, f"pypdfium2={PDFIUM_VERSION}")


def read(raw: bytes, hints: Hints, settings: TextSettings) -> Draft | RefusalReason:
    """Read the text layer of a PDF.

    Refusals in addition to those of every text: `document_invalid`, `document_encrypted`,
    `too_many_pages`, and `no_text_layer` for a scan.
    """
    try:
        content = read_content(raw, MAX_PAGES)
    except PdfError as error:
        if error.is_encrypted:
            return refuse("document_encrypted", kind=KIND)
        return refuse("document_invalid", kind=KIND, reason=error.reason)
    if content.pages > MAX_PAGES:
        return refuse("too_many_pages", limit=MAX_PAGES, pages=content.pages)
    if content.unknown_letters > content.letters * MAX_UNKNOWN_SHARE:
        return refuse("no_text_layer", reason=message_text("fonts_without_letters"))
    only_pictures = refuse("no_text_layer", reason=message_text("only_pictures", n=content.pages))
    if not content.lines and content.silent_pages:
        return only_pictures
    pages = layout(content.lines, content.pages)
    flags = ["pages_without_text"] if content.silent_pages else []
    press = PressText("pdf", pages.blocks, _record(content), pages.steps, flags)
    draft = build_draft(press, hints, settings, extractor(settings))
    is_empty = isinstance(draft, RefusalReason) and draft.code == "empty"
    return only_pictures if is_empty and content.pictured_pages else draft


def _record(content: PdfContent) -> dict[str, Json]:
    record: dict[str, Json] = {_KEYS[name]: value for name, value in content.info.items()}
    for name in ("created", "modified"):
        if name in record:
            record[name] = iso_date(record[name])
    return record


def iso_date(text: str) -> str:
    """Return a date of the document information in ISO 8601, or unchanged if it is not one.

    >>> iso_date("D:20240618103000+02'00'"), iso_date("D:20240618"), iso_date("gestern")
    ('2024-06-18T10:30:00+02:00', '2024-06-18', 'gestern')
    """
    match = PDF_DATE.match(text)
    if match is None:
        return text
    day, clock = match["day"], match["clock"] or ""
    date = f"{day[:4]}-{day[4:6]}-{day[6:]}"
    if not clock:
        return date
    time = ":".join(clock[at : at + 2] for at in range(0, len(clock), 2))
    zone = (match["zone"] or "").replace("'", "")
    if len(zone) == len("+02"):
        zone += "00"
    return f"{date}T{time}{zone[:3]}:{zone[3:]}" if zone[1:] else f"{date}T{time}{zone}"
