"""Find the quotations of a paragraph, mask their words, and part it into sentences.

Direct and indirect quotations are read from the same masked paragraphs.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from worker.text.annotate.quotation_form import is_quoted_name

_MAX_LENGTH = 20_000  # characters; longer paragraphs are cut off
_SEARCH_LENGTH = 150

QUOTED = re.compile(
    r"""[„“"»«‚›‘](?:
      (?<=„)[^„“”"]*+(?:(?:„[^„“”"]*+[“”"]|(?<=\s)"[^"„“”]*+")[^„“”"]*+)*+[“”"]
    | (?<=“)[^“”]*+(?:“[^“”]*+”[^“”]*+)*+”
    | (?<=“)[^“”"]*+"(?!\w)
    | (?<=")(?<!\w")(?!\s)[^"]*+"
    | (?<=»)(?<!\w»)[^»«]*+«
    | (?<=«)(?<!\w«)[^»«]*+»
    | (?<=‚)[^‚‘]*+‘
    | (?<=›)(?<!\w›)[^›‹]*+‹
    | (?<=‘)(?<!\w‘)(?:[^‘’]|(?<=\w)’(?=\w))*+’(?!\w)
    )""",
    re.VERBOSE,
)
"""A quotation with its marks.

>>> QUOTED.findall('„Er rief "Halt" und ging“, sagte sie. Ein 5" Rohr.')
['„Er rief "Halt" und ging“']
"""

_REOPENING_MARKS = frozenset('„“"»')
_UNCLOSED = re.compile(r'[„“"»][^„“”"»«]*\Z')
SENTENCE_BREAK = re.compile(
    r"[.!?…](?<!\b\d.)(?<!\b\d\d.)(?<!\b[A-ZÄÖÜ].)(?<!\b(?:Dr|Mr|Ms|St|Nr).)"
    r"(?<!\b(?:Mrs|Sen|Gov|Rep|Rev).)(?<!Prof.)"
    r"(?!(?<=\b(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Oct|Nov|Dec)\.)\s\d)(?!(?<=\bSept\.)\s\d)[)\]]?\s+(?=[A-ZÄÖÜ§\d(])"
)
"""The end of a sentence.

>>> [m.start() for m in SENTENCE_BREAK.finditer("Am 3. Mai kam Dr. Lind. Er ging.")]
[22]
>>> [m.start() for m in SENTENCE_BREAK.finditer("It opened on Sept. 30, 2019. It is long.")]
[27]
"""


class Span(NamedTuple):
    """A quotation in its paragraph: its range including the marks, and its text without them.

    An open one has no mark at its end: the next paragraph continues it.
    """

    start: int
    end: int
    text: str
    is_open: bool = False


class MaskedParagraph(NamedTuple):
    """A paragraph whose quotations are masked, with all other letters at their places.

    `breaks` are the positions between its sentences, with its start and its end.
    """

    text: str
    spans: Sequence[Span]
    breaks: Sequence[int]


def mask_paragraph(text: str, language: str, follower: str = "") -> MaskedParagraph:
    """Return a masked paragraph; an unclosed quotation counts if `follower` opens it again."""
    masked = _mask(text, language)
    if follower[:1] not in _REOPENING_MARKS:
        return masked
    text = text[:_MAX_LENGTH]
    end = max([match.end() for match in QUOTED.finditer(text)], default=0)
    unclosed = _UNCLOSED.search(text, end)
    if not unclosed or follower[:1] != unclosed[0][0] or not unclosed[0][1:].strip():
        return masked
    last = Span(unclosed.start(), len(text), unclosed[0][1:].strip(), is_open=True)
    return _masked(text, [*masked.spans, last], language)


@lru_cache(maxsize=256)
def _mask(text: str, language: str) -> MaskedParagraph:
    text = text[:_MAX_LENGTH]
    return _masked(text, list(_spans(text)) if has_mark(text) else (), language)


def _masked(text: str, spans: Sequence[Span], language: str) -> MaskedParagraph:
    masked = _mask_quotations(text, spans, language) if spans else text
    ends = [match.end() for match in SENTENCE_BREAK.finditer(masked)]
    return MaskedParagraph(masked, spans, [0, *ends, len(masked)])


def has_mark(text: str) -> bool:
    """Check quickly whether a text contains a quotation mark."""
    has_common_mark = '"' in text or "„" in text or "“" in text or "»" in text or "«" in text
    return has_common_mark or "‚" in text or "‘" in text or "›" in text


def _spans(text: str) -> Iterator[Span]:
    for match in QUOTED.finditer(text):
        start, end = match.span()
        inner = text[start + 1 : end - 1].strip()
        if inner:
            yield Span(start, end, inner)


def _mask_quotations(text: str, spans: Sequence[Span], language: str) -> str:
    """Return `text` with its quotations masked, so that their words are not taken for cues.

    A quotation that ends a sentence is replaced by text with a full stop. In German, a name in
    marks only loses its marks: laut „Spiegel“.
    """
    pieces = []
    end = 0
    stops = ".!?…" if language == "de" else "."
    for span in spans:
        pieces.append(text[end : span.start])
        if language == "de" and is_quoted_name(
            span.text, text[max(0, span.start - _SEARCH_LENGTH) : span.start]
        ):
            pieces.append(f" {text[span.start + 1 : span.end - 1]} ")
        else:
            closes = span.text[-1] in stops
            pieces.append("§" * (span.end - span.start - 1) + ("." if closes else "§"))
        end = span.end
    pieces.append(text[end:])
    return "".join(pieces)
