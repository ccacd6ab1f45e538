"""The last part of reading, the same for every format: paragraphs, roles, marks and fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from storage.values.draft import TEXT_ROLES, Candidate, CleaningStep, Draft, Field, Paragraph, Role
from storage.values.refusals import Refused, refuse
from worker.text.annotate.headline import headline_missing
from worker.text.annotate.language import language
from worker.text.annotate.marks import agencies, is_plain, marks, odd_flags, outlets
from worker.text.annotate.notices import notices
from worker.text.annotate.quotes import quotes
from worker.text.annotate.roles import byline_names, roles, same_line
from worker.text.annotate.words import word_count
from worker.text.hints import MOST_PARAGRAPHS, TextSettings, extractor
from worker.text.stamps import fields_of, flags_of

LONGEST_HEADLINE = 300
_OURS = frozenset({"word_count", "agency"})
"""Fields that are always counted from the text; what a document says of them is a candidate."""
UNSEEN = "\u200b\u200c\u200d\u2060\ufeff \t\n\xa0"


@dataclass(slots=True)
class Material:
    """What the reader of one format found, before roles, marks and language.

    `given` holds the roles that the format itself names, one for each block, or None where it
    names none at all; `lead` is a lead that the format names apart from the body. `fields`
    keeps the metadata that was found, `flags` the doubts.
    """

    blocks: list[str]
    given: list[Role | None] | None = None
    title: Field | None = None
    lead: str | None = None
    fields: dict[str, Field] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)
    steps: tuple[CleaningStep, ...] = ()
    address: str | None = None
    observed_at: datetime | None = None


def assemble(material: Material, settings: TextSettings) -> Draft | Refused:
    """Make the draft of `material`, or refuse what holds no text.

    Refusals: `empty` without any text, `no_body` where nothing stands below the headline,
    `too_many_paragraphs`.
    """
    if len(material.blocks) > MOST_PARAGRAPHS:
        return refuse("too_many_paragraphs", limit=MOST_PARAGRAPHS)
    title = material.title.value if material.title else None
    paragraphs, odd = _paragraphs(material, title)
    running = [p.text for p in paragraphs if p.role in TEXT_ROLES]
    if not any(text.strip(UNSEEN) for text in running):
        return refuse("no_body" if title or paragraphs else "empty")
    text = "\n\n".join(running)
    pieces = text.split()
    fields = _fields(material, paragraphs, text, pieces, settings) | fields_of(material.steps)
    flags = {
        *material.flags,
        *odd,
        *flags_of(material.steps),
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
        steps=material.steps,
        quotes=quotes(paragraphs, fields["language"].value),
        notices=notices(paragraphs),
        address=material.address,
        observed_at=material.observed_at,
        pieces=pieces,
    )


def combined(found: Field, other: Field | None) -> Field:
    """Return `found` with everything that `other` offered among its candidates.

    >>> combined(Field("de", "body"), Field("en", "csv: lang")).candidates
    (Candidate(value='en', found_in='csv: lang'),)
    """
    if other is None:
        return found
    said_else = other.value is not None and other.value != found.value
    offered = (Candidate(other.value, other.found_in),) if said_else else ()
    return replace(found, candidates=(*found.candidates, *offered, *other.candidates))


def _paragraphs(
    material: Material, title: str | None
) -> tuple[tuple[Paragraph, ...], tuple[str, ...]]:
    named = roles(material.blocks, title, material.given)
    blocks, named = _with_lead(material.blocks, named, material.lead)
    plain = is_plain("\n".join([title or "", *blocks]))
    paragraphs = tuple(
        [
            Paragraph(role, text, marks(text, plain=plain))
            for role, text in zip(named, blocks, strict=True)
        ]
    )
    return paragraphs, () if plain else odd_flags([title or "", *blocks])


def _with_lead(
    blocks: list[str], named: list[Role], lead: str | None
) -> tuple[list[str], list[Role]]:
    """Put the lead that the format names where it belongs: a change of it is a new wording."""
    if lead is None or not blocks:
        return blocks, named
    named = ["text" if role == "lead" else role for role in named]
    first = 1 if named[0] == "headline" else 0
    if first < len(blocks) and same_line(blocks[first], lead):
        return blocks, [*named[:first], "lead", *named[first + 1 :]]
    return [*blocks[:first], lead, *blocks[first:]], [*named[:first], "lead", *named[first:]]


def _fields(
    material: Material,
    paragraphs: Sequence[Paragraph],
    text: str,
    pieces: Sequence[str],
    settings: TextSettings,
) -> dict[str, Field]:
    found: dict[str, Field] = {}
    if material.title:
        found["title"] = material.title
    found |= _fields_of_body(paragraphs)
    declared = material.fields.get("language")
    if declared is None or declared.value is None:
        found["language"] = language(text, settings.languages)
    found["word_count"] = Field(word_count(pieces), "body")
    return _merged(found, material.fields)


def _merged(found: Mapping[str, Field], given: Mapping[str, Field]) -> dict[str, Field]:
    """Let what the document names win over what was read out of its body, which stays known."""
    merged = dict(found)
    for name, said in given.items():
        seen = found.get(name)
        if seen and (said.value is None or name in _OURS):
            merged[name] = combined(seen, said)
        else:
            merged[name] = combined(said, seen)
    return merged


def _fields_of_body(paragraphs: Sequence[Paragraph]) -> dict[str, Field]:
    found: dict[str, Field] = {}
    lead = next((p.text for p in paragraphs if p.role == "lead"), None)
    if lead is not None:
        found["lead"] = Field(lead, "body")
    named = outlets(paragraphs)
    if named:
        offered = tuple(Candidate(each, "body: aside") for each in named)
        found["publisher"] = Field(None, "body", None, offered)
    agency = agencies(paragraphs)
    if agency:
        found["agency"] = Field(list(agency), "body")
    authors = next(filter(None, (byline_names(p.text) for p in paragraphs[:3])), None)
    if authors:
        found["authors"] = Field(list(authors), "byline")
    return found


def _headline_flags(title: str | None, paragraphs: Sequence[Paragraph], text: str) -> list[str]:
    if title is None:
        return ["title_missing"]
    if len(title) > LONGEST_HEADLINE:
        return ["headline_long"]
    repeated = any(p.role == "headline" and same_line(p.text, title) for p in paragraphs)
    return ["headline_not_in_body"] if not repeated and headline_missing(title, text) else []
