"""Detect the type of a document by its file name and its first bytes."""

import re
from pathlib import PurePosixPath

from storage.values.arrivals.formats import (
    BINARY_TYPES,
    DOCUMENT_TYPES,
    ITEM_TYPES,
    SIGNATURES,
    TYPE_BY_SUFFIX,
)
from storage.values.messages import message_text
from storage.values.refusals import RefusalReason, refuse

HEAD_BYTES = 4_096
"""Number of leading bytes that `detect_type` needs."""

_STARTS = {kind: re.compile(start, re.DOTALL) for kind, start in SIGNATURES.items()}
"""First bytes of the formats that have fixed ones."""
_OFFICE_START = re.compile(rb"PK\x03\x04|\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
"""The start of a ZIP file, or of the container of an encrypted office document."""
# First bytes of other binary formats; short signatures include their NUL bytes.
_SIGNATURES: tuple[tuple[re.Pattern[bytes], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), kind)
    for pattern, kind in (
        (rb"%PDF-", message_text("pdf_file")),
        (rb"PK(?:\x03\x04|\x05\x06|\x07\x08)", message_text("zip_file")),
        (rb"\x89PNG\r\n\x1a\n", message_text("png_file")),
        (rb"\xff\xd8\xff", message_text("jpeg_file")),
        (rb"GIF8[79]a", message_text("gif_file")),
        (rb"RIFF.{4}(?:WEBP|WAVE|AVI )", message_text("riff_file")),
        (rb"II\*\x00|MM\x00\*", message_text("tiff_file")),
        (rb"BM.{4}\x00\x00\x00\x00", message_text("bmp_file")),
        (rb"\x7fELF", message_text("elf_file")),
        (rb"MZ.{0,60}\x00", message_text("windows_file")),
        (rb"\xca\xfe\xba\xbe|\xcf\xfa\xed\xfe|\x00asm", message_text("program_file")),
        (rb"\x1f\x8b", message_text("gzip_file")),
        (rb"BZh[1-9]1AY&SY", message_text("bzip2_file")),
        (rb"\xfd7zXZ\x00", message_text("xz_file")),
        (rb"\x28\xb5\x2f\xfd", message_text("zstd_file")),
        (rb"7z\xbc\xaf\x27\x1c", message_text("sevenzip_file")),
        (rb"Rar!\x1a\x07", message_text("rar_file")),
        (rb".{257}ustar", message_text("tar_file")),
        (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", message_text("old_office_file")),
        (rb"\{\\rtf", message_text("rtf_file")),
        (rb"%!PS", message_text("postscript_file")),
        (rb"SQLite format 3\x00", message_text("sqlite_file")),
        (rb"ID3[\x02-\x04]\x00|OggS\x00|fLaC\x00", message_text("sound_file")),
        (rb".{4}ftyp[\w ]{4}", message_text("film_file")),
        (rb"PAR1", message_text("parquet_file")),
    )
)
HTML_START = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!--.{0,500}?-->\s*)?"
    rb"<(?:!doctype html|html)\b",
    re.IGNORECASE | re.DOTALL,
)
XML_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*<\?xml\b")
JSON_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*\{\s*[\"}]")
FRONT_MATTER_START = re.compile(rb"(?:\xef\xbb\xbf)?---[ \t]*\r?\n[^\n]{0,200}:")
SEED_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*date [\w. ]{0,20}[0-9]{4}")
_TYPES_BY_NAME = DOCUMENT_TYPES - BINARY_TYPES
_JSON_TABLES = frozenset({"jsonl", "csv", "tsv"})
MARKUP = re.compile(
    r"<(?:!doctype html|/?(?:html|head|body|p|div|span|br|hr|a|script|style|h[1-6]|ul|ol|li|table"
    r"|tr|td|img|iframe|strong|em|b|i|blockquote|section|article|figure)(?=[\s/>]))[^<>]{0,300}>",
    re.IGNORECASE,
)


def detect_type(name: str, head: bytes) -> str | RefusalReason:
    """Return the type to read a document as, or the refusal of a binary or unknown format.

    Binary documents are recognised by their first bytes, but refused under the extension of a text.
    Texts are classified by their extension, and without a known one by their first characters.

    >>> detect_type("brand.txt", b"date 2024-06 Brand"), detect_type("seite", b"<!DOCTYPE html>")
    ('seed', 'html')
    >>> detect_type("brand.txt", b"%PDF-1.7").code
    'not_text'
    """
    suffix = _suffix(name)
    named = TYPE_BY_SUFFIX.get(suffix)
    signed = signed_type(head)
    is_open = named is None or named in BINARY_TYPES
    found = (signed if is_open else None) or _item_type(head, named)
    if found is not None:
        return found
    if named in BINARY_TYPES and _OFFICE_START.match(head):
        return named
    for signature, kind in _SIGNATURES:
        if signature.match(head):
            return refuse("not_text", detected=kind)
    if signed is not None:
        return refuse("not_text", detected=message_text("typed_document", type=signed))
    if named in _TYPES_BY_NAME and suffix != ".xml":  # of all formats
        return named
    sniffed = _sniff_type(suffix, head)
    is_damaged = named in BINARY_TYPES and isinstance(sniffed, RefusalReason)
    return named if named and is_damaged else sniffed  # its reader states the reason


def _item_type(head: bytes, named: str | None) -> str | None:
    """Return the format of an item; the lines of a table are no items of their own."""
    kinds = () if named in _JSON_TABLES else ITEM_TYPES
    return next((kind for kind in kinds if _STARTS[kind].match(head)), None)


def signed_type(head: bytes) -> str | None:
    """Return the type of a binary document by its first bytes; None for all other documents.

    >>> signed_type(b"date 2024-06 Brand")
    """
    return next((kind for kind in BINARY_TYPES if _STARTS[kind].match(head)), None)


def has_markup(text: str) -> bool:
    """Check whether a plain text contains HTML tags; a lone `<` or a comparison is not one.

    >>> has_markup("<p>Es brennt.</p>"), has_markup("a < b und b > c, <Name>")
    (True, False)
    """
    return "<" in text and MARKUP.search(text) is not None


_MAX_SUFFIX_LENGTH = 9


def _suffix(name: str) -> str:
    lowered = name.lower()
    suffix = PurePosixPath(lowered.removesuffix(".gz")).suffix
    is_suffix = suffix.isascii() and suffix[1:2].isalpha() and suffix[1:].isalnum()
    return suffix if is_suffix and len(suffix) <= _MAX_SUFFIX_LENGTH else ""


def _sniff_type(suffix: str, head: bytes) -> str | RefusalReason:
    if HTML_START.match(head):
        return "html"
    if JSON_START.match(head):
        return "json"
    if FRONT_MATTER_START.match(head):
        return "markdown"
    if SEED_START.match(head) or not (suffix or XML_START.match(head)):
        return "seed"
    return refuse("type_unknown", detected="XML" if XML_START.match(head) else f"*{suffix}")
