"""The seed format: a first line ` date YYYY-MM[-DD] HEADLINE`, then paragraphs."""

from storage.values.draft import Candidate, Draft, Field
from storage.values.refusals import Refused, refuse
from worker.text.annotate.dates import InvalidDate, leading_date
from worker.text.annotate.roles import blocks
from worker.text.decode import Decoded, decode
from worker.text.formats.assemble import LONGEST_HEADLINE, UNSEEN, Material, assemble
from worker.text.formats.clean import clean, one_line
from worker.text.hints import Hints, TextSettings
from worker.text.kinds import has_markup

HEADER = "seed header"
FIRST_LINE = "first line"


def read_seed(raw: bytes, hints: Hints, settings: TextSettings) -> Draft | Refused:
    """Read a plain text whose first line holds date and headline, or the headline alone.

    The headline is kept as it stands, also where the body speaks of something else; a date
    that no calendar knows is flagged and never guessed.
    """
    decoded = decode(raw, hints.charset)
    if isinstance(decoded, Refused):
        return decoded
    text, steps = clean(decoded.text)
    if not text.strip(UNSEEN):
        return refuse("empty")
    material = _material(text, decoded, hints.observed_at.year + 1)
    material.steps = (*decoded.steps, *steps)
    return assemble(material, settings)


def _material(text: str, decoded: Decoded, latest_year: int) -> Material:
    first, _, rest = text.lstrip("\n").partition("\n")
    material = Material(blocks(rest), flags=list(decoded.flags))
    if has_markup(text):
        material.flags.append("markup_in_text")
    headline = _read_header(first, latest_year, material)
    found_in = FIRST_LINE if headline is None else HEADER
    if headline is None:
        headline = first
    elif not headline and material.blocks:
        headline, found_in = material.blocks.pop(0), "first paragraph"
    if len(headline) > LONGEST_HEADLINE and not material.blocks:
        material.blocks = [headline.strip()]
        material.flags.append("headline_long")
        headline, found_in = _beginning(headline), "beginning of the only line"
    if headline.strip():
        material.title = Field(one_line(headline), found_in)
    return material


def _read_header(line: str, latest_year: int, material: Material) -> str | None:
    """Take the date of a header line and return its headline; None where it is no header."""
    keyword, behind = line.lstrip(" \t")[:5], line.lstrip(" \t")[5:].lstrip(" \t")
    is_header = keyword in {"date ", "date\t"}
    found = leading_date(behind, HEADER, latest_year) if is_header else None
    if found is None:
        material.flags.append("date_missing")
        return None
    date, headline = found
    if isinstance(date, InvalidDate):
        material.flags.append("date_invalid")
        rejected = (Candidate(date.text, HEADER),)
        material.fields["published"] = Field(None, HEADER, None, rejected)
    else:
        material.fields["published"] = Field(date.to_dict(), HEADER)
    return headline


def _beginning(line: str) -> str:
    """Return the words that a line of text alone begins with, to have a name for it.

    >>> _beginning("Wort ein " * 100)[-8:]
    'Wort ein'
    """
    start = one_line(line[: 2 * LONGEST_HEADLINE])[: LONGEST_HEADLINE + 1]
    return start.rpartition(" ")[0] or start[:LONGEST_HEADLINE]
