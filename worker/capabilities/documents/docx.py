"""Read a document of Word (DOCX, Office Open XML): paragraphs, styles, notes and properties."""

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from storage.values.draft import CleaningStep, Draft, Extractor, Json, Role
from storage.values.messages import message_text
from storage.values.refusals import RefusalReason, refuse
from worker.capabilities.documents.press_text import (
    DocumentBlock,
    OfficeParagraph,
    PressText,
    build_draft,
    document_extractor,
)
from worker.capabilities.documents.safe_xml import local_name
from worker.capabilities.documents.zip_parts import PartError, ZipParts
from worker.text.hints import Hints, TextSettings

NAME = "lesart-docx"
VERSION = "2"
"""Incremented with every change that can alter a text, role, mark or field."""
KIND = message_text("docx")
MAIN_PART = "word/document.xml"
_NOTES = ("word/footnotes.xml", "word/endnotes.xml")
_SPACES = (
    "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}",
    "{http://purl.oclc.org/ooxml/wordprocessingml/main}",
)
"""The namespaces of transitional and strict documents."""
_SKIPPED = frozenset({"del", "moveFrom", "Fallback", "pPr", "sectPr", "rt", "docPartPr", "sdtPr"})
_ROLES_BY_STYLE: dict[str, Role] = {
    "title": "headline", "subtitle": "subheading", "list paragraph": "list",
    "quote": "quote", "intense quote": "quote", "caption": "caption",
}  # fmt: skip
_CHARACTERS = {"tab": " ", "br": "\n", "cr": "\n", "noBreakHyphen": "\u2011"}
_KEYS = {
    "title": "title", "creator": "author", "language": "language", "modified": "modified",
    "created": "created", "keywords": "keywords", "subject": "subject", "category": "category",
    "description": "description", "lastModifiedBy": "last_modified_by", "revision": "revision",
}  # fmt: skip
_OFF = frozenset({"0", "false", "off"})
MAX_STYLE_CHAIN = 20


@dataclass(frozen=True, slots=True)
class _WordStyle:
    name: str
    parent: str | None
    is_bold: bool
    level: str | None


@dataclass(slots=True)
class _WordParagraph(OfficeParagraph):
    is_bold: bool = False


def extractor(settings: TextSettings) -> Extractor:
    """Return the extractor of DOCX documents."""
    return document_extractor(NAME, VERSION, settings)


def read(raw: bytes, hints: Hints, settings: TextSettings) -> Draft | RefusalReason:
    """Read the text of a DOCX document, with all tracked changes accepted.

    Headers and footers are separate parts and are not read. Refusals in addition to those of every
    text: `document_invalid`, `document_encrypted`, `xml_unsafe`.
    """
    try:
        parts = ZipParts(raw, KIND)
        press = _read_parts(parts)
    except PartError as error:
        return error.refused
    return build_draft(press, hints, settings, extractor(settings))


def _read_parts(parts: ZipParts) -> PressText:
    body = parts.root(MAIN_PART)
    if body is None:
        reason = message_text("part_missing", name=MAIN_PART)
        raise PartError(refuse("document_invalid", kind=KIND, reason=reason))
    styles = _styles(parts.root("word/styles.xml"))
    reader = _WordBody(styles)
    blocks = list(reader.blocks(body))
    for name in _NOTES:
        notes = parts.root(name)
        if notes is not None:
            blocks += reader.blocks(notes)
    properties = parts.root("docProps/core.xml")
    record: dict[str, Json] = {}
    for child in () if properties is None else properties:
        if text := "".join(child.itertext()).strip():
            record.setdefault(_KEYS.get(local_name(child), local_name(child)), text)
    press = PressText("docx", blocks, record, reader.steps(), reader.flags())
    removed = [n for n in parts.names() if n.startswith(("word/header", "word/footer"))]
    if removed:
        press.steps.append(CleaningStep("headers_and_footers", {"parts": sorted(removed)[:100]}))
    return press


def _value(element: etree._Element | None, name: str = "val") -> str | None:
    if element is None:
        return None
    return next((v for s in _SPACES if (v := element.get(f"{s}{name}")) is not None), None)


def _child(element: etree._Element | None, *path: str) -> etree._Element | None:
    """Return the first descendant at a path of local names."""
    for name in path:
        if element is None:
            return None
        element = next((child for child in element if local_name(child) == name), None)
    return element


def _is_on(properties: etree._Element | None, name: str) -> bool | None:
    """Return the value of a switch such as bold; None if it is not set."""
    switch = _child(properties, name)
    return None if switch is None else _value(switch) not in _OFF


def _styles(root: etree._Element | None) -> dict[str, _WordStyle]:
    styles: dict[str, _WordStyle] = {}
    for each in () if root is None else root:
        if local_name(each) == "style":
            level = _value(_child(each, "pPr", "outlineLvl"))
            name = _value(_child(each, "name")) or ""
            is_bold = _is_on(_child(each, "rPr"), "b") or False
            parent = _value(_child(each, "basedOn"))
            styles[_value(each, "styleId") or ""] = _WordStyle(name.lower(), parent, is_bold, level)
    return styles


class _WordBody:
    """Reads the paragraphs of a part in document order, and counts what it leaves out."""

    def __init__(self, styles: dict[str, _WordStyle]) -> None:
        self._styles = styles
        self._deleted = self._inserted = self._hidden = self._soft_hyphens = 0

    def blocks(self, root: etree._Element) -> Iterator[DocumentBlock]:
        stack: list[_WordParagraph] = []
        walker = etree.iterwalk(root, events=("start", "end"))
        is_bold = False
        for event, element in walker:
            name = local_name(element)
            if event == "end":
                if name == "p" and stack:
                    yield stack.pop().block()
            elif name == "p":
                stack.append(self._start_paragraph(element))
            elif name in _SKIPPED:
                self._deleted += name in {"del", "moveFrom"}
                walker.skip_subtree()
            elif name == "r":
                properties = _child(element, "rPr")
                is_bold = _is_on(properties, "b") or False
                if _is_on(properties, "vanish"):
                    self._hidden += 1
                    walker.skip_subtree()
            elif stack:
                self._read_content(name, element, stack[-1], is_bold=is_bold)

    def steps(self) -> list[CleaningStep]:
        counts = {
            "tracked_changes": {"deleted": self._deleted, "inserted": self._inserted},
            "hidden_text": {"runs": self._hidden},
            "soft_hyphens": {"removed": self._soft_hyphens},
        }
        return [CleaningStep(name, each) for name, each in counts.items() if any(each.values())]

    def flags(self) -> list[str]:
        return ["tracked_changes"] if self._deleted or self._inserted else []

    def _start_paragraph(self, element: etree._Element) -> _WordParagraph:
        properties = _child(element, "pPr")
        style_id = _value(_child(properties, "pStyle"))
        role, is_bold = self._style_role(style_id)
        if role is None and _child(properties, "numPr") is not None:
            role = "list"
        if role is None and _value(_child(properties, "outlineLvl")) in set("012345678"):
            role = "subheading"
        return _WordParagraph(role, is_bold=is_bold)

    def _style_role(self, style_id: str | None) -> tuple[Role | None, bool]:
        """Return the role and the weight of a style or of the styles that it is based on."""
        role: Role | None = None
        is_bold = False
        for _ in range(MAX_STYLE_CHAIN):
            style = self._styles.get(style_id or "")
            if style is None:
                break
            is_bold = is_bold or style.is_bold
            if style.name.startswith("heading") or style.level in set("012345678"):
                role = role or "subheading"
            role = role or _ROLES_BY_STYLE.get(style.name)
            style_id = style.parent
        return role, is_bold

    def _read_content(
        self, name: str, element: etree._Element, paragraph: _WordParagraph, *, is_bold: bool
    ) -> None:
        if name == "t":
            paragraph.add_run(element.text or "", is_bold=is_bold or paragraph.is_bold)
        elif name in _CHARACTERS:
            if _value(element, "type") not in {"page", "column"}:
                paragraph.pieces.append(_CHARACTERS[name])
        elif name == "softHyphen":
            self._soft_hyphens += 1
        elif name in {"ins", "moveTo"}:
            self._inserted += 1
