"""Decode the bytes of a page and parse them into a tree."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml.etree import XPath
from lxml.html import HtmlElement

from storage.values.draft import CleaningStep
from storage.values.refusals import RefusalReason
from worker.text.invisible import STEP_NAME as INVISIBLE_STEP
from worker.text.invisible import decode_references, stamp, strip_invisible
from worker.text.page.layout.charset import decode_page
from worker.text.page.layout.tree import parse_page, replace_surrogates, strip_forbidden

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


@dataclass(frozen=True, slots=True)
class DecodedTree:
    """The tree of a page and its decoded text, with the flags and steps of decoding."""

    tree: HtmlElement
    text: str
    flags: tuple[str, ...]
    steps: tuple[CleaningStep, ...]


def decode_tree(raw: bytes, charset: str | None) -> DecodedTree | RefusalReason:
    """Decode and parse a page.

    Refusals: those of `decode_page` and `parse_page`.
    """
    decoded = decode_page(raw, charset)
    if isinstance(decoded, RefusalReason):
        return decoded
    text, surrogates = replace_surrogates(decoded.text)
    text, invisible = strip_invisible(decode_references(text))
    text, controls = strip_forbidden(text)
    tree = parse_page(text)
    if isinstance(tree, RefusalReason):
        return tree
    addresses = reveal_addresses(tree)
    flags, steps = decoded.flags, decoded.steps
    if surrogates:
        flags = (*flags, "surrogate_replaced")
        steps = (*steps, CleaningStep("replace_surrogates", {"replaced": surrogates}))
    if controls:
        steps = (*steps, CleaningStep("control_characters", {"removed": controls}))
    if invisible:
        content = stamp(invisible)
        steps = (*steps, CleaningStep(INVISIBLE_STEP, {"stamp": content} if content else {}))
        flags = (*flags, "invisible_chars") if content else flags
    if addresses:
        steps = (*steps, CleaningStep("show_addresses", {"shown": addresses}))
    return DecodedTree(tree, text, flags, steps)
