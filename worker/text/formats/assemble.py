"""Build the draft of any format other than pages: paragraphs, roles, marks and fields."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from storage.values.draft import TEXT_ROLES, Candidate, CleaningStep, Draft, Field, Paragraph, Role
from storage.values.refusals import RefusalReason, refuse
from worker.text.annotate.headline import is_headline_unrelated
from worker.text.annotate.indirect import indirect_quotes
from worker.text.annotate.language import language
from worker.text.annotate.marks import (
    agencies,
    credited_publishers,
    is_plain,
    marks,
    suspicious_character_flags,
)
from worker.text.annotate.measures import fields_from_text, merge_fields
from worker.text.annotate.notices import notices
from worker.text.annotate.quotes import quotes
from worker.text.annotate.roles import byline_names, is_same_line, roles
from worker.text.hints import MAX_PARAGRAPHS, TextSettings, extractor
from worker.text.invisible import invisible_flags, stamp_fields

MAX_HEADLINE_LENGTH = 300
INVISIBLE_OR_BLANK = "\u200b\u200c\u200d\u2060\ufeff \t\n\xa0"


@dataclass(slots=True)
class ParsedDocument:
    """The content of a document before roles, marks and language are determined.

    `format_roles` are the roles declared by the format, one for each block, or None if the format
    declares none; `lead` is a lead that is separate from the body. `fields` are the declared
    metadata, `flags` mark doubtful content.
    """

    blocks: list[str]
    format_roles: list[Role | None] | None = None
    title: Field | None = None
    lead: str | None = None
    fields: dict[str, Field] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)
    steps: tuple[CleaningStep, ...] = ()
    address: str | None = None
    observed_at: datetime | None = None


def assemble(document: ParsedDocument, settings: TextSettings) -> Draft | RefusalReason:
    """Build the draft of `document`, or refuse a document without text.

    Refusals: `empty` without any text, `no_body` without text below the headline,
    `too_many_paragraphs`.
    """
    if len(document.blocks) > MAX_PARAGRAPHS:
        return refuse("too_many_paragraphs", limit=MAX_PARAGRAPHS)
    title = document.title.value if document.title else None
    paragraphs, character_flags = _paragraphs(document, title)
    running = [p.text for p in paragraphs if p.role in TEXT_ROLES]
    if not any(text.strip(INVISIBLE_OR_BLANK) for text in running):
        return refuse("no_body" if title or paragraphs else "empty")
    text = "\n\n".join(running)
    fields = _fields(document, paragraphs, text, settings) | stamp_fields(document.steps)
    flags = {
        *document.flags,
        *character_flags,
        *invisible_flags(document.steps),
        *_headline_flags(title, paragraphs, text),
    }
    if fields["language"].value is None:
        flags.add("language_unsure")
    return Draft(
        title=title,
        paragraphs=paragraphs,
        extractor=extractor(settings),
        fields=fields,
        flags=tuple(sorted(flags)),
        steps=document.steps,
        quotes=(direct := quotes(paragraphs, fields["language"].value)),
        indirect_quotes=indirect_quotes(paragraphs, fields["language"].value, direct=direct),
        notices=notices(paragraphs),
        address=document.address,
        observed_at=document.observed_at,
        pieces=text.split(),
    )


def _paragraphs(
    document: ParsedDocument, title: str | None
) -> tuple[tuple[Paragraph, ...], tuple[str, ...]]:
    paragraph_roles = roles(document.blocks, title, document.format_roles)
    blocks, paragraph_roles = _insert_lead(document.blocks, paragraph_roles, document.lead)
    plain = is_plain("\n".join([title or "", *blocks]))
    paragraphs = tuple(
        [
            Paragraph(role, text, marks(text, plain=plain))
            for role, text in zip(paragraph_roles, blocks, strict=True)
        ]
    )
    return paragraphs, () if plain else suspicious_character_flags([title or "", *blocks])


def _insert_lead(
    blocks: list[str], paragraph_roles: list[Role], lead: str | None
) -> tuple[list[str], list[Role]]:
    """Insert the declared lead before the body, unless the first paragraph already repeats it."""
    if lead is None or not blocks:
        return blocks, paragraph_roles
    paragraph_roles = ["text" if role == "lead" else role for role in paragraph_roles]
    first = 1 if paragraph_roles[0] == "headline" else 0
    if first < len(blocks) and is_same_line(blocks[first], lead):
        return blocks, [*paragraph_roles[:first], "lead", *paragraph_roles[first + 1 :]]
    return [*blocks[:first], lead, *blocks[first:]], [
        *paragraph_roles[:first],
        "lead",
        *paragraph_roles[first:],
    ]


def _fields(
    document: ParsedDocument,
    paragraphs: Sequence[Paragraph],
    text: str,
    settings: TextSettings,
) -> dict[str, Field]:
    own_fields: dict[str, Field] = {}
    if document.title:
        own_fields["title"] = document.title
    own_fields |= _fields_of_body(paragraphs)
    declared = document.fields.get("language")
    if declared is None or declared.value is None:
        own_fields["language"] = language(text, settings.languages)
    own_fields |= fields_from_text(text)
    return merge_fields(own_fields, document.fields)


def _fields_of_body(paragraphs: Sequence[Paragraph]) -> dict[str, Field]:
    fields: dict[str, Field] = {}
    lead = next((p.text for p in paragraphs if p.role == "lead"), None)
    if lead is not None:
        fields["lead"] = Field(lead, "body")
    publishers = credited_publishers(paragraphs)
    if publishers:
        candidates = tuple(Candidate(item, "body: aside") for item in publishers)
        fields["publisher"] = Field(None, "body", None, candidates)
    agency = agencies(paragraphs)
    if agency:
        fields["agency"] = Field(list(agency), "body")
    authors = next(filter(None, (byline_names(p.text) for p in paragraphs[:3])), None)
    if authors:
        fields["authors"] = Field(list(authors), "byline")
    return fields


def _headline_flags(title: str | None, paragraphs: Sequence[Paragraph], text: str) -> list[str]:
    if title is None:
        return ["title_missing"]
    if len(title) > MAX_HEADLINE_LENGTH:
        return ["headline_long"]
    is_repeated = any(p.role == "headline" and is_same_line(p.text, title) for p in paragraphs)
    return (
        ["headline_not_in_body"] if not is_repeated and is_headline_unrelated(title, text) else []
    )
