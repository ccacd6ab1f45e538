"""Markdown with YAML front matter: paragraphs with the roles that the syntax names."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from storage.values.draft import Draft, Field, Json, Role
from storage.values.refusals import Refused, refuse
from worker.text.annotate.roles import blocks, same_line, split_at_blank_lines
from worker.text.decode import decode
from worker.text.formats.assemble import UNSEEN, Material, assemble, combined
from worker.text.formats.clean import clean, one_line
from worker.text.formats.front_matter import FrontMatterError, load_front_matter, split_front_matter
from worker.text.formats.metadata import Cleaning, gather
from worker.text.hints import Hints, TextSettings
from worker.text.kinds import has_markup

DEEPEST = 60
MOST_BRACKETS = 2_000
"""No article has more links; the parser takes 30 µs for each bracket that is never closed."""
WHERE = "front matter"
# "5*3*2" is no emphasis: the asterisks wait as a noncharacter while the syntax is read.
STAR_BETWEEN_DIGITS = re.compile(r"(?<=\d)\*+(?=\d)")
STAR = "\ufdd0"
_CONTAINERS = frozenset(
    {"blockquote_open", "blockquote_close", "list_item_open", "list_item_close"}
)


def read_markdown(raw: bytes, hints: Hints, settings: TextSettings) -> Draft | Refused:
    """Read Markdown (CommonMark without HTML, tables and link definitions) as an article."""
    decoded = decode(raw, hints.charset)
    if isinstance(decoded, Refused):
        return decoded
    text, steps = clean(decoded.text)
    if not text.strip(UNSEEN):
        return refuse("empty")
    try:
        record, body, tag_ignored = _front_matter(text)
    except FrontMatterError as error:
        return refuse("front_matter_invalid", reason=error)
    material = Material([], [], flags=list(decoded.flags), steps=(*decoded.steps, *steps))
    if tag_ignored:
        material.flags.append("yaml_tag_ignored")
    if has_markup(body):
        material.flags.append("markup_in_text")
    cleaning = Cleaning(material.flags)
    gather(cleaning.cleaned(record), WHERE, material, hints, settings)
    _take_body(body, material)
    material.steps += cleaning.steps()
    return assemble(material, settings)


def markdown_blocks(text: str) -> list[tuple[str, Role | None]]:
    r"""Return the paragraphs of `text` without Markdown syntax, and the roles it names.

    Every digit stays: the number of a list item, a sign before a number, `5*3` and `a_b`.

    >>> markdown_blocks("# Öl\n\nEs *brennt* 5*3*2 [mal](http://a.de).\n\n1. Mai\n- 3 Grad")
    [('Öl', 'headline'), ('Es brennt 5*3*2 mal.', None), ('1. Mai', 'list'), ('- 3 Grad', 'list')]
    """
    if text.count("[") > MOST_BRACKETS:
        return [(block, None) for block in blocks(text)]
    guarded = STAR not in text
    if guarded:
        text = STAR_BETWEEN_DIGITS.sub(lambda found: STAR * len(found.group()), text)
    tokens = _parser().parse(text)
    if any(token.level >= DEEPEST - 2 for token in tokens):
        # Deeper levels were skipped by the parser: keep the source as it stands instead.
        found: list[tuple[str, Role | None]] = [(block, None) for block in blocks(text)]
    else:
        found = list(_walk(tokens))
    return [(block.replace(STAR, "*") if guarded else block, role) for block, role in found]


def _front_matter(text: str) -> tuple[dict[str, Json], str, bool]:
    source, body = split_front_matter(text)
    if source is None:
        return {}, body, False
    record, tag_ignored = load_front_matter(source)
    return ({}, text, False) if record is None else (record, body, tag_ignored)


def _take_body(body: str, material: Material) -> None:
    # Entities and escapes can write what cleaning the source has not seen.
    found = [
        (part, role)
        for text, role in markdown_blocks(body)
        for part in split_at_blank_lines(clean(text)[0])
    ]
    for index, (text, role) in enumerate(found):
        if role == "headline":
            found[index] = (text, _heading_role(index, one_line(text), material))
    material.blocks = [text for text, _ in found]
    material.given = [role for _, role in found]
    if "subheading" not in material.given:
        # No headings in the source: let the look of the lines tell, as in a plain text.
        material.given = material.given if any(material.given) else None


def _heading_role(index: int, heading: str, material: Material) -> Role:
    """Return what a heading of the first level is: the headline only if it is the title.

    Another heading stays in the text, so that a change of it shows as a new wording.
    """
    found = Field(heading, "first heading")
    if material.title is None:
        material.title = found
        return "headline"
    if same_line(material.title.value, heading):
        return "headline"
    if index == 0:
        material.flags.append("title_conflict")
        material.title = combined(material.title, found)
    return "subheading"


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    """Return CommonMark less what makes text vanish: HTML, link definitions, code by indent."""
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": DEEPEST})
    return parser.disable(["reference", "code", "html_block", "html_inline"])


def _walk(tokens: Sequence[Token]) -> Iterator[tuple[str, Role | None]]:
    containers: list[str] = []
    marker = heading = ""
    for token in tokens:
        if token.type in _CONTAINERS or token.type == "fence":
            # A number whose item begins with no text of its own would be lost with its marker.
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
