"""Judge what is told as no article: real pages, cut short, and with their article taken out.

    python -m bench.judge.emptied [--data FOLDER] [--looked-at]

Each page of the sets is read as it is, cut to its first paragraphs, and as it would be without its
article in several ways. The table says how many of each are told as no article, by weights that
never saw the fold.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from lxml.etree import tostring
from lxml.html import HtmlElement, fragment_fromstring

from bench.judge.pages import (
    SETS,
    WORD,
    body_of,
    hints_of,
    plain,
    rows_of,
    rules,
    shared_share,
    unused_weights,
)
from bench.judge.table import FOLDS
from storage.values.draft import Draft
from storage.values.refusals import RefusalReason
from worker.text.hints import TextSettings
from worker.text.page import no_article
from worker.text.page import read_page as reader
from worker.text.page.layout.blocks import Block, Layout
from worker.text.page.layout.charset import decode_page
from worker.text.page.layout.tree import parse_page
from worker.text.page.no_article import features
from worker.text.page.scoring import Features

REPOSITORY = Path(__file__).resolve().parents[2]
LOOKED_AT = frozenset({0, 1})
ERRORS = (
    ("Der Inhalt konnte nicht geladen werden. Bitte versuchen Sie es später noch einmal.",
     "Something went wrong. Please reload the page to try again."),
    ("Leider ist ein technischer Fehler aufgetreten. Wir arbeiten bereits daran.",
     "Sorry, we are having trouble showing this story right now. Please check back soon."),
    ("Dieser Text wurde verschoben oder ist abgelaufen. Nutzen Sie unsere Suche.",
     "Oops! It looks like nothing was found at this location. Maybe try a search?"),
    ("Bitte aktivieren Sie JavaScript in Ihrem Browser, um diese Seite zu nutzen.",
     "This content is currently unavailable. Return to the home page to continue browsing."),
)  # fmt: skip
"""What stands instead of an article, in German and English, for each fold others."""
WHOLE, CUT = "as it is", ("first paragraph", "two paragraphs", "three paragraphs")
EMPTY = ("container emptied", "container removed", "paragraphs removed", "error instead", "shell")
LEAD = "twenty words"
WAYS = (WHOLE, *CUT, LEAD, *EMPTY)
_RUNNING = 60  # characters
_FEWEST_WORDS = 4
_MOST_OF_IT = 0.85
_LEAD_WORDS = 20
_STILL_STATED, _MOSTLY_STATED = 0.1, 0.5


@dataclass(frozen=True, slots=True)
class Told:
    """What was made of a page in one of the ways.

    `refused` is the code, empty for a text; `stated` says that the text holds what is left of the
    article; `features` is what was weighed, empty where other rules had told before.
    """

    part: str
    fold: int
    way: str
    refused: str
    stated: bool
    features: Features

    @property
    def is_article(self) -> bool:
        return self.way == WHOLE or self.way in CUT

    @property
    def counts(self) -> bool:
        """Whether what was read is what the way says: of the article, or nothing of it."""
        return self.way == WHOLE or self.is_article == self.stated


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    default = os.environ.get("LESART_REAL_DATA", REPOSITORY.parent / "shared")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--looked-at", action="store_true")
    options = parser.parse_args()
    if not (options.data / "data").is_dir():
        sys.exit(f"no real data in {options.data}: name the folder with --data")
    folds = LOOKED_AT if options.looked_at else frozenset(range(FOLDS)) - LOOKED_AT
    print(f"rules: {rules()}; folds {sorted(folds)}")
    for line in table_of(list(judge(options.data / "data", folds))):
        print(line)


def judge(folder: Path, folds: frozenset[int]) -> Iterator[Told]:
    """Read each page of the folds in all ways, two at a time."""
    rows = ((name, row) for name in SETS for row in rows_of(folder, name) if row["fold"] in folds)
    with ProcessPoolExecutor(2) as pool:
        for told in pool.map(_told, rows, chunksize=8):
            yield from told


def table_of(told: Sequence[Told]) -> Iterator[str]:
    """Yield a line for each way: how many pages, and how many are told as no article, by set."""
    parts = [*SETS.values(), ""]
    yield f"{'told as no article':22}" + "".join(f"{part or 'all':>16}" for part in parts)
    for way in WAYS:
        pages: Counter[str] = Counter()
        refused: Counter[str] = Counter()
        for each in told:
            if each.way == way and each.counts:
                for part in (each.part, ""):
                    pages[part] += 1
                    refused[part] += bool(each.refused)
        cells = (f"{refused[part]} of {pages[part]}" for part in parts)
        yield f"{way:22}" + "".join(f"{cell:>16}" for cell in cells)
    stated = sum(each.stated and each.way in EMPTY for each in told)
    yield f"left out, as their scripts or boxes still hold the article: {stated}"


def _told(page: tuple[str, dict[str, Any]]) -> list[Told]:
    name, row = page
    asked: list[Features] = []

    def recording(*question: Any) -> Features:
        asked.append(features(*question))
        return asked[-1]

    told = []
    with unused_weights(row["fold"]), patch.object(no_article, "features", recording):
        for way, raw, gold in altered_of(row):
            asked.clear()
            draft = reader.read_page(raw, hints_of(row), TextSettings())
            refused = draft.code if isinstance(draft, RefusalReason) else ""
            text = "" if isinstance(draft, RefusalReason) else "\n".join(draft.text_paragraphs())
            stated = shared_share(gold, text) > (
                _STILL_STATED if way in (*EMPTY, LEAD) else _MOSTLY_STATED
            )
            weighed = asked[0] if asked else {}
            told.append(Told(SETS[name], row["fold"], way, refused, stated, weighed))
    return told


def altered_of(row: dict[str, Any]) -> Iterator[tuple[str, bytes, str]]:
    """Yield the ways that a page can be had in, its bytes, and what is left of the article.

    Where nothing is left, that is the whole: nothing of it is to be read.
    """
    draft = reader.read_page(row["raw"], hints_of(row), TextSettings())
    own = "\n".join(draft.text_paragraphs()) if isinstance(draft, Draft) else ""
    gold = body_of(row) or own
    yield WHOLE, row["raw"], gold
    decoded = decode_page(row["raw"], None)
    tree = None if isinstance(decoded, RefusalReason) else parse_page(decoded.text)
    if tree is None or isinstance(tree, RefusalReason) or tree.find("body") is None:
        return
    at = {element: index for index, element in enumerate(tree.iter())}
    found = [(at[block.element], block) for block in _article_blocks(tree, f"{gold}\n{own}")]
    for way in WAYS[1:]:
        copied = deepcopy(tree)
        elements = list(copied.iter())
        blocks = [replace(block, element=elements[index]) for index, block in found]
        left = _alter(copied, blocks, way, ERRORS[row["fold"]])
        if left is not None:
            yield way, tostring(copied, encoding="utf-8", method="html"), left or gold


def _alter(tree: HtmlElement, blocks: list[Block], way: str, errors: tuple[str, str]) -> str | None:
    """Change a page into another way, and return what is left of its article.

    None where that is too short to be cut.
    """
    running = [block for block in blocks if len(block.text) >= _RUNNING and block.tag[0] != "h"]
    container = _container_of(blocks)
    if container is None or len(running) <= len(CUT):
        return None
    if way in CUT:
        kept = running[: CUT.index(way) + 1]
        _take_out([block for block in blocks if block not in kept])
        return "\n".join(block.text for block in kept)
    if way in (LEAD, "error instead"):
        _take_out([block for block in blocks if block is not running[0]])
        german = any(f" {word} " in block.text for word in ("der", "und") for block in blocks)
        words = running[0].text.split()[:_LEAD_WORDS]
        _fill(running[0].element, " ".join(words) + " …" if way == LEAD else errors[not german])
    elif way == "shell":
        _leave_shell(tree)
    else:
        _take_out(blocks)
        _take_away(container, way)
    return ""


def _article_blocks(tree: HtmlElement, gold: str) -> list[Block]:
    """Return the blocks of a page most of whose runs of words stand in the gold."""
    scripts = {each: each.text for each in tree.iter("script", "style")}
    for script in scripts:
        script.text = None
    blocks = [block for block in Layout(tree).blocks if block.tag != "h1"]
    for script, text in scripts.items():
        script.text = text
    wanted = set(_runs_of(gold))
    return [
        block
        for block in blocks
        if (runs := _runs_of(block.text)) and sum(run in wanted for run in runs) * 2 > len(runs)
    ]


def _runs_of(text: str) -> list[tuple[str, ...]]:
    words = WORD.findall(plain(text).casefold())
    return list(zip(*(words[start:] for start in range(_FEWEST_WORDS)), strict=False))


def _container_of(blocks: Sequence[Block]) -> HtmlElement | None:
    held: Counter[HtmlElement] = Counter()
    for block in blocks:
        for around in block.element.iterancestors():
            held[around] += len(block.text)
    whole = sum(len(block.text) for block in blocks)
    most = [element for element, count in held.items() if count >= whole * _MOST_OF_IT]
    return max(most, key=lambda element: len(list(element.iterancestors())), default=None)


def _take_out(blocks: Sequence[Block]) -> None:
    for block in blocks:
        element = block.element
        if element.getparent() is None:
            continue
        if plain(element.text_content()) == plain(block.text):
            element.drop_tree()
        else:  # what stands beside the blocks in it
            element.text = None
            for child in element:
                child.tail = None


def _take_away(container: HtmlElement, way: str) -> None:
    if way == "container removed" and container.tag != "body":
        container.drop_tree()
    elif way == "container emptied":
        container.text = None
        for child in list(container):
            child.tail = None
            if child.tag != "h1" and child.find(".//h1") is None:
                child.drop_tree()


def _fill(element: HtmlElement, text: str) -> None:
    for child in list(element):
        element.remove(child)
    element.text = text


def _leave_shell(tree: HtmlElement) -> None:
    """Leave of a body what a page is before its scripts build it: menus, foot and scripts."""
    body = tree.find("body")
    kept = [
        each
        for each in body.iter("nav", "footer", "script", "noscript")
        if not any(around.tag in ("nav", "footer", "noscript") for around in each.iterancestors())
    ]
    for child in list(body):
        body.remove(child)
    body.text = None
    body.append(fragment_fromstring('<div id="root"></div>'))
    for each in kept:
        each.tail = None
        body.append(each)


if __name__ == "__main__":
    main()
