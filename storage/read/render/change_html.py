"""PURE: the passages of a change as inert HTML, for feeds and mails."""

from collections.abc import Iterable, Iterator
from functools import partial

from markupsafe import Markup

from storage.read.render.passages import PassageBlock, PassagePiece, runs
from storage.read.render.visible import display_text

_PIECES = {"insert": Markup("<ins>{}</ins>"), "delete": Markup("<del>{}</del>")}
_LABEL = Markup("<small>({})</small> ")
_HEADING, PARAGRAPH = Markup("<h3>{}</h3>"), Markup("<p>{}</p>")


def change_html(blocks: Iterable[PassageBlock], language: str = "en") -> Markup:
    """Return passages as paragraphs, insertions in `ins` and deletions in `del`.

    Labels of moved, split and joined paragraphs are in `language`.

    >>> change_html([PassageBlock("insert", "text", (PassagePiece("insert", "<b>"),))])
    Markup('<p><ins>&lt;b&gt;</ins></p>')
    >>> old, new = PassagePiece("delete", "3,6"), PassagePiece("insert", "36")
    >>> change_html([PassageBlock("change", "text", (old, new))])
    Markup('<p><del>3,6</del> <ins>36</ins></p>')
    """
    return Markup().join(map(partial(_paragraph, language), blocks))


def clean(text: str) -> str:
    r"""Return a text that is valid in XML, with invisible characters made visible.

    >>> clean("a\x00b\ud800c\ufffe")
    'abc�'
    """
    characters = "".join(" " if each in "\n\t" else each for each in display_text(text))
    return "".join("\ufffd" if _is_outside_xml(ord(each)) else each for each in characters)


def _paragraph(language: str, block: PassageBlock) -> Markup:
    frame = _HEADING if block.role == "headline" else PARAGRAPH
    label = _LABEL.format(block.label(language)) if block.labels else ""
    return frame.format(label + Markup().join(_render_pieces(block.pieces)))


def _render_pieces(pieces: Iterable[PassagePiece]) -> Iterator[Markup]:
    """Yield each run of one kind; a blank parts a deletion from the insertion that replaces it."""
    before = ""
    for run in runs(pieces):
        kind = run[0].kind
        if (before, kind) == ("delete", "insert"):
            yield Markup(" ")
        yield _PIECES.get(kind, Markup("{}")).format(clean("".join(each.text for each in run)))
        before = kind


def _is_outside_xml(code: int) -> bool:
    return 0xD800 <= code <= 0xDFFF or code in {0xFFFE, 0xFFFF} or code < 0x20
