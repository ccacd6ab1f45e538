"""Build the draft of an item of a news agency, whatever its format: text, versions, status."""

import re
from dataclasses import dataclass, field, replace

from storage.values.draft import CleaningStep, Draft, Extractor, Field, Json
from storage.values.fields import DATE_FIELDS, FIELD_BY_NAME, FieldForm
from storage.values.messages import message_text
from storage.values.refusals import RefusalReason, refuse
from worker.capabilities.documents.press_text import DocumentBlock, document_extractor, partial_date
from worker.text.annotate.bylines import read_byline
from worker.text.annotate.dates import instant
from worker.text.annotate.measures import merge_candidates
from worker.text.formats.assemble import ParsedDocument, assemble
from worker.text.formats.clean_text import one_line
from worker.text.formats.metadata import LANGUAGE_TAG, RecordCleaner
from worker.text.hints import PAGE_VERSION, Hints, TextSettings

ITEM_ADDRESS = re.compile(r"(?:https?://|urn:|tag:)[^\s\x00-\x1f]{1,1500}", re.IGNORECASE)
"""An identifier of an item that can be the origin of an article."""
MAX_VALUES = 2_000
MAX_VALUE_LENGTH = 10_000
_JOINED = frozenset({FieldForm.LIST, FieldForm.ORGANISATION})
"""Forms of which all values of the first place are one value."""


@dataclass(slots=True)
class AgencyItem:
    """The content of one item; `source` is the name of the format in every `found_in`.

    `values` are pairs of a field and its value, with the place in the item; the first value of a
    field is chosen, the other ones become candidates. `identifier` is the same in all versions of
    the item, `created` is the time of this version.
    """

    source: str
    identifier: str | None = None
    created: str | None = None
    blocks: list[DocumentBlock] = field(default_factory=list)
    values: list[tuple[str, str, str]] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    steps: tuple[CleaningStep, ...] = ()

    def add(self, name: str, value: Json, place: str) -> None:
        """Add a value of a field unless it is empty."""
        text = one_line(str(value))[:MAX_VALUE_LENGTH] if isinstance(value, str | int) else ""
        if text and len(self.values) < MAX_VALUES:
            self.values.append((name, text, place))


def item_extractor(name: str, version: str, settings: TextSettings) -> Extractor:
    """Return the extractor of a format of agencies, which depends on that of pages."""
    return document_extractor(name, version, settings, f"page={PAGE_VERSION}")


def build_item_draft(
    item: AgencyItem, hints: Hints, settings: TextSettings, extractor: Extractor
) -> Draft | RefusalReason:
    """Return the draft of an item, which is an imported capture at the time of its version.

    Its identifier is the origin, so that the agency's own versions form the history of one article.
    An item without a usable identifier or time is a document like any other.
    """
    cleaner = RecordCleaner(item.flags)
    blocks = [(cleaner.clean_value(each.text).strip(), each.role) for each in item.blocks]
    blocks = [(text, role) for text, role in blocks if text]
    if not blocks:
        return refuse("item_without_text", reason=message_text("no_text"))
    roles = [role for _, role in blocks]
    document = ParsedDocument([text for text, _ in blocks], flags=item.flags)
    document.format_roles = roles if any(roles) else None
    _read_values(item, cleaner, document, hints)
    _read_version(item, document, hints, settings)
    document.steps = (*item.steps, *cleaner.steps())
    draft = assemble(document, settings)
    return replace(draft, extractor=extractor) if isinstance(draft, Draft) else draft


def _read_values(
    item: AgencyItem, cleaner: RecordCleaner, document: ParsedDocument, hints: Hints
) -> None:
    fields = document.fields
    for name, value, place in item.values:
        text = cleaner.clean_value(value)
        found_in = f"{item.source}: {place}"
        form = FIELD_BY_NAME[name].form
        read = _field_value(form, text, found_in, hints)
        if name == "title":
            title = Field(text, found_in)
            document.title = merge_candidates(document.title, title) if document.title else title
        elif read is None:
            document.flags.append("date_invalid" if name in DATE_FIELDS else "metadata_broken")
        elif name in fields and fields[name].found_in == found_in and form in _JOINED:
            fields[name] = replace(fields[name], value=_union(fields[name].value, read))
        elif name in fields:
            fields[name] = merge_candidates(fields[name], Field(read, found_in))
        else:
            fields[name] = Field(read, found_in)
    if "published" not in fields:
        document.flags.append("date_missing")


def _union(values: Json, more: Json) -> Json:
    both = (values if isinstance(values, list) else [values]) + (
        more if isinstance(more, list) else [more]
    )
    unique = list(dict.fromkeys(both))
    return unique if len(unique) > 1 else unique[0]


def _field_value(form: FieldForm, text: str, found_in: str, hints: Hints) -> Json:
    """Return the value of a field in its stored form; None if it is invalid."""
    if form is FieldForm.DATE:
        date = partial_date(text, found_in, hints)
        return date.to_dict() if date else None
    if form is FieldForm.LANGUAGE:
        tag = LANGUAGE_TAG.fullmatch(text)
        return tag[1].lower() if tag else None
    if form is FieldForm.PEOPLE:
        people = read_byline(text)
        return list(people.persons or people.agencies) or [text]
    return [text] if form is FieldForm.LIST else text


def _read_version(
    item: AgencyItem, document: ParsedDocument, hints: Hints, settings: TextSettings
) -> None:
    """Set the origin and the time of the version; both are needed for an imported capture."""
    date = partial_date(one_line(item.created), "", hints) if item.created else None
    moment = instant(date, settings.timezone) if date else None
    if item.identifier and ITEM_ADDRESS.fullmatch(item.identifier) and moment is not None:
        document.address, document.observed_at = item.identifier, moment
