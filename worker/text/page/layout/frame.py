"""Find the element that holds the running text of a page, and tell what stands inside it."""

from collections.abc import Iterable, Sequence

from lxml.html import HtmlElement

from worker.text.page.layout.blocks import Block, Piece, label_of

SHORTEST_RUNNING = 60  # characters
_DECAY = 0.85  # of the weight of a paragraph for each element further out
_LEVELS = 6
_FEWEST_RUNNING = 2  # paragraphs that make a frame
_MOST_LINKED = 0.5
_RUNNING_TAGS = frozenset({"p", "div", "blockquote", "section", "article", "td"})


def outside(pieces: Sequence[Piece], places: Sequence[Block | None]) -> list[int]:
    """Return the pieces that stand outside the frame and do not run: lists, headings, labels.

    A paragraph that runs is kept wherever it stands: a lead stands above the frame, and a text
    may go on in another one.
    """
    running = [
        (place.element, len(piece.text))
        for piece, place in zip(pieces, places, strict=True)
        if place is not None and _runs(piece)
    ]
    frame = _innermost(running) if len(running) >= _FEWEST_RUNNING else None
    if frame is None:
        return []
    return [
        index
        for index, (piece, place) in enumerate(zip(pieces, places, strict=True))
        if place is not None and not _runs(piece) and not is_inside(place.element, frame)
    ]


def frame_of(blocks: Sequence[Block]) -> HtmlElement | None:
    """Return the innermost element that holds most of the running text of an article."""
    return _innermost((b.element, len(b.text)) for b in blocks if runs(b))


def runs(block: Block) -> bool:
    """Tell whether a block is running text of the article: long, and not mostly links."""
    return (
        block.zone == "article"
        and len(block.text) >= SHORTEST_RUNNING
        and block.tag in _RUNNING_TAGS
        and block.share < _MOST_LINKED
    )


def is_inside(element: HtmlElement, frame: HtmlElement) -> bool:
    """Tell whether an element stands in the frame, or in another part of the same name."""
    label = label_of(frame)
    for step in (element, *element.iterancestors()):
        if step is frame or (label and step.tag == frame.tag and label_of(step) == label):
            return True
    return False


def _innermost(running: Iterable[tuple[HtmlElement, int]]) -> HtmlElement | None:
    """Return the element around most of the characters, an inner one where it is a close call."""
    weights: dict[HtmlElement, float] = {}
    for element, length in running:
        weight = float(length)
        around = element.getparent()
        for _ in range(_LEVELS):
            if around is None:
                break
            weights[around] = weights.get(around, 0.0) + weight
            weight *= _DECAY
            around = around.getparent()
    return max(weights, key=lambda element: weights[element], default=None)


def _runs(piece: Piece) -> bool:
    return piece.kind == "p" and len(piece.text) >= SHORTEST_RUNNING
