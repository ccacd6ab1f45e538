"""PURE: the passages of a change as inert HTML, for feeds and mails."""

from collections.abc import Iterable

from markupsafe import Markup

from storage.read.render.passages import ShownBlock, ShownPiece
from storage.read.render.visible import shown_text

_PIECES = {"insert": Markup("<ins>{}</ins>"), "delete": Markup("<del>{}</del>")}
_HEADING, PARAGRAPH = Markup("<h3>{}</h3>"), Markup("<p>{}</p>")


def change_html(shown: Iterable[ShownBlock]) -> Markup:
    """Return passages as paragraphs, insertions in `ins` and deletions in `del`.

    >>> change_html([ShownBlock("insert", "text", (ShownPiece("insert", "<b>"),))])
    Markup('<p><ins>&lt;b&gt;</ins></p>')
    """
    return Markup().join(map(_paragraph, shown))


def clean(text: str) -> str:
    r"""Return a text that is valid in XML, with invisible characters made visible.

    >>> clean("a\x00b\ud800c\ufffe")
    'abc�'
    """
    shown = "".join(" " if each in "\n\t" else each for each in shown_text(text))
    return "".join("\ufffd" if _is_outside_xml(ord(each)) else each for each in shown)


def _paragraph(block: ShownBlock) -> Markup:
    frame = _HEADING if block.role == "headline" else PARAGRAPH
    return frame.format(Markup().join(map(_piece, block.pieces)))


def _piece(piece: ShownPiece) -> Markup:
    return _PIECES.get(piece.kind, Markup("{}")).format(clean(piece.text))


def _is_outside_xml(code: int) -> bool:
    return 0xD800 <= code <= 0xDFFF or code in {0xFFFE, 0xFFFF} or code < 0x20
