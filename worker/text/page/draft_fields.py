"""The fields, flags, notices and other keys of a page that is read."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from storage.values.digest import canonical, canonical_all
from storage.values.draft import (
    TEXT_ROLES,
    Candidate,
    Field,
    Notice,
    Paragraph,
)
from storage.values.net.site import paragraph_key
from worker.text.annotate.bylines import ADDRESS
from worker.text.annotate.marks import agencies, suspicious_character_flags
from worker.text.annotate.measures import fields_from_text, merge_fields, title_key
from worker.text.annotate.notices import notices, passage
from worker.text.hints import Hints, TextSettings
from worker.text.page.fields.article_node import article_body, article_node, strings_in
from worker.text.page.fields.choose import (
    ChosenFields,
    choose_language,
)
from worker.text.page.fields.dates import read_stamp
from worker.text.page.fields.json_ld import JsonLd, node_types
from worker.text.page.fields.titles import plain_title
from worker.text.page.layout.blocks import Block
from worker.text.page.live_blog import LiveBlog
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
    found = fields_from_text(text)
    fields |= merge_fields(found, {name: fields[name] for name in found if name in fields})
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


MIN_BLOCK_LENGTH = 20
"""Characters; excludes buttons and section names."""
MAX_BLOCKS = 400


def surrounding_keys(blocks: Sequence[Block], paragraphs: Sequence[Paragraph]) -> tuple[int, ...]:
    """Return the keys of visible blocks that are not paragraphs, in page order.

    An extractor may drop a paragraph of one capture and not of the next, or a paragraph may move
    into a box. Such a paragraph is not reported as deleted while a block with its key is visible.
    """
    keys = {title_key(paragraph.text) for paragraph in paragraphs}
    texts = [
        block.text
        for block in blocks
        if block.zone != "hidden" and len(block.text) >= MIN_BLOCK_LENGTH and block.key not in keys
    ]
    return tuple(map(paragraph_key, dict.fromkeys(canonical_all(texts[:MAX_BLOCKS]))))


_SHORTEST_BLOCK = 60  # characters; shorter paragraphs are bylines, labels, links
_LOSS_SHARE = 0.25  # of the extracted text
_LOSS_LEAST = 300  # characters
_SHORT_TEXT = 400  # characters
_SHORT_SHARE = 0.5  # of the text in JSON-LD or on the page


def loss_flags(
    paragraphs: Sequence[Paragraph], blocks: Sequence[Block], json_ld_body: str
) -> tuple[str, ...]:
    """Return the flags `extraction_loss` and `extraction_short` if they apply.

    `json_ld_body` is the `articleBody` of JSON-LD, or empty.
    """
    body_length = sum(len(p.text) for p in paragraphs)
    missing = missing_blocks(paragraphs, blocks)
    lost = sum(len(block.text) for block in missing)
    flags = []
    if lost > max(_LOSS_LEAST, body_length * _LOSS_SHARE) or _has_missing_repeat(
        missing, paragraphs
    ):
        flags.append("extraction_loss")
    visible = sum(len(b.text) for b in blocks if b.tag == "p" and b.zone == "article")
    longest = max(visible, len(json_ld_body))
    if (body_length < _SHORT_TEXT and body_length < longest * _SHORT_SHARE) or len(
        json_ld_body
    ) > body_length * 2 + _LOSS_LEAST:
        flags.append("extraction_short")
    return tuple(flags)


def missing_blocks(paragraphs: Sequence[Paragraph], blocks: Sequence[Block]) -> list[Block]:
    """Return blocks that were not extracted, between the first and the last extracted one.

    A repeated block is returned once for each missing repetition.
    """
    key_counts = Counter(title_key(line) for p in paragraphs for line in _text_and_lines(p.text))
    joined_keys = "".join(title_key(p.text) for p in paragraphs)
    candidates = _blocks_between_matches(blocks, key_counts)
    missing = []
    for block in candidates:
        if block.tag not in ("p", "blockquote", "div") or block.zone != "article":
            continue
        key = block.key
        if len(block.text) < _SHORTEST_BLOCK:
            continue
        if key_counts[key] > 0:
            key_counts[key] -= 1
        elif key in key_counts or key not in joined_keys:
            missing.append(block)
    return missing


def _text_and_lines(text: str) -> tuple[str, ...]:
    """Return a paragraph and, if it has several lines, each line."""
    lines = text.split("\n")
    return (text, *lines) if len(lines) > 1 else (text,)


def _blocks_between_matches(blocks: Sequence[Block], key_counts: Counter[str]) -> Sequence[Block]:
    positions = [
        i for i, b in enumerate(blocks) if len(b.text) >= _SHORTEST_BLOCK and b.key in key_counts
    ]
    return blocks[positions[0] : positions[-1] + 1] if positions else ()


def _has_missing_repeat(missing: Sequence[Block], paragraphs: Sequence[Paragraph]) -> bool:
    keys = {title_key(p.text) for p in paragraphs}
    return any(block.key in keys for block in missing)


_CORRECTION_PLACE = "JSON-LD correction"
_CORRECTION_TYPE = "CorrectionComment"
_CORRECTION_DATES = ("datePublished", "dateCreated", "dateModified")
_MAX_CORRECTIONS = 50
_LONGEST_CORRECTION = 5_000  # characters


def declared_notices(
    json_ld: JsonLd,
    address: str | None,
    paragraphs: Sequence[Paragraph],
    notices: Sequence[Notice],
    latest_year: int,
) -> tuple[Notice, ...]:
    """Return the corrections that the page declares for machines and does not show in its text.

    `notices` are the notices of the text. A value that begins with an address is ignored: it may
    lead to the corrections of all articles.
    """
    texts = [canonical(notice.text) for notice in notices]
    declared: list[Notice] = []
    for correction in list(_corrections(json_ld, address))[:_MAX_CORRECTIONS]:
        text = plain_title(next(iter(strings_in(correction, "text", "description")), ""))
        known = canonical(text)
        is_new = known and not any(known in other for other in texts)
        if is_new and len(text) <= _LONGEST_CORRECTION and not ADDRESS.match(text):
            texts.append(known)
            date = _correction_date(correction, latest_year)
            declared.append(Notice("correction", text, passage(text, paragraphs), date))
    return tuple(declared)


def _corrections(json_ld: JsonLd, address: str | None) -> Iterator[Any]:
    """Yield the corrections of the article node, then those that are nodes of their own."""
    article = article_node(json_ld, address) or {}
    yield from _listed(article.get("correction"))
    comments = (*_listed(article.get("comment")), *json_ld.nodes)
    yield from (
        node for node in comments if isinstance(node, dict) and _CORRECTION_TYPE in node_types(node)
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _correction_date(correction: Any, latest_year: int) -> dict[str, Any] | None:
    values = (
        [correction.get(name) for name in _CORRECTION_DATES]
        if isinstance(correction, Mapping)
        else []
    )
    dates = (read_stamp(value, _CORRECTION_PLACE, latest_year) for value in values)
    return next((date.to_dict() for date in dates if date), None)
