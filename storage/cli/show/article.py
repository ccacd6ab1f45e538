"""One version as an article that a person reads: title, what is known of it, paragraphs."""

import textwrap
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from storage.capabilities import load_parts
from storage.cli.shown_time import format_time
from storage.cli.table import cell, styled
from storage.read.answers import VersionText
from storage.read.lists import parse_date
from storage.read.render.visible import one_line, visible
from storage.values.dates import local_time
from storage.values.draft import Paragraph, PartialDate
from storage.values.fields import DATE_FIELDS, FIELDS
from storage.values.net.token import submission_note

TEXT_COLUMNS = 80

_BESIDE_TEXT = {"promo", "aside", "caption"}
_BEFORE = {"quote": "> ", "list": "- ", "caption": "[caption] ", "aside": "[aside] ",
           "promo": "[promo] ", "notice": "[notice] ", "lead": "", "subheading": ""}  # fmt: skip
_MARKS = ("promo", "aside", "agency", "invisible", "bidi")
"""The kinds of marks that are worth a word in the text; quotes show themselves."""


def article_text(version: VersionText, *, colour: bool, columns: int | None) -> Iterator[str]:
    """Yield the lines of `version`; lines are folded at `columns`, or not at all."""
    wide = None if columns is None else min(columns, TEXT_COLUMNS)
    title = version.title
    if version.text is None and title is None:
        title = "(restricted)" if "restricted" in version.flags else "(redacted)"
    yield from _fold_lines(styled(one_line(title or "(no title)"), "strong", colour=colour), wide)
    for line in _facts(version):
        yield styled(line, "faint", colour=colour)
    for paragraph in version.paragraphs:
        if paragraph.role != "headline":
            yield ""
            yield from _paragraph(paragraph, colour=colour, wide=wide)
    if version.notices:
        yield ""
        yield from (f"notice ({each.kind}): {one_line(each.text)}" for each in version.notices)
    if version.flags:
        yield ""
        yield f"flags: {', '.join(version.flags)}"


def _facts(version: VersionText) -> Iterator[str]:
    yield f"{version.article}@{version.version} of {version.versions} · {version.state}"
    yield f"origin     {one_line(version.origin)} ({one_line(version.source)})"
    submitter = version.fields.get("submitted_by")
    if submitter is not None and "submitted" in version.flags:  # files may have such a field
        yield f"captured   {submission_note(one_line(str(submitter.value)))}, not fetched by Lesart"
    for name in (each.name for each in FIELDS if each.is_shown):
        value = _field_value(version, name)
        if value not in (None, (), []):
            yield f"{name:<10} {_value(value)}{_describe_source(version.fields, name, value)}"
    yield f"seen       {_seen(version)}"
    yield f"wording    {version.wording}"
    for part in load_parts("version_facts"):
        yield from part.show_lines(version, _time_cell)
    if version.word_count is not None:
        yield f"words      {version.word_count}"


def _field_value(version: VersionText, name: str) -> Any:
    """Return the value of a field, which need not be an attribute of its own."""
    if hasattr(version, name):
        return getattr(version, name)
    value = version.fields[name].value if name in version.fields else None
    return parse_date(value) if name in DATE_FIELDS else value


def _value(value: Any) -> str:
    if isinstance(value, PartialDate):
        given = one_line(f"{value.value} {value.zone or ''}")
        moment = local_time(value, UTC)
        if moment is not None:
            return f"{format_time(moment, 'minutes')} (given as {given})"
        return f"{given} (to the {value.precision})"
    return cell(list(value) if isinstance(value, tuple) else value)


def _describe_source(fields: Mapping[str, Any], name: str, value: Any) -> str:
    """Return where a value was found, and how many others were not chosen."""
    if name not in fields:
        found_in = getattr(value, "found_in", None)
        return f" · {one_line(found_in)}" if found_in else ""
    others = len([each for each in fields[name].candidates if each.value != fields[name].value])
    more = f", {others} other{'s' if others > 1 else ''}" if others else ""
    return f" · {one_line(fields[name].found_in)}{more}"


def _seen(version: VersionText) -> str:
    observed = version.observed
    since = (
        f"first at {_time_cell(observed.changed_by)}"
        if observed.changed_after is None
        else f"after {_time_cell(observed.changed_after)}, by {_time_cell(observed.changed_by)}"
    )
    doubt = "" if observed.certain else " (not certain: the time asked for is later)"
    return f"{since}, last at {_time_cell(observed.last_seen)}{doubt}"


def _time_cell(moment: datetime) -> str:
    return cell(moment.isoformat())


def _paragraph(paragraph: Paragraph, *, colour: bool, wide: int | None) -> Iterator[str]:
    style = {"subheading": "strong", "lead": "strong"}.get(paragraph.role)
    if paragraph.role in _BESIDE_TEXT:
        style = "faint"
    text = _BEFORE.get(paragraph.role, "") + _with_marks(paragraph)
    for line in _fold_lines(text, wide):
        yield styled(line, style, colour=colour) if style else line


def _with_marks(paragraph: Paragraph) -> str:
    """Return the text with what its marks say in braces behind each span."""
    text, pieces, at = paragraph.text, [], 0
    for mark in sorted(paragraph.marks, key=lambda mark: (mark.end, mark.start)):
        if mark.kind in _MARKS and at <= mark.end <= len(text):
            pieces += [text[at : mark.end], f"{{{mark.kind}}}"]
            at = mark.end
    return visible("".join(pieces) + text[at:])


def _fold_lines(text: str, wide: int | None) -> Iterator[str]:
    for line in text.split("\n"):
        if wide is None:
            yield line
        else:
            yield from textwrap.wrap(
                line, wide, break_long_words=False, break_on_hyphens=False
            ) or [""]
