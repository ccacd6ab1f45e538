"""A press that goes its way for a month: articles appear, change, move, vanish, are walled in.

All of it follows from a seed and a clock. What a visitor gets at a time is a function of that time
alone, so that what an archive saw can be compared with what there was.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Literal

from tests.web.site import NOTHING, Reply, Request, Web, page, redirect

What = Literal[
    "text",
    "gone",
    "forbidden",
    "robot check",
    "consent",
    "throttled",
    "down",
    "hangs up",
    "front page",
]
OUTCOME: dict[str, str] = {
    "gone": "gone",
    "forbidden": "blocked",
    "robot check": "blocked",
    "consent": "blocked",
    "throttled": "rate_limited",
    "down": "unreachable",
    "hangs up": "unreachable",
    "front page": "not_article",
}
"""What a check comes to that meets one of these."""

WORDS = [
    "Hafen",
    "Kutter",
    "Pegel",
    "Deich",
    "Schleuse",
    "Fähre",
    "Krabben",
    "Netze",
    "Werft",
    "Speicher",
    "Markthalle",
    "Rathaus",
    "Brücke",
    "Kanal",
    "Bahnhof",
    "Schule",
    "Turnhalle",
    "Bücherei",
    "Feuerwehr",
    "Kirche",
    "Mühle",
    "Windrad",
    "Gasthof",
    "Bäckerei",
    "Apotheke",
    "Landrat",
    "Bürgermeisterin",
    "Kämmerer",
    "Fischer",
    "Lehrerin",
    "Ärztin",
    "Gärtner",
    "Tischler",
    "Wirtin",
    "Richterin",
    "Anwohner",
    "Radfahrer",
    "Pendler",
    "Schülerin",
    "Chor",
    "Verein",
    "Stiftung",
    "Genossenschaft",
]
VERBS = [
    "plant",
    "baut",
    "prüft",
    "schließt",
    "öffnet",
    "verkauft",
    "saniert",
    "verlegt",
    "sucht",
    "findet",
    "ehrt",
    "verklagt",
    "lobt",
    "kritisiert",
    "begrüßt",
]
PLACES = [
    "Lohsand",
    "Altwerder",
    "Brook",
    "Kleinhaven",
    "Norderende",
    "Süderfeld",
    "Moorburg",
    "Tettens",
    "Wischhafen",
    "Grodenland",
]


@dataclass(frozen=True)
class Spell:
    """The content at an article's address from a time on; of a text, its `edition`."""

    since: datetime
    what: What
    edition: int = 0


@dataclass
class Article:
    """One article with its life."""

    number: int
    host: str
    published: datetime
    path: str
    spells: list[Spell]
    editions: list[tuple[str, tuple[str, ...]]]
    has_validators: bool
    moved: tuple[datetime, str, int] | None = None
    feed: str | None = None

    @property
    def address(self) -> str:
        return f"https://{self.host}{self.path}"

    def at(self, moment: datetime) -> Spell | None:
        """Return the content at `moment`, None before it is published."""
        found = [spell for spell in self.spells if spell.since <= moment]
        return found[-1] if found else None

    def body(self, edition: int) -> bytes:
        title, paragraphs = self.editions[edition]
        return page(title, paragraphs)

    def path_at(self, moment: datetime) -> str:
        """Return under which path its feed names it."""
        return self.moved[1] if self.moved is not None and moment >= self.moved[0] else self.path

    def changes(self) -> Iterator[tuple[datetime, int, int]]:
        """Yield the times at which one edition followed another, despite gaps."""
        texts = [spell for spell in self.spells if spell.what == "text"]
        for before, after in itertools.pairwise(texts):
            if before.edition != after.edition:
                yield after.since, before.edition, after.edition


@dataclass
class World:
    """All articles with the lists that name them."""

    start: datetime
    days: float
    articles: list[Article] = field(default_factory=list)
    feeds: dict[str, list[Article]] = field(default_factory=dict)
    sitemaps: dict[str, list[Article]] = field(default_factory=dict)

    @property
    def hosts(self) -> list[str]:
        return sorted({each.host for each in self.articles})

    def lists(self) -> list[str]:
        return [*self.feeds, *self.sitemaps]

    def open_on(self, web: Web) -> None:
        """Let the sites of a simulated web answer as this world does."""
        for host in self.hosts:
            web.put(
                f"https://{host}/",
                page(
                    f"Start {host}", ["Die Startseite mit den Meldungen des Tages aus der Region."]
                ),
            )
            web.put(
                f"https://{host}/robots.txt",
                Reply(b"User-agent: *\nDisallow: /intern\n", type="text/plain"),
            )
        for each in self.articles:
            web.put(each.address, _script(each))
            if each.moved is not None:
                web.put(f"https://{each.host}{each.moved[1]}", _script(each, is_new=True))
        for address, listed in self.feeds.items():
            web.put(
                address,
                lambda request, listed=listed: Reply(
                    _feed(listed, request.at), type="application/rss+xml", has_validators=True
                ),
            )
        for address, listed in self.sitemaps.items():
            web.put(
                address,
                lambda request, listed=listed: Reply(
                    _sitemap(listed, request.at), type="application/xml", has_validators=True
                ),
            )


def made(
    seed: int, *, articles: int, feeds: int, sitemaps: int, days: float, start: datetime
) -> World:
    """Return the world of a seed."""
    chance = Random(seed)
    world = World(start, days)
    hosts = [f"zeitung{n}.example" for n in range(max(2, feeds // 2))]
    for number in range(articles):
        host = hosts[number % len(hosts)]
        world.articles.append(_article(chance, number, host, start, days))
    for n in range(feeds):
        host = hosts[n % len(hosts)]
        world.feeds[f"https://{host}/feed{n // len(hosts)}.xml"] = []
    for n in range(sitemaps):
        world.sitemaps[f"https://{hosts[n % len(hosts)]}/sitemap.xml"] = []
    for each in world.articles:
        _file(chance, world, each)
    return world


def _file(chance: Random, world: World, article: Article) -> None:
    """Put an article into a feed of its site, or into its sitemap."""
    own = [address for address in world.feeds if f"//{article.host}/" in address]
    maps = [address for address in world.sitemaps if f"//{article.host}/" in address]
    if maps and (not own or chance.random() < 0.4):
        world.sitemaps[maps[0]].append(article)
    else:
        article.feed = chance.choice(own)
        world.feeds[article.feed].append(article)


def _article(chance: Random, number: int, host: str, start: datetime, days: float) -> Article:
    published = start + timedelta(days=chance.uniform(0, days * 0.6))
    editions = [_text(chance, number)]
    spells = [Spell(published, "text", 0)]
    moment = published
    for _ in range(chance.choice([0, 0, 1, 1, 2, 3])):
        moment += timedelta(hours=chance.uniform(3, 24 * days / 6))
        kind = chance.random()
        if kind < 0.5:
            editions.append(_edited(chance, editions[-1]))
            spells.append(Spell(moment, "text", len(editions) - 1))
        elif kind < 0.6 and len(editions) > 1:
            spells.append(Spell(moment, "text", 0))
        else:
            spells.append(Spell(moment, chance.choice(list(OUTCOME)), spells[-1].edition))
            moment += timedelta(hours=chance.uniform(12, 24 * days / 5))
            if chance.random() < 0.7:
                spells.append(Spell(moment, "text", spells[-1].edition))
    moved = None
    if chance.random() < 0.15:
        since = published + timedelta(hours=chance.uniform(5, 24 * days / 3))
        moved = (since, f"/neu/{number}-{_slug(chance)}", chance.choice([301, 302, 308]))
    return Article(
        number, host, published, f"/artikel/{number}-{_slug(chance)}", spells, editions,
        has_validators=chance.random() < 0.7, moved=moved,
    )  # fmt: skip


def _slug(chance: Random) -> str:
    return (
        "-".join(chance.sample(WORDS, 3))
        .lower()
        .replace("ä", "ae")
        .replace("ö", "oe")
        .replace("ü", "ue")
    )


def _text(chance: Random, number: int) -> tuple[str, tuple[str, ...]]:
    title = f"{chance.choice(PLACES)}: {chance.choice(WORDS)} {chance.choice(VERBS)} {chance.choice(WORDS)} ({number})"
    return title, tuple(_paragraph(chance) for _ in range(chance.randint(3, 6)))


def _paragraph(chance: Random) -> str:
    return " ".join(_sentence(chance) for _ in range(chance.randint(2, 4)))


def _sentence(chance: Random) -> str:
    who, whom, where = chance.choice(WORDS), chance.choice(WORDS), chance.choice(PLACES)
    return (
        f"In {where} {chance.choice(VERBS)} {who} nach {chance.randint(2, 90)} Jahren {whom} und "
        f"{chance.choice(WORDS)}, wie {chance.choice(WORDS)} und {chance.choice(WORDS)} am Montag sagten."
    )


def _edited(chance: Random, text: tuple[str, tuple[str, ...]]) -> tuple[str, tuple[str, ...]]:
    title, paragraphs = text
    changed = list(paragraphs)
    match chance.randrange(3):
        case 0:
            changed.append(_paragraph(chance))
        case 1:
            changed[chance.randrange(len(changed))] = _paragraph(chance)
        case _:
            title = f"{title.partition(' (')[0]} nicht {chance.randint(2, 99)} ({title.partition(' (')[2]}"
    return title, tuple(changed)


# ---------------------------------------------------------------------- what a visitor gets


def _script(article: Article, *, is_new: bool = False):
    def script(request: Request) -> Reply:
        moved = article.moved
        if moved is not None:
            if not is_new and request.at >= moved[0]:
                return redirect(moved[1], moved[2])
            if is_new and request.at < moved[0]:
                return NOTHING
        spell = article.at(request.at)
        return NOTHING if spell is None else answer(article, spell)

    return script


def answer(article: Article, spell: Spell) -> Reply:
    """Return the response during `spell`."""
    if spell.what == "text":
        return Reply(article.body(spell.edition), has_validators=article.has_validators)
    if spell.what == "gone":
        return Reply(b"<p>weg</p>", 410 if article.number % 2 else 404)
    return OTHERWISE[spell.what]


OTHERWISE = {
    "forbidden": Reply(b"<p>nein</p>", 403),
    "robot check": Reply(page("Just a moment...", ["Checking your browser before accessing the site."])),
    "consent": Reply(page("Zustimmung", ["Wir und unsere 312 Partner verwenden Cookies und brauchen dafür Ihre Zustimmung."])),
    "throttled": Reply(b"", 429, (("Retry-After", "1800"),)),
    "down": Reply(b"<p>gleich</p>", 503),
    "hangs up": Reply(pieces=[(0.0, b"")]),
    "front page": redirect("/"),
}  # fmt: skip
"""What a visitor gets instead of a text."""


def _latest(listed: Sequence[Article], moment: datetime, most: int) -> list[Article]:
    there = [each for each in listed if each.published <= moment]
    return sorted(there, key=lambda each: each.published, reverse=True)[:most]


def _feed(listed: Sequence[Article], moment: datetime) -> bytes:
    items = "".join(
        f"<item><title>{each.editions[0][0]}</title><link>https://{each.host}{each.path_at(moment)}</link>"
        f"<guid isPermaLink='false'>urn:{each.number}</guid>"
        f"<pubDate>{each.published:%a, %d %b %Y %H:%M:%S} +0000</pubDate></item>"
        for each in _latest(listed, moment, 15)
    )
    return f"<?xml version='1.0'?><rss version='2.0'><channel><title>Zeitung</title>{items}</channel></rss>".encode()


def _sitemap(listed: Sequence[Article], moment: datetime) -> bytes:
    urls = "".join(
        f"<url><loc>https://{each.host}{each.path_at(moment)}</loc><lastmod>{each.published:%Y-%m-%dT%H:%M:%SZ}</lastmod></url>"
        for each in _latest(listed, moment, 10_000)
    )
    return f"<?xml version='1.0'?><urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{urls}</urlset>".encode()
