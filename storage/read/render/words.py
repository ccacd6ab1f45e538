"""The words of pages and mails, in English and in German."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "de")


@cache
def known_words() -> Mapping[str, Mapping[str, str]]:
    """Return, by language, the words for each sentence and name that pages and mails use."""
    return tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))


def say(language: str, english: str, **values: Any) -> str:
    """Return a sentence in a language, with its values filled in.

    >>> say("de", "between {after} and {by}", after="8:00", by="9:00")
    'zwischen 8:00 und 9:00'
    """
    sentence = known_words()[language].get(english, english)
    return sentence.format(**values) if values else sentence
