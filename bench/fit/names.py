"""Collect given names, and family names in East Asian scripts, from the lists of Faker.

    pip install --no-deps faker
    python -m bench.fit.names

Writes the lists that `worker.text.page.fields.authors` reads. Faker is under the MIT licence.
"""

import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from worker.text.annotate.speaker.first_names import plain_word
from worker.text.page.fields.authors import EAST_ASIAN_NAME

TEXT = Path(__file__).resolve().parents[2] / "worker" / "text"
GIVEN = TEXT / "annotate" / "speaker" / "given_names.txt"
FAMILY = TEXT / "page" / "weights" / "family_names.txt"
LATIN = re.compile(r"[a-zß-ɏ'’]{2,}")
FEMALE_NAMES = re.compile(r"first_names?_female\w*|first_female\w*")
MALE_NAMES = re.compile(r"first_names?_male\w*|first_male\w*")
GIVEN_NAMES = re.compile(r"first_names?(?:_\w+)?|first_romanized_names?|first_\w*name_pairs?")
FAMILY_NAMES = re.compile(r"last_names?(?:_\w+)?|last_name_pairs")
HEAD = "# {} from Faker {} (MIT licence, github.com/joke2k/faker), written by bench.fit.names\n"


def main() -> None:
    """Write both lists."""
    faker: Any = importlib.import_module("faker")
    female, male = given_names(faker, FEMALE_NAMES), given_names(faker, MALE_NAMES)
    lines = [
        f"{word}{' f' if word in female - male else ' m' if word in male - female else ''}"
        for word in sorted(given_names(faker, GIVEN_NAMES))
    ]
    _write(GIVEN, HEAD.format("Given names with their gender", faker.VERSION), lines)
    family = {name for name in names_of(faker, FAMILY_NAMES) if EAST_ASIAN_NAME.fullmatch(name)}
    _write(FAMILY, HEAD.format("East Asian family names", faker.VERSION), sorted(family))


def _write(target: Path, head: str, lines: Sequence[str]) -> None:
    target.write_text(head + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    print(f"{target.name}: {len(lines)}")


def given_names(faker: Any, attributes: re.Pattern[str]) -> set[str]:
    """Return the plain words of the given names in the attributes."""
    return {
        word
        for name in names_of(faker, attributes)
        for word in map(plain_word, re.split(r"[\s-]", name))
        if LATIN.fullmatch(word)
    }


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
