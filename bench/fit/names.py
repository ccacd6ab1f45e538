"""Collect given names, and family names in East Asian scripts, from the lists of Faker.

    pip install --no-deps faker
    python -m bench.fit.names

Writes the lists that `worker.text.page.fields.name_evidence` reads. Faker is under the MIT licence.
"""

import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from worker.text.page.fields.name_evidence import EAST_ASIAN_NAME, plain_word

FOLDER = Path(__file__).resolve().parents[2] / "worker" / "text" / "page" / "weights"
LATIN = re.compile(r"[a-zß-ɏ'’]{2,}")
GIVEN_NAMES = re.compile(r"first_names?(?:_\w+)?|first_romanized_names?|first_\w*name_pairs?")
FAMILY_NAMES = re.compile(r"last_names?(?:_\w+)?|last_name_pairs")
HEAD = "# {} from Faker {} (MIT licence, github.com/joke2k/faker), written by bench.fit.names\n"


def main() -> None:
    """Write both lists."""
    faker: Any = importlib.import_module("faker")
    given = {
        word
        for name in names_of(faker, GIVEN_NAMES)
        for word in map(plain_word, re.split(r"[\s-]", name))
        if LATIN.fullmatch(word)
    }
    family = {name for name in names_of(faker, FAMILY_NAMES) if EAST_ASIAN_NAME.fullmatch(name)}
    for file_name, title, words in (
        ("given_names.txt", "Given names", given),
        ("family_names.txt", "East Asian family names", family),
    ):
        lines = HEAD.format(title, faker.VERSION) + "".join(f"{word}\n" for word in sorted(words))
        (FOLDER / file_name).write_text(lines, encoding="utf-8")
        print(f"{file_name}: {len(words)}")


def names_of(faker: Any, attributes: re.Pattern[str]) -> Iterator[str]:
    """Yield the names in the attributes of all languages."""
    package = importlib.import_module(f"{faker.__name__}.providers.person")
    for module in pkgutil.iter_modules(package.__path__):
        provider = importlib.import_module(f"{package.__name__}.{module.name}").Provider
        lists = (getattr(provider, name) for name in dir(provider) if attributes.fullmatch(name))
        for values in lists:
            for value in values if isinstance(values, Iterable) else ():
                yield from [value] if isinstance(value, str) else map(str, value)


if __name__ == "__main__":
    main()
