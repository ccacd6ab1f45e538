"""Build the draft of an office document or a PDF: its headline, date line, byline and metadata."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from storage.values.draft import (
    Candidate,
    CleaningStep,
    Draft,
    Extractor,
    Field,
    Json,
    PartialDate,
    Role,
)
from storage.values.refusals import RefusalReason, refuse
from worker.text.annotate.date_lines import dates_in_line
from worker.text.annotate.dates import read_date
from worker.text.annotate.language import language
from worker.text.annotate.measures import merge_candidates
from worker.text.annotate.roles import MAX_LEAD_LENGTH, SENTENCE_END, byline_names, roles
from worker.text.formats.assemble import (
    MAX_HEADLINE_LENGTH,
    ParsedDocument,
    assemble,
)
from worker.text.formats.clean_text import one_line
from worker.text.formats.metadata import RecordCleaner, read_metadata
from worker.text.hints import VERSION as TEXT_VERSION
from worker.text.hints import Hints, TextSettings

MAX_TOP_BLOCKS = 8
"""Number of first paragraphs that may contain the headline, the date line and the byline."""
MAX_DATE_LINE_LENGTH = 120
BEFORE_DATE = re.compile(r"(?:\A|[,:|–—/(-]|\b(?:vom|den|am|of|on|dated))\s*\Z", re.IGNORECASE)
"""The end of the text before the date of a press text.

>>> bool(BEFORE_DATE.search("Hamburg, ")), bool(BEFORE_DATE.search("Nr. 12/2024 vom "))
(True, True)
>>> bool(BEFORE_DATE.search("Das Fest beginnt nach dem "))
False
"""
AFTER_DATE = re.compile(r"\s*(?:\Z|[|–—/(,;:)-])")
LABEL = re.compile(
    r"(?:presse-?(?:mitteilung|information|info|meldung|erklärung|text)|medien-?(?:mitteilung"
    r"|information)|press (?:release|statement|information)|media (?:release|statement)"
    r"|news release|for immediate release|zur sofortigen veröffentlichung|pressestelle)"
    r"(?:[^.!?]|\b(?:nr|no)\.){0,60}",
    re.IGNORECASE,
)
"""A line that names the kind of the document; it is never the headline.

>>> bool(LABEL.fullmatch("Pressemitteilung Nr. 12/2024"))
True
"""
EMBARGO = re.compile(
    r"\A(?:sperrfrist|sperrvermerk|embargo(?:ed)?(?: until| bis)?|frei ab|under embargo until)\b",
    re.IGNORECASE,
)
"""The beginning of a line with an embargo.

>>> bool(EMBARGO.match("Sperrfrist: 18. Juni 2024, 18 Uhr")), bool(EMBARGO.match("Embargos"))
(True, False)
"""


@dataclass(slots=True)
class DocumentBlock:
    """One paragraph of a document, before cleaning.

    `role` is the role that the format declares; "headline" is that of a title. `is_prominent` marks
    a paragraph in larger or bold type.
    """

    text: str
    role: Role | None = None
    is_prominent: bool = False


@dataclass(slots=True)
class OfficeParagraph:
    """A paragraph of an office document while it is read; it is prominent if all of it is bold."""

    role: Role | None
    pieces: list[str] = field(default_factory=list)
    letters: int = 0
    bold_letters: int = 0

    def add_run(self, text: str, *, is_bold: bool) -> None:
        self.pieces.append(text)
        self.letters += len(text)
        self.bold_letters += len(text) if is_bold else 0

    def block(self) -> DocumentBlock:
        return DocumentBlock("".join(self.pieces), self.role, 0 < self.letters <= self.bold_letters)


@dataclass(slots=True)
class PressText:
    """The content of a file before its headline and its date are known.

    `source` is the name of the format in every `found_in`. `record` are metadata of the file, under
    the keys of `worker.text.formats.metadata`. Its title, author and language are those of the
    program that wrote the file: they are used if the text itself has none.
    """

    source: str
    blocks: list[DocumentBlock]
    record: dict[str, Json] = field(default_factory=dict)
    steps: list[CleaningStep] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)


@lru_cache(maxsize=16)
def document_extractor(
    name: str, version: str, settings: TextSettings, library: str = ""
) -> Extractor:
    """Return the extractor of a document type; `library` is the version of its parser."""
    languages = ",".join(settings.languages)
    config = f"text={TEXT_VERSION};languages={languages};timezone={settings.timezone}"
    return Extractor(name, version, f"{library};{config}" if library else config)


def build_draft(
    press: PressText, hints: Hints, settings: TextSettings, extractor: Extractor
) -> Draft | RefusalReason:
    """Return the draft of a document, or its refusal.

    The headline is the paragraph that the format declares as title, otherwise a prominent paragraph
    or a heading at the beginning, otherwise the title of the metadata.
    """
    cleaner = RecordCleaner(press.flags)
    blocks = [replace(each, text=cleaner.clean_value(each.text).strip()) for each in press.blocks]
    blocks = [each for each in blocks if each.text]
    if not blocks:
        return refuse("empty")
    record: dict[str, Json] = cleaner.clean_value(press.record)
    document = ParsedDocument([], flags=press.flags)
    _read_top(blocks, press, record, document, hints)
    document.blocks = [each.text for each in blocks]
    document.format_roles = list(_roles(blocks, document.title))
    _choose_language(document, record, press.source, settings)
    read_metadata(record, press.source, document, hints, settings)
    document.steps = (*press.steps, *cleaner.steps())
    draft = assemble(document, settings)
    return replace(draft, extractor=extractor) if isinstance(draft, Draft) else draft


def _roles(blocks: Sequence[DocumentBlock], title: Field | None) -> list[Role]:
    """Return the roles of all paragraphs: the lead follows the headline and the lines below it."""
    declared = [each.role for each in blocks]
    has_styles = any(role not in {None, "headline"} for role in declared)
    title_text = title.value if title else None
    found = roles([each.text for each in blocks], title_text, declared if has_styles else None)
    start = next((i for i, role in enumerate(declared) if role == "headline"), None)
    if start is not None:
        found[start] = "headline"
    for index, block in enumerate(blocks[:MAX_TOP_BLOCKS]):
        is_above = start is not None and index < start
        if found[index] in {"lead", "subheading"} and (is_above or _is_top_line(block.text)):
            found[index] = "text"
    if "lead" in found:
        return found
    below = range(0 if start is None else start + 1, min(len(blocks), MAX_TOP_BLOCKS))
    running = [i for i in below if found[i] == "text" and not _is_top_line(blocks[i].text)]
    if len(running) > 1 and len(blocks[running[0]].text) <= MAX_LEAD_LENGTH:
        found[running[0]] = "lead"
    return found


def _is_top_line(text: str) -> bool:
    """Check whether a line is a label, date line, byline or embargo, and no running text."""
    if LABEL.fullmatch(text) or EMBARGO.match(text) or byline_names(text):
        return True
    is_line = len(text) <= MAX_DATE_LINE_LENGTH and SENTENCE_END.search(text) is None
    return is_line and _date_of_line(text) is not None


def _read_top(
    blocks: list[DocumentBlock],
    press: PressText,
    record: dict[str, Json],
    document: ParsedDocument,
    hints: Hints,
) -> None:
    """Find headline, date line, embargo and byline in the first paragraphs."""
    _choose_title(blocks, record, document, press.source)
    for block in blocks[:MAX_TOP_BLOCKS]:
        _read_line(block.text, document, hints)
    names = next(filter(None, (byline_names(b.text) for b in blocks[:MAX_TOP_BLOCKS])), None)
    if names:
        creator = record.pop("author", None)
        others = (Candidate(creator, f"{press.source}: author"),) if creator else ()
        document.fields["authors"] = Field(list(names), "byline", None, others)


def _choose_title(
    blocks: list[DocumentBlock], record: dict[str, Json], document: ParsedDocument, source: str
) -> None:
    found = _find_headline(blocks)
    declared = record.pop("title", None)
    if found is None:
        line = one_line(declared) if isinstance(declared, str) else ""
        document.title = Field(line, f"{source}: title") if line else None
    else:
        block, found_in = found
        document.title = Field(one_line(block.text), found_in)
        if declared:
            declared_field = Field(one_line(str(declared)), f"{source}: title")
            document.title = merge_candidates(document.title, declared_field)
        block.role = "headline"
    for block in blocks:  # further titles stay in the text
        if block.role == "headline" and (found is None or block is not found[0]):
            block.role = "subheading"


def _find_headline(blocks: Sequence[DocumentBlock]) -> tuple[DocumentBlock, str] | None:
    lines = [each for each in blocks[:MAX_TOP_BLOCKS] if may_be_headline(each.text)]
    running = next((i for i, b in enumerate(blocks) if _is_running(b)), len(blocks))
    above = [each for each in lines if any(each is block for block in blocks[:running])]
    for candidates, found_in in (
        ([each for each in blocks[:MAX_TOP_BLOCKS] if each.role == "headline"], "title paragraph"),
        ([each for each in above if each.role == "subheading"], "first heading"),
        ([each for each in above if each.is_prominent], "prominent paragraph"),
        (above if running < len(blocks) else [], "first paragraph"),
    ):
        if candidates:
            return candidates[0], found_in
    return None


def may_be_headline(text: str) -> bool:
    """Check whether a line can be a headline: no label, date, byline, embargo or sentence."""
    is_line = len(text) <= MAX_HEADLINE_LENGTH and any(map(str.isalpha, text))
    if not is_line or LABEL.fullmatch(text) or EMBARGO.match(text) or byline_names(text):
        return False
    return not text.endswith((".", ":", ",")) and _date_of_line(text) is None


def _is_running(block: DocumentBlock) -> bool:
    is_sentence = len(block.text) > 80 and SENTENCE_END.search(block.text) is not None
    return block.role not in {"headline", "subheading"} and is_sentence


def _read_line(text: str, document: ParsedDocument, hints: Hints) -> None:
    if EMBARGO.match(text):
        found = next((written for _, written in dates_in_line(text[:300])), None)
        date = partial_date(found, "embargo line", hints) if found else None
        line = (Candidate(one_line(text)[:300], "embargo line"),)
        value = date.to_dict() if date else None
        document.fields.setdefault("embargoed", Field(value, "embargo line", None, line))
        return
    written = _date_of_line(text)
    date = partial_date(written, "date line", hints) if written else None
    if date is not None:
        document.fields.setdefault("published", Field(date.to_dict(), "date line"))


def _date_of_line(text: str) -> str | None:
    """Return the date of a line that states when and where a text was published.

    >>> _date_of_line("Hamburg, 18. Juni 2024"), _date_of_line("Nr. 12 vom 18.06.2024")
    ('18. Juni 2024', '18.06.2024')
    >>> _date_of_line("Hamburg, 18. Juni 2024 – Der Hafen wächst um drei Kais.")
    '18. Juni 2024'
    >>> _date_of_line("Das Fest beginnt nach dem 18. Juni 2024")
    """
    line = text[:MAX_DATE_LINE_LENGTH]
    for _, written in dates_in_line(line):
        before, found, after = line.partition(written)
        is_date_line = found and len(before) <= 60 and BEFORE_DATE.search(before)
        if is_date_line and AFTER_DATE.match(after):
            return written
        return None
    return None


def partial_date(text: str, source: str, hints: Hints) -> PartialDate | None:
    date = read_date(text, source, hints.observed_at.year + 1)
    return date if isinstance(date, PartialDate) else None


def _choose_language(
    document: ParsedDocument, record: dict[str, Json], source: str, settings: TextSettings
) -> None:
    """Detect the language from the text; the declared one is that of the program's menus."""
    declared = record.pop("language", None)
    if not isinstance(declared, str):
        return
    detected = language("\n\n".join(document.blocks), settings.languages)
    code = declared.partition("-")[0].lower()
    candidate = Field(code, f"{source}: language")
    if detected.value is None:
        document.fields["language"] = candidate
    else:
        document.fields["language"] = merge_candidates(detected, candidate)


def list_step(name: str, texts: Iterable[str], /, **counts: int) -> CleaningStep:
    """Return a step that lists the removed lines, each one once, the first hundred of them."""
    removed = list(dict.fromkeys(texts))
    details: Mapping[str, Json] = {"removed": removed[:100], **counts}
    return CleaningStep(name, details)
