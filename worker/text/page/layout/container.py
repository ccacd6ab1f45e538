"""Find the element that holds the running text of a page, and tell what stands inside it."""

from collections.abc import Iterable, Sequence
from itertools import chain

from lxml.html import HtmlElement

from worker.text.page.layout.blocks import Block, Piece, label_of

SHORTEST_RUNNING = 60  # characters
_DECAY = 0.85  # of the weight of a paragraph for each element further out
_LEVELS = 6
_FEWEST_RUNNING = 2  # paragraphs that make a content container
_MOST_LINKED = 0.5
_MOST_HELD = 0.6  # of the running text
_RUNNING_TAGS = frozenset({"p", "div", "blockquote", "section", "article", "td"})


def outside(pieces: Sequence[Piece], places: Sequence[Block | None]) -> list[int]:
    """Return the pieces that stand outside the container: lists, headings, labels, what follows it.

    A paragraph that runs is kept before the end of the container, as a lead is; behind it, it is
    a notice of the site, unless the container holds too little to be the text.
    """
    running = [
        (place.element, len(piece.text))
        for piece, place in zip(pieces, places, strict=True)
        if place is not None and _runs(piece)
    ]
    container = _innermost(running) if len(running) >= _FEWEST_RUNNING else None
    if container is None:
        return []
    held = [i for i, place in enumerate(places) if place and is_inside(place.element, container)]
    whole = sum(length for _, length in running)
    inside = sum(len(pieces[index].text) for index in held if _runs(pieces[index]))
    end = held[-1] if held and inside > whole * _MOST_HELD else len(pieces)
    beside = set(range(len(pieces))) - set(held)
    return sorted(i for i in beside if places[i] and (i > end or not _runs(pieces[i])))


def container_of(blocks: Sequence[Block]) -> HtmlElement | None:
    """Return the innermost element that holds most of the running text of an article."""
    return _innermost((b.element, len(b.text)) for b in blocks if runs(b))


def runs(block: Block) -> bool:
    """Return whether a block is running text of the article: long, and not mostly links."""
    return (
        block.zone == "article"
        and len(block.text) >= SHORTEST_RUNNING
        and block.tag in _RUNNING_TAGS
        and block.share < _MOST_LINKED
    )


def is_inside(element: HtmlElement, container: HtmlElement) -> bool:
    """Return whether an element stands in the container, or in another part of the same name."""
    label = label_of(container)
    for step in chain((element,), element.iterancestors()):
        if step is container or (label and step.tag == container.tag and label_of(step) == label):
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
