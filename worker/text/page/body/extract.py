"""Extract the body of a page with trafilatura, and convert its tree to pieces."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version

from lxml.etree import tostring
from lxml.html import HtmlElement
from trafilatura import bare_extraction
from trafilatura.metadata import extract_metadata

from worker.text.page.layout.blocks import Piece, PieceKind
from worker.text.page.layout.candidates import CandidateCollector

TRAFILATURA_VERSION = version("trafilatura")
OPTIONS = "fast,xml,tables,no-comments,no-dedup"
"""The options of the call below as text: part of the extractor configuration of a reading."""

WHITESPACE = re.compile(r"\s+")
r"""White space in markup, where a line end does not end a line of the text.

>>> WHITESPACE.sub(" ", "eine\n  Zeile")
'eine Zeile'
"""

_KINDS: dict[str, PieceKind] = {
    "head": "head",
    "quote": "quote",
    "code": "p",
    "item": "item",
    "row": "row",
}
_CONTAINERS = ("list", "table", "body", "div")


@dataclass(frozen=True, slots=True)
class ExtractedBody:
    """The body as pieces in order; `xml` is the output of trafilatura, or None."""

    pieces: tuple[Piece, ...]
    xml: str | None


def extract_body(tree: HtmlElement, url: str | None) -> ExtractedBody | None:
    """Return the body that trafilatura extracts from `tree`, or None if it finds none.

    Its deduplication is off: it remembers other pages, so one page could yield different texts.
    The tree is not modified.
    """
    document = bare_extraction(
        tree,
        url=url,
        fast=True,
        include_comments=False,
        include_tables=True,
        deduplicate=False,
        with_metadata=False,
        output_format="xml",
    )
    body = getattr(document, "body", None)
    if body is None:
        return None
    xml = tostring(body, encoding="unicode")
    pieces = tuple(piece for piece in _pieces(body) if piece.text)
    return ExtractedBody(pieces, xml) if pieces else None


def collect_trafilatura_metadata(
    tree: HtmlElement, collector: CandidateCollector, url: str | None
) -> None:
    """Add the title, author, date, site and description that trafilatura finds as candidates.

    Its search for dates in the text is off: it turned a bare year into 1 January.
    """
    try:
        document = extract_metadata(
            tree, url, {"original_date": True, "extensive_search": False}, True
        )
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 -- an optional source; its exceptions vary
        return
    collector.add("title", document.title, "trafilatura")
    collector.add("authors", (document.author or "").split("; "), "trafilatura")
    collector.add("published", document.date, "trafilatura")
    collector.add("publisher", document.sitename, "trafilatura")
    collector.add("lead", document.description, "trafilatura")


def _pieces(parent: HtmlElement) -> Iterator[Piece]:
    for element in parent:
        tag = element.tag
        if tag in _CONTAINERS:
            yield from _pieces(element)
        elif tag == "row":
            yield Piece("row", "\t".join(filter(None, (_element_text(cell) for cell in element))))
        elif tag == "item" and element.find(".//item") is not None:
            yield Piece("item", _normalise_lines(WHITESPACE.sub(" ", element.text or "")))
            yield from _pieces(element)
        elif isinstance(tag, str) and tag != "lb":
            rank = element.get("rend", "")[1:] if tag == "head" else ""
            kind = _KINDS.get(tag, "p")
            yield Piece(kind, _element_text(element), int(rank) if rank.isdigit() else 0)
        if element.tail and element.tail.strip():
            yield Piece("p", _normalise_lines(WHITESPACE.sub(" ", element.tail)))


def _element_text(element: HtmlElement) -> str:
    return _normalise_lines("".join(_text_parts(element)))


def _text_parts(element: HtmlElement) -> Iterator[str]:
    if element.text:
        yield WHITESPACE.sub(" ", element.text)
    for child in element:
        if child.tag in ("lb", "p", "item", "list", "row"):
            yield "\n"
        yield from _text_parts(child)
        if child.tag in ("p", "item", "list", "row"):
            yield "\n"
        if child.tail:
            yield WHITESPACE.sub(" ", child.tail)


def _normalise_lines(text: str) -> str:
    """Collapse white space within lines and remove blank lines."""
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)
