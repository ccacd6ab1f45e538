"""Read the lines of the pages of a PDF, with their places and type sizes, by PDFium."""

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import pypdfium2
from pypdfium2 import raw as pdfium

from storage.values.messages import message_text

PDFIUM_VERSION = version("pypdfium2")
_HYPHEN_MARKS = "\x02\ufffe"
"""Characters that PDFium puts in the place of a hyphen at the end of a line."""
_INFO_KEYS = ("Title", "Author", "Subject", "Keywords", "CreationDate", "ModDate")
MAX_INFO_LENGTH = 10_000
MAX_FONT_NAME = 200
MAX_PICTURE_LINES = 3
_BOLD_WEIGHT = 600
MAX_COORDINATE = 1e6
"""Limit of coordinates and type sizes, in points; a damaged file may state any number."""


class PdfError(Exception):
    """A PDF that PDFium cannot open; `is_encrypted` if it needs a password."""

    def __init__(self, reason: str, *, is_encrypted: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_encrypted = is_encrypted


@dataclass(slots=True)
class PdfLine:
    """One line of a page, without white space at its ends.

    `left`, `right`, `bottom` are in points; `height` is the place on the page from 0 (its lower
    edge) to 1. `is_hyphenated` means that its last word continues in the next line; the hyphen is
    not part of `text`. `size` is the type size in points.
    """

    text: str
    page: int
    left: float
    right: float
    bottom: float
    height: float
    size: float
    is_bold: bool = False
    is_hyphenated: bool = False


@dataclass(slots=True)
class PdfContent:
    """Lines and metadata of a document; `silent_pages` show something but contain no text.

    `pictured_pages` have a picture and at most `MAX_PICTURE_LINES` lines, such as a page number.
    """

    lines: list[PdfLine] = field(default_factory=list)
    info: dict[str, str] = field(default_factory=dict)
    pages: int = 0
    silent_pages: int = 0
    pictured_pages: int = 0
    letters: int = 0
    unknown_letters: int = 0


def read_content(raw: bytes, max_pages: int) -> PdfContent:
    """Return the lines of a document; without lines if it has more than `max_pages` pages.

    Raises: PdfError if it is damaged or encrypted.
    """
    try:
        document = pypdfium2.PdfDocument(raw)
    except pypdfium2.PdfiumError as error:
        code = getattr(error, "err_code", None)
        encrypted = code in {pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY}
        raise PdfError(message_text("damaged"), is_encrypted=encrypted) from None
    content = PdfContent(pages=len(document))
    for key in _INFO_KEYS:
        value = _info(document, key)[:MAX_INFO_LENGTH].strip("\0 \t\r\n")
        if value:
            content.info[key] = value
    language = _language(document)
    if language:
        content.info["Lang"] = language
    if content.pages <= max_pages:
        for number in range(content.pages):
            _read_page(document, number, content)
    document.close()
    return content


def _info(document: Any, key: str) -> str:
    """Return a value of the document information; pypdfium2 fails on half a character."""
    name = key.encode() + b"\0"
    length = pdfium.FPDF_GetMetaText(document, name, None, 0)
    buffer = ctypes.create_string_buffer(length)
    pdfium.FPDF_GetMetaText(document, name, buffer, length)
    return buffer.raw.decode("utf-16-le", "replace")


def _language(document: Any) -> str:
    length = pdfium.FPDFCatalog_GetLanguage(document, None, 0)
    if not 2 < length <= 2 * MAX_FONT_NAME:
        return ""
    buffer = (ctypes.c_ushort * (length // 2))()
    pdfium.FPDFCatalog_GetLanguage(document, buffer, length)
    return bytes(buffer).decode("utf-16-le", "ignore").strip("\0 ")


def _read_page(document: Any, number: int, content: PdfContent) -> None:
    try:
        page = document[number]
        text_page = page.get_textpage()
    except pypdfium2.PdfiumError:
        content.silent_pages += 1
        return
    _, floor, _, ceiling = page.get_cropbox()
    lines = list(_lines(text_page.raw, number, floor, max(ceiling - floor, 1.0), content))
    content.lines += lines
    content.silent_pages += not lines and pdfium.FPDFPage_CountObjects(page) > 0
    if 0 < len(lines) <= MAX_PICTURE_LINES:
        content.pictured_pages += any(page.get_objects((pdfium.FPDF_PAGEOBJ_IMAGE,), max_depth=2))
    text_page.close()
    page.close()


def _lines(
    text_page: Any, number: int, floor: float, extent: float, content: PdfContent
) -> Iterator[PdfLine]:
    text = _characters(text_page)
    start = 0
    for end in (*(i for i, c in enumerate(text) if c in "\r\n" or c in _HYPHEN_MARKS), len(text)):
        is_hyphenated = text[end : end + 1] in tuple(_HYPHEN_MARKS)
        piece = text[start:end]
        words = piece.strip()
        if words:
            first = start + len(piece) - len(piece.lstrip())
            last = start + len(piece.rstrip()) - 1
            line = _line(text_page, words, first, last)
            if line is not None:
                line.page, line.is_hyphenated = number, is_hyphenated
                line.height = (line.bottom - floor) / extent
                content.letters += len(words)
                content.unknown_letters += sum(_is_unknown(c) for c in words)
                yield line
        start = end + 1


def _characters(text_page: Any) -> str:
    """Return the text of a page, with exactly one character for each of PDFium's indexes."""
    count = pdfium.FPDFText_CountChars(text_page)
    if count <= 0:
        return ""
    buffer = (ctypes.c_ushort * (count + 1))()
    units = pdfium.FPDFText_GetText(text_page, 0, count, buffer) - 1
    text = bytes(buffer)[: 2 * units].decode("utf-16-le", "replace")
    if len(text) == count:
        return text
    codes = (pdfium.FPDFText_GetUnicode(text_page, index) for index in range(count))
    return "".join(chr(code) if 0 < code < 0x110000 else "\ufffd" for code in codes)


def _line(text_page: Any, words: str, first: int, last: int) -> PdfLine | None:
    start, end = _box(text_page, first), _box(text_page, last)
    if start is None or end is None:
        return None
    middle = first + max(words.rfind(" ", 0, len(words) // 2), 0)  # blanks have no type size
    middle += middle > first
    size = _matrix_size(text_page, middle, pdfium.FPDFText_GetFontSize(text_page, middle))
    is_bold = _is_bold(text_page, first) and _is_bold(text_page, last)
    return PdfLine(words, 0, start[0], end[1], start[2], 0.0, size, is_bold)


def _box(text_page: Any, index: int) -> tuple[float, float, float] | None:
    """Return the left and right edge of a character, and its lower edge with all descenders."""
    box = pdfium.FS_RECTF()
    if not pdfium.FPDFText_GetLooseCharBox(text_page, index, box):
        return None
    edges = (box.left, box.right, box.bottom)
    return edges if all(abs(edge) < MAX_COORDINATE for edge in edges) else None


def _matrix_size(text_page: Any, index: int, size: float) -> float:
    """Return the visible type size: some programs set a size of 1 and enlarge the whole text."""
    matrix = pdfium.FS_MATRIX()
    if pdfium.FPDFText_GetMatrix(text_page, index, matrix):
        size *= (matrix.c**2 + matrix.d**2) ** 0.5
    return round(size, 2) if 0 < size < MAX_COORDINATE else 1.0


def _is_bold(text_page: Any, index: int) -> bool:
    if pdfium.FPDFText_GetFontWeight(text_page, index) >= _BOLD_WEIGHT:
        return True
    flags = ctypes.c_int()
    name = ctypes.create_string_buffer(MAX_FONT_NAME)
    length = pdfium.FPDFText_GetFontInfo(text_page, index, name, MAX_FONT_NAME, flags)
    return 0 < length <= MAX_FONT_NAME and b"bold" in name.value.lower()


def _is_unknown(character: str) -> bool:
    """Check whether a font does not state which letter a character is."""
    return character == "\ufffd" or "\ue000" <= character <= "\uf8ff"
