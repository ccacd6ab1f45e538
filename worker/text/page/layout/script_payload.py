"""Find the text of pages that scripts build: markup inside a string literal."""

import json
import re
from collections.abc import Iterator
from itertools import chain

from lxml.html import HtmlElement

from storage.values.refusals import RefusalReason
from worker.text.page.layout.blocks import single_line_text
from worker.text.page.layout.tree import parse_page

_LARGEST_SCRIPTS = 3_000_000  # characters
_SHORTEST_STRING = 300
_SHORTEST_TEXT = 300
_SHORTEST_PARAGRAPH = 40
_MAX_STRINGS = 200

STRING = re.compile(rf'(?<!\\)"((?:[^"\\]|\\.){{{_SHORTEST_STRING},}}+)"')
r"""A long string of JavaScript or JSON.

>>> STRING.search('{"body": "' + "a" * 500 + '"}').span(1)
(10, 510)
"""

PARAGRAPH_TAG = re.compile(r"<p[\s>]|\\u003cp(?:\s|\\u003e)|&lt;p(?:\s|&gt;)", re.IGNORECASE)
r"""The beginning of a paragraph tag, escaped or not.

>>> bool(PARAGRAPH_TAG.search(r"\u003cp\u003eText")), bool(PARAGRAPH_TAG.search("<pre>"))
(True, False)
"""


def append_script_text(tree: HtmlElement) -> bool:
    """Append the longest markup text in the scripts of `tree`; return whether there was one.

    Some sites send articles as data and build the page in the browser. To be called only for pages
    without visible text.
    """
    body = tree.find("body")
    fragments = [] if body is None else list(_fragments(tree))
    best = max(fragments, key=_paragraph_length, default=None)
    if body is None or best is None or _paragraph_length(best) < _SHORTEST_TEXT:
        return False
    best.tag = "article"
    body.append(best)
    return True


def has_visible_text(tree: HtmlElement) -> bool:
    """Check whether the page has a paragraph of at least 40 characters."""
    places = chain(tree.iter("p"), tree.iter("td", "div"))
    return any(len(single_line_text(place)) >= _SHORTEST_PARAGRAPH for place in places)


def _fragments(tree: HtmlElement) -> Iterator[HtmlElement]:
    scripts = "\n".join(script.text or "" for script in tree.iter("script"))[:_LARGEST_SCRIPTS]
    literals = (m[1] for m in STRING.finditer(scripts) if PARAGRAPH_TAG.search(m[1]))
    for _, literal in zip(range(_MAX_STRINGS), literals, strict=False):
        parsed = parse_page(f"<html><body>{_decode_literal(literal)}</body></html>")
        part = None if isinstance(parsed, RefusalReason) else parsed.find("body")
        if part is not None:
            yield part


def _decode_literal(literal: str) -> str:
    r"""Decode a string literal; if it contains JSON, return the string with markup inside it.

    >>> _decode_literal(r"\u003cp\u003eText")
    '<p>Text'
    """
    try:
        decoded = str(json.loads(f'"{literal}"', strict=False))
    except ValueError:
        return ""
    if "\\u003c" not in decoded and not decoded.lstrip().startswith(("{", "[")):
        return decoded
    inner = next((m[1] for m in STRING.finditer(decoded) if PARAGRAPH_TAG.search(m[1])), None)
    try:
        return decoded if inner is None else str(json.loads(f'"{inner}"', strict=False))
    except ValueError:
        return ""


def _paragraph_length(part: HtmlElement) -> int:
    return sum(len(single_line_text(paragraph)) for paragraph in part.iter("p"))
