"""PURE: undo the codes in which a text may be written as another text."""

import binascii
import html
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from storage.language.passage import INVISIBLE

REMOVED_TAG = "\0"
"""Replaces a tag: ignored within words."""
NEIGHBOURHOOD = 4096
"""Number of characters before and behind a rare code that are read with it: a long paragraph."""

_TAG = re.compile(r"<(?:[^<>\"']++|\"[^\"<]*+\"|'[^'<]*+')*+>|<[^<>]*>")
"""A tag, whose attributes may contain `>`."""
_IN_COMMENT = "[^-<]++|-(?!->)|<(?!!--)"
_COMMENT = re.compile(f"<!--(?:{_IN_COMMENT})*+-->")
_COMMENT_WITH_END = re.compile(f"<!--(?:[^-<>]++|-(?!->)|<(?!!--))*+>(?:{_IN_COMMENT})*+-->")
_CHARACTER_DATA = re.compile(r"<!\[cdata\[|\]\]>", re.IGNORECASE)
_ESCAPE = re.compile(
    r"\\(?:u([0-9a-fA-F]{4}|\{[0-9a-fA-F]{1,5}\})|x([0-9a-fA-F]{2})|([0-3][0-7]{2})|([nrtbf])|(.))",
    re.DOTALL,
)
_SURROGATES = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2})++")
_ADDRESS = re.compile(r"[^\s<>\"'&]++")
_STYLE_ESCAPE = re.compile(r"\\([0-9a-fA-F]{2,6})")
_STYLE_ESCAPES = re.compile(r"\\([0-9a-fA-F]{1,6})(?:\r\n|[ \t\r\n\f])?")
_DIVIDED_ESCAPE = re.compile(
    r"(?:\\(?:[ux][0-9a-fA-F{]{0,8}|[0-9a-fA-F]{1,5})|&(?:amp;)*(?:#x?[0-9a-fA-F]{0,6})?)<(?=[a-z!/])"
    r"|\\[ux]?[0-9a-fA-F{]{0,8}\]\]>"
)
"""An escape within which a tag begins: it is found only after the tags are removed."""
_STYLED = "\U0001d400-\U0001d7ff\uff01-\uff5e"
"""Letters of mathematics and of full width, in which the letters of a code may be written."""
_NOT_PLAIN = re.compile(f"[{INVISIBLE}{_STYLED}]")
_INVISIBLE = re.compile(f"[{INVISIBLE}]+")
_QUOTED = re.compile(
    r"=(?:\r?\n|3D|[89A-F][0-9A-F](?=[a-z\u00df-\u00ff]|=[0-9A-F]{2})|[0-9a-fA-F]{2}=[0-9a-fA-F]{2})"
)
"""Signs of quoted-printable: a broken line, `=`, a letter that is not
ASCII, two letters."""
_CONTROL = re.compile(r"[\0-\x08\x0e-\x1f]")
_PERCENT_CONTROL = re.compile(r"%(?:0[0-8]|1[0-9a-fA-F])")
"""Characters that packed bytes have, and texts have not."""
_CHARACTERS_AS_BYTES = re.compile(r"[\0-\xff]{8,}+")


def without_escapes(text: str) -> str:
    r"""Undo one round of escapes of HTML, JSON and addresses.

    >>> without_escapes(r"Zw&ouml;lf\u00f6 Ada%20Kern")
    'Zwölfö Ada Kern'
    """
    if "\\" in text:
        text = _ESCAPE.sub(_unescaped, text)
        text = _SURROGATES.sub(_joined, text)
    if "%" in text:
        text = _PERCENT.sub(_without_percent, text)
    return html.unescape(text) if "&" in text else text


def _unescaped(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    if code:
        return chr(int(code.strip("{}"), 16))
    if found[3]:
        return chr(int(found[3], 8))
    return ("\n" if found[4] == "n" else " ") if found[4] else found[5]


def _joined(pair: re.Match[str]) -> str:
    return pair[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def _without_percent(found: re.Match[str]) -> str:
    return _decoded(unquote_to_bytes(found[0]))


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def plain_letters(text: str) -> str:
    """Return a text without invisible code points, with letters of ASCII for styled ones."""
    if text.isascii() or _NOT_PLAIN.search(text) is None:
        return text
    return unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))


def has_divided_escape(text: str) -> bool:
    """Check whether a tag begins within an escape."""
    return "<" in text and _DIVIDED_ESCAPE.search(text) is not None


def without_tags(text: str) -> str:
    """Return a text with `REMOVED_TAG` in place of each tag.

    >>> without_tags("A<b title='>'>d</b>a").replace(REMOVED_TAG, "")
    'Ada'
    """
    return _TAG.sub(REMOVED_TAG, _CHARACTER_DATA.sub(REMOVED_TAG, text) if "<![" in text else text)


def other_readings(text: str) -> Iterator[str]:
    """Yield the results of rare codes with their neighbourhoods: they look like other codes.

    Escapes of style sheets look like octal ones, quoted-printable looks like a query of an address,
    and a comment may contain a false end.
    """
    if "\\" in text:
        for near in _neighbourhoods(_STYLE_ESCAPE, text):
            yield _STYLE_ESCAPES.sub(_without_style, near)
    if "=" in text:
        yield from map(_without_quoted, _neighbourhoods(_QUOTED, text))
    if "<!--" in text:
        for near in _neighbourhoods(_COMMENT_WITH_END, text):
            yield _COMMENT.sub("", near)


def _without_style(found: re.Match[str]) -> str:
    code = int(found[1], 16)
    return chr(code) if code < 0x110000 else found[0]


def _without_quoted(text: str) -> str:
    return _decoded(binascii.a2b_qp(text.encode("utf-8", "surrogatepass")))


def bytes_in(text: str, plain: str) -> Iterator[bytes]:
    """Yield the bytes that the escapes of a text may represent; `plain` has no escapes.

    An address has a byte for `%` and two digits, other escapes one for each character.
    """
    if "%" in text and _PERCENT_CONTROL.search(text):
        for found in _ADDRESS.finditer(text):
            if _PERCENT_CONTROL.search(found[0]):
                yield unquote_to_bytes(found[0])
    if _CONTROL.search(plain) and not _CONTROL.search(text):
        for found in _CHARACTERS_AS_BYTES.finditer(plain):
            if _CONTROL.search(found[0]):
                yield found[0].encode("latin-1")


def _neighbourhoods(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    """Yield the parts of a text that have a pattern, with their neighbourhoods."""
    begun, end = 0, None
    for found in pattern.finditer(text):
        start = max(found.start() - NEIGHBOURHOOD, 0)
        if end is None:
            begun = start
        elif start > end:
            yield text[begun:end]
            begun = start
        end = found.end() + NEIGHBOURHOOD
    if end is not None:
        yield text[begun:end]
