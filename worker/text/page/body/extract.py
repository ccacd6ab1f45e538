"""Let trafilatura find the body of a page, and hand its tree on as plain pieces."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version

from lxml.etree import tostring
from lxml.html import HtmlElement
from trafilatura import bare_extraction
from trafilatura.metadata import extract_metadata

from worker.text.page.layout.blocks import Piece, PieceKind
from worker.text.page.layout.candidates import Collection

TRAFILATURA = version("trafilatura")
OPTIONS = "fast,xml,tables,no-comments,no-dedup"
"""The options of the call below in words: they belong to the configuration of a derivation."""

BLANKS = re.compile(r"\s+")
r"""White space in markup: a line end there is no line end of the text.

>>> BLANKS.sub(" ", "eine\n  Zeile")
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
class Extracted:
    """The body: its pieces in order, and the XML of trafilatura, None if it is not by it."""

    pieces: tuple[Piece, ...]
    xml: str | None


def extract_body(tree: HtmlElement, url: str | None) -> Extracted | None:
    """Return the body that trafilatura finds in `tree`, None where it finds none.

    Never with its deduplication, which remembers other pages: the same page would give
    different texts. The tree is left as it is.
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
    return Extracted(pieces, xml) if pieces else None


def collect_extracted(tree: HtmlElement, collection: Collection, url: str | None) -> None:
    """Offer what trafilatura says about title, author, date, site and description.

    Its search for dates in the text is off: it made 1 January out of a mere year.
    """
    try:
        document = extract_metadata(
            tree, url, {"original_date": True, "extensive_search": False}, True
        )
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 -- one candidate among many; it raises what it likes
        return
    collection.add("title", document.title, "trafilatura")
    collection.add("authors", (document.author or "").split("; "), "trafilatura")
    collection.add("published", document.date, "trafilatura")
    collection.add("publisher", document.sitename, "trafilatura")
    collection.add("lead", document.description, "trafilatura")


def _pieces(parent: HtmlElement) -> Iterator[Piece]:
    for element in parent:
        tag = element.tag
        if tag in _CONTAINERS:
            yield from _pieces(element)
        elif tag == "row":
            yield Piece("row", "\t".join(filter(None, (_text(cell) for cell in element))))
        elif tag == "item" and element.find(".//item") is not None:
            yield Piece("item", _lines(BLANKS.sub(" ", element.text or "")))
            yield from _pieces(element)
        elif isinstance(tag, str) and tag != "lb":
            rank = element.get("rend", "")[1:] if tag == "head" else ""
            kind = _KINDS.get(tag, "p")
            yield Piece(kind, _text(element), int(rank) if rank.isdigit() else 0)
        if element.tail and element.tail.strip():
            yield Piece("p", _lines(BLANKS.sub(" ", element.tail)))


def _text(element: HtmlElement) -> str:
    return _lines("".join(_strings(element)))


def _strings(element: HtmlElement) -> Iterator[str]:
    if element.text:
        yield BLANKS.sub(" ", element.text)
    for child in element:
        if child.tag in ("lb", "p", "item", "list", "row"):
            yield "\n"
        yield from _strings(child)
        if child.tag in ("p", "item", "list", "row"):
            yield "\n"
        if child.tail:
            yield BLANKS.sub(" ", child.tail)


def _lines(text: str) -> str:
    """Return text with its blanks squeezed, lines kept and blank lines gone."""
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)
