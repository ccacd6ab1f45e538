"""Read Markdown with YAML front matter: paragraphs with the roles that the syntax declares."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt
from markdown_it.token import Token

from storage.values.draft import Draft, Field, Json, Role
from storage.values.lazy import LazyModule
from storage.values.refusals import RefusalReason, refuse
from worker.text.annotate.measures import merge_candidates
from worker.text.annotate.roles import blocks, is_same_line, split_at_blank_lines
from worker.text.decode import decode
from worker.text.file_types import has_markup
from worker.text.formats.assemble import (
    INVISIBLE_OR_BLANK,
    ParsedDocument,
    assemble,
)
from worker.text.formats.clean_text import clean_text, one_line
from worker.text.formats.metadata import RecordCleaner, read_metadata
from worker.text.hints import Hints, TextSettings

if TYPE_CHECKING:
    from worker.text.formats import front_matter
else:
    front_matter = LazyModule("worker.text.formats.front_matter")

MAX_NESTING = 60
MAX_BRACKETS = 2_000
"""Far above the number of links in an article; the parser takes 30 µs for each unclosed bracket."""
SOURCE_NAME = "front matter"
# "5*3*2" is not emphasis: a noncharacter replaces these asterisks during parsing.
STAR_BETWEEN_DIGITS = re.compile(r"(?<=\d)\*+(?=\d)")
STAR = "\ufdd0"
FRONT_MATTER = re.compile(
    r"\A\s*---[ \t]*\n(?P<yaml>.*?)(?:\n|(?<=---\n))(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL
)
_CONTAINERS = frozenset(
    {"blockquote_open", "blockquote_close", "list_item_open", "list_item_close"}
)


def read_markdown(raw: bytes, hints: Hints, settings: TextSettings) -> Draft | RefusalReason:
    """Read Markdown (CommonMark without HTML, tables and link definitions) as an article."""
    decoded = decode(raw, hints.charset)
    if isinstance(decoded, RefusalReason):
        return decoded
    text, steps = clean_text(decoded.text)
    if not text.strip(INVISIBLE_OR_BLANK):
        return refuse("empty")
    try:
        record, body, tag_ignored = _front_matter(text)
    except front_matter.FrontMatterError as error:
        return refuse("front_matter_invalid", reason=error)
    document = ParsedDocument([], [], flags=list(decoded.flags), steps=(*decoded.steps, *steps))
    if tag_ignored:
        document.flags.append("yaml_tag_ignored")
    if has_markup(body):
        document.flags.append("markup_in_text")
    cleaner = RecordCleaner(document.flags)
    read_metadata(cleaner.clean_value(record), SOURCE_NAME, document, hints, settings)
    _read_body(body, document)
    document.steps += cleaner.steps()
    return assemble(document, settings)


def markdown_blocks(text: str) -> list[tuple[str, Role | None]]:
    r"""Return the paragraphs of `text` without Markdown syntax, and the roles that it declares.

    All digits are retained: the number of a list item, a sign before a number, `5*3` and `a_b`.

    >>> markdown_blocks("# Öl\n\nEs *brennt* 5*3*2 [mal](http://a.de).\n\n1. Mai\n- 3 Grad")
    [('Öl', 'headline'), ('Es brennt 5*3*2 mal.', None), ('1. Mai', 'list'), ('- 3 Grad', 'list')]
    """
    if text.count("[") > MAX_BRACKETS:
        return [(block, None) for block in blocks(text)]
    is_guarded = STAR not in text
    if is_guarded:
        text = STAR_BETWEEN_DIGITS.sub(lambda match: STAR * len(match[0]), text)
    tokens = _parser().parse(text)
    if any(token.level >= MAX_NESTING - 2 for token in tokens):
        # The parser skipped deeper levels: use the unparsed source instead.
        pairs: list[tuple[str, Role | None]] = [(block, None) for block in blocks(text)]
    else:
        pairs = list(_walk(tokens))
    return [(block.replace(STAR, "*") if is_guarded else block, role) for block, role in pairs]


def split_front_matter(text: str) -> tuple[str | None, str]:
    r"""Split the YAML from the body below it; None if `text` does not begin with front matter.

    >>> split_front_matter("---\ntitle: Öl\n---\nEs brennt.")
    ('title: Öl', 'Es brennt.')
    >>> split_front_matter("---\nkein Ende")
    (None, '---\nkein Ende')
    """
    match = FRONT_MATTER.match(text) if text.lstrip().startswith("---") else None
    return (match["yaml"], text[match.end() :]) if match else (None, text)


def _front_matter(text: str) -> tuple[dict[str, Json], str, bool]:
    source, body = split_front_matter(text)
    if source is None:
        return {}, body, False
    record, tag_ignored = front_matter.load_front_matter(source)
    return ({}, text, False) if record is None else (record, body, tag_ignored)


def _read_body(body: str, document: ParsedDocument) -> None:
    # Entities and escapes can produce characters that the cleaning of the source did not see.
    pairs = [
        (part, role)
        for text, role in markdown_blocks(body)
        for part in split_at_blank_lines(clean_text(text)[0])
    ]
    for index, (text, role) in enumerate(pairs):
        if role == "headline":
            pairs[index] = (text, _heading_role(index, one_line(text), document))
    document.blocks = [text for text, _ in pairs]
    document.format_roles = [role for _, role in pairs]
    if "subheading" not in document.format_roles:
        # The source has no headings: detect them by their appearance, as in a plain text.
        document.format_roles = document.format_roles if any(document.format_roles) else None


def _heading_role(index: int, heading: str, document: ParsedDocument) -> Role:
    """Return the role of a first-level heading: headline if it is the title, otherwise subheading.

    A subheading remains in the text, so that a change of it creates a new wording.
    """
    heading_field = Field(heading, "first heading")
    if document.title is None:
        document.title = heading_field
        return "headline"
    if is_same_line(document.title.value, heading):
        return "headline"
    if index == 0:
        document.flags.append("title_conflict")
        document.title = merge_candidates(document.title, heading_field)
    return "subheading"


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    """Return a CommonMark parser without HTML, references and indented code, which drop text."""
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": MAX_NESTING})
    return parser.disable(["reference", "code", "html_block", "html_inline"])


def _walk(tokens: Sequence[Token]) -> Iterator[tuple[str, Role | None]]:
    containers: list[str] = []
    marker = heading = ""
    for token in tokens:
        if token.type in _CONTAINERS or token.type == "fence":
            # Keep the number of an item that has no text of its own.
            if marker[:1].isdigit():
                yield marker, "list"
            marker = ""
        if token.type in _CONTAINERS and token.nesting > 0:
            containers.append(token.type)
            marker = token.info + token.markup if token.type == "list_item_open" else ""
        elif token.type in _CONTAINERS:
            containers.pop()
        elif token.type in ("heading_open", "heading_close"):
            heading = token.tag if token.nesting > 0 else ""
        elif token.type == "inline":
            yield from _inline_block(token, _role(heading, containers), marker)
            marker = ""
        elif token.type == "fence":
            for text in split_at_blank_lines(token.content):
                yield text, _role("", containers)


def _role(heading: str, containers: list[str]) -> Role | None:
    if heading:
        return "headline" if heading == "h1" and not containers else "subheading"
    if "list_item_open" in containers:
        return "list"
    return "quote" if containers else None


def _inline_block(
    token: Token, role: Role | None, marker: str
) -> Iterator[tuple[str, Role | None]]:
    children = token.children or []
    text = _inline_text(children).strip()
    if marker[:1].isdigit() or (marker in ("+", "-") and text.lstrip(".,")[:1].isdecimal()):
        text = f"{marker} {text}"
    only_images = all(child.type == "image" or not child.content.strip() for child in children)
    if text:
        yield text, "caption" if only_images and role is None else role


def _inline_text(children: Sequence[Token]) -> str:
    parts: list[str] = []
    for child in children:
        if child.type in ("softbreak", "hardbreak"):
            parts.append("\n" if child.type == "hardbreak" else " ")
        elif child.type == "image":
            parts.append(_inline_text(child.children or []))
        else:
            parts.append(child.content)
    return "".join(parts)
