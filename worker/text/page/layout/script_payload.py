"""Find the text of a page that scripts build: it lies as markup in a string of its data."""

import json
import re
from collections.abc import Iterator
from itertools import chain

from lxml.html import HtmlElement

from storage.values.refusals import Refused
from worker.text.page.layout.blocks import squeezed_text
from worker.text.page.layout.tree import parse_page

_LARGEST_SCRIPTS = 3_000_000  # characters
_SHORTEST_STRING = 300
_SHORTEST_TEXT = 300
_SHORTEST_PARAGRAPH = 40
_MOST_STRINGS = 200

STRING = re.compile(rf'(?<!\\)"((?:[^"\\]|\\.){{{_SHORTEST_STRING},}}+)"')
r"""A long string of JavaScript or JSON.

>>> STRING.search('{"body": "' + "a" * 500 + '"}').span(1)
(10, 510)
"""

PARAGRAPH_TAG = re.compile(r"<p[\s>]|\\u003cp(?:\s|\\u003e)|&lt;p(?:\s|&gt;)", re.IGNORECASE)
r"""The beginning of a paragraph in markup, escaped or not.

>>> bool(PARAGRAPH_TAG.search(r"\u003cp\u003eText")), bool(PARAGRAPH_TAG.search("<pre>"))
(True, False)
"""


def add_payload(tree: HtmlElement) -> bool:
    """Append the longest text that the scripts of `tree` hold as markup, if there is one.

    Some sites send their articles as data and build the page in the browser. Only a page that
    shows no text of its own is to be asked for that.
    """
    body = tree.find("body")
    fragments = [] if body is None else list(_fragments(tree))
    best = max(fragments, key=_running, default=None)
    if body is None or best is None or _running(best) < _SHORTEST_TEXT:
        return False
    best.tag = "article"
    body.append(best)
    return True


def shows_text(tree: HtmlElement) -> bool:
    """Return whether a page shows any paragraph worth the name."""
    places = chain(tree.iter("p"), tree.iter("td", "div"))
    return any(len(squeezed_text(place)) >= _SHORTEST_PARAGRAPH for place in places)


def _fragments(tree: HtmlElement) -> Iterator[HtmlElement]:
    scripts = "\n".join(script.text or "" for script in tree.iter("script"))[:_LARGEST_SCRIPTS]
    found = (m[1] for m in STRING.finditer(scripts) if PARAGRAPH_TAG.search(m[1]))
    for _, literal in zip(range(_MOST_STRINGS), found, strict=False):
        parsed = parse_page(f"<html><body>{_decoded(literal)}</body></html>")
        part = None if isinstance(parsed, Refused) else parsed.find("body")
        if part is not None:
            yield part


def _decoded(literal: str) -> str:
    r"""Return what a string literal means; of JSON inside it, the string that holds markup.

    >>> _decoded(r"\u003cp\u003eText")
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


def _running(part: HtmlElement) -> int:
    return sum(len(squeezed_text(paragraph)) for paragraph in part.iter("p"))
