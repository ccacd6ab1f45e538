"""Texts of the pages and mails, and translations of stored messages, in English and German."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from storage.capabilities import read_words
from storage.values.change_class import ChangeClass
from storage.values.fields import FIELDS
from storage.values.messages import choose_plural, messages
from storage.values.refusals import REFUSALS, german_refusals

LANGUAGES = ("en", "de")
_PLACE = re.compile(r"\{(?P<name>\w+)(?P<is_quoted>!r)?(?::[^{}]*+)?\}")
"""
>>> [place["name"] for place in _PLACE.finditer("between {after!r} and {by:.0f}")]
['after', 'by']
"""
_VALUES = {"status": r"\d+", "line": r"\d+", "column": r"\d+", "address": r"\S+"}
"""Patterns of values by their name, so that short templates do not fit other sentences."""
_MOST_NESTED = 6
"""Levels of messages within messages that are translated: a refusal, its reason, its cause."""


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Return the texts of each language by their English sentence or the label of a code."""
    found = _read("words.toml")
    labels = {f"class {each}": (each.english, each.german) for each in ChangeClass}
    labels |= {f"field {each.name}": each.labels for each in FIELDS}
    labels |= found["labels"] | read_words("labels")
    english, german = ({label: texts[n] for label, texts in labels.items()} for n in range(2))
    return {"en": english, "de": german | found["texts"] | read_words("texts")}


@cache
def message_templates() -> Mapping[str, str]:
    """Return the German template for each English template of a stored message."""
    found = dict[str, str]()
    for english, german in messages().values():
        found.update(zip(english.split("|"), german.split("|"), strict=True))
    for code, german_pair in german_refusals().items():
        found.update(zip(REFUSALS[code], german_pair, strict=True))
        found[" ".join(REFUSALS[code])] = " ".join(german_pair)
    found.update(_read("words.toml")["places"])
    found.update(_read("other_programs.toml"))
    return found


def template(language: str, english: str, **values: Any) -> str:
    """Return the text for an English sentence with its places unfilled, singular or plural by `n`.

    >>> template("de", "{n} edit since {day}|{n} edits since {day}", n=1)
    '{n} Änderung seit {day}'
    """
    return choose_plural(catalogue()[language].get(english, english), values)


def translate(language: str, english: str, **values: Any) -> str:
    """Return the text for an English sentence with its values filled in.

    >>> translate("de", "between {after} and {by}", after="8:00", by="9:00")
    'zwischen 8:00 und 9:00'
    """
    text = template(language, english, **values)
    return text.format(**values) if values else text


@lru_cache(4096)
def translate_message(language: str, message: str, nested: int = 0) -> str | None:
    """Return a stored English message in a language, or None if its template is unknown.

    Values of the template are translated if they are messages, and otherwise left unchanged. A
    template without words of its own fits only if one of its values is a message.

    >>> translate_message("de", "Only http and https addresses are fetched, not ftp.")
    'Abgerufen werden nur Adressen mit http und https, nicht ftp.'
    >>> translate_message("de", "bote.example: it took too long; it hung up")
    'bote.example: zu langsam; Verbindung abgebrochen'
    """
    label = catalogue()[language].get(message)
    if label is not None or language == "en":
        return label or message
    for pattern, german, has_words in _patterns():
        found = pattern.fullmatch(message)
        if found is None:
            continue
        translated = {
            name: translate_message(language, value, nested + 1) if nested < _MOST_NESTED else None
            for name, value in found.groupdict().items()
        }
        if has_words or any(translated.values()):
            values = {name: translated[name] or value for name, value in found.groupdict().items()}
            return german.format(**values)
    return None


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str, bool], ...]:
    """Return the templates as patterns, those with the most literal text first, and whether
    each has words.
    """
    literal = {each: _PLACE.sub("", each) for each in message_templates()}
    return tuple(
        (
            re.compile("".join(_pattern_parts(english)), re.DOTALL),
            german,
            any(map(str.isalpha, literal[english])),
        )
        for english, german in sorted(
            message_templates().items(), key=lambda pair: -len(literal[pair[0]])
        )
    )


def _pattern_parts(english: str) -> Iterator[str]:
    """Yield the pattern of a template: a value in `repr` form without its quotation marks."""
    end = 0
    for place in _PLACE.finditer(english):
        mark = "['\"]" if place["is_quoted"] else ""
        value = _VALUES.get(place["name"], ".*?")
        yield f"{re.escape(english[end : place.start()])}{mark}(?P<{place['name']}>{value}){mark}"
        end = place.end()
    yield re.escape(english[end:])


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name(name).read_text("utf-8"))
