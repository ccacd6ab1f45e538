"""Find the text container of a page, the element with most of its text (decision 0013)."""

from collections.abc import Iterable, Sequence
from itertools import chain

from lxml.html import HtmlElement

from worker.text.page.layout.blocks import Block, Piece, class_and_id

SHORTEST_RUNNING = 60  # characters
_LEVEL_DECAY = 0.85  # factor per level for the weight of a paragraph in an outer element
_LEVELS = 6
_MIN_RUNNING = 2  # paragraphs required for a container
_MAX_LINK_SHARE = 0.5
_CONTAINER_SHARE = 0.6  # of the running text
_RUNNING_TAGS = frozenset({"p", "div", "blockquote", "section", "article", "td"})


def pieces_outside_container(
    pieces: Sequence[Piece], piece_blocks: Sequence[Block | None]
) -> list[int]:
    """Return the indexes of pieces outside the container: lists, headings, labels, trailing text.

    A running paragraph before the end of the container stays in the body, such as a lead. After the
    end it is a notice of the site, unless the container has at most 60 % of the running text.
    """
    running = [
        (block.element, len(piece.text))
        for piece, block in zip(pieces, piece_blocks, strict=True)
        if block is not None and _is_running_piece(piece)
    ]
    container = _find_innermost(running) if len(running) >= _MIN_RUNNING else None
    if container is None:
        return []
    inner_indexes = [
        i for i, block in enumerate(piece_blocks) if block and is_inside(block.element, container)
    ]
    total = sum(length for _, length in running)
    inner_length = sum(
        len(pieces[index].text) for index in inner_indexes if _is_running_piece(pieces[index])
    )
    end = (
        inner_indexes[-1]
        if inner_indexes and inner_length > total * _CONTAINER_SHARE
        else len(pieces)
    )
    outer_indexes = set(range(len(pieces))) - set(inner_indexes)
    return sorted(
        i
        for i in outer_indexes
        if piece_blocks[i] and (i > end or not _is_running_piece(pieces[i]))
    )


def find_container(blocks: Sequence[Block]) -> HtmlElement | None:
    """Return the innermost element with most of the running text of the article, or None."""
    return _find_innermost((b.element, len(b.text)) for b in blocks if is_running_text(b))


def is_running_text(block: Block) -> bool:
    """Check whether a block is running text of the article: long, and not mostly links."""
    return (
        block.zone == "article"
        and len(block.text) >= SHORTEST_RUNNING
        and block.tag in _RUNNING_TAGS
        and block.share < _MAX_LINK_SHARE
    )


def is_inside(element: HtmlElement, container: HtmlElement) -> bool:
    """Check whether an element is inside the container or one of the same tag and class."""
    label = class_and_id(container)
    for step in chain((element,), element.iterancestors()):
        if step is container or (
            label and step.tag == container.tag and class_and_id(step) == label
        ):
            return True
    return False


def _find_innermost(running: Iterable[tuple[HtmlElement, int]]) -> HtmlElement | None:
    """Return the element around most of the characters; inner elements win narrow decisions."""
    weights: dict[HtmlElement, float] = {}
    for element, length in running:
        weight = float(length)
        ancestor = element.getparent()
        for _ in range(_LEVELS):
            if ancestor is None:
                break
            weights[ancestor] = weights.get(ancestor, 0.0) + weight
            weight *= _LEVEL_DECAY
            ancestor = ancestor.getparent()
    return max(weights, key=lambda element: weights[element], default=None)


def _is_running_piece(piece: Piece) -> bool:
    return piece.kind == "p" and len(piece.text) >= SHORTEST_RUNNING
