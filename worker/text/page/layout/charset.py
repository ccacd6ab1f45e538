"""Determine the encoding that a page or its transport declares, and decode the page."""

import codecs
import re
from collections.abc import Sequence
from dataclasses import replace

from storage.values.draft import CleaningStep
from storage.values.refusals import RefusalReason
from worker.text.decode import DecodedText, decode

_PRESCAN_BYTES = 4096

META_CHARSET = re.compile(
    rb"""<meta\b[^>]{0,300}?\bcharset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE
)
"""The charset that a page declares.

>>> META_CHARSET.search(b'<meta http-equiv="Content-Type" content="text/html; charset=latin1">')[1]
b'latin1'
"""

XML_CHARSET = re.compile(rb"""^\s*<\?xml\b[^>]{0,200}?\bencoding\s*=\s*["']([\w.:-]+)""")
"""The encoding in an XML declaration, which some XHTML pages use instead.

>>> XML_CHARSET.search(b'<?xml version="1.0" encoding="ISO-8859-15"?>')[1]
b'ISO-8859-15'
"""

# The Encoding Standard (https://encoding.spec.whatwg.org/#names-and-labels) maps these labels
# to their supersets; Python's codecs do not. A page in which the ASCII text "utf-16" was
# found is not encoded in UTF-16.
_SUPERSETS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "utf-16": "utf-8",
    "utf-16-le": "utf-8",
    "utf-16-be": "utf-8",
    "utf-32": "utf-8",
}


def decode_page(raw: bytes, header: str | None = None) -> DecodedText | RefusalReason:
    r"""Decode `raw` by its byte order mark, `header`, the meta tag, or detection, in this order.

    One difference from browsers: bytes beyond ASCII that are valid UTF-8 throughout are decoded as
    UTF-8 even if a label differs. Archived and re-served pages retain outdated labels, and other
    encodings are practically never valid UTF-8.

    >>> decode_page(b"<meta charset=latin1>Stra\xdfe").text
    '<meta charset=latin1>Straße'
    """
    encodings = _find_encodings(raw, header)
    decoded = decode(raw, _first_valid_label(raw, encodings))
    if isinstance(decoded, RefusalReason) or len(set(encodings)) < 2:
        return decoded
    step = CleaningStep("charset_labels", {"labels": encodings})
    return replace(
        decoded, flags=(*decoded.flags, "encoding_conflict"), steps=(*decoded.steps, step)
    )


def _first_valid_label(raw: bytes, encodings: Sequence[str]) -> str | None:
    """Return the first encoding that decodes `raw`, or None; UTF-8 alone is not checked here."""
    if set(encodings) == {"utf-8"}:
        return encodings[0]
    return next((label for label in encodings if _can_decode(raw, label)), None)


def _find_encodings(raw: bytes, header: str | None) -> list[str]:
    """Return the declared encodings under Python's names, header before page."""
    beginning = raw[:_PRESCAN_BYTES]
    declared = META_CHARSET.search(beginning) or XML_CHARSET.search(beginning)
    labels = (header, declared[1].decode("ascii", "replace") if declared else None)
    return [name for name in map(_codec_name, labels) if name]


def _codec_name(label: str | None) -> str | None:
    try:
        name = codecs.lookup((label or "").strip().strip("\"'").lower()).name
    except (LookupError, ValueError):  # ValueError: a NUL in the name
        return None
    return _SUPERSETS.get(name, name)


def _can_decode(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except (UnicodeError, LookupError, ValueError, AssertionError):
        return False  # codecs that are not text encodings raise various exceptions
    return True
