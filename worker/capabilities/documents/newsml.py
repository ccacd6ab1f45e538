"""Read a NewsML-G2 item of an agency: its metadata, and its text in NITF, XHTML or plain text."""

from collections.abc import Iterator

from lxml import etree

from storage.values.draft import Draft, Extractor, Role
from storage.values.fields import FIELDS
from storage.values.messages import message_text
from storage.values.refusals import RefusalReason, refuse
from worker.capabilities.documents.agency_item import (
    AgencyItem,
    build_item_draft,
    item_extractor,
)
from worker.capabilities.documents.press_text import DocumentBlock
from worker.capabilities.documents.safe_xml import local_name, parse_xml
from worker.text.annotate.roles import blocks
from worker.text.hints import Hints, TextSettings
from worker.text.page.layout.fragment import fragment_blocks

NAME = "lesart-newsml"
VERSION = "2"
"""Incremented with every change that can alter a text, role, mark or field."""
KIND = message_text("newsml")
G2 = "{http://iptc.org/std/nar/2006-10-01/}"
XML_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_NITF_BLOCKS = frozenset({"p", "hl2", "li", "dt", "dd", "td", "th", "media-caption", "tagline"})
_NITF_ROLES: dict[str, Role] = {
    "hl2": "subheading", "li": "list", "bq": "quote", "block-quote": "quote",
    "media-caption": "caption", "media": "caption",
}  # fmt: skip


def extractor(settings: TextSettings) -> Extractor:
    """Return the extractor of NewsML-G2."""
    return item_extractor(NAME, VERSION, settings)


def read(raw: bytes, hints: Hints, settings: TextSettings) -> Draft | RefusalReason:
    """Read a news item, or a news message that contains one item with a text.

    Refusals in addition to those of every text: `document_invalid`, `xml_unsafe`, and
    `item_without_text` for pictures, films, packages, events and concepts.
    """
    root = parse_xml(raw, KIND)
    if isinstance(root, RefusalReason):
        return root
    if not str(root.tag).startswith(G2):
        return refuse("document_invalid", kind=KIND, reason=message_text("other_xml"))
    items = [root] if root.tag == f"{G2}newsItem" else list(root.iter(f"{G2}newsItem"))
    texts = [item for item in items if _content(item) is not None]
    if len(texts) > 1:
        reason = message_text("several_texts", count=len(texts))
        return refuse("document_invalid", kind=KIND, reason=reason)
    if not texts:
        kind = str(root.tag).removeprefix(G2)
        return refuse("item_without_text", reason=message_text("item_without_text", kind=kind))
    item = _read_item(texts[0])
    return (
        item
        if isinstance(item, RefusalReason)
        else build_item_draft(item, hints, settings, extractor(settings))
    )


def split(raw: bytes) -> list[tuple[str, bytes]] | RefusalReason:
    """Return identifier and XML of each item with a text in a message; none if it has one text.

    Packages only refer to items. Items without a text are pictures, films and events.
    """
    root = parse_xml(raw, KIND)
    if isinstance(root, RefusalReason):
        return root
    texts = [item for item in root.iter(f"{G2}newsItem") if _content(item) is not None]
    if len(texts) < 2:
        return []
    return [((item.get("guid") or "").strip(), _extract_document(item)) for item in texts]


def _extract_document(item: etree._Element) -> bytes:
    """Return an item as a document of its own, with the language that its message declares."""
    languages = (each.get(XML_LANGUAGE) for each in (item, *item.iterancestors()))
    language = next((each for each in languages if each), None)
    if language is not None:
        item.set(XML_LANGUAGE, language)
    raw = etree.tostring(item, encoding="utf-8", xml_declaration=True, with_tail=False)
    assert isinstance(raw, bytes)
    return raw


def _content(item: etree._Element) -> etree._Element | None:
    """Return the element that contains the text of an item."""
    paths = (f"{G2}contentSet/{G2}inlineXML", f"{G2}contentSet/{G2}inlineData")
    found = (each for path in paths for each in item.iterfind(path))
    return next((each for each in found if "".join(each.itertext()).strip()), None)


def _read_item(root: etree._Element) -> AgencyItem | RefusalReason:
    item = AgencyItem("newsml", identifier=(root.get("guid") or "").strip() or None)
    created = root.find(f"{G2}itemMeta/{G2}versionCreated")
    item.created = None if created is None else created.text
    item.add("version", root.get("version"), "version")
    content = _content(root)
    assert content is not None
    found = _blocks(content)
    if isinstance(found, RefusalReason):
        return found
    item.blocks = found
    _add_text_values(content, item)
    for spec in FIELDS:
        for path in spec.newsml:
            for element in root.iterfind("/".join(G2 + part for part in path.split("/"))):
                item.add(spec.name, _value(element), path)
    item.add("language", root.get(XML_LANGUAGE), "xml:lang")
    return item


def _value(element: etree._Element) -> str:
    """Return the name of a concept, otherwise its text, its tag or its code without the scheme."""
    name = element.find(f"{G2}name")
    if name is not None:
        return "".join(name.itertext())
    text = "".join(element.itertext()).strip()
    code = element.get("qcode", "").partition(":")[2] or element.get("literal")
    return text or element.get("tag") or code or element.get("uri") or ""


def _blocks(content: etree._Element) -> list[DocumentBlock] | RefusalReason:
    kind = content.get("contenttype", "")
    nitf = next((each for each in content.iter() if local_name(each) == "nitf"), None)
    if nitf is not None:
        return list(_nitf_blocks(nitf))
    if len(content):  # XHTML, or paragraphs of another vocabulary that uses its names
        html = "".join(etree.tostring(child, encoding="unicode") for child in content)
    else:
        html = content.text or ""
        if "html" not in kind and "<" not in html:
            return [DocumentBlock(text) for text in blocks(html)]
    pairs = fragment_blocks(html)
    if isinstance(pairs, RefusalReason):
        return pairs
    return [DocumentBlock(text, role) for text, role in pairs]


def _nitf_blocks(nitf: etree._Element) -> Iterator[DocumentBlock]:
    """Yield the paragraphs of the body; head and headlines are metadata."""
    body = next((each for each in nitf.iter() if local_name(each) == "body.content"), nitf)
    for element in body.iter():
        if local_name(element) not in _NITF_BLOCKS:
            continue
        if any(local_name(each) in _NITF_BLOCKS for each in element.iterdescendants()):
            continue
        names = (local_name(each) for each in (element, *element.iterancestors()))
        role = next((_NITF_ROLES[name] for name in names if name in _NITF_ROLES), None)
        text = " ".join("".join(element.itertext()).split())
        yield DocumentBlock(text, role)


def _add_text_values(content: etree._Element, item: AgencyItem) -> None:
    """Add the headline and the byline that readers see in the text itself."""
    for name, tag in (("title", "hl1"), ("authors", "byline")):
        for element in content.iter(f"{{*}}{tag}"):
            item.add(name, "".join(element.itertext()), f"nitf {tag}")
