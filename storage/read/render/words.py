"""Texts of the pages and mails, and translations of stored messages, in English and German."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from storage.values.change_class import ChangeClass
from storage.values.refusals import REFUSALS

LANGUAGES = ("en", "de")
_PLACE = re.compile(r"\{(\w+)\}")
"""
>>> _PLACE.findall("between {after} and {by}")
['after', 'by']
"""
_MOST_NESTED = 3
"""Levels of messages within messages that are translated: a refusal, its reason, its cause."""


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Return the texts of each language by their English sentence or the label of a code."""
    labels = {
        "en": {f"class {each}": each.english for each in ChangeClass},
        "de": {f"class {each}": each.german for each in ChangeClass},
    }
    return {language: labels[language] | texts for language, texts in _read("words.toml").items()}


@cache
def message_templates() -> Mapping[str, str]:
    """Return the German template for each English template of a stored message."""
    found = _read("messages.toml")
    refusals = dict(found["messages"])
    for code, templates in found["refusals"].items():
        refusals.update(zip(REFUSALS[code], templates, strict=True))
    return refusals


def template(language: str, english: str, **values: Any) -> str:
    """Return the text for an English sentence with its places unfilled, singular or plural by `n`.

    >>> template("de", "{n} edit since {day}|{n} edits since {day}", n=1)
    '{n} Änderung seit {day}'
    """
    singular, _, plural = catalogue()[language].get(english, english).partition("|")
    return plural if plural and str(values.get("n")) != "1" else singular


def translate(language: str, english: str, **values: Any) -> str:
    """Return the text for an English sentence with its values filled in.

    >>> translate("de", "between {after} and {by}", after="8:00", by="9:00")
    'zwischen 8:00 und 9:00'
    """
    text = template(language, english, **values)
    return text.format(**values) if values else text


def translate_message(language: str, message: str, nested: int = 0) -> str | None:
    """Return a stored English message in a language, or None if its template is unknown.

    Values of the template are translated if they are messages, and otherwise left unchanged.

    >>> translate_message("de", "Only http and https addresses are fetched, not ftp.")
    'Abgerufen werden nur Adressen mit http und https, nicht ftp.'
    """
    label = catalogue()[language].get(message)
    if label is not None or language == "en":
        return label or message
    for pattern, german in _patterns():
        found = pattern.fullmatch(message)
        if found is not None:
            values = found.groupdict()
            if nested < _MOST_NESTED:
                values = {
                    name: translate_message(language, value, nested + 1) or value
                    for name, value in values.items()
                }
            return german.format(**values)
    return None


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return the templates as patterns, those with the most literal text first."""
    return tuple(
        (
            re.compile(
                "".join(
                    f"(?P<{part}>.*?)" if index % 2 else re.escape(part)
                    for index, part in enumerate(_PLACE.split(english))
                ),
                re.DOTALL,
            ),
            german,
        )
        for english, german in sorted(
            message_templates().items(), key=lambda pair: -len(_PLACE.sub("", pair[0]))
        )
    )


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name(name).read_text("utf-8"))
