"""Find the encoding that a page or its transport declares, and decode by it."""

import codecs
import re
from collections.abc import Sequence
from dataclasses import replace

from storage.values.draft import CleaningStep
from storage.values.refusals import Refused
from worker.text.decode import DecodedText, decode

_PRESCAN_BYTES = 4096

META_CHARSET = re.compile(
    rb"""<meta\b[^>]{0,300}?\bcharset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE
)
"""The charset that a page declares for itself.

>>> META_CHARSET.search(b'<meta http-equiv="Content-Type" content="text/html; charset=latin1">')[1]
b'latin1'
"""

XML_CHARSET = re.compile(rb"""^\s*<\?xml\b[^>]{0,200}?\bencoding\s*=\s*["']([\w.:-]+)""")
"""The encoding of an XML declaration, which some XHTML pages have instead.

>>> XML_CHARSET.search(b'<?xml version="1.0" encoding="ISO-8859-15"?>')[1]
b'ISO-8859-15'
"""

# The Encoding Standard (https://encoding.spec.whatwg.org/#names-and-labels) reads these
# labels as their supersets; Python's codecs take them literally. A page that could be read
# far enough to find "utf-16" in it is none.
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


def decode_page(raw: bytes, header: str | None = None) -> DecodedText | Refused:
    r"""Return the characters of `raw`: byte order mark, `header`, meta, then by the bytes.

    One departure from the browsers' order: bytes beyond ASCII that are valid UTF-8 from end
    to end are read as UTF-8 even where a label says otherwise, because saved and re-served
    pages keep old labels, and no other text looks like UTF-8 by chance.

    >>> decode_page(b"<meta charset=latin1>Stra\xdfe").text
    '<meta charset=latin1>Straße'
    """
    labels = _labels(raw, header)
    decoded = decode(raw, _fitting(raw, labels))
    if isinstance(decoded, Refused) or len(set(labels)) < 2:
        return decoded
    step = CleaningStep("charset_labels", {"labels": labels})
    return replace(
        decoded, flags=(*decoded.flags, "encoding_conflict"), steps=(*decoded.steps, step)
    )


def _fitting(raw: bytes, labels: Sequence[str]) -> str | None:
    """Return the first label by which `raw` can be read; that of UTF-8 alone is tried later."""
    if set(labels) == {"utf-8"}:
        return labels[0]
    return next((label for label in labels if _fits(raw, label)), None)


def _labels(raw: bytes, header: str | None) -> list[str]:
    """Return the encodings that were declared, the stronger first, under Python's names."""
    beginning = raw[:_PRESCAN_BYTES]
    declared = META_CHARSET.search(beginning) or XML_CHARSET.search(beginning)
    named = (header, declared[1].decode("ascii", "replace") if declared else None)
    return [name for name in map(_codec, named) if name]


def _codec(label: str | None) -> str | None:
    try:
        name = codecs.lookup((label or "").strip().strip("\"'").lower()).name
    except (LookupError, ValueError):  # ValueError: a NUL in the name
        return None
    return _SUPERSETS.get(name, name)


def _fits(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except (UnicodeError, LookupError, ValueError, AssertionError):
        return False  # codecs that are no text encodings fail in ways of their own
    return True
