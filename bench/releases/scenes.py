"""The labelled set: texts of an archive, and which of them belong together.

Everything is made out of the templates beside this file and, where they are at hand, real articles
that serve as the background; the same seed gives the same set.
"""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType

from bench.releases.edits import cut, digest, embedded, reprinted, resent
from bench.releases.templates import Release, Template, issue, tellings, templates

FIRST_DAY = date(2023, 1, 9)
SERIES_ISSUES = 6
ORIGINALS = (
    "unfall-kreuzung", "einbruch", "vermisst", "feuerwehr", "zoll", "quartal", "hochschule",
    "pressebericht-tag", "arbeitsmarkt", "theater", "polizei-nummer", "parkplatzflucht",
    "trickbetrug", "demo", "gericht", "hauptversammlung", "ausbildung", "wasserrohr",
    "verbraucherpreise", "wochenend-bilanz", "baustelle", "fussball-vorschau", "basketball",
    "earnings-en", "blotter-en", "jobs-en", "market-en", "klinik",
)  # fmt: skip
"""Families that papers reprint."""
FOLLOWED = MappingProxyType(
    {
        "nachtrag-nr": ("polizei-nummer",), "mit-meldung": ("polizei-nummer",),
        "ziffer": ("polizei-nummer",), "ruecknahme": ("vermisst",), "widerruf": ("vermisst",),
        "berichtigung": ("blutspende", "ratssitzung", "sprechstunde"),
        "corrected-en": ("jobs-en", "earnings-en", "blotter-en"),
        "update2-en": ("jobs-en", "earnings-en"),
        "corrected-official-en": ("jobs-en", "market-en"),
        "correction-en": ("jobs-en", "blotter-en"), "wrapup-en": ("market-en", "jobs-en"),
    }
)  # fmt: skip
FOLLOWED_ELSE = ("unfall-kreuzung", "einbruch", "feuerwehr", "vermisst", "parkplatzflucht")
SHORT_TITLES = ("Verkehrsunfall", "Zeugen gesucht", "Brand", "Tatverdächtiger ermittelt")


@dataclass(frozen=True, slots=True)
class Text:
    """A text of the set: texts of one `story` may be related in any way."""

    key: str
    release: Release
    site: str
    story: str
    group: str


@dataclass(slots=True)
class Scene:
    """Texts with what is to be found: pairs (a, b) of keys by kind, by the way they came about."""

    texts: list[Text] = field(default_factory=list)
    near: dict[tuple[str, str], str] = field(default_factory=dict)
    contains: dict[tuple[str, str], str] = field(default_factory=dict)
    follows: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, key: str, release: Release, site: str, story: str, group: str) -> Text:
        text = Text(key, release, site, story, group)
        self.texts.append(text)
        return text


def scene(half: str, seed: int = 1, real: Path | None = None) -> Scene:
    """Return the set of a half (`tuned` or `held`), over the real articles of the folder `real`."""
    maker = _Maker(half, seed, background(real))
    maker.series()
    maker.copies()
    maker.blocks()
    maker.stories()
    maker.digests()
    maker.follow_ups()
    maker.lookalikes()
    maker.rest()
    return maker.scene


def background(folder: Path | None) -> list[Release]:
    """Return real articles of the folder, or none where there is no folder."""
    if folder is None:
        return []
    path = folder / "wikinews_de" / "articles.jsonl"
    found = []
    for line in path.read_text("utf-8").splitlines():
        fields = json.loads(line)
        paragraphs = tuple(p.strip() for p in fields["text"].split("\n\n") if p.strip())
        if paragraphs:
            day = date.fromisoformat(fields["date"])
            found.append(Release("wikinews", fields["title"], paragraphs, day))
    return found


class _Maker:
    """Makes one half, a kind after the other."""

    def __init__(self, half: str, seed: int, real: list[Release]) -> None:
        self.half = half
        self.dice = random.Random(f"{half} {seed}")
        self.templates = {each.name: each for each in templates(half)}
        self.scene = Scene()
        self.houses: dict[str, dict[str, str]] = {}
        self.real = real
        self.dice.shuffle(self.real)
        self.hosts = list(self._hosts())

    def _hosts(self) -> Iterator[Release]:
        """Yield texts to put others into: real ones, else made up ones."""
        long = [each for each in self.real if len(each.body) > 900]
        self.used = {id(each) for each in long[:120]}
        yield from long[:120]
        if not long:
            for number in range(120):
                day = FIRST_DAY + timedelta(days=number)
                story = self.dice.choice(templates(f"stories_{self.half}"))
                yield next(tellings(story, self.dice, day, {}))

    def made(self, name: str, day: date, **facts: str) -> Release:
        """Return one issue of a family, which keeps its house."""
        house = self.houses.setdefault(name, {})
        return issue(self.templates[name], self.dice, day, house, **facts)

    def day(self, before: int = 500) -> date:
        return FIRST_DAY + timedelta(days=self.dice.randint(0, before))

    # ------------------------------------------------------------------------- negative

    def series(self) -> None:
        """Issues of one template with new facts, at the pace of the family."""
        for name, template in self.templates.items():
            day = self.day(100)
            for number in range(SERIES_ISSUES):
                key = f"series/{name}/{number}"
                made = self.made(name, day + timedelta(days=number * template.days))
                self.scene.add(key, made, f"{name}.example", key, f"series {name}")

    def blocks(self) -> None:
        """Different texts that end or begin with the same block."""
        for block in templates(f"blocks_{self.half}"):
            shared = tuple(block.text.split("\n\n"))
            for number in range(6):
                host = self.hosts.pop()
                short = host.paragraphs[: self.dice.randint(1, 3)]
                at_end = block.name.startswith(("about", "footer", "imprint"))
                paragraphs = (*short, *shared) if at_end else (*shared, *short)
                key = f"block/{block.name}/{number}"
                self.scene.add(
                    key, Release("block", host.title, paragraphs, host.day),
                    f"{block.name}.example", key, f"block {block.name}",
                )  # fmt: skip

    def stories(self) -> None:
        """The same story by two writers, three times with other facts."""
        for story in templates(f"stories_{self.half}"):
            for number in range(3):
                for teller, made in enumerate(tellings(story, self.dice, self.day(), {})):
                    key = f"story/{story.name}/{number}/{teller}"
                    self.scene.add(key, made, f"paper{teller}.example", key, f"story {story.name}")

    def lookalikes(self) -> None:
        """Texts that speak of supplements and corrections and follow none."""
        for template in templates(f"lookalike_{self.half}"):
            for number in range(3):
                key = f"lookalike/{template.name}/{number}"
                house = self.houses.setdefault("polizei-nummer", {})
                made = issue(template, self.dice, self.day(), dict(house))
                self.scene.add(key, made, "town.example", key, f"lookalike {template.name}")

    def rest(self) -> None:
        """The real articles that were not used."""
        unused = [each for each in self.real if id(each) not in self.used]
        for number, made in enumerate(unused[:300]):
            key = f"real/{number}"
            self.scene.add(key, made, "real.example", f"real {made.title}", "real")

    # ------------------------------------------------------------------------- positive

    def copies(self) -> None:
        """Originals with one text made out of each: sent again, reprinted, cut, embedded."""
        names = [name for name in ORIGINALS if name in self.templates]
        acts = ("resent", "reprinted", "cut", "embedded")
        for number in range(40 * len(acts)):
            act = acts[number % len(acts)]
            name = names[(number // len(acts)) % len(names)]
            original = self._original(number, name)
            made = self._changed(act, original)
            story = f"copy {number}"
            site = "same.example" if act == "resent" else f"paper{number % 7}.example"
            a = self.scene.add(f"copy/{number}/a", original, "same.example", story, act)
            b = self.scene.add(f"copy/{number}/b", made, site, story, act)
            if act in {"resent", "reprinted"}:
                self.scene.near[a.key, b.key] = act
            elif act == "cut":
                self.scene.contains[a.key, b.key] = act
            else:
                self.scene.contains[b.key, a.key] = act

    def _original(self, number: int, name: str) -> Release:
        if number % 3 == 2 and len(self.hosts) > 60:
            return self.hosts.pop()
        return self.made(name, self.day())

    def _changed(self, act: str, original: Release) -> Release:
        if act == "resent":
            return resent(original, self.dice)
        if act == "reprinted":
            return reprinted(original, self.dice)
        if act == "cut":
            return cut(original, self.dice)
        return embedded(original, self.hosts.pop(), self.dice)

    def digests(self) -> None:
        """A text that holds five releases."""
        for number in range(4):
            day = self.day()
            names = self.dice.sample([n for n in ORIGINALS if n in self.templates], 5)
            parts = [self.made(name, day) for name in names]
            whole = digest(parts, f"Meldungen vom {day:%d.%m.%Y}")
            story = f"digest {number}"
            a = self.scene.add(f"digest/{number}", whole, "digest.example", story, "digest")
            for part, made in enumerate(parts):
                b = self.scene.add(
                    f"digest/{number}/{part}", made, "digest.example", f"{story} {part}", "digest"
                )
                self.scene.contains[a.key, b.key] = "digest"

    def follow_ups(self) -> None:
        """An original, others of its kind from the days around it, and what follows it."""
        for style in templates(f"follow_{self.half}"):
            for number in range(5):
                self._follow(style, number)

    def _follow(self, style: Template, number: int) -> None:
        known = {each.name: each for each in templates("tuned") + templates("held")}
        name = self.dice.choice(FOLLOWED.get(style.name, FOLLOWED_ELSE))
        template = known[name]
        house = self.houses.setdefault(f"followed {name}", {})
        day = self.day()
        made = [
            issue(template, self.dice, day + timedelta(days=by), house, nr=self._number())
            for by in (0, -1, 1, -3)
        ]
        key, site = f"follow/{style.name}/{number}", f"{name}.follow.example"
        story = f"follow {style.name} {number}"
        original = self.scene.add(f"{key}/o", made[0], site, story, "followed")
        for n, other in enumerate(made[1:]):
            self.scene.add(f"{key}/x{n}", other, site, f"{story} {n}", "followed")
        later = self._later(style, made[0], house)
        follower = self.scene.add(f"{key}/f", later, site, story, f"follow {style.name}")
        self.scene.follows[follower.key, original.key] = style.name

    def _number(self) -> str:
        return f"{self.dice.randint(20, 2900):04d}"

    def _later(self, style: Template, original: Release, house: Mapping[str, str]) -> Release:
        """Fill a style of follow-ups: it knows title, number, date and body of the original."""
        by = 0 if "heutigen" in style.name else self.dice.randint(1, 3)
        day = original.day
        facts = {
            **original.facts,
            "T": original.title, "NR": original.facts.get("nr", "1").lstrip("0"),
            "OD": f"{day.day}. {_MONTHS[day.month - 1]}", "od": f"{day.day}.{day.month}.",
            "oy": str(day.year), "ow": _DAYS[day.weekday()],
            "odate_en": f"{_EN_MONTHS[day.month - 1]} {day.day}",
            "kurz": self.dice.choice(SHORT_TITLES),
        }  # fmt: skip
        inserted = {**house, **{name: facts[name] for name in ("T", "NR", "OD")}}
        text = style.text.replace("{BODY~}", "\1").replace("{BODY}", "\2")
        filled = issue(
            Template(style.name, style.language, 1, text), self.dice, day + timedelta(days=by),
            inserted, **facts,
        )  # fmt: skip
        body = filled.body.replace("\2", original.body)
        if "\1" in body:
            body = body.replace("\1", resent(original, self.dice).body)
        return Release(style.name, filled.title, tuple(body.split("\n\n")), filled.day)


_DAYS = "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag".split()
_MONTHS = (
    "Januar Februar März April Mai Juni Juli August September Oktober November Dezember"
).split()
_EN_MONTHS = (
    "January February March April May June July August September October November December"
).split()


def pairs_of(texts: Sequence[Text]) -> dict[str, int]:
    """Count the pairs of texts that are alike and none of a story, by group."""
    groups: dict[str, list[Text]] = {}
    for text in texts:
        groups.setdefault(text.group, []).append(text)
    return {name: len(each) * (len(each) - 1) // 2 for name, each in groups.items()}
