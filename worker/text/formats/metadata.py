"""Map the metadata keys of front matter, JSON and CSV to fields, and validate their values."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from storage.values.draft import Candidate, CleaningStep, Field, Json, PartialDate
from storage.values.fields import FIELD_BY_KEY, FIELDS, TEXT_KEYS, FieldForm, FieldSpec
from worker.text.annotate.dates import InvalidDate, instant, read_date
from worker.text.annotate.measures import merge_candidates
from worker.text.annotate.roles import is_same_line
from worker.text.decode import replace_surrogates
from worker.text.formats.assemble import ParsedDocument
from worker.text.formats.clean_text import STRINGS_STEP, clean_text, one_line
from worker.text.hints import Hints, TextSettings
from worker.text.invisible import stamp_from_steps

_RANK = {name: rank for each in FIELDS for rank, name in enumerate(each.keys)}
_VISIBLE_LEAD_KEYS = frozenset({"lead", "standfirst", "vorspann"})
"""Keys of a lead that readers see above the text; a description or summary may be invisible."""
MAX_KEYS, MAX_VALUES, MAX_CHARACTERS = 1_000, 20_000, 1_000_000
"""Limits for the metadata of one document: keys, values, and characters in them."""
_UNMAPPED_KEYS = frozenset({"@context", "@type", "@id"})

LANGUAGE_TAG = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]+)*")
_LANGUAGE_NAMES = {"deutsch": "de", "german": "de", "englisch": "en", "english": "en"}
ADDRESS = re.compile(r"https?://[^\s/?#]+[^\s]*", re.IGNORECASE)
NAME_BREAK = re.compile(r" (?:und|and|&) ")


def is_text_key(key: str) -> bool:
    """Check whether a key, or the column of a table, contains the text of an article.

    >>> is_text_key("Article Body"), is_text_key("id")
    (True, False)
    """
    return plain_key(key) in TEXT_KEYS


def is_field_key(key: str) -> bool:
    """Check whether a key, or the column of a table, names a field that Lesart knows.

    >>> is_field_key("Erschienen am"), is_field_key("Aktenzeichen")
    (True, False)
    """
    return plain_key(key) in FIELD_BY_KEY or is_text_key(key)


def plain_key(key: str) -> str:
    """Return a key in the form used for comparison.

    >>> plain_key("date-Published"), plain_key("Observed at")
    ('datepublished', 'observedat')
    """
    return "".join(filter(str.isalnum, key)).casefold()


class RecordCleaner:
    """Cleans every string of a parsed record, and records the applied steps."""

    def __init__(self, flags: list[str]) -> None:
        self.flags = flags
        self.names: dict[str, None] = {}
        self.stamp: Json = None

    def clean_value(self, value: Json) -> Json:
        """Return `value` with its strings cleaned and lone surrogates replaced."""
        if isinstance(value, str):
            return self._clean_text(value)
        if isinstance(value, list):
            return [self.clean_value(item) for item in value]
        if isinstance(value, dict):
            return {self._clean_text(key): self.clean_value(item) for key, item in value.items()}
        return value

    def steps(self) -> tuple[CleaningStep, ...]:
        """Return one step that lists the cleaning steps applied to any string."""
        hidden = {"stamp": self.stamp} if self.stamp else {}
        return (
            (CleaningStep(STRINGS_STEP, {"cleaned_by": list(self.names), **hidden}),)
            if self.names
            else ()
        )

    def _clean_text(self, text: str) -> str:
        text, replaced = replace_surrogates(text)
        if replaced and "surrogate_replaced" not in self.flags:
            self.flags.append("surrogate_replaced")
        text, steps = clean_text(text)
        self.names.update(dict.fromkeys(step.name for step in steps))
        self.stamp = self.stamp or stamp_from_steps(steps)
        return text


def read_metadata(
    record: Mapping[str, Json],
    source: str,
    document: ParsedDocument,
    hints: Hints,
    settings: TextSettings,
) -> None:
    """Fill `document` with the metadata of `record`, whose values are already cleaned.

    `source` is "front matter", "json" or "csv" and precedes the key in every `found_in`. Unknown
    keys become fields under their own name; empty values are ignored. Values beyond `MAX_KEYS`,
    `MAX_VALUES` and `MAX_CHARACTERS` are dropped, with the flag `metadata_truncated`.
    """
    present = {key: value for key, value in record.items() if value not in (None, "", [], {})}
    reader = _MetadataReader(source, document, hints, settings)
    values = characters = 0
    if len(present) > MAX_KEYS:
        document.flags.append("metadata_truncated")
    for key in sorted(present, key=lambda key: _RANK.get(plain_key(key), 99))[:MAX_KEYS]:
        size = _value_size(present[key])
        if values + size[0] > MAX_VALUES or characters + size[1] > MAX_CHARACTERS:
            document.flags.append("metadata_truncated")
            continue
        values, characters = values + size[0], characters + size[1] + len(key)
        reader.read_value(key, present[key])
    if "published" not in document.fields:
        document.flags.append("date_missing")


def _value_size(value: Json) -> tuple[int, int]:
    """Return the number of values and of characters in a value.

    >>> _value_size({"name": "Ada", "age": [3, 4]})
    (5, 10)
    """
    values, characters = 0, 0
    stack = [value]
    while stack:
        nested = stack.pop()
        values += 1
        if isinstance(nested, dict):
            characters += sum(map(len, nested))
            stack += nested.values()
        elif isinstance(nested, list):
            stack += nested
        elif isinstance(nested, str):
            characters += len(nested)
    return values, characters


class _MetadataReader:
    """Assigns metadata values to fields, and flags invalid ones."""

    def __init__(
        self, source: str, document: ParsedDocument, hints: Hints, settings: TextSettings
    ) -> None:
        self.source = source
        self.document = document
        self.hints = hints
        self.settings = settings
        self.handlers: dict[FieldForm, Callable[[FieldSpec, Json], None]] = {
            FieldForm.TITLE: self._read_title,
            FieldForm.ADDRESS: self._read_address,
            FieldForm.DATE: self._read_date,
            FieldForm.MOMENT: self._read_observed_at,
            FieldForm.LANGUAGE: self._read_language,
            FieldForm.PEOPLE: self._read_list,
            FieldForm.LIST: self._read_list,
            FieldForm.LEAD: self._read_lead,
        }

    def read_value(self, key: str, value: Json) -> None:
        field = None if key in _UNMAPPED_KEYS else FIELD_BY_KEY.get(plain_key(key))
        self.found_in = f"{self.source}: {key}"
        self.key = plain_key(key)
        if field is None or (field.form is FieldForm.ORGANISATION and _is_address(value)):
            self._add_field(key, value)
        else:
            self.handlers.get(field.form, self._read_line)(field, value)

    def _add_field(self, name: str, value: Json) -> None:
        existing = self.document.fields.get(name)
        if existing is None or (existing.value is None and value is not None):
            self.document.fields[name] = merge_candidates(Field(value, self.found_in), existing)
        elif existing.value != value:
            self.document.fields[name] = merge_candidates(existing, Field(value, self.found_in))

    def _reject(self, name: str, value: Json, flag: str) -> None:
        self.document.flags.append(flag)
        rejected = Field(None, self.found_in, None, (Candidate(value, self.found_in),))
        existing = self.document.fields.get(name)
        self.document.fields[name] = merge_candidates(existing, rejected) if existing else rejected

    def _read_title(self, field: FieldSpec, value: Json) -> None:
        line = _line(value)
        if line is None:
            self._reject(field.name, value, "metadata_broken")
        elif self.document.title is None:
            self.document.title = Field(line, self.found_in)
        elif not is_same_line(self.document.title.value, line):
            self.document.flags.append("title_conflict")
            self.document.title = merge_candidates(self.document.title, Field(line, self.found_in))

    def _read_address(self, field: FieldSpec, value: Json) -> None:
        line = _line(value.get("@id") if isinstance(value, dict) else value)
        if line is None or not ADDRESS.fullmatch(line):
            self._reject(field.name, value, "address_invalid")
            return
        self._add_field(field.name, line)
        self.document.address = self.document.address or line

    def _read_date(self, field: FieldSpec, value: Json) -> None:
        date = self._date(value)
        if date is None:
            self._reject(field.name, value, "date_invalid")
            return
        existing = self.document.fields.get(field.name)
        if existing and existing.value and not _are_compatible(existing.value["value"], date.value):
            self.document.flags.append("date_conflict")
        self._add_field(field.name, date.to_dict())

    def _read_observed_at(self, field: FieldSpec, value: Json) -> None:
        date = self._date(value)
        moment = instant(date, self.settings.timezone) if date else None
        if moment is None:
            self._reject(field.name, value, "observed_at_invalid")
            return
        self._add_field(field.name, moment.isoformat())
        self.document.observed_at = self.document.observed_at or moment

    def _date(self, value: Json) -> PartialDate | None:
        line = _line(value)
        date = line and read_date(line, self.found_in, self.hints.observed_at.year + 1)
        return None if not date or isinstance(date, InvalidDate) else date

    def _read_language(self, field: FieldSpec, value: Json) -> None:
        line = _line(value.get("name") if isinstance(value, dict) else value) or ""
        tag = LANGUAGE_TAG.fullmatch(line)
        code = _LANGUAGE_NAMES.get(line.casefold()) or (tag and tag[1].lower())
        if code:
            self._add_field(field.name, code)
        else:
            self._reject(field.name, value, "metadata_broken")

    def _read_line(self, field: FieldSpec, value: Json) -> None:
        lines = list(_names(value)) if isinstance(value, (list, dict)) else [_line(value)]
        if not lines or lines[0] is None:
            self._reject(field.name, value, "metadata_broken")
            return
        for line in lines:
            self._add_field(field.name, line)

    def _read_lead(self, field: FieldSpec, value: Json) -> None:
        self._read_line(field, value)
        if self.key in _VISIBLE_LEAD_KEYS and self.document.lead is None:
            self.document.lead = _line(value)

    def _read_list(self, field: FieldSpec, value: Json) -> None:
        items = _list_items(field, value)
        if items:
            self._add_field(field.name, items)
        else:
            self._reject(field.name, value, "metadata_broken")


def _line(value: Json) -> str | None:
    """Return a string or a number on one line, None for any other value."""
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return one_line(str(value)) or None
    return None


def _is_address(value: Json) -> bool:
    return isinstance(value, str) and ADDRESS.fullmatch(value) is not None


def _names(value: Json) -> Iterator[str]:
    """Yield the names in "A", {"name": "A"} and lists of these."""
    if isinstance(value, dict):
        value = value.get("name")
    for item in value if isinstance(value, list) else [value]:
        line = _line(item.get("name") if isinstance(item, dict) else item)
        if line:
            yield line


def _list_items(field: FieldSpec, value: Json) -> list[str]:
    if not isinstance(value, str):
        return _unique(_names(value))
    lines = map(one_line, value.replace("|", ";").replace("\n", ";").split(";"))
    if field.form is FieldForm.PEOPLE:
        return _unique(part for line in lines for part in _author_parts(line))
    return _unique(one_line(part) for line in lines for part in line.split(","))


def _author_parts(line: str) -> list[str]:
    """Split at "und", and at commas only if each part could be a full name.

    >>> _author_parts("Anna Muster, Jo Doe und Max Roe"), _author_parts("Muster, Anna")
    (['Anna Muster', 'Jo Doe', 'Max Roe'], ['Muster, Anna'])
    """
    authors: list[str] = []
    for names in NAME_BREAK.split(line):
        parts = [part.strip() for part in names.split(",")]
        authors += parts if all(" " in part for part in parts) else [names.strip()]
    return authors


def _unique(items: Iterable[str]) -> list[str]:
    return [item for item in dict.fromkeys(items) if item]


def _are_compatible(date: str, other_date: str) -> bool:
    """Check whether two ISO dates are compatible: equal up to the precision of the shorter one."""
    shorter = min(len(date), len(other_date))
    return date[:shorter] == other_date[:shorter]
