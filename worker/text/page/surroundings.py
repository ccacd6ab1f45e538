"""Remember, by keys alone, what a page shows beside the paragraphs that were read out of it.

An extractor may leave a paragraph out of one capture and take it from the next, or a paragraph may
move into a box: as long as the page shows it, nobody took it away.
"""

from collections.abc import Sequence

from storage.values.digest import canonical_all
from storage.values.draft import Paragraph
from storage.values.net.site import paragraph_key
from worker.text.annotate.words import title_key
from worker.text.page.layout.blocks import Block

SHORTEST = 20
"""Letters of what is remembered: buttons and names of sections are not."""
MOST = 400


def surrounding_keys(blocks: Sequence[Block], paragraphs: Sequence[Paragraph]) -> tuple[int, ...]:
    """Return the keys of the blocks that can be seen and are no paragraph, in their order."""
    known = {title_key(paragraph.text) for paragraph in paragraphs}
    texts = [
        block.text
        for block in blocks
        if block.zone != "hidden" and len(block.text) >= SHORTEST and block.key not in known
    ]
    return tuple(map(paragraph_key, dict.fromkeys(canonical_all(texts[:MOST]))))
