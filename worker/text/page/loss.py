"""Detect text of the page that is missing from the extracted paragraphs."""

from collections import Counter
from collections.abc import Sequence

from storage.values.draft import Paragraph
from worker.text.annotate.words import title_key
from worker.text.page.layout.blocks import Block

_SHORTEST_BLOCK = 60  # characters; shorter paragraphs are bylines, labels, links
_LOSS_SHARE = 0.25  # of the extracted text
_LOSS_LEAST = 300  # characters
_SHORT_TEXT = 400  # characters
_SHORT_SHARE = 0.5  # of the text in JSON-LD or on the page


def loss_flags(
    paragraphs: Sequence[Paragraph], blocks: Sequence[Block], json_ld_body: str
) -> tuple[str, ...]:
    """Return the flags `extraction_loss` and `extraction_short` if they apply.

    `json_ld_body` is the `articleBody` of JSON-LD, or empty.
    """
    body_length = sum(len(p.text) for p in paragraphs)
    missing = missing_blocks(paragraphs, blocks)
    lost = sum(len(block.text) for block in missing)
    flags = []
    if lost > max(_LOSS_LEAST, body_length * _LOSS_SHARE) or _has_missing_repeat(
        missing, paragraphs
    ):
        flags.append("extraction_loss")
    visible = sum(len(b.text) for b in blocks if b.tag == "p" and b.zone == "article")
    longest = max(visible, len(json_ld_body))
    if (body_length < _SHORT_TEXT and body_length < longest * _SHORT_SHARE) or len(
        json_ld_body
    ) > body_length * 2 + _LOSS_LEAST:
        flags.append("extraction_short")
    return tuple(flags)


def missing_blocks(paragraphs: Sequence[Paragraph], blocks: Sequence[Block]) -> list[Block]:
    """Return blocks that were not extracted, between the first and the last extracted one.

    A repeated block is returned once for each missing repetition.
    """
    key_counts = Counter(title_key(line) for p in paragraphs for line in _text_and_lines(p.text))
    joined_keys = "".join(title_key(p.text) for p in paragraphs)
    candidates = _blocks_between_matches(blocks, key_counts)
    missing = []
    for block in candidates:
        if block.tag not in ("p", "blockquote", "div") or block.zone != "article":
            continue
        key = block.key
        if len(block.text) < _SHORTEST_BLOCK:
            continue
        if key_counts[key] > 0:
            key_counts[key] -= 1
        elif key in key_counts or key not in joined_keys:
            missing.append(block)
    return missing


def _text_and_lines(text: str) -> tuple[str, ...]:
    """Return a paragraph and, if it has several lines, each line."""
    lines = text.split("\n")
    return (text, *lines) if len(lines) > 1 else (text,)


def _blocks_between_matches(blocks: Sequence[Block], key_counts: Counter[str]) -> Sequence[Block]:
    positions = [
        i for i, b in enumerate(blocks) if len(b.text) >= _SHORTEST_BLOCK and b.key in key_counts
    ]
    return blocks[positions[0] : positions[-1] + 1] if positions else ()


def _has_missing_repeat(missing: Sequence[Block], paragraphs: Sequence[Paragraph]) -> bool:
    keys = {title_key(p.text) for p in paragraphs}
    return any(block.key in keys for block in missing)
