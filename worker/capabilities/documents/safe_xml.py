"""Parse the untrusted XML of a document: no document types, no entities, no network."""

from lxml import etree

from storage.values.messages import message_text
from storage.values.refusals import RefusalReason, refuse


def parse_xml(raw: bytes, kind: str) -> etree._Element | RefusalReason:
    """Return the root of `raw`; `kind` is the name of the format in messages.

    No format that uses this parser has a document type, so each one is refused as `xml_unsafe`. The
    parser refuses nesting beyond 256 levels, texts beyond 10 MB and entities that grow.
    """
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        if b"<!ENTITY" in raw.replace(b"\0", b""):
            return refuse("xml_unsafe")
        return refuse(
            "document_invalid", kind=kind, reason=message_text("xml_invalid", reason=error)[:200]
        )
    if root.getroottree().docinfo.internalDTD is not None:
        return refuse("xml_unsafe")
    return root


def local_name(element: etree._Element) -> str:
    """Return the name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]
