"""Messages that pages and mails show: created in English, each with its German text.

The English text is what is stored and what programs receive; `storage.read.render.translations`
finds the German text of a stored message.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from storage.capabilities import read_words


@cache
def messages() -> Mapping[str, tuple[str, str]]:
    """Return the English and the German text of each message by its name."""
    found = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
    found |= read_words("messages")
    return {name: (english, german) for name, (english, german) in found.items()}


def message_text(name: str, /, **values: Any) -> str:
    """Return the English text of a message with its values, singular or plural by `n`.

    Raises: KeyError if the name or a value of its text is missing.

    >>> message_text("version_count", n=1), message_text("slow")
    ('the article has 1 version', 'it took too long')
    """
    return choose_plural(messages()[name][0], values).format(**values)


def choose_plural(text: str, values: Mapping[str, Any]) -> str:
    """Return the part of `singular|plural` that fits the value `n`.

    >>> choose_plural("{n} day|{n} days", {"n": 2})
    '{n} days'
    """
    singular, _, plural = text.partition("|")
    return plural if plural and str(values.get("n")) != "1" else singular


def quantity(text: str, n: int, **values: Any) -> str:
    """Return `singular|plural` with the number `n` and other values filled in.

    >>> [quantity("{n} row is|{n} rows are", number) for number in (0, 1, 2)]
    ['0 rows are', '1 row is', '2 rows are']
    """
    return choose_plural(text, {"n": n}).format(n=n, **values)
