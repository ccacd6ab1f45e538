"""Compute keys of the visible blocks of a page that are not paragraphs of the text.

An extractor may drop a paragraph of one capture and not of the next, or a paragraph may move into
a box. Such a paragraph is not reported as deleted while a block with its key is visible.
"""

from collections.abc import Sequence

from storage.values.digest import canonical_all
from storage.values.draft import Paragraph
from storage.values.net.site import paragraph_key
from worker.text.annotate.words import title_key
from worker.text.page.layout.blocks import Block

MIN_LENGTH = 20
"""Characters; excludes buttons and section names."""
MAX_BLOCKS = 400


def surrounding_keys(blocks: Sequence[Block], paragraphs: Sequence[Paragraph]) -> tuple[int, ...]:
    """Return the keys of visible blocks that are not paragraphs, in page order."""
    keys = {title_key(paragraph.text) for paragraph in paragraphs}
    texts = [
        block.text
        for block in blocks
        if block.zone != "hidden" and len(block.text) >= MIN_LENGTH and block.key not in keys
    ]
    return tuple(map(paragraph_key, dict.fromkeys(canonical_all(texts[:MAX_BLOCKS]))))
