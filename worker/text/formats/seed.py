"""Read the seed format: a first line ` date YYYY-MM[-DD] HEADLINE`, then paragraphs."""

from storage.values.draft import Candidate, Draft, Field
from storage.values.refusals import RefusalReason, refuse
from worker.text.annotate.dates import InvalidDate, leading_date
from worker.text.annotate.roles import blocks
from worker.text.decode import DecodedText, decode
from worker.text.file_types import has_markup
from worker.text.formats.assemble import (
    INVISIBLE_OR_BLANK,
    MAX_HEADLINE_LENGTH,
    ParsedDocument,
    assemble,
)
from worker.text.formats.clean_text import clean_text, one_line
from worker.text.hints import Hints, TextSettings

HEADER = "seed header"
FIRST_LINE = "first line"


def read_seed(raw: bytes, hints: Hints, settings: TextSettings) -> Draft | RefusalReason:
    """Read a plain text whose first line is a date and a headline, or only a headline.

    The headline is stored unchanged, even if the body has another subject. A date that does not
    exist in the calendar is flagged, never corrected.
    """
    decoded = decode(raw, hints.charset)
    if isinstance(decoded, RefusalReason):
        return decoded
    text, steps = clean_text(decoded.text)
    if not text.strip(INVISIBLE_OR_BLANK):
        return refuse("empty")
    document = _parse_document(text, decoded, hints.observed_at.year + 1)
    document.steps = (*decoded.steps, *steps)
    return assemble(document, settings)


def _parse_document(text: str, source: DecodedText, latest_year: int) -> ParsedDocument:
    first, _, rest = text.lstrip("\n").partition("\n")
    document = ParsedDocument(blocks(rest), flags=list(source.flags))
    if has_markup(text):
        document.flags.append("markup_in_text")
    headline = _read_header(first, latest_year, document)
    found_in = FIRST_LINE if headline is None else HEADER
    if headline is None:
        headline = first
    elif not headline and document.blocks:
        headline, found_in = document.blocks.pop(0), "first paragraph"
    if len(headline) > MAX_HEADLINE_LENGTH and not document.blocks:
        document.blocks = [headline.strip()]
        document.flags.append("headline_long")
        headline, found_in = _first_words(headline), "beginning of the only line"
    if headline.strip():
        document.title = Field(one_line(headline), found_in)
    return document


def _read_header(line: str, latest_year: int, document: ParsedDocument) -> str | None:
    """Read the date of a header line and return its headline, None if the line is not a header."""
    keyword, behind = line.lstrip(" \t")[:5], line.lstrip(" \t")[5:].lstrip(" \t")
    is_header = keyword in {"date ", "date\t"}
    header = leading_date(behind, HEADER, latest_year) if is_header else None
    if header is None:
        document.flags.append("date_missing")
        return None
    date, headline = header
    if isinstance(date, InvalidDate):
        document.flags.append("date_invalid")
        rejected = (Candidate(date.text, HEADER),)
        document.fields["published"] = Field(None, HEADER, None, rejected)
    else:
        document.fields["published"] = Field(date.to_dict(), HEADER)
    return headline


def _first_words(line: str) -> str:
    """Return the first words of a text of a single line, as its title.

    >>> _first_words("Wort ein " * 100)[-8:]
    'Wort ein'
    """
    start = one_line(line[: 2 * MAX_HEADLINE_LENGTH])[: MAX_HEADLINE_LENGTH + 1]
    return start.rpartition(" ")[0] or start[:MAX_HEADLINE_LENGTH]
