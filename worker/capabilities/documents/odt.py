"""Read a document of LibreOffice (ODT, OpenDocument): paragraphs, styles, notes and properties."""

from collections.abc import Iterator
from dataclasses import dataclass, field

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

NAME = "lesart-odt"
VERSION = "2"
"""Incremented with every change that can alter a text, role, mark or field."""
KIND = message_text("odt")
MAIN_PART = "content.xml"
MAX_SPACES = 100
"""Maximum length of a run of blanks; the digest of a wording ignores it."""
_SKIPPED = frozenset(
    {"tracked-changes", "annotation", "note-citation", "ruby-text", "desc", "title"}
)
_ROLES_BY_STYLE: dict[str, Role] = {
    "title": "headline", "subtitle": "subheading", "quotations": "quote", "caption": "caption",
    "illustration": "caption", "figure": "caption", "drawing": "caption",
}  # fmt: skip
_KEYS = {
    "title": "title", "initial-creator": "author", "creator": "last_modified_by",
    "date": "modified", "creation-date": "created", "language": "language", "keyword": "keywords",
    "subject": "subject", "description": "description",
}  # fmt: skip
_TEXTS = frozenset({"p", "h"})
MAX_STYLE_CHAIN = 20


@dataclass(frozen=True, slots=True)
class _OdtStyle:
    name: str
    parent: str | None
    is_bold: bool | None


@dataclass(slots=True)
class _OdtParagraph(OfficeParagraph):
    """A paragraph while it is read; `weights` are those of the open elements in it."""

    weights: list[bool] = field(default_factory=list)

    def add(self, text: str | None) -> None:
        words = " ".join((text or "").split())
        if text and text[:1].isspace():
            words = f" {words}"
        if words.strip() and text and text[-1:].isspace():
            words = f"{words} "
        if words.startswith(" ") and (not self.pieces or self.pieces[-1][-1:].isspace()):
            words = words[1:]
        if words:
            self.add_run(words, is_bold=self.weights[-1])


def extractor(settings: TextSettings) -> Extractor:
    """Return the extractor of ODT documents."""
    return document_extractor(NAME, VERSION, settings)


def read(raw: bytes, hints: Hints, settings: TextSettings) -> Draft | RefusalReason:
    """Read the text of an ODT document, with all tracked changes accepted.

    Headers and footers belong to the page styles and are not read. Refusals in addition to those of
    every text: `document_invalid`, `document_encrypted`, `xml_unsafe`.
    """
    try:
        parts = ZipParts(raw, KIND)
        if b"encryption-data" in (parts.read("META-INF/manifest.xml") or b""):
            return refuse("document_encrypted", kind=KIND)
        press = _read_parts(parts)
    except PartError as error:
        return error.refused
    return build_draft(press, hints, settings, extractor(settings))


def _read_parts(parts: ZipParts) -> PressText:
    content, page_styles = parts.root(MAIN_PART), parts.root("styles.xml")
    body = next(content.iter("{*}text"), None) if content is not None else None
    if content is None or body is None:
        reason = message_text("part_without_text", name=MAIN_PART)
        raise PartError(refuse("document_invalid", kind=KIND, reason=reason))
    styles = dict(_styles(page_styles)) | dict(_styles(content))
    reader = _OdtBody(styles)
    blocks = list(reader.blocks(body))
    record: dict[str, Json] = {}
    properties = parts.root("meta.xml")
    for child in () if properties is None else properties.iterdescendants():
        text = "".join(child.itertext()).strip()
        if text and len(child) == 0:
            name = _KEYS.get(local_name(child))
            if name == "keywords":
                record[name] = [*record.get(name, []), text]
            elif name:
                record.setdefault(name, text)
    press = PressText("odt", blocks, record, reader.steps(), reader.flags())
    lines = list(_page_lines(page_styles))
    if lines:
        press.steps.append(CleaningStep("headers_and_footers", {"removed": lines[:100]}))
    return press


def _attribute(element: etree._Element, name: str) -> str | None:
    """Return an attribute by its local name, whatever its namespace."""
    return next(
        (str(value) for key, value in element.items() if str(key).rpartition("}")[2] == name), None
    )


def _styles(root: etree._Element | None) -> Iterator[tuple[str, _OdtStyle]]:
    for each in () if root is None else root.iter("{*}style"):
        properties = next(each.iterchildren("{*}text-properties"), None)
        weight = None if properties is None else _attribute(properties, "font-weight")
        name = _attribute(each, "name") or ""
        parent = _attribute(each, "parent-style-name")
        yield name, _OdtStyle(name, parent, None if weight is None else weight.startswith("bold"))


def _page_lines(root: etree._Element | None) -> Iterator[str]:
    """Yield the lines of headers and footers."""
    for each in () if root is None else root.iter("{*}header", "{*}footer"):
        for paragraph in each.iter("{*}p", "{*}h"):
            text = " ".join("".join(paragraph.itertext()).split())
            if text:
                yield text[:300]


class _OdtBody:
    """Reads the paragraphs of the body in document order, then its notes."""

    def __init__(self, styles: dict[str, _OdtStyle]) -> None:
        self._styles = styles
        self._deleted = self._inserted = 0

    def blocks(self, body: etree._Element) -> Iterator[DocumentBlock]:
        notes: list[DocumentBlock] = []
        stack: list[_OdtParagraph] = []
        lists = depth_of_notes = 0
        walker = etree.iterwalk(body, events=("start", "end"))
        for event, element in walker:
            name = local_name(element)
            is_start = event == "start"
            depth_of_notes += (is_start - (not is_start)) * (name == "note-body")
            lists += (is_start - (not is_start)) * (name == "list-item")
            if is_start and name in _SKIPPED:
                self._count_changes(name, element)
                walker.skip_subtree()
                if stack:
                    stack[-1].weights.append(stack[-1].weights[-1])
            elif is_start and name in _TEXTS:
                stack.append(self._start_paragraph(name, element, in_list=lists > 0))
                stack[-1].add(element.text)
            elif not is_start and name in _TEXTS and stack:
                block = stack.pop().block()
                if depth_of_notes:
                    notes.append(block)
                else:
                    yield block
                if stack:
                    stack[-1].add(element.tail)
            elif stack:
                self._read_inline(name, element, stack[-1], is_start=is_start)
        yield from notes

    def steps(self) -> list[CleaningStep]:
        if not self._deleted and not self._inserted:
            return []
        counts = {"deleted": self._deleted, "inserted": self._inserted}
        return [CleaningStep("tracked_changes", counts)]

    def flags(self) -> list[str]:
        return ["tracked_changes"] if self._deleted or self._inserted else []

    def _count_changes(self, name: str, element: etree._Element) -> None:
        if name == "tracked-changes":
            self._deleted += sum(1 for _ in element.iter("{*}deletion"))
            self._inserted += sum(1 for _ in element.iter("{*}insertion"))

    def _start_paragraph(
        self, name: str, element: etree._Element, *, in_list: bool
    ) -> _OdtParagraph:
        role, is_bold = self._style_role(_attribute(element, "style-name"))
        if role is None and name == "h":
            role = "subheading"
        if role is None and in_list:
            role = "list"
        return _OdtParagraph(role, weights=[is_bold])

    def _style_role(self, style_name: str | None) -> tuple[Role | None, bool]:
        role: Role | None = None
        is_bold: bool | None = None
        for _ in range(MAX_STYLE_CHAIN):
            if style_name is None:
                break
            plain = style_name.replace("_20_", " ").lower()
            role = role or _ROLES_BY_STYLE.get(plain)
            if plain.startswith("heading"):
                role = role or "subheading"
            style = self._styles.get(style_name)
            if style is None:
                break
            is_bold = style.is_bold if is_bold is None else is_bold
            style_name = style.parent
        return role, bool(is_bold)

    def _read_inline(
        self, name: str, element: etree._Element, paragraph: _OdtParagraph, *, is_start: bool
    ) -> None:
        """Read an element inside a paragraph: its text at its start, its tail at its end."""
        if is_start:
            is_bold = paragraph.weights[-1]
            if name == "span":
                style = self._styles.get(_attribute(element, "style-name") or "")
                is_bold = is_bold if style is None or style.is_bold is None else style.is_bold
            paragraph.weights.append(is_bold)
            if name == "s":
                count = _attribute(element, "c") or "1"
                blanks = int(count) if count.isdecimal() and len(count) < 4 else 1
                paragraph.pieces.append(" " * min(blanks, MAX_SPACES))
            elif name == "tab":
                paragraph.pieces.append(" ")
            elif name == "line-break":
                paragraph.pieces.append("\n")
            elif name not in {"note", "note-body"}:
                paragraph.add(element.text)
            return
        paragraph.weights.pop()
        paragraph.add(element.tail)
