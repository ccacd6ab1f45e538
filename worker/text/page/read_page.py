"""Read a page into a draft: trafilatura extracts the body, fields are chosen from candidates."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from lxml.etree import XPath
from lxml.html import HtmlElement

from storage.values.draft import (
    EXTRACT_STEP,
    TEXT_ROLES,
    CleaningStep,
    Draft,
    Extractor,
)
from storage.values.refusals import RefusalReason, refuse
from worker.text.annotate.indirect import indirect_quotes
from worker.text.annotate.quotes import quotes
from worker.text.hints import MAX_PARAGRAPHS, PAGE_VERSION, Hints, TextSettings
from worker.text.invisible import stamp_fields
from worker.text.page.body.dropped_blocks import restore_dropped_blocks, restore_headings
from worker.text.page.body.extract import (
    OPTIONS,
    TRAFILATURA_VERSION,
    ExtractedBody,
    extract_body,
)
from worker.text.page.body.fallback import (
    add_lead,
    choose_body,
    fallback_body,
    find_description,
    restore_repeats,
    split_paragraphs,
)
from worker.text.page.body.roles import assign_roles
from worker.text.page.draft_fields import (
    build_fields,
    collect_flags,
    collect_notices,
    surrounding_keys,
)
from worker.text.page.fields.article_node import article_body, article_node
from worker.text.page.fields.choose import (
    ChosenFields,
    FieldContext,
    choose_address,
)
from worker.text.page.fields.dates import earliest_moment, read_stamp
from worker.text.page.fields.head import meta_tags
from worker.text.page.layout.blocks import Piece
from worker.text.page.layout.decoded_tree import DecodedTree, decode_tree
from worker.text.page.live_blog import MICRODATA, LiveBlog, find_entries
from worker.text.page.no_article import empty_page_refusal, front_page_refusal, other_page_refusal
from worker.text.page.parsed_page import (
    ParsedPage,
    choose_page_fields,
    collect_page,
    collect_page_clues,
    title_of,
)
from worker.text.page.signs import field_signs, is_marked, text_signs, tree_signs

NAME = "lesart-page"
_HAS_OBSERVED_AT = XPath("boolean(descendant::meta[@name = 'observed_at'])")


@lru_cache(maxsize=16)
def page_extractor(settings: TextSettings) -> Extractor:
    """Return the extractor of pages; texts are comparable only if their extractors are equal."""
    languages = ",".join(settings.languages)
    return Extractor(
        NAME,
        PAGE_VERSION,
        f"trafilatura={TRAFILATURA_VERSION};options={OPTIONS};"
        f"languages={languages};timezone={settings.timezone}",
    )


def read_page(raw: bytes, hints: Hints, settings: TextSettings) -> Draft | RefusalReason:
    """Read the page `raw`, or return the refusal if it is not an article.

    Refusals: `binary`, `extraction_empty`, `not_article`, `too_many_paragraphs`. Time and memory
    are not limited here; the caller limits both (worker.flow.document_process).
    """
    decoded = decode_tree(raw, hints.charset)
    if isinstance(decoded, RefusalReason):
        return decoded
    tree = decoded.tree
    signs = tree_signs(tree)
    page = collect_page(tree, hints, has_updates=MICRODATA in decoded.text)
    capture_time = _meta_observed_at(tree, hints, settings)
    context = FieldContext(
        hints.url,
        capture_time or hints.observed_at,
        settings.timezone,
        collect_page_clues(page, hints.url),
        hints.has_capture_time or capture_time is not None,
    )
    chosen = choose_page_fields(page, context)
    page.layout.prune()
    body = extract_body(tree, hints.url)
    json_ld_body = article_body(article_node(page.json_ld, None))
    if body is None:
        body = ExtractedBody(fallback_body(page.blocks, json_ld_body), None)
    else:
        pieces = choose_body(body.pieces, page.blocks, json_ld_body)
        body = body if pieces == body.pieces else ExtractedBody(pieces, None)
    if not body.pieces:
        return empty_page_refusal(title_of(chosen), page.blocks)
    signs += field_signs(page.json_ld, chosen.fields, hints.url)
    return _build_draft(page, body, chosen, decoded, hints, settings, signs=signs)


def _build_draft(
    page: ParsedPage,
    body: ExtractedBody,
    chosen: ChosenFields,
    decoded: DecodedTree,
    hints: Hints,
    settings: TextSettings,
    *,
    signs: tuple[str, ...],
) -> Draft | RefusalReason:
    title = title_of(chosen)
    leads = [c.value for c in page.candidates.get("lead", ()) if isinstance(c.value, str)]
    restored = restore_repeats(split_paragraphs(body.pieces, page.blocks), page.blocks)
    restored = restore_headings(restored, page.blocks)
    complete = add_lead(restored, page.blocks, title, leads)
    pieces = complete if page.json_ld.is_news else restore_dropped_blocks(complete, page.blocks)
    live = find_entries(pieces, page.entries) if page.entries else LiveBlog(tuple(pieces))
    pieces = live.pieces
    authors = (names.value if (names := chosen.fields.get("authors")) else None) or ()
    if len(pieces) > MAX_PARAGRAPHS:
        return refuse("too_many_paragraphs", limit=MAX_PARAGRAPHS)
    paragraphs = live.with_entry_roles(assign_roles(pieces, page.blocks, title, leads, authors))
    running = [p.text for p in paragraphs if p.role in TEXT_ROLES]
    if not running:
        return refuse("extraction_empty", reason="")
    address = choose_address(page.candidates.get("url", ()))
    place = hints.url or (address.value if address else None)
    if refused := front_page_refusal(page, paragraphs, title, place, has_authors=bool(authors)):
        return refused
    if refused := other_page_refusal(page, paragraphs, title, leads, is_marked=is_marked(signs)):
        restored = complete = pieces = find_description(page.blocks, leads)
        if not pieces:
            return refused
        body, live = ExtractedBody(pieces, None), LiveBlog(pieces)
        paragraphs = assign_roles(pieces, (), title, leads, authors)
        running = [p.text for p in paragraphs]
    fields = build_fields(page, chosen, paragraphs, "\n\n".join(running), settings)
    if address:
        fields["url"] = address
    fields |= stamp_fields(decoded.steps)
    return Draft(
        title=title,
        paragraphs=paragraphs,
        extractor=page_extractor(settings),
        fields=fields,
        flags=collect_flags(decoded.flags, page, chosen, paragraphs, fields, live),
        steps=(
            *decoded.steps,
            *_extraction_steps(body, (restored, complete, pieces), from_scripts=page.from_scripts),
        ),
        quotes=(direct := quotes(paragraphs, fields["language"].value)),
        indirect_quotes=indirect_quotes(paragraphs, fields["language"].value, direct=direct),
        notices=collect_notices(page, address, paragraphs, hints),
        address=address.value if address else None,
        observed_at=_meta_observed_at(page.tree, hints, settings),
        raw_output=body.xml,
        around=surrounding_keys(page.blocks, paragraphs),
        entries=live.entries,
        signs=(*signs, *text_signs(title, running)),
    )


def _extraction_steps(
    body: ExtractedBody, stages: tuple[Sequence[Piece], ...], *, from_scripts: bool
) -> tuple[CleaningStep, ...]:
    """Return the steps of the extraction: `stages` are the restored, complete and final pieces."""
    restored, complete, pieces = stages
    by = "second opinion" if body.xml is None else f"trafilatura {TRAFILATURA_VERSION}"
    steps = [CleaningStep("read_scripts")] if from_scripts else []
    steps.append(CleaningStep(EXTRACT_STEP, {"by": by}))
    if len(restored) != len(body.pieces):
        steps.append(CleaningStep("mend_paragraphs", {"pieces": len(restored)}))
    if len(complete) != len(restored):
        steps.append(CleaningStep("add_lead"))
    if len(pieces) != len(complete):
        steps.append(CleaningStep("add_left_out", {"pieces": len(pieces) - len(complete)}))
    return tuple(steps)


def _meta_observed_at(tree: HtmlElement, hints: Hints, settings: TextSettings) -> datetime | None:
    """Return the capture time in the meta tag `observed_at`, which other archivers write.

    None if it is missing, imprecise, or after the `observed_at` of the hints.
    """
    if not _HAS_OBSERVED_AT(tree):
        return None
    for name, content in meta_tags(tree):
        if name == "observed_at":
            date = read_stamp(content, "meta observed_at", hints.observed_at.year + 1)
            moment = earliest_moment(date, settings.timezone) if date else None
            if moment and date and date.precision in ("minute", "second", "day"):
                return moment if moment <= hints.observed_at else None
    return None
