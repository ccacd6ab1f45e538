"""PURE: a change to share, as a picture in SVG and as a snippet of HTML.

The text of the picture stays text: it can be searched, copied and read aloud.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from unicodedata import east_asian_width

from markupsafe import Markup

from storage.read.answers import Diff, VersionText
from storage.read.render.change_html import change_html, clean
from storage.read.render.passages import PassageBlock, PassagePiece, blocks, excerpt, runs
from storage.read.render.translations import translate

WIDTH = 720
"""Width of the picture in pixels."""
_MARGIN = 28
_FAMILY = "'Source Serif 4', Georgia, 'DejaVu Serif', serif"
_NARROW = frozenset("fijlrt.,;:!|'’‘“”„()[]- ")
_STYLES = {
    "insert": Markup(' fill="#0d4a24" text-decoration="underline"'),
    "delete": Markup(' fill="#8b1f10" text-decoration="line-through"'),
}
_WORD = re.compile(r"\s*\S+|\s+")
"""
>>> _WORD.findall("von 3,6 auf")
['von', ' 3,6', ' auf']
"""


@dataclass(frozen=True, slots=True)
class _Font:
    size: float
    leading: float
    weight: int = 400
    colour: str = "#1d2220"


_TITLE = _Font(23, 30, 700)
_HEADLINE = _Font(19, 27, 700)
_BODY = _Font(17, 26)
_NOTE = _Font(13, 19, colour="#5a625e")


def share_picture(diff: Diff, a: VersionText, b: VersionText, language: str = "en") -> str:
    """Return a picture of the most important changed passages, with their source and interval."""
    passages = excerpt(blocks(diff.operations))
    return change_svg(
        b.publisher or b.source, _title(b, language), passages, _notes(a, b, language),
        language,
    )  # fmt: skip


def share_snippet(diff: Diff, a: VersionText, b: VersionText, language: str = "en") -> str:
    """Return the same passages as a figure in HTML, to paste into a page."""
    notes = map(clean, _notes(a, b, language))
    text = Markup(
        "<figure><figcaption><strong>{}</strong><br>{}</figcaption>\n{}\n"
        "<p><small>{}</small></p></figure>"
    ).format(
        clean(_title(b, language)), clean(b.publisher or b.source),
        change_html(excerpt(blocks(diff.operations)), language),
        Markup("<br>").join(notes),
    )  # fmt: skip
    return str(text)


def _title(version: VersionText, language: str) -> str:
    return version.title or translate(language, "(no title)")


def _notes(a: VersionText, b: VersionText, language: str) -> tuple[str, ...]:
    """Return the address, the interval in UTC, and the versions."""
    is_step = a.article == b.article and a.version == b.version - 1
    after = b.observed.changed_after if is_step else a.observed.changed_by
    form = "%d.%m.%Y %H:%M UTC" if language == "de" else "%Y-%m-%d %H:%M UTC"
    times = [moment.strftime(form) for moment in (after, b.observed.changed_by) if moment]
    return (
        b.origin,
        translate(language, "between {after} and {by}", after=times[0], by=times[-1]),
        f"{a.article}@{a.version} → {b.article}@{b.version} · Lesart",
    )


def change_svg(
    outlet: str, title: str, blocks: Iterable[PassageBlock], notes: Sequence[str],
    language: str = "en",
) -> str:  # fmt: skip
    """Return the picture: outlet, title, the changed passages, and a line for each note.

    Insertions are underlined, deletions struck through; labels of moved, split and
    joined paragraphs are in `language`. Lines are broken by estimated widths of
    characters; a line may be up to a tenth shorter than the picture allows.
    """
    paragraphs = [
        (_NOTE, [PassagePiece("equal", outlet)]),
        (_TITLE, [PassagePiece("equal", title)]),
        *(paragraph for block in blocks for paragraph in _paragraphs(block, language)),
        *((_NOTE, [PassagePiece("equal", note)]) for note in notes),
    ]
    height, parts = float(_MARGIN), []
    for font, pieces in paragraphs:
        for line in _wrap_pieces(pieces, font):
            height += font.leading
            parts.append(_text(line, font, height))
        height += 0 if font is _NOTE else 9
    picture = Markup(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1:.0f}" width="{0}" '
        'height="{1:.0f}" role="img" font-family="{2}"><title>{3}</title>'
        '<rect width="100%" height="100%" fill="#fff"/>{4}</svg>\n'
    ).format(WIDTH, height + _MARGIN, _FAMILY, clean(f"{outlet}: {title}"), Markup("").join(parts))
    return str(picture)


def _paragraphs(block: PassageBlock, language: str) -> Iterator[tuple[_Font, list[PassagePiece]]]:
    if block.labels:
        yield _NOTE, [PassagePiece("equal", block.label(language))]
    yield _HEADLINE if block.role == "headline" else _BODY, list(block.pieces)


def _wrap_pieces(pieces: Iterable[PassagePiece], font: _Font) -> Iterator[list[PassagePiece]]:
    """Yield the lines of a paragraph, each as pieces."""
    line: list[PassagePiece] = []
    used, available = 0.0, WIDTH - 2 * _MARGIN
    for piece in pieces:
        for word in _WORD.findall(clean(piece.text)):
            width = sum(map(_width, word)) * font.size * (1.1 if font.weight > 400 else 1)
            if line and used + width > available:
                yield line
                line, used, word = [], 0.0, word.lstrip()  # noqa: PLW2901  # the blank is the break
            line.append(PassagePiece(piece.kind, word))
            used += width
    if line:
        yield line


def _width(character: str) -> float:
    """Return the width of a character in the height of the font, as in wide faces (DejaVu)."""
    if east_asian_width(character) in "WF":
        return 1.0
    if character in _NARROW:
        return 0.37
    return 0.78 if character.isupper() or character in "mwMW—" else 0.6


def _text(line: Iterable[PassagePiece], font: _Font, y: float) -> Markup:
    spans = [
        Markup("<tspan{}{}>{}</tspan>").format(
            _STYLES.get(run[0].kind, ""),
            Markup(' dx="3"') if number and run[0].kind == "insert" else "",
            "".join(piece.text for piece in run),
        )
        for number, run in enumerate(runs(line))
    ]
    return Markup(
        '<text x="{}" y="{:.0f}" font-size="{}" font-weight="{}" fill="{}" '
        'xml:space="preserve">{}</text>'
    ).format(_MARGIN, y, font.size, font.weight, font.colour, Markup("").join(spans))
