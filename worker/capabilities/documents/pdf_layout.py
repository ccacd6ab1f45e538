"""PURE: paragraphs from the lines of a PDF, without page headers, page numbers and hyphenation."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from storage.values.draft import CleaningStep
from worker.capabilities.documents.pdf_lines import PdfLine
from worker.capabilities.documents.press_text import (
    MAX_TOP_BLOCKS,
    DocumentBlock,
    list_step,
    may_be_headline,
)
from worker.text.annotate.roles import BULLET, DASH_OR_NUMBER, MAX_SUBHEADING_LENGTH, SENTENCE_END

MARGIN = 0.12
"""Share of the height of a page, at its upper and lower edge, that may contain running lines."""
REPEATED_SHARE = 0.3
"""Share of the pages on which a running line appears: left and right pages may have their own."""
SHORT_LINE_SHARE = 0.75
PARAGRAPH_GAP = 1.25
"""Distance of two paragraphs, in multiples of the distance of two lines."""
DEFAULT_LEADING = 1.25
SAME_LINE = 0.3
"""Distance of the lower edges of two parts of one line, in multiples of the type size."""
SIZE_TOLERANCE = 0.08
PROMINENT_SIZE = 1.12
HEADLINE_SIZE = 1.2
MIN_INDENT, MAX_INDENT = 0.7, 6.0
"""Indentation of the first line of a paragraph, in multiples of the type size."""
PAGE_NUMBER = re.compile(
    r"[-–—|•·\s]*+(?P<word>seite|page|blatt|s\.|p\.)?\s*+(?P<number>\d{1,4})"
    r"(?P<total>\s*+(?:von|of|/)\s*+\d{1,4})?[-–—|•·\s]*+",
    re.IGNORECASE,
)
"""A line that is nothing but a page number.

>>> PAGE_NUMBER.fullmatch("Seite 3 von 12")["number"], PAGE_NUMBER.fullmatch("- 3 -")["number"]
('3', '3')
"""
PRINTED_ADDRESS = re.compile(r"(?:https?|file)://\S+\s+\d{1,3}/\d{1,3}")
PRINTED_DATE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{2,4}, \d{1,2}:\d\d(?:\s?[AP]M)?(?:\s|\Z)")
"""The beginning of the upper line of a page that a browser printed.

>>> bool(PRINTED_DATE.match("18.06.24, 13:34 Deich hält - Hafenkurier"))
True
"""
DIGITS = re.compile(r"\d{1,9}")
KEPT_HYPHEN = re.compile(r"(?:und|oder|bzw\.?|sowie|bis|and|or|to)\b")
"""A word after the hyphen of an omitted part: "Vor- und Nachteile".

>>> bool(KEPT_HYPHEN.match("und Nachteile")), bool(KEPT_HYPHEN.match("undicht"))
(True, False)
"""
WORD = re.compile(r"[\w'’-]+")
LAST_WORD = re.compile(r"(?<![\w'’-])[\w'’-]*+\Z")
FIRST_WORD = re.compile(r"\A[\w'’]*")
_HARD_HYPHENS = ("-", "\u00ad", "\u2010", "¬")


@dataclass(slots=True)
class _LineGroup:
    """Lines that form a paragraph."""

    lines: list[PdfLine]

    def size(self) -> float:
        return self.lines[0].size

    def is_bold(self) -> bool:
        return all(line.is_bold for line in self.lines)


@dataclass(slots=True)
class PdfLayout:
    """The paragraphs of a document, and the steps that led to them."""

    blocks: list[DocumentBlock]
    steps: list[CleaningStep] = field(default_factory=list)


def ends_in_cut_address(text: str) -> bool:
    """Check whether a line ends in an address that continues in the next line.

    >>> ends_in_cut_address("siehe https://hafen.example/a/"), ends_in_cut_address("und/")
    (True, False)
    """
    words = text[-2_000:].split()
    return text.endswith(tuple("/?&=_")) and ("://" in words[-1] or "www." in words[-1])


def layout(lines: Sequence[PdfLine], pages: int) -> PdfLayout:
    """Return the paragraphs of the lines of a document, in the order of its text layer."""
    steps: list[CleaningStep] = []
    printed = {id(line) for line in _print_lines(lines)}
    numbers = {id(line) for line in _page_numbers(lines, pages)} - printed
    rest = [line for line in lines if id(line) not in numbers | printed]
    repeated = {id(line) for line in _running_lines(rest, pages)}
    if len(repeated) == len(rest):  # all of the text: forms with a line on each page
        repeated = set()
    for name, removed in (
        ("browser_print_lines", printed),
        ("page_headers_and_footers", repeated),
        ("page_numbers", numbers),
    ):
        if removed:
            gone = (line.text for line in lines if id(line) in removed)
            steps.append(list_step(name, gone, lines=len(removed)))
    rest = [line for line in rest if id(line) not in repeated]
    paragraphs = list(_paragraphs(rest))
    joiner = LineJoiner(line.text for line in rest)
    texts = [joiner.join(paragraph.lines) for paragraph in paragraphs]
    if joiner.joined:
        steps.append(list_step("line_end_hyphens", joiner.joined, words=len(joiner.joined)))
    broken = sum(len(paragraph.lines) - 1 for paragraph in paragraphs)
    if broken:
        steps.append(CleaningStep("line_breaks", {"joined": broken}))
    return PdfLayout(_blocks(paragraphs, texts), steps)


# ------------------------------------------------------------------------------ running lines


def _is_at_edge(line: PdfLine) -> bool:
    return not MARGIN <= line.height <= 1 - MARGIN


def _running_lines(lines: Sequence[PdfLine], pages: int) -> Iterator[PdfLine]:
    """Yield the lines at the edge of the page that appear on several pages at the same height.

    Their numbers may differ if they count with the pages.
    """
    by_key: dict[tuple[str, int, int], list[PdfLine]] = {}
    for line in lines:
        if _is_at_edge(line):
            key = (DIGITS.sub("#", line.text), round(line.size), round(line.height * 100))
            by_key.setdefault(key, []).append(line)
    for group in by_key.values():
        typical = group[len(group) // 2]
        similar = [line for line in group if _is_counterpart(line, typical)]
        appearances = len({line.page for line in similar})
        if appearances >= 2 and appearances >= pages * REPEATED_SHARE:
            yield from similar


def _is_counterpart(line: PdfLine, other: PdfLine) -> bool:
    """Check whether two lines of equal words differ only by their page numbers.

    >>> first, second = (PdfLine(f"Bericht 2024, {n}/9", n, 0, 0, 0, 0, 10) for n in (1, 2))
    >>> _is_counterpart(first, second)
    True
    """
    distance = other.page - line.page
    pairs = zip(DIGITS.findall(line.text), DIGITS.findall(other.text), strict=True)
    return all(int(here) in {int(there), int(there) - distance} for here, there in pairs)


def _print_lines(lines: Sequence[PdfLine]) -> Iterator[PdfLine]:
    """Yield the lines that a browser prints on each page: date and title, address and number."""
    footers = [line for line in lines if _is_at_edge(line) and PRINTED_ADDRESS.fullmatch(line.text)]
    pages = {line.page for line in footers}
    yield from footers
    for line in lines:
        if line.page in pages and _is_at_edge(line) and PRINTED_DATE.match(line.text):
            yield line


def _page_numbers(lines: Sequence[PdfLine], pages: int) -> Iterator[PdfLine]:
    """Yield the page numbers: with a word or a total, or counting with the pages."""
    candidates: list[tuple[PdfLine, re.Match[str]]] = []
    for line in lines:
        match = PAGE_NUMBER.fullmatch(line.text) if _is_at_edge(line) else None
        if match:
            candidates.append((line, match))
    offsets = Counter(int(match["number"]) - line.page for line, match in candidates)
    for line, match in candidates:
        offset = int(match["number"]) - line.page
        is_counting = offsets[offset] >= 2 or (pages == 1 and offset == 1)
        if match["word"] or match["total"] or is_counting:
            yield line


# --------------------------------------------------------------------------------- paragraphs


def _paragraphs(lines: Sequence[PdfLine]) -> Iterator[_LineGroup]:
    grouping = _Grouping(_leadings(lines), _right_edges(lines), _body_size(lines))
    current: list[PdfLine] = []
    for line in lines:
        if current and grouping.starts_paragraph(current, line):
            yield _LineGroup(current)
            current = []
        current.append(line)
    if current:
        yield _LineGroup(current)


def _body_size(lines: Iterable[PdfLine]) -> float:
    """Return the type size of most letters."""
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[round(line.size, 1)] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def _leadings(lines: Sequence[PdfLine]) -> dict[int, float]:
    """Return the usual distance of two lines for each type size (rounded)."""
    gaps: dict[int, Counter[float]] = {}
    for above, below in pairwise(lines):
        gap = above.bottom - below.bottom
        if round(above.size) == round(below.size) and 0.5 * above.size < gap < 2.5 * above.size:
            gaps.setdefault(round(above.size), Counter())[round(gap * 2) / 2] += 1
    return {size: min(_common_distances(counts)) for size, counts in gaps.items()}


def _common_distances(counts: Counter[float]) -> list[float]:
    """Return the distances that are as frequent as the most frequent one, within a third."""
    highest = max(counts.values())
    return [gap for gap, count in counts.items() if count * 3 >= highest * 2]


def _right_edges(lines: Sequence[PdfLine]) -> dict[tuple[int, int, int], float]:
    """Return the right edge of each column: lines of a page with equal left edge and size."""
    edges: dict[tuple[int, int, int], float] = {}
    for line in lines:
        key = _column(line)
        edges[key] = max(edges.get(key, 0.0), line.right)
    return edges


def _column(line: PdfLine) -> tuple[int, int, int]:
    return line.page, round(line.left / 20), round(line.size)


@dataclass(frozen=True, slots=True)
class _Grouping:
    """Decides where paragraphs start, from the usual distances and edges of the document."""

    leadings: dict[int, float]
    edges: dict[tuple[int, int, int], float]
    body_size: float

    def starts_paragraph(self, current: Sequence[PdfLine], line: PdfLine) -> bool:
        previous = current[-1]
        size = max(previous.size, 1.0)
        if abs(line.size - size) > SIZE_TOLERANCE * size or line.is_bold != previous.is_bold:
            return True
        if previous.is_hyphenated:
            return False
        if _is_item(line) and (self._is_finished(previous) or _is_item(current[0])):
            return True
        gap = previous.bottom - line.bottom
        if line.page == previous.page and abs(gap) < SAME_LINE * size and line.left > previous.left:
            return False  # a line that is stretched to the width of its column
        leading = self.leadings.get(round(size), DEFAULT_LEADING * size)
        if line.page != previous.page or not -0.5 * size <= gap <= 4 * leading:
            return self._is_finished(previous) or not _may_continue(line)
        is_heading = size >= PROMINENT_SIZE * self.body_size
        is_last = self._is_short(previous) and SENTENCE_END.search(previous.text) is not None
        is_new = is_last or _is_indented(current, line)
        return gap > PARAGRAPH_GAP * leading or (is_new and not is_heading)

    def _is_finished(self, line: PdfLine) -> bool:
        return SENTENCE_END.search(line.text) is not None or self._is_short(line)

    def _is_short(self, line: PdfLine) -> bool:
        edge = self.edges[_column(line)]
        return line.right - line.left < SHORT_LINE_SHARE * (edge - line.left)


def _is_item(line: PdfLine) -> bool:
    return bool(BULLET.match(line.text) or DASH_OR_NUMBER.match(line.text))


def _is_indented(current: Sequence[PdfLine], line: PdfLine) -> bool:
    """Check whether the first line of a paragraph is indented; items of lists are the opposite."""
    indent = line.left - current[-1].left
    return not _is_item(current[0]) and MIN_INDENT * line.size < indent < MAX_INDENT * line.size


def _may_continue(line: PdfLine) -> bool:
    """Check whether a line in the next column or on the next page may continue a sentence."""
    first = next((character for character in line.text if character.isalnum()), "")
    return not line.is_bold and bool(first)


# ------------------------------------------------------------------------------------- hyphens


class LineJoiner:
    """Joins the lines of paragraphs, and removes the hyphens of words that were divided.

    >>> lines = [PdfLine("Hoch", 0, 0, 0, 0, 0, 10, is_hyphenated=True)]
    >>> LineJoiner([]).join([*lines, PdfLine("wasser steigt.", 0, 0, 0, 0, 0, 10)])
    'Hochwasser steigt.'
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._words = Counter(word for text in texts for word in WORD.findall(text))
        self.joined: list[str] = []

    def join(self, lines: Sequence[PdfLine]) -> str:
        text, is_hyphenated = "", False
        for line in lines:
            text = self._append(text, line.text, is_hyphenated=is_hyphenated) if text else line.text
            is_hyphenated = line.is_hyphenated
            if not is_hyphenated and text.endswith(_HARD_HYPHENS) and text[-2:-1].isalnum():
                text, is_hyphenated = text[:-1], True
        return f"{text}-" if is_hyphenated else text

    def _append(self, text: str, following: str, *, is_hyphenated: bool) -> str:
        if not is_hyphenated:
            return f"{text}{following}" if ends_in_cut_address(text) else f"{text} {following}"
        if KEPT_HYPHEN.match(following):
            return f"{text}- {following}"
        last, first = LAST_WORD.search(text), FIRST_WORD.match(following)
        parts = (last[0] if last else "", first[0] if first else "")
        is_abbreviation = len(parts[0]) > 1 and parts[0].upper() == parts[0]
        if not following[:1].islower() or not parts[0] or is_abbreviation:
            return f"{text}-{following}"  # "Baden-Württemberg", "30-Jährige"
        whole, compound = "".join(parts), "-".join(parts)
        if self._words[compound] and not self._words[whole]:
            return f"{text}-{following}"
        self.joined.append(whole)
        return text + following


# --------------------------------------------------------------------------------------- roles


def _blocks(paragraphs: Sequence[_LineGroup], texts: Sequence[str]) -> list[DocumentBlock]:
    """Return the paragraphs with the roles that their type declares."""
    body = _body_size(line for paragraph in paragraphs for line in paragraph.lines)
    blocks = []
    for paragraph, text in zip(paragraphs, texts, strict=True):
        is_larger = paragraph.size() >= PROMINENT_SIZE * body
        block = DocumentBlock(text, is_prominent=is_larger or paragraph.is_bold())
        is_line = len(text) <= MAX_SUBHEADING_LENGTH and not text.endswith((".", ":", ",", ";"))
        if BULLET.match(text):
            block.role = "list"
        elif block.is_prominent and is_line:
            block.role = "subheading"
        blocks.append(block)
    _mark_headline(paragraphs, blocks, body)
    return blocks


def _mark_headline(
    paragraphs: Sequence[_LineGroup], blocks: Sequence[DocumentBlock], body: float
) -> None:
    """Declare the largest line at the beginning as the headline, if it is clearly larger."""
    top = [
        (paragraph.size(), block)
        for paragraph, block in zip(paragraphs[:MAX_TOP_BLOCKS], blocks, strict=False)
        if may_be_headline(block.text.rstrip(".:")) and paragraph.lines[0].page == 0
    ]
    largest = max((size for size, _ in top), default=0.0)
    if top and largest >= HEADLINE_SIZE * body:
        next(block for size, block in top if size == largest).role = "headline"
