"""Parse the characters of a page once, into the tree that every later step reads."""

import re

from lxml.etree import ElementDefaultClassLookup, HTMLParser, LxmlError, ParserError, strip_elements
from lxml.html import HtmlElement, document_fromstring

from storage.values.refusals import Refused, refuse

LONE_SURROGATE = re.compile(
    r"&#(?:[xX]0*[dD][89a-fA-F][0-9a-fA-F]{2}|0*5(?:529[6-9]|5[3-9]\d\d|6\d{3}|7[0-2]\d\d"
    r"|73[0-3]\d|734[0-3]))(?![0-9a-fA-F]);?"
)
"""A reference to half of a character pair; libxml2 drops all that follows it.

>>> bool(LONE_SURROGATE.search("wei&#xD83D;ter")), bool(LONE_SURROGATE.search("&#55296;"))
(True, True)
>>> LONE_SURROGATE.search("&#54000; &#57344; &#xE000;")
"""

FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Control characters that no tree can hold.

>>> FORBIDDEN.sub("", "a\\x00b\\x0bc")
'abc'
"""

CLOSED_DOCTYPE = re.compile(r"^\s*<!\s*doctype[^>/]{0,500}/[^<>]{0,500}>", re.IGNORECASE)
"""A DOCTYPE with a slash at which libxml2 loses the document (bug 1955915 of lxml).

>>> bool(CLOSED_DOCTYPE.match('<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0//EN" />'))
True
"""

CLOSED_HTML = re.compile(r"(<html\b[^>]{0,500}?)\s*/>", re.IGNORECASE)
"""A root element that closes itself, as some templates write it.

>>> CLOSED_HTML.sub(r"\\1>", '<html lang="de"/><body>')
'<html lang="de"><body>'
"""

_FORBIDDEN_BYTES = bytes(code for code in range(32) if FORBIDDEN.match(chr(code)))
_NONCHARACTERS = ("\ufffe", "\uffff")
_BEGINNING = 4096  # characters
_ONE_CLASS = ElementDefaultClassLookup(element=HtmlElement)
"""One class for every element: lxml.html would ask a function of Python for each, every time."""
_NEVER_READ = ("script", "style", "noscript", "template", "svg", "iframe", "object")
_MOST_NESTED = "nesting deeper than the parser's limit"


def replace_surrogates(text: str) -> tuple[str, int]:
    """Return `text` with references to halves of character pairs as U+FFFD, and how many."""
    return LONE_SURROGATE.subn("\ufffd", text)


def parse_page(text: str) -> HtmlElement | Refused:
    """Return the tree of a page whose characters are `text`.

    The parser stops at 256 levels; what lies deeper would be lost without a word, so such a
    page is refused instead of read by half.
    """
    clean = CLOSED_DOCTYPE.sub("<!DOCTYPE html>", text, count=1)
    closed = CLOSED_HTML.search(clean, 0, _BEGINNING)
    if closed:
        clean = f"{clean[: closed.end(1)]}>{clean[closed.end() :]}"
    for noncharacter in _NONCHARACTERS:
        clean = clean.replace(noncharacter, "")
    encoded = clean.encode("utf-8", "replace").translate(None, _FORBIDDEN_BYTES)
    parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, collect_ids=False)
    parser.set_element_class_lookup(_ONE_CLASS)
    try:
        tree = document_fromstring(encoded, parser=parser)
    except (ParserError, LxmlError, ValueError):
        tree = None
    reason = _limit_hit(parser)
    if reason:
        return refuse("extraction_empty", reason=f" ({reason})")
    return refuse("extraction_empty", reason="") if tree is None else _in_one_body(tree)


def _in_one_body(tree: HtmlElement) -> HtmlElement:
    """Return a tree with what follows the end of its body inside of it, as browsers show it.

    What follows the end of a whole page is parsed as another tree beside it.
    """
    body = tree.find("body")
    if body is not None:
        others = [child for other in tree.itersiblings() for child in other]
        for stray in (*body.itersiblings(), *others):
            body.append(stray)
    return tree


def prepare(tree: HtmlElement) -> None:
    """Take out of a tree what nobody reads, and put a blank where a line breaks.

    JSON-LD goes too: it is to be read before. Every step that follows has less to walk, and
    the text of an element is that of its nodes.
    """
    strip_elements(tree, *_NEVER_READ, with_tail=False)
    for line_break in tree.iter("br"):
        line_break.tail = f" {line_break.tail or ''}"


def _limit_hit(parser: HTMLParser) -> str | None:
    for entry in list(parser.error_log)[-5:]:
        if entry.type_name == "ERR_RESOURCE_LIMIT":
            deep = "depth" in entry.message
            return _MOST_NESTED if deep else "a part larger than the parser's limit"
    return None
