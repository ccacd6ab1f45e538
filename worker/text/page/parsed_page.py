"""A parsed page: its tree, its blocks, and the candidates for its fields."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from lxml.html import HtmlElement

from storage.values.refusals import RefusalReason
from worker.text.hints import Hints
from worker.text.page.body.extract import (
    collect_trafilatura_metadata,
)
from worker.text.page.fields.article_node import article_node, collect_json_ld
from worker.text.page.fields.choose import (
    ChosenFields,
    FieldContext,
    choose_address,
    choose_fields,
)
from worker.text.page.fields.clues import PageClues, collect_clues
from worker.text.page.fields.dates import URL_DAY
from worker.text.page.fields.head import collect_head
from worker.text.page.fields.images import collect_images
from worker.text.page.fields.json_ld import JsonLd, read_json_ld
from worker.text.page.fields.visible import collect_visible
from worker.text.page.fields.visible_dates import collect_visible_dates
from worker.text.page.layout.blocks import Block, Layout, single_line_text
from worker.text.page.layout.candidates import CandidateCollector, Candidates
from worker.text.page.layout.tree import parse_page, prepare_tree
from worker.text.page.live_blog import EntryReader, may_have_entries


@dataclass(frozen=True, slots=True)
class ParsedPage:
    """A parsed page: its tree, blocks, JSON-LD, and candidates for its fields.

    `from_scripts`: the text was in the data of a script. `entries`: what may be entries, if the
    page calls itself a live blog; `frame` is the tree without them.
    """

    tree: HtmlElement
    layout: Layout
    json_ld: JsonLd
    collector: CandidateCollector
    from_scripts: bool
    entries: EntryReader | None
    frame: HtmlElement

    @property
    def blocks(self) -> tuple[Block, ...]:
        return self.layout.blocks

    @property
    def candidates(self) -> Candidates:
        return self.collector.candidates()


def collect_page(tree: HtmlElement, hints: Hints, *, has_updates: bool) -> ParsedPage:
    collector = CandidateCollector()
    collect_head(tree, collector, hints.url)
    canonical = choose_address(collector.candidates().get("url", ()))
    address = canonical.value if canonical else hints.url
    json_ld = read_json_ld(tree)
    collect_json_ld(json_ld, collector, address)
    from_scripts = not has_visible_text(tree) and append_script_text(tree)
    prepare_tree(tree)
    layout = Layout(tree)
    entries = find_entry_reader(layout, json_ld, hints, has_updates=has_updates)
    frame, frame_layout = tree, layout
    if entries is not None and (without_entries := entries.frame()) is not None:
        frame, frame_layout = without_entries, Layout(without_entries)
    collect_visible(frame, frame_layout, collector)
    language = tree.get("lang") or tree.get("{xml}lang") or ""
    collect_visible_dates(frame_layout, collector, language=language, url=address)
    collect_images(layout, collector, hints.url)
    if address and URL_DAY.search(address):
        collector.add("published", address, "address")
    for source_value in hints.source_values:
        collector.add(source_value.field, source_value.value, source_value.found_in)
    return ParsedPage(tree, layout, json_ld, collector, from_scripts, entries, frame)


def find_entry_reader(
    layout: Layout, json_ld: JsonLd, hints: Hints, *, has_updates: bool
) -> EntryReader | None:
    """Return what may be the entries of a page that calls itself a live blog."""
    headline = layout.blocks[layout.headline].text if layout.blocks else None
    if not has_updates and not may_have_entries(json_ld, headline):
        return None
    return EntryReader(layout, json_ld, hints.observed_at.year + 1)


def collect_page_clues(page: ParsedPage, address: str | None) -> PageClues:
    node = article_node(page.json_ld, None)
    return collect_clues(page.layout, node, page.candidates, address)


def choose_page_fields(page: ParsedPage, context: FieldContext) -> ChosenFields:
    """Choose the fields, with the metadata of trafilatura if title or date are missing.

    Trafilatura takes longer than all other sources and adds nothing if these are present.
    """
    chosen = choose_fields(page.candidates, context)
    main = (chosen.fields.get(name) for name in ("title", "published"))
    if all(field is not None and field.value for field in main):
        return chosen
    collect_trafilatura_metadata(page.frame, page.collector, context.url)
    return choose_fields(page.candidates, context)


def title_of(chosen: ChosenFields) -> str | None:
    field = chosen.fields.get("title")
    return field.value if field else None


_LARGEST_SCRIPTS = 3_000_000  # characters
_SHORTEST_STRING = 300
_SHORTEST_TEXT = 300
_SHORTEST_PARAGRAPH = 40
_MAX_STRINGS = 200

STRING = re.compile(rf'(?<!\\)"((?:[^"\\]|\\.){{{_SHORTEST_STRING},}}+)"')
r"""A long string of JavaScript or JSON.

>>> STRING.search('{"body": "' + "a" * 500 + '"}').span(1)
(10, 510)
"""

PARAGRAPH_TAG = re.compile(r"<p[\s>]|\\u003cp(?:\s|\\u003e)|&lt;p(?:\s|&gt;)", re.IGNORECASE)
r"""The beginning of a paragraph tag, escaped or not.

>>> bool(PARAGRAPH_TAG.search(r"\u003cp\u003eText")), bool(PARAGRAPH_TAG.search("<pre>"))
(True, False)
"""


def append_script_text(tree: HtmlElement) -> bool:
    """Append the longest markup text in the scripts of `tree`; return whether there was one.

    Some sites send articles as data and build the page in the browser. To be called only for pages
    without visible text.
    """
    body = tree.find("body")
    fragments = [] if body is None else list(_fragments(tree))
    best = max(fragments, key=_paragraph_length, default=None)
    if body is None or best is None or _paragraph_length(best) < _SHORTEST_TEXT:
        return False
    best.tag = "article"
    body.append(best)
    return True


def has_visible_text(tree: HtmlElement) -> bool:
    """Check whether the page has a paragraph of at least 40 characters."""
    places = chain(tree.iter("p"), tree.iter("td", "div"))
    return any(len(single_line_text(place)) >= _SHORTEST_PARAGRAPH for place in places)


def _fragments(tree: HtmlElement) -> Iterator[HtmlElement]:
    scripts = "\n".join(script.text or "" for script in tree.iter("script"))[:_LARGEST_SCRIPTS]
    literals = (m[1] for m in STRING.finditer(scripts) if PARAGRAPH_TAG.search(m[1]))
    for _, literal in zip(range(_MAX_STRINGS), literals, strict=False):
        parsed = parse_page(f"<html><body>{_decode_literal(literal)}</body></html>")
        part = None if isinstance(parsed, RefusalReason) else parsed.find("body")
        if part is not None:
            yield part


def _decode_literal(literal: str) -> str:
    r"""Decode a string literal; if it contains JSON, return the string with markup inside it.

    >>> _decode_literal(r"\u003cp\u003eText")
    '<p>Text'
    """
    try:
        decoded = str(json.loads(f'"{literal}"', strict=False))
    except ValueError:
        return ""
    if "\\u003c" not in decoded and not decoded.lstrip().startswith(("{", "[")):
        return decoded
    inner = next((m[1] for m in STRING.finditer(decoded) if PARAGRAPH_TAG.search(m[1])), None)
    try:
        return decoded if inner is None else str(json.loads(f'"{inner}"', strict=False))
    except ValueError:
        return ""


def _paragraph_length(part: HtmlElement) -> int:
    return sum(len(single_line_text(paragraph)) for paragraph in part.iter("p"))
