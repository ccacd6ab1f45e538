"""Read a page: bytes to draft, the body by trafilatura, the metadata by candidates and choice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from lxml.etree import XPath
from lxml.html import HtmlElement

from storage.values.draft import (
    TEXT_ROLES,
    Candidate,
    CleaningStep,
    Draft,
    Extractor,
    Field,
    Paragraph,
)
from storage.values.refusals import Refused, refuse
from worker.text.annotate.marks import agencies, odd_flags
from worker.text.annotate.notices import notices
from worker.text.annotate.quotes import quotes
from worker.text.annotate.words import word_count
from worker.text.decode import DecodedText
from worker.text.hints import MAX_PARAGRAPHS, Hints, TextSettings
from worker.text.invisible import STEP_NAME as UNSEEN
from worker.text.invisible import decode_references, stamp, stamp_fields, strip_invisible
from worker.text.page.body.extract import (
    OPTIONS,
    TRAFILATURA,
    Extracted,
    collect_extracted,
    extract_body,
)
from worker.text.page.body.fallback import (
    better_opinion,
    described_text,
    second_opinion,
    with_lead,
    with_paragraphs,
    with_repeats,
)
from worker.text.page.body.left_out import with_headings, with_left_out
from worker.text.page.body.roles import paragraphs_of
from worker.text.page.fields.article_node import article_body, article_node, collect_linked
from worker.text.page.fields.choose import (
    ChosenFields,
    Context,
    choose_address,
    choose_fields,
    choose_language,
)
from worker.text.page.fields.clues import PageClues, clues_of
from worker.text.page.fields.dates import URL_DAY, moment_of, read_stamp
from worker.text.page.fields.head import collect_head, metas
from worker.text.page.fields.images import collect_images
from worker.text.page.fields.json_ld import Linked, read_linked
from worker.text.page.fields.visible import collect_visible
from worker.text.page.interstitials import interstitial_reason
from worker.text.page.layout.blocks import Block, Layout, Piece
from worker.text.page.layout.candidates import Candidates, Collection
from worker.text.page.layout.charset import decode_page
from worker.text.page.layout.hidden_email import show_addresses
from worker.text.page.layout.script_payload import add_payload, shows_text
from worker.text.page.layout.tree import parse_page, prepare, replace_surrogates
from worker.text.page.loss import loss_flags
from worker.text.page.no_article import no_article_reason
from worker.text.page.paywall import declared_free, is_live, is_teaser
from worker.text.page.surroundings import surrounding_keys

NAME = "lesart-page"
VERSION = "14"
"""Counts up with every change that can give another text, role, mark or field."""

_LONGEST_TITLE = 300
_OBSERVED = XPath("boolean(descendant::meta[@name = 'observed_at'])")
_SEEN = ("byline", "link rel", "itemprop")
"""Places of an author that a reader sees."""


@dataclass(frozen=True, slots=True)
class _Source:
    """A page taken apart: its tree, what stands on it, and what its metadata offers."""

    tree: HtmlElement
    layout: Layout
    linked: Linked
    collection: Collection
    scripted: bool

    @property
    def blocks(self) -> tuple[Block, ...]:
        return self.layout.blocks

    @property
    def candidates(self) -> Candidates:
        return self.collection.candidates()


@lru_cache(maxsize=16)
def page_extractor(settings: TextSettings) -> Extractor:
    """Name who reads pages under `settings`: two texts compare only if these are equal."""
    languages = ",".join(settings.languages)
    return Extractor(
        NAME,
        VERSION,
        f"trafilatura={TRAFILATURA};options={OPTIONS};"
        f"languages={languages};timezone={settings.timezone}",
    )


def read_page(raw: bytes, hints: Hints, settings: TextSettings) -> Draft | Refused:
    """Return what the page `raw` says, or why it is no article.

    Refusals: `binary`, `extraction_empty`, `not_article`. A page may need any time and memory:
    the caller bounds both (worker.flow.document_process).
    """
    decoded = decode_page(raw, hints.charset)
    if isinstance(decoded, Refused):
        return decoded
    text, replaced = replace_surrogates(decoded.text)
    text, taken = strip_invisible(decode_references(text))
    tree = parse_page(text)
    if isinstance(tree, Refused):
        return tree
    addresses = show_addresses(tree)
    source = _take_apart(tree, hints)
    context = Context(hints.url, hints.observed_at, settings.timezone, _clues(source, hints.url))
    chosen = _choose(source, context)
    source.layout.prune()
    extracted = extract_body(tree, hints.url)
    stated = article_body(article_node(source.linked, None))
    if extracted is None:
        extracted = Extracted(second_opinion(source.blocks, stated), None)
    else:
        better = better_opinion(extracted.pieces, source.blocks, stated)
        extracted = Extracted(better, None) if better else extracted
    if not extracted.pieces:
        return _refuse_empty(source, chosen)
    doubts = _doubts(decoded, replaced, addresses, taken)
    return _draft(source, extracted, chosen, doubts, hints, settings)


def _take_apart(tree: HtmlElement, hints: Hints) -> _Source:
    collection = Collection()
    collect_head(tree, collection, hints.url)
    canonical = choose_address(collection.candidates().get("url", ()))
    address = canonical.value if canonical else hints.url
    linked = read_linked(tree)
    collect_linked(linked, collection, address)
    scripted = not shows_text(tree) and add_payload(tree)
    prepare(tree)
    layout = Layout(tree)
    collect_visible(tree, layout, collection)
    collect_images(layout, collection, hints.url)
    if address and URL_DAY.search(address):
        collection.add("published", address, "address")
    for offer in hints.offers:
        collection.add(offer.field, offer.value, offer.found_in)
    return _Source(tree, layout, linked, collection, scripted)


def _clues(source: _Source, address: str | None) -> PageClues:
    bylines = (c for c in source.candidates.get("authors", ()) if c.found_in.startswith(_SEEN))
    seen = [line for candidate in bylines for line in candidate.value]
    return clues_of(source.layout, article_node(source.linked, None), seen, address)


def _choose(source: _Source, context: Context) -> ChosenFields:
    """Choose the fields, and ask trafilatura's metadata where one of the main ones is missing.

    It costs more than all our own passes, and adds nothing where they found something.
    """
    chosen = choose_fields(source.candidates, context)
    main = (chosen.fields.get(name) for name in ("title", "published"))
    if all(field is not None and field.value for field in main):
        return chosen
    collect_extracted(source.tree, source.collection, context.url)
    return choose_fields(source.candidates, context)


def _refuse_empty(source: _Source, chosen: ChosenFields) -> Refused:
    reason = interstitial_reason(
        _title(chosen), [b.text for b in source.blocks if b.zone != "hidden"]
    )
    return refuse("not_article", reason=reason) if reason else refuse("extraction_empty", reason="")


def _draft(
    source: _Source,
    extracted: Extracted,
    chosen: ChosenFields,
    doubts: tuple[tuple[str, ...], tuple[CleaningStep, ...]],
    hints: Hints,
    settings: TextSettings,
) -> Draft | Refused:
    title = _title(chosen)
    leads = [c.value for c in source.candidates.get("lead", ()) if isinstance(c.value, str)]
    whole = with_repeats(with_paragraphs(extracted.pieces, source.blocks), source.blocks)
    whole = with_headings(whole, source.blocks)
    led = with_lead(whole, source.blocks, title, leads)
    pieces = led if source.linked.is_news else with_left_out(led, source.blocks)
    named = chosen.fields.get("authors")
    authors = (named.value if named else None) or ()
    if len(pieces) > MAX_PARAGRAPHS:
        return refuse("too_many_paragraphs", limit=MAX_PARAGRAPHS)
    paragraphs = paragraphs_of(pieces, source.blocks, title, leads, authors)
    running = [p.text for p in paragraphs if p.role in TEXT_ROLES]
    if not running:
        return refuse("extraction_empty", reason="")
    stated = article_body(article_node(source.linked, None))
    reason = interstitial_reason(title, running) or no_article_reason(
        paragraphs, source.blocks, title, leads, stated
    )
    if reason:
        whole = led = pieces = described_text(source.blocks, leads)
        if not pieces:
            return refuse("not_article", reason=reason)
        extracted = Extracted(pieces, None)
        paragraphs = paragraphs_of(pieces, (), title, leads, authors)
        running = [p.text for p in paragraphs]
    fields = _fields(source, chosen, paragraphs, "\n\n".join(running), settings)
    address = choose_address(source.candidates.get("url", ()))
    if address:
        fields["url"] = address
    flags, steps = doubts
    fields |= stamp_fields(steps)
    return Draft(
        title=title,
        paragraphs=paragraphs,
        extractor=page_extractor(settings),
        fields=fields,
        flags=_flags(flags, source, chosen, paragraphs, fields),
        steps=(
            *steps,
            *_extraction_steps(extracted, (whole, led, pieces), scripted=source.scripted),
        ),
        quotes=quotes(paragraphs, fields["language"].value),
        notices=notices(paragraphs),
        address=address.value if address else None,
        observed_at=_observed_at(source.tree, hints, settings),
        raw_output=extracted.xml,
        around=surrounding_keys(source.blocks, paragraphs),
    )


def _title(chosen: ChosenFields) -> str | None:
    field = chosen.fields.get("title")
    return field.value if field else None


def _doubts(
    decoded: DecodedText, replaced: int, addresses: int, taken: Sequence[str]
) -> tuple[tuple[str, ...], tuple[CleaningStep, ...]]:
    """Return the flags and steps of the way from bytes to the tree."""
    flags, steps = decoded.flags, decoded.steps
    if replaced:
        flags = (*flags, "surrogate_replaced")
        steps = (*steps, CleaningStep("replace_surrogates", {"replaced": replaced}))
    if taken:
        carried = stamp(taken)
        steps = (*steps, CleaningStep(UNSEEN, {"stamp": carried} if carried else {}))
        flags = (*flags, "invisible_chars") if carried else flags
    if addresses:
        steps = (*steps, CleaningStep("show_addresses", {"shown": addresses}))
    return flags, steps


def _extraction_steps(
    extracted: Extracted, mended: tuple[Sequence[Piece], ...], *, scripted: bool
) -> tuple[CleaningStep, ...]:
    """Return how the body was found, and what was mended about it, one time after the other."""
    whole, led, pieces = mended
    by = "second opinion" if extracted.xml is None else f"trafilatura {TRAFILATURA}"
    steps = [CleaningStep("read_scripts")] if scripted else []
    steps.append(CleaningStep("extract", {"by": by}))
    if len(whole) != len(extracted.pieces):
        steps.append(CleaningStep("mend_paragraphs", {"pieces": len(whole)}))
    if len(led) != len(whole):
        steps.append(CleaningStep("add_lead"))
    if len(pieces) != len(led):
        steps.append(CleaningStep("add_left_out", {"pieces": len(pieces) - len(led)}))
    return tuple(steps)


def _fields(
    source: _Source,
    chosen: ChosenFields,
    paragraphs: Sequence[Paragraph],
    text: str,
    settings: TextSettings,
) -> dict[str, Field]:
    fields = dict(chosen.fields)
    fields["language"] = choose_language(
        source.candidates.get("language", ()), text, settings.languages
    )
    fields["word_count"] = Field(word_count(text.split()), "body")
    lead = next((p.text for p in paragraphs if p.role == "lead"), None)
    if lead is not None:
        offered = source.candidates.get("lead", ())
        fields["lead"] = Field(lead, "body", None, tuple(offered))
    free = declared_free(source.linked, article_node(source.linked, None))
    if free is not None:
        fields["accessible_for_free"] = free
    marked = agencies(paragraphs)
    if marked:
        fields["agency"] = _joined_agency(marked, fields.get("agency"))
    return fields


def _joined_agency(marked: Sequence[str], named: Field | None) -> Field:
    if named is None:
        return Field(list(marked), "body")
    known = {name.casefold() for name in named.value}
    more = [name for name in marked if name.casefold() not in known]
    offered = (Candidate(list(marked), "body"),)
    return Field([*named.value, *more], named.found_in, None, (*named.candidates, *offered))


def _flags(
    flags: Sequence[str],
    source: _Source,
    chosen: ChosenFields,
    paragraphs: Sequence[Paragraph],
    fields: Mapping[str, Field],
) -> tuple[str, ...]:
    title = _title(chosen)
    node = article_node(source.linked, None)
    text = "\n".join(p.text for p in paragraphs if p.role in TEXT_ROLES)
    published = fields.get("published")
    facts = {
        "title_missing": title is None,
        "headline_long": title is not None and len(title) > _LONGEST_TITLE,
        "date_missing": published is None or published.value is None,
        "language_unsure": fields["language"].value is None,
        "metadata_broken": source.linked.broken,
        "metadata_truncated": source.collection.truncated,
        "teaser": is_teaser(source.linked, node, text, source.blocks),
        "live_blog": is_live(source.linked, title, [p.text for p in paragraphs]),
    }
    odd = odd_flags([title or "", *(p.text for p in paragraphs)])
    lost = loss_flags(paragraphs, source.blocks, article_body(node))
    named = (flag for flag, is_set in facts.items() if is_set)
    return tuple(sorted({*flags, *chosen.flags, *named, *odd, *lost}))


def _observed_at(tree: HtmlElement, hints: Hints, settings: TextSettings) -> datetime | None:
    """Return the time that a capture made elsewhere names for itself, none after `observed_at`."""
    if not _OBSERVED(tree):
        return None
    for name, content in metas(tree):
        if name == "observed_at":
            date = read_stamp(content, "meta observed_at", hints.observed_at.year + 1)
            moment = moment_of(date, settings.timezone) if date else None
            if moment and date and date.precision in ("minute", "second", "day"):
                return moment if moment <= hints.observed_at else None
    return None
