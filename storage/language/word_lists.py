"""PURE: the definition of a word, and the word lists in `words.toml`."""

import re
import tomllib
from functools import cache
from pathlib import Path
from unicodedata import category

_COMBINING = "".join(chr(code) for code in range(0x300, 0x20FF) if category(chr(code))[0] == "M")


_LETTER = rf"[\w{_COMBINING}]"


# A word with the blank before it: letters, digits and combining marks. A mark inside a number
# and an apostrophe inside a word belong to it; every other character is a token of its own.
TOKEN = re.compile(
    rf" ?(?:[^\W\d]{_LETTER}*(?:'\w{_LETTER}*)*"
    rf"|\w{_LETTER}*(?:(?:(?<=\d)[.,:](?=\d)|')\w{_LETTER}*)*"
    r"|.)",
    re.DOTALL,
)


def tokens_of(canon: str) -> list[str]:
    """Return the words and marks of a text in canonical form, without the blanks before them.

    >>> tokens_of("Der Pegel stieg.")
    ['Der', 'Pegel', 'stieg', '.']
    """
    return [piece[1:] if piece[0] == " " else piece for piece in TOKEN.findall(canon)]


@cache
def word_list(name: str) -> frozenset[str]:
    """Return the words of a list.

    >>> "herr" in word_list("titles")
    True
    """
    return frozenset(_word_lists()[name].split())


@cache
def _word_lists() -> dict[str, str]:
    return tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))
