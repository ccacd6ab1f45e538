"""Read the templates beside this file and fill them."""

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from bench.releases.facts import Facts

FOLDER = Path(__file__).parent
SLOT = re.compile(r"\{([~#]?[\w:+-]+)\}")
RANGE = re.compile(r"\{~?(\w+):(\d+-\d+)\}")
INNERMOST = re.compile(r"\[([^\[\]]*)\]")
REPEATED = re.compile(r"<(\d+)-(\d+):([^<>]*)>")


@dataclass(frozen=True, slots=True)
class Template:
    """A text with slots: `days` lie between two issues."""

    name: str
    language: str
    days: int
    text: str


@dataclass(frozen=True, slots=True)
class Release:
    """One text of a family, with the facts that it was filled with."""

    family: str
    title: str
    paragraphs: tuple[str, ...]
    day: date
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> str:
        return "\n\n".join(self.paragraphs)


def templates(name: str) -> list[Template]:
    """Return the templates of the file `name`, each begun by `== name | language | days`."""
    parts = re.split(r"^== ", (FOLDER / f"{name}.txt").read_text("utf-8"), flags=re.MULTILINE)
    return [_template(part) for part in parts if part.strip()]


def issue(
    template: Template, dice: random.Random, day: date, house: dict[str, str], **facts: str
) -> Release:
    """Fill a template for `day`; `house` holds what stays the same within its family."""
    return next(tellings(template, dice, day, house, **facts))


def tellings(
    template: Template, dice: random.Random, day: date, house: dict[str, str], **facts: str
) -> Iterator[Release]:
    """Fill each part of a template (parted by `--`) with the same facts."""
    ranges = dict(RANGE.findall(template.text))
    filled = Facts(dice, day, house, ranges)
    filled.known.update(facts)
    for part in re.split(r"^-- *$", template.text, flags=re.MULTILINE):
        text = _chosen(part.strip(), dice)
        text = SLOT.sub(lambda slot: filled.value(slot[1]), text)
        title, _, body = text.partition("\n")
        paragraphs = tuple(each.strip() for each in body.split("\n\n") if each.strip())
        facts = {**house, **filled.known}
        yield Release(template.name, title.removeprefix("# ").strip(), paragraphs, day, facts)


def _template(part: str) -> Template:
    head, _, text = part.partition("\n")
    name, language, days = (*(each.strip() for each in head.split("|")), "de", "1")[:3]
    if head.count("|") == 0:
        language, days = ("en" if name.endswith("-en") else "de"), "1"
    return Template(name, language, int(days), text.strip())


def _chosen(text: str, dice: random.Random) -> str:
    """Decide between the alternatives, the inner ones first, and repeat what is to be repeated."""
    while found := INNERMOST.search(text):
        text = text[: found.start()] + dice.choice(found[1].split("|")) + text[found.end() :]
    return REPEATED.sub(lambda m: "\n".join([m[3]] * dice.randint(int(m[1]), int(m[2]))), text)
