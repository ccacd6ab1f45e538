"""A comparison of two versions for people: as text for a terminal, as a page of HTML."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from storage.cli.table import styled
from storage.diff.entry_diff import EntryDiff
from storage.diff.operation import Operation
from storage.diff.paragraph_breaks import BREAK
from storage.read.answers import Diff
from storage.read.render.passages import group_paragraphs, paragraph_kind, paragraph_labels
from storage.read.render.visible import visible

_DELETED = "color:#8b1a1a;background:#fde8e8;text-decoration:line-through"
_INSERTED = "color:#14532d;background:#e6f6e9;text-decoration:none"
_MOVED = "border-left:3px solid #2b6cb0;padding-left:.5em"
_PAGE = "max-width:42em;margin:2em auto;padding:0 1em;font:16px/1.5 Georgia,serif"
EVENTS = {
    "added": "new entry", "edited": "edited entry", "not_shown": "no longer shown",
    "removed": "removed entry",
}  # fmt: skip
_SIGNS = {"delete": "-", "insert": "+", "move": ">", "equal": " ", "change": "~"}


def diff_text(diff: Diff, *, colour: bool) -> Iterator[str]:
    """Yield the lines of a comparison: `[-gone-]`, `{+new+}`, and a sign before each paragraph.

    The signs: `-` gone, `+` new, `>` moved, `~` changed. A paragraph that was split or joined has
    this label, and a pilcrow for each new or removed break. Runs of equal paragraphs are counted.
    """
    yield styled(f"--- {visible(diff.a)}", "strong", colour=colour)
    yield styled(f"+++ {visible(diff.b)}", "strong", colour=colour)
    grouped = diff.grouped
    yield from _format_operations(
        diff.operations if grouped is None else grouped.outside, colour=colour
    )
    for entry in () if grouped is None else grouped.entries:
        yield styled(f"=== {_entry_title(entry)}", "strong", colour=colour)
        yield from _format_operations(entry.operations, colour=colour)


def _entry_title(entry: EntryDiff) -> str:
    parts = (f"{EVENTS[entry.event]}:", entry.time, entry.headline or f"({entry.entry})")
    return visible(" ".join(filter(None, parts)))


def _format_operations(operations: Iterable[Operation], *, colour: bool) -> Iterator[str]:
    equal = 0
    for paragraph in group_paragraphs(operations):
        if paragraph_kind(paragraph) == "equal":
            equal += 1
            continue
        yield from _equal_paragraphs(equal, colour=colour)
        equal = 0
        yield _line(paragraph, colour=colour)
    yield from _equal_paragraphs(equal, colour=colour)


def diff_html(diff: Diff) -> Iterator[str]:
    """Yield a page of HTML that needs no other file: everything archived is escaped in it."""
    title = escape(f"{visible(diff.a)} … {visible(diff.b)}")
    yield '<!doctype html>\n<html><head><meta charset="utf-8">'
    yield f'<title>{title}</title></head>\n<body style="{_PAGE}">\n<h1>{title}</h1>\n'
    grouped = diff.grouped
    yield from _html(diff.operations if grouped is None else grouped.outside)
    for entry in () if grouped is None else grouped.entries:
        yield f"<h3>{escape(_entry_title(entry))}</h3>\n"
        yield from _html(entry.operations)
    yield "</body></html>\n"


def _html(operations: Iterable[Operation]) -> Iterator[str]:
    for paragraph in group_paragraphs(operations):
        tag = "h2" if paragraph[0].role in {"headline", "subheading"} else "p"
        style = f' style="{_MOVED}"' if paragraph_kind(paragraph) == "move" else ""
        labels = ", ".join(paragraph_labels(paragraph))
        inner = f"<small>({labels})</small> " if labels else ""
        inner += "".join(map(_mark_html, paragraph))
        yield f'<{tag} dir="auto"{style}>{inner}</{tag}>\n'


def _equal_paragraphs(count: int, *, colour: bool) -> Iterator[str]:
    if count:
        noun = "paragraph" if count == 1 else "paragraphs"
        yield styled(f"  … {count} {noun} unchanged", "faint", colour=colour)


def _line(paragraph: Sequence[Operation], *, colour: bool) -> str:
    sign = _SIGNS[paragraph_kind(paragraph)]
    role = paragraph[0].role
    labels = [] if role == "text" else [role]
    labels += (label for label in paragraph_labels(paragraph) if label != "moved")
    label = styled(f"[{', '.join(labels)}] ", "faint", colour=colour) if labels else ""
    words = "".join(_mark_text(operation, colour=colour) for operation in paragraph)
    return f"{sign} {label}{words}"


def _mark_text(operation: Operation, *, colour: bool) -> str:
    match operation.op:
        case "delete":
            return styled(f"[-{visible(operation.a_text)}-]", "removed", colour=colour)
        case "insert":
            return styled(f"{{+{visible(operation.b_text)}+}}", "added", colour=colour)
        case "move":
            return styled(visible(operation.b_text), "moved", colour=colour)
        case "split":
            return styled(f"{{+{BREAK}+}}", "added", colour=colour) + " "
        case "join":
            return styled(f"[-{BREAK}-]", "removed", colour=colour)
        case "equal":
            return visible(operation.b_text)


def _mark_html(operation: Operation) -> str:
    match operation.op:
        case "delete":
            return f'<del style="{_DELETED}">{escape(visible(operation.a_text))}</del>'
        case "insert":
            return f'<ins style="{_INSERTED}">{escape(visible(operation.b_text))}</ins>'
        case "split":
            return f'<ins style="{_INSERTED}">{BREAK}</ins><br>'
        case "join":
            return f'<del style="{_DELETED}">{BREAK}</del>'
        case _:
            return escape(visible(operation.b_text))
