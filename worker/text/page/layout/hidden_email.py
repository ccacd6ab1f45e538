"""Show the e-mail addresses of a page that are hidden from harvesters by a key beside them."""

import re
from collections.abc import Iterator

from lxml.etree import XPath
from lxml.html import HtmlElement

HIDDEN = re.compile(r"[0-9a-f]{6,400}", re.IGNORECASE)
"""
>>> bool(HIDDEN.fullmatch("2b42454d446b4944"))
True
"""
LINK = re.compile(r"/cdn-cgi/l/email-protection#(?P<code>[0-9a-f]{6,400})\Z", re.IGNORECASE)
"""
>>> LINK.search("https://bote.example/cdn-cgi/l/email-protection#2b42454d44")["code"]
'2b42454d44'
"""
_CODED = XPath("descendant::*[@data-cfemail]")
_ANCHORED = XPath("descendant::a[contains(@href, '#')]")


def show_addresses(tree: HtmlElement) -> int:
    """Write hidden addresses into the tree in clear, and return how many.

    The key is another one at each look, so that two captures of one text never say the same; a
    browser shows the address.
    """
    shown = 0
    for element, code in list(_hidden(tree)):
        address = decoded(code)
        if address is not None:
            for child in list(element):
                element.remove(child)
            element.text = address
            shown += 1
    return shown


def decoded(code: str) -> str | None:
    """Return the address that a code stands for: its first byte is the key of the others.

    >>> decoded("2a43444c456a48455e4f044f524b475a464f"), decoded("2a43444c45")
    ('info@bote.example', None)
    """
    if len(code) % 2 or not HIDDEN.fullmatch(code):
        return None
    data = bytes.fromhex(code)
    text = bytes(byte ^ data[0] for byte in data[1:]).decode("utf-8", "replace")
    return text if "@" in text and text.isprintable() else None


def _hidden(tree: HtmlElement) -> Iterator[tuple[HtmlElement, str]]:
    for element in _CODED(tree):
        yield element, element.get("data-cfemail") or ""
    for element in _ANCHORED(tree):
        link = LINK.search(element.get("href") or "")
        if link and not len(element) and "protected" in (element.text or ""):
            yield element, link["code"]
