"""Reveal e-mail addresses that Cloudflare obfuscates against harvesters."""

import re
from collections.abc import Iterator

from lxml.etree import XPath
from lxml.html import HtmlElement

HEX_CODE = re.compile(r"[0-9a-f]{6,400}", re.IGNORECASE)
"""An address in hexadecimal digits, encrypted with its first byte.

>>> bool(HEX_CODE.fullmatch("2b42454d446b4944"))
True
"""
PROTECTED_LINK = re.compile(
    r"/cdn-cgi/l/email-protection#(?P<code>[0-9a-f]{6,400})\Z", re.IGNORECASE
)
"""A link that Cloudflare puts in place of an address.

>>> PROTECTED_LINK.search("https://bote.example/cdn-cgi/l/email-protection#2b42454d44")["code"]
'2b42454d44'
"""
_WITH_ADDRESS_CODE = XPath("descendant::*[@data-cfemail]")
_WITH_FRAGMENT = XPath("descendant::a[contains(@href, '#')]")


def reveal_addresses(tree: HtmlElement) -> int:
    """Replace obfuscated addresses in the tree by plain text, and return their number.

    The key changes with each response, so two captures of an unchanged page would differ. Browsers
    display the plain address.
    """
    count = 0
    for element, code in list(_find_protected(tree)):
        address = decode_address(code)
        if address is not None:
            for child in list(element):
                element.remove(child)
            element.text = address
            count += 1
    return count


def decode_address(code: str) -> str | None:
    """Decode an address: the first byte is the XOR key of the remaining bytes.

    >>> decode_address("2a43444c456a48455e4f044f524b475a464f"), decode_address("2a43444c45")
    ('info@bote.example', None)
    """
    if len(code) % 2 or not HEX_CODE.fullmatch(code):
        return None
    data = bytes.fromhex(code)
    text = bytes(byte ^ data[0] for byte in data[1:]).decode("utf-8", "replace")
    return text if "@" in text and text.isprintable() else None


def _find_protected(tree: HtmlElement) -> Iterator[tuple[HtmlElement, str]]:
    for element in _WITH_ADDRESS_CODE(tree):
        yield element, element.get("data-cfemail") or ""
    for element in _WITH_FRAGMENT(tree):
        link = PROTECTED_LINK.search(element.get("href") or "")
        if link and not len(element) and "protected" in (element.text or ""):
            yield element, link["code"]
