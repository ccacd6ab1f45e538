"""Parse a page into the tree that all later steps share."""

import re

from lxml.etree import ElementDefaultClassLookup, HTMLParser, LxmlError, ParserError, strip_elements
from lxml.html import HtmlElement, document_fromstring

from storage.values.messages import message_text
from storage.values.refusals import RefusalReason, refuse

LONE_SURROGATE = re.compile(
    r"&#(?:[xX]0*[dD][89a-fA-F][0-9a-fA-F]{2}|0*5(?:529[6-9]|5[3-9]\d\d|6\d{3}|7[0-2]\d\d"
    r"|73[0-3]\d|734[0-3]))(?![0-9a-fA-F]);?"
)
"""A reference to a lone surrogate; libxml2 drops the rest of the text after one.

>>> bool(LONE_SURROGATE.search("wei&#xD83D;ter")), bool(LONE_SURROGATE.search("&#55296;"))
(True, True)
>>> LONE_SURROGATE.search("&#54000; &#57344; &#xE000;")
"""

FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Control characters that lxml rejects.

>>> FORBIDDEN.sub("", "a\\x00b\\x0bc")
'abc'
"""

CLOSED_DOCTYPE = re.compile(r"^\s*<!\s*doctype[^>/]{0,500}/[^<>]{0,500}>", re.IGNORECASE)
"""A DOCTYPE with a slash, at which libxml2 loses the document (bug 1955915 of lxml).

>>> bool(CLOSED_DOCTYPE.match('<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0//EN" />'))
True
"""

CLOSED_HTML = re.compile(r"(<html\b[^>]{0,500}?)\s*/>", re.IGNORECASE)
"""A self-closing root element, as some templates produce it.

>>> CLOSED_HTML.sub(r"\\1>", '<html lang="de"/><body>')
'<html lang="de"><body>'
"""

_FORBIDDEN_BYTES = bytes(code for code in range(32) if FORBIDDEN.match(chr(code)))
_NONCHARACTERS = ("\ufffe", "\uffff")
_BEGINNING = 4096  # characters
_ONE_CLASS = ElementDefaultClassLookup(element=HtmlElement)
"""One class for every element: lxml.html would call a Python function for each."""
_NEVER_READ = ("script", "style", "noscript", "template", "svg", "iframe", "object")


def replace_surrogates(text: str) -> tuple[str, int]:
    """Replace references to lone surrogates by U+FFFD, and return their number."""
    return LONE_SURROGATE.subn("\ufffd", text)


def strip_forbidden(text: str) -> tuple[str, int]:
    r"""Remove control characters and noncharacters, and return their number.

    A form feed is white space in HTML and becomes a blank.

    >>> strip_forbidden("Ein\x0cSatz\x08.")
    ('Ein Satz.', 2)
    """
    encoded = text.encode("utf-8", "replace")
    is_clean = len(encoded.translate(None, _FORBIDDEN_BYTES)) == len(encoded)
    if is_clean and not any(character in text for character in _NONCHARACTERS):
        return text, 0
    return FORBIDDEN.subn(lambda match: " " if match[0] == "\f" else "", text)


def parse_page(text: str) -> HtmlElement | RefusalReason:
    """Parse a page into a tree.

    The parser ignores levels deeper than 256. Such a page is refused, because part of its text
    would be lost.
    """
    clean = CLOSED_DOCTYPE.sub("<!DOCTYPE html>", text, count=1)
    closed = CLOSED_HTML.search(clean, 0, _BEGINNING)
    if closed:
        clean = f"{clean[: closed.end(1)]}>{clean[closed.end() :]}"
    encoded = strip_forbidden(clean)[0].encode("utf-8", "replace")
    parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, collect_ids=False)
    parser.set_element_class_lookup(_ONE_CLASS)
    try:
        tree = document_fromstring(encoded, parser=parser)
    except (ParserError, LxmlError, ValueError):
        tree = None
    reason = _parser_limit(parser)
    if reason:
        return refuse("extraction_empty", reason=reason)
    return refuse("extraction_empty", reason="") if tree is None else _merge_bodies(tree)


def _merge_bodies(tree: HtmlElement) -> HtmlElement:
    """Move content after the end of the body into the body, as browsers do.

    Content after the end of the document becomes a sibling tree of the parser.
    """
    body = tree.find("body")
    if body is not None:
        others = [child for other in tree.itersiblings() for child in other]
        for stray in (*body.itersiblings(), *others):
            body.append(stray)
    return tree


def prepare_tree(tree: HtmlElement) -> None:
    """Remove elements without text for readers, and insert a blank at line breaks.

    JSON-LD is removed too, so it must be read before. Afterwards the text of an element is that of
    its nodes, and later steps have fewer elements to visit.
    """
    strip_elements(tree, *_NEVER_READ, with_tail=False)
    for line_break in tree.iter("br"):
        line_break.tail = f" {line_break.tail or ''}"


def _parser_limit(parser: HTMLParser) -> str | None:
    for entry in list(parser.error_log)[-5:]:
        if entry.type_name == "ERR_RESOURCE_LIMIT":
            return message_text("nested_markup" if "depth" in entry.message else "large_part")
    return None
