"""The fields, flags and notices of a page that is read."""

from collections.abc import Mapping, Sequence

from storage.values.draft import (
    TEXT_ROLES,
    Candidate,
    Field,
    Notice,
    Paragraph,
)
from worker.text.annotate.marks import agencies, suspicious_character_flags
from worker.text.annotate.notices import notices
from worker.text.annotate.words import word_count
from worker.text.hints import Hints, TextSettings
from worker.text.page.entries import LiveBlog
from worker.text.page.fields.article_node import article_body, article_node
from worker.text.page.fields.choose import (
    ChosenFields,
    choose_language,
)
from worker.text.page.fields.corrections import declared_notices
from worker.text.page.loss import loss_flags
from worker.text.page.parsed_page import ParsedPage, title_of
from worker.text.page.paywall import free_access_field, is_live, is_teaser

_LONGEST_TITLE = 300


def collect_notices(
    page: ParsedPage, address: Field | None, paragraphs: Sequence[Paragraph], hints: Hints
) -> tuple[Notice, ...]:
    """Return the notices in the text, then those that the page only declares in JSON-LD."""
    shown = notices(paragraphs)
    url = address.value if address else hints.url
    latest_year = hints.observed_at.year + 1
    return (*shown, *declared_notices(page.json_ld, url, paragraphs, shown, latest_year))


def build_fields(
    page: ParsedPage,
    chosen: ChosenFields,
    paragraphs: Sequence[Paragraph],
    text: str,
    settings: TextSettings,
) -> dict[str, Field]:
    fields = dict(chosen.fields)
    fields["language"] = choose_language(
        page.candidates.get("language", ()), text, settings.languages
    )
    fields["word_count"] = Field(word_count(text.split()), "body")
    lead = next((p.text for p in paragraphs if p.role == "lead"), None)
    if lead is not None:
        lead_candidates = page.candidates.get("lead", ())
        fields["lead"] = Field(lead, "body", None, tuple(lead_candidates))
    free = free_access_field(page.json_ld, article_node(page.json_ld, None))
    if free is not None:
        fields["accessible_for_free"] = free
    text_agencies = agencies(paragraphs)
    if text_agencies:
        fields["agency"] = _merge_agencies(text_agencies, fields.get("agency"))
    return fields


def _merge_agencies(text_agencies: Sequence[str], field: Field | None) -> Field:
    if field is None:
        return Field(list(text_agencies), "body")
    listed = {name.casefold() for name in field.value}
    added = [name for name in text_agencies if name.casefold() not in listed]
    candidate = (Candidate(list(text_agencies), "body"),)
    return Field([*field.value, *added], field.found_in, None, (*field.candidates, *candidate))


def collect_flags(
    flags: Sequence[str],
    page: ParsedPage,
    chosen: ChosenFields,
    paragraphs: Sequence[Paragraph],
    fields: Mapping[str, Field],
    live: LiveBlog,
) -> tuple[str, ...]:
    title = title_of(chosen)
    node = article_node(page.json_ld, None)
    text = "\n".join(p.text for p in paragraphs if p.role in TEXT_ROLES)
    published = fields.get("published")
    facts = {
        "title_missing": title is None,
        "headline_long": title is not None and len(title) > _LONGEST_TITLE,
        "date_missing": published is None or published.value is None,
        "language_unsure": fields["language"].value is None,
        "metadata_broken": page.json_ld.broken,
        "metadata_truncated": page.collector.truncated,
        "teaser": is_teaser(page.json_ld, node, text, page.blocks),
        "live_blog": bool(live.entries)
        or is_live(page.json_ld, title, [p.text for p in paragraphs]),
    }
    odd = suspicious_character_flags([title or "", *(p.text for p in paragraphs)])
    lost = loss_flags(paragraphs, page.blocks, article_body(node))
    raised = (flag for flag, is_set in facts.items() if is_set)
    return tuple(sorted({*flags, *chosen.flags, *raised, *odd, *lost}))
