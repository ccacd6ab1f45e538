"""A parsed page: its tree, its blocks, and the candidates for its fields."""

from dataclasses import dataclass

from lxml.html import HtmlElement

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
from worker.text.page.layout.blocks import Block, Layout
from worker.text.page.layout.candidates import CandidateCollector, Candidates
from worker.text.page.layout.script_payload import append_script_text, has_visible_text
from worker.text.page.layout.tree import prepare_tree


@dataclass(frozen=True, slots=True)
class ParsedPage:
    """A parsed page: its tree, blocks, JSON-LD, and candidates for its fields.

    `from_scripts`: the text was in the data of a script. `has_updates`: the page contains the word
    that marks the entries of a live blog in JSON-LD and microdata.
    """

    tree: HtmlElement
    layout: Layout
    json_ld: JsonLd
    collector: CandidateCollector
    from_scripts: bool
    has_updates: bool

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
    collect_visible(tree, layout, collector)
    language = tree.get("lang") or tree.get("{xml}lang") or ""
    collect_visible_dates(layout, collector, language=language, url=address)
    collect_images(layout, collector, hints.url)
    if address and URL_DAY.search(address):
        collector.add("published", address, "address")
    for source_value in hints.source_values:
        collector.add(source_value.field, source_value.value, source_value.found_in)
    return ParsedPage(tree, layout, json_ld, collector, from_scripts, has_updates)


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
    collect_trafilatura_metadata(page.tree, page.collector, context.url)
    return choose_fields(page.candidates, context)


def title_of(chosen: ChosenFields) -> str | None:
    field = chosen.fields.get("title")
    return field.value if field else None
