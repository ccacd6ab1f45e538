"""PURE: untrusted XML, parsed without entities, document types or network access."""

import re
from typing import TYPE_CHECKING

from storage.values.lazy import LazyModule
from storage.values.refusals import RefusalReason, refuse

if TYPE_CHECKING:
    from lxml import etree
else:
    etree = LazyModule("lxml.etree")

ENTITY = re.compile(rb"<!ENTITY\s[^>]{0,1000}>?")
"""One declaration of an entity.

>>> ENTITY.findall(b'<!DOCTYPE a [<!ENTITY b "c">]>')
[b'<!ENTITY b "c">']
"""

PLAIN_ENTITY = re.compile(rb"<!ENTITY\s+\w+\s+(?:\"[^&%\"]*\"|'[^&%']*')\s*>")
"""A declaration of an entity that is plain text: no other entity, no file, no address.

>>> bool(PLAIN_ENTITY.fullmatch(b'<!ENTITY b "&c;">'))
False
"""

UTF_7 = re.compile(rb"encoding\s*=\s*[\"']utf-?7", re.IGNORECASE)
"""A declared encoding in which any character can be hidden.

>>> bool(UTF_7.search(b"<?xml version='1.0' encoding='UTF-7'?>"))
True
"""

DECLARATION_BYTES = 200


def unsafe(raw: bytes) -> RefusalReason | None:
    """Return the refusal for XML with declarations that are not safe to read, or None.

    Entities for plain text are safe. Entities for other entities, files or addresses are not, nor
    is UTF-7.
    """
    text = raw.replace(b"\0", b"") if b"\0" in raw[:DECLARATION_BYTES] else raw
    if UTF_7.search(text[:DECLARATION_BYTES]):
        return refuse("xml_unsafe")
    if b"<!DOCTYPE" not in text:
        return None
    if all(PLAIN_ENTITY.fullmatch(found) for found in ENTITY.findall(text)):
        return None
    return refuse("xml_unsafe")


def strip_stray_nuls(raw: bytes) -> bytes:
    r"""Remove NUL characters, at which parsers stop; UTF-16 has them from the beginning on.

    >>> strip_stray_nuls(b"<rss>\0</rss>"), strip_stray_nuls(b"<\0r\0/\0>\0")
    (b'<rss></rss>', b'<\x00r\x00/\x00>\x00')
    """
    return raw if b"\0" in raw[:4] else raw.replace(b"\0", b"")


def parse(raw: bytes) -> "etree._Element | None":
    """Return the root of `raw`, repaired if it is ill-formed; None if there is none.

    The parser cuts off nesting beyond 255 levels and texts beyond 10 MB.
    """
    parser = etree.XMLParser(
        resolve_entities="internal",
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        recover=True,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(strip_stray_nuls(raw), parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def local_name(element: "etree._Element") -> str:
    """Return the name of an element in lower case, without its namespace."""
    return str(element.tag).rpartition("}")[2].lower()
