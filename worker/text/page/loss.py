"""Compare what was extracted with what the page shows: is something missing?"""

from collections import Counter
from collections.abc import Sequence

from storage.values.draft import Paragraph
from worker.text.annotate.words import title_key
from worker.text.page.layout.blocks import Block

_SHORTEST_BLOCK = 60  # characters; shorter paragraphs are bylines, labels, links
_LOSS_SHARE = 0.25  # of the extracted text
_LOSS_LEAST = 300  # characters
_SHORT_TEXT = 400  # characters
_SHORT_SHARE = 0.5  # of what JSON-LD or the page carry


def loss_flags(
    paragraphs: Sequence[Paragraph], blocks: Sequence[Block], stated_body: str
) -> tuple[str, ...]:
    """Return the flags that the comparison raises.

    `stated_body` is the text that JSON-LD states, empty where it states none.
    """
    extracted = sum(len(p.text) for p in paragraphs)
    missing = missing_blocks(paragraphs, blocks)
    lost = sum(len(block.text) for block in missing)
    flags = []
    if lost > max(_LOSS_LEAST, extracted * _LOSS_SHARE) or _repeats_lost(missing, paragraphs):
        flags.append("extraction_loss")
    visible = sum(len(b.text) for b in blocks if b.tag == "p" and b.zone == "article")
    longest = max(visible, len(stated_body))
    if (extracted < _SHORT_TEXT and extracted < longest * _SHORT_SHARE) or len(
        stated_body
    ) > extracted * 2 + _LOSS_LEAST:
        flags.append("extraction_short")
    return tuple(flags)


def missing_blocks(paragraphs: Sequence[Paragraph], blocks: Sequence[Block]) -> list[Block]:
    """Return the paragraphs of the page between the first and the last extracted one that are
    not among the extracted ones, as often as they are missing.
    """
    taken = Counter(title_key(line) for p in paragraphs for line in _readings(p.text))
    everything = "".join(title_key(p.text) for p in paragraphs)
    inside = _between(blocks, taken)
    missing = []
    for block in inside:
        if block.tag not in ("p", "blockquote", "div") or block.zone != "article":
            continue
        key = block.key
        if len(block.text) < _SHORTEST_BLOCK:
            continue
        if taken[key] > 0:
            taken[key] -= 1
        elif key in taken or key not in everything:
            missing.append(block)
    return missing


def _readings(text: str) -> tuple[str, ...]:
    """Return a paragraph as a whole and, where it has several, its lines."""
    lines = text.split("\n")
    return (text, *lines) if len(lines) > 1 else (text,)


def _between(blocks: Sequence[Block], taken: Counter[str]) -> Sequence[Block]:
    found = [i for i, b in enumerate(blocks) if len(b.text) >= _SHORTEST_BLOCK and b.key in taken]
    return blocks[found[0] : found[-1] + 1] if found else ()


def _repeats_lost(missing: Sequence[Block], paragraphs: Sequence[Paragraph]) -> bool:
    known = {title_key(p.text) for p in paragraphs}
    return any(block.key in known for block in missing)
