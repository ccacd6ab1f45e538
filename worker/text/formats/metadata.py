"""The keys by which front matter, JSON and CSV name their metadata, and what each may hold."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from storage.values.draft import Candidate, CleaningStep, Field, Json, PartialDate
from worker.text.annotate.dates import InvalidDate, instant, read_date
from worker.text.annotate.roles import same_line
from worker.text.decode import replace_surrogates
from worker.text.formats.assemble import Material, combined
from worker.text.formats.clean import STRINGS, clean, one_line
from worker.text.hints import Hints, TextSettings
from worker.text.stamps import stamp_of

# Field by the names that sources give it, most telling first; case, `_`, `-` and blanks aside.
_NAMES: dict[str, tuple[str, ...]] = {
    "title": ("title", "headline", "name"),
    "url": ("url", "canonical", "canonicalurl", "permalink", "link", "mainentityofpage"),
    "published": (
        "published",
        "datepublished",
        "publishedat",
        "publicationdate",
        "publishdate",
        "publisheddate",
        "pubdate",
        "date",
    ),
    "modified": (
        "modified",
        "datemodified",
        "modifiedat",
        "updated",
        "updatedat",
        "dateupdated",
        "lastmodified",
        "lastmod",
    ),
    "observed_at": ("observedat",),
    "authors": ("authors", "author", "byline"),
    "language": ("language", "lang", "inlanguage"),
    "publisher": ("publisher", "source", "sitename", "sourceorganization"),
    "section": ("section", "articlesection", "category"),
    "tags": ("tags", "tag", "keywords"),
    "lead": ("lead", "standfirst", "teaser", "description", "summary", "abstract", "excerpt"),
}
_FIELD_OF = {name: field for field, names in _NAMES.items() for name in names}
_RANK = {name: rank for names in _NAMES.values() for rank, name in enumerate(names)}
TEXT_KEYS = ("paragraphs", "text", "body", "articlebody", "content")
_LEADS = frozenset({"lead", "standfirst"})
"""What readers see above the text; a description or a summary need not stand on the page."""
MOST_KEYS, MOST_VALUES, MOST_CHARACTERS = 1_000, 20_000, 1_000_000
"""What the metadata of a document may hold: keys, values, and letters in them."""
_ALWAYS_UNKNOWN = frozenset({"@context", "@type", "@id"})

LANGUAGE_TAG = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]+)*")
_LANGUAGE_NAMES = {"deutsch": "de", "german": "de", "englisch": "en", "english": "en"}
ADDRESS = re.compile(r"https?://[^\s/?#]+[^\s]*", re.IGNORECASE)
NAME_BREAK = re.compile(r" (?:und|and|&) ")


def holds_text(key: str) -> bool:
    """Return whether a key, or the column of a table, is one that the text of an article stands in.

    >>> holds_text("Article Body"), holds_text("id")
    (True, False)
    """
    return plain_key(key) in TEXT_KEYS


def plain_key(key: str) -> str:
    """Write a key as we compare it.

    >>> plain_key("date-Published"), plain_key("Observed at")
    ('datepublished', 'observedat')
    """
    return "".join(filter(str.isalnum, key)).casefold()


class Cleaning:
    """Cleans every string of a parsed record, and remembers what that did."""

    def __init__(self, flags: list[str]) -> None:
        self.flags = flags
        self.names: dict[str, None] = {}
        self.stamp: Json = None

    def cleaned(self, value: Json) -> Json:
        """Return `value` with its strings cleaned; lone surrogates are replaced before."""
        if isinstance(value, str):
            return self._cleaned_text(value)
        if isinstance(value, list):
            return [self.cleaned(item) for item in value]
        if isinstance(value, dict):
            return {self._cleaned_text(key): self.cleaned(item) for key, item in value.items()}
        return value

    def steps(self) -> tuple[CleaningStep, ...]:
        """Return the one step that names the cleaning steps which some string needed."""
        carried = {"stamp": self.stamp} if self.stamp else {}
        return (
            (CleaningStep(STRINGS, {"cleaned_by": list(self.names), **carried}),)
            if self.names
            else ()
        )

    def _cleaned_text(self, text: str) -> str:
        text, replaced = replace_surrogates(text)
        if replaced and "surrogate_replaced" not in self.flags:
            self.flags.append("surrogate_replaced")
        text, steps = clean(text)
        self.names.update(dict.fromkeys(step.name for step in steps))
        self.stamp = self.stamp or stamp_of(steps)
        return text


def gather(
    record: Mapping[str, Json], where: str, material: Material, hints: Hints, settings: TextSettings
) -> None:
    """Fill `material` with the metadata of `record`, whose values are cleaned already.

    `where` is "front matter", "json" or "csv" and stands before the key in every `found_in`.
    Keys that we do not know become fields under their own name; empty values are not given.
    What goes beyond `MOST_KEYS`, `MOST_VALUES` and `MOST_CHARACTERS` is left out, and a flag
    tells it.
    """
    given = {key: value for key, value in record.items() if value not in (None, "", [], {})}
    reader = _Reader(where, material, hints, settings)
    values = characters = 0
    if len(given) > MOST_KEYS:
        material.flags.append("metadata_truncated")
    for key in sorted(given, key=lambda key: _RANK.get(plain_key(key), 99))[:MOST_KEYS]:
        weight = _weight(given[key])
        if values + weight[0] > MOST_VALUES or characters + weight[1] > MOST_CHARACTERS:
            material.flags.append("metadata_truncated")
            continue
        values, characters = values + weight[0], characters + weight[1] + len(key)
        reader.take(key, given[key])
    if "published" not in material.fields:
        material.flags.append("date_missing")


def _weight(value: Json) -> tuple[int, int]:
    """Return how many values a value holds, and how many letters.

    >>> _weight({"name": "Ada", "age": [3, 4]})
    (5, 10)
    """
    values, characters = 0, 0
    waiting = [value]
    while waiting:
        each = waiting.pop()
        values += 1
        if isinstance(each, dict):
            characters += sum(map(len, each))
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
        elif isinstance(each, str):
            characters += len(each)
    return values, characters


class _Reader:
    """Puts one value after the other where it belongs, and flags what does not fit."""

    def __init__(
        self, where: str, material: Material, hints: Hints, settings: TextSettings
    ) -> None:
        self.where = where
        self.material = material
        self.hints = hints
        self.settings = settings
        self.takers: dict[str, Callable[[str, Json], None]] = {
            "title": self._take_title,
            "url": self._take_address,
            "published": self._take_date,
            "modified": self._take_date,
            "observed_at": self._take_observed_at,
            "language": self._take_language,
            "authors": self._take_list,
            "tags": self._take_list,
            "publisher": self._take_line,
            "section": self._take_line,
            "lead": self._take_lead,
        }

    def take(self, key: str, value: Json) -> None:
        name = None if key in _ALWAYS_UNKNOWN else _FIELD_OF.get(plain_key(key))
        self.found_in = f"{self.where}: {key}"
        self.key = plain_key(key)
        if name is None or (name == "publisher" and _is_address(value)):
            self._put(key, value)
        else:
            self.takers[name](name, value)

    def _put(self, name: str, value: Json) -> None:
        first = self.material.fields.get(name)
        if first is None or (first.value is None and value is not None):
            self.material.fields[name] = combined(Field(value, self.found_in), first)
        elif first.value != value:
            self.material.fields[name] = combined(first, Field(value, self.found_in))

    def _reject(self, name: str, value: Json, flag: str) -> None:
        self.material.flags.append(flag)
        rejected = Field(None, self.found_in, None, (Candidate(value, self.found_in),))
        first = self.material.fields.get(name)
        self.material.fields[name] = combined(first, rejected) if first else rejected

    def _take_title(self, name: str, value: Json) -> None:
        line = _line(value)
        if line is None:
            self._reject(name, value, "metadata_broken")
        elif self.material.title is None:
            self.material.title = Field(line, self.found_in)
        elif not same_line(self.material.title.value, line):
            self.material.flags.append("title_conflict")
            self.material.title = combined(self.material.title, Field(line, self.found_in))

    def _take_address(self, name: str, value: Json) -> None:
        line = _line(value.get("@id") if isinstance(value, dict) else value)
        if line is None or not ADDRESS.fullmatch(line):
            self._reject(name, value, "address_invalid")
            return
        self._put(name, line)
        self.material.address = self.material.address or line

    def _take_date(self, name: str, value: Json) -> None:
        date = self._date(value)
        if date is None:
            self._reject(name, value, "date_invalid")
            return
        first = self.material.fields.get(name)
        if first and first.value and not _agree(first.value["value"], date.value):
            self.material.flags.append("date_conflict")
        self._put(name, date.to_dict())

    def _take_observed_at(self, name: str, value: Json) -> None:
        date = self._date(value)
        moment = instant(date, self.settings.timezone) if date else None
        if moment is None:
            self._reject(name, value, "observed_at_invalid")
            return
        self._put(name, moment.isoformat())
        self.material.observed_at = self.material.observed_at or moment

    def _date(self, value: Json) -> PartialDate | None:
        line = _line(value)
        date = line and read_date(line, self.found_in, self.hints.observed_at.year + 1)
        return None if not date or isinstance(date, InvalidDate) else date

    def _take_language(self, name: str, value: Json) -> None:
        line = _line(value.get("name") if isinstance(value, dict) else value) or ""
        tag = LANGUAGE_TAG.fullmatch(line)
        code = _LANGUAGE_NAMES.get(line.casefold()) or (tag and tag[1].lower())
        if code:
            self._put(name, code)
        else:
            self._reject(name, value, "metadata_broken")

    def _take_line(self, name: str, value: Json) -> None:
        lines = list(_names(value)) if isinstance(value, (list, dict)) else [_line(value)]
        if not lines or lines[0] is None:
            self._reject(name, value, "metadata_broken")
            return
        for line in lines:
            self._put(name, line)

    def _take_lead(self, name: str, value: Json) -> None:
        self._take_line(name, value)
        if self.key in _LEADS and self.material.lead is None:
            self.material.lead = _line(value)

    def _take_list(self, name: str, value: Json) -> None:
        items = _list_items(name, value)
        if items:
            self._put(name, items)
        else:
            self._reject(name, value, "metadata_broken")


def _line(value: Json) -> str | None:
    """Return a string or a number on one line; a truth value is no text."""
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


def _list_items(name: str, value: Json) -> list[str]:
    if not isinstance(value, str):
        return _unique(_names(value))
    lines = map(one_line, value.replace("|", ";").replace("\n", ";").split(";"))
    if name == "authors":
        return _unique(part for line in lines for part in _author_parts(line))
    return _unique(one_line(part) for line in lines for part in line.split(","))


def _author_parts(line: str) -> list[str]:
    """Split at "und" and at commas, at these only where each part could be a whole name.

    >>> _author_parts("Anna Muster, Jo Doe und Max Roe"), _author_parts("Muster, Anna")
    (['Anna Muster', 'Jo Doe', 'Max Roe'], ['Muster, Anna'])
    """
    found: list[str] = []
    for names in NAME_BREAK.split(line):
        parts = [part.strip() for part in names.split(",")]
        found += parts if all(" " in part for part in parts) else [names.strip()]
    return found


def _unique(items: Iterable[str]) -> list[str]:
    return [item for item in dict.fromkeys(items) if item]


def _agree(one: str, other: str) -> bool:
    """Return whether two ISO dates may mean the same: one is only more precise."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]
