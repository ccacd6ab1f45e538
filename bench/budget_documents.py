"""The invented texts and pages of `bench.budget`; each depends on its number alone."""

import json
import random

from bench import corpus

PEOPLE = ("Ann Lee", "Bo Lind", "Mary Kern", "Peter Hale", "Ada Rohde", "Tom Brandt", "Eva Stone")
OFFICES = ("mayor", "spokeswoman", "harbour master", "minister", "engineer", "trade unionist")
PLACES = ("Harkenbrück", "Lohetal", "Quellstedt", "Oldport", "Ashford", "Northwick")
ENGLISH = (
    "The council of {place} has decided that the bridge is to be closed until {number} June.",
    "{last} said the closure had been planned for {number} months and would not be changed.",
    "“We have looked at every cable,” said {office} {name}. “There is no danger.”",
    "According to the {office}, {number} lorries cross the canal every day.",
    "“Nobody asked us,” she said, adding that the detour was {number} miles long.",
    "He told reporters that the harbour could not wait for another winter.",
    "Last year, {other} called the plan “a gamble”, but {last} has defended it since.",
    "The works cost {number} million, which the town and the state share.",
    "Asked whether the road would open in time, {name} answered: “I think it will.”",
    "{other}, the {office} of {place}, left the meeting before the vote.",
    "“It's not over,” {last} added. The “Friends of the Bridge” want to go to court.",
)
GERMAN = (
    "Die Brücke in {place} bleibe bis zum {number}. Juni gesperrt, teilte die Stadt mit.",
    "{last} sagte am Montag, dass die Arbeiten seit {number} Monaten geplant seien.",
    "„Wir haben jedes Seil geprüft“, sagte Sprecherin {name}. „Es besteht keine Gefahr.“",
    "Laut {name} fahren jeden Tag {number} Lastwagen über den Kanal.",
    "„Niemand hat uns gefragt“, sagte sie. Die Umleitung sei {number} Kilometer lang.",
    "Er habe davon aus der Zeitung erfahren, erklärte Bürgermeister {other}.",
    "Nach Angaben der Verwaltung könnte der Bau {number} Millionen Euro kosten.",
    "Die „Freunde der Brücke“ kündigten an, vor Gericht zu ziehen. Das teilte {last} mit.",
    "Ob die Straße rechtzeitig öffnet, wollte {name} nicht sagen: „Das hoffen wir alle.“",
    "Der Vorsitzende {other} verließ die Sitzung vor der Abstimmung (dpa/lno).",
)
PAGE = """<!doctype html><html lang="{language}"><head><meta charset="utf-8">
<title>{title} | {paper}</title><link rel="canonical" href="https://{host}/a/{number}">
<meta property="og:title" content="{title}"><meta name="author" content="{author}">
<meta property="article:published_time" content="{day}T08:15:00+01:00">
<script type="application/ld+json">{linked}</script></head><body>
<header><nav><ul>{links}</ul></nav><div class="cookie-banner"><p>Cookies</p></div></header>
<main><article class="{style}"><h1>{title}</h1>{byline}
<figure><img src="/b{number}.jpg" alt=""><figcaption>{place} ({author}/dpa)</figcaption></figure>
{paragraphs}<aside class="related"><h3>{more}</h3><ul>{links}</ul></aside></article></main>
<section class="comments"><p>{author}: {title}?</p></section>
<footer><p>© {paper} · <a href="/impressum">Impressum</a></p></footer></body></html>"""


def write_text(number: int) -> bytes:
    """Return a text: two of three from `bench.corpus`, and one with speakers and pronouns."""
    if number % 3:
        return corpus.text(17, number).content.encode()
    title, paragraphs = _report(number)
    day = f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}"
    return "\n\n".join((f" date {day} {title}", *paragraphs)).encode()


def write_page(number: int) -> bytes:
    """Return a page of one of three sites."""
    title, paragraphs = _report(number)
    language, dice = _language(number), random.Random(number)
    author, day = dice.choice(PEOPLE), f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}"
    by, more = ("By", "Read more") if language == "en" else ("Von", "Mehr zum Thema")
    site = number % 3
    linked = {
        "@context": "https://schema.org", "@type": "NewsArticle", "headline": title,
        "author": [{"@type": "Person", "name": author}], "datePublished": f"{day}T08:15:00+01:00",
    }  # fmt: skip
    bylines = (
        f'<p class="byline">{by} <a rel="author" href="/u/1">{author}</a></p>',
        f'<div class="meta"><span class="autor">{by} {author}</span><time datetime="{day}">{day}'
        "</time></div>",
        f"<p><em>{by} {author}, {day}</em></p>",
    )
    return PAGE.format(
        language=language, title=title, paper=f"Bote {site}", host=f"bote{site}.example",
        number=number, author=author, day=day, linked=json.dumps(linked) if site else "{}",
        links="".join(f'<li><a href="/{each}">{each}</a></li>' for each in PLACES),
        style=("article-body", "story", "post entry-content")[site], byline=bylines[site],
        place=PLACES[number % len(PLACES)], more=more,
        paragraphs="".join(f"<p>{each}</p>" for each in paragraphs),
    ).encode()  # fmt: skip


def _language(number: int) -> str:
    return "en" if number % 2 else "de"


def _report(number: int) -> tuple[str, list[str]]:
    """Return a headline and paragraphs, in English for odd numbers."""
    dice = random.Random(number)
    name, other = dice.sample(PEOPLE, 2)
    place = dice.choice(PLACES)
    facts = {"name": name, "last": name.split()[1], "other": other, "place": place}
    sentences = ENGLISH if _language(number) == "en" else GERMAN
    told = [
        each.format(**facts, office=dice.choice(OFFICES), number=dice.randint(3, 28))
        for each in dice.sample(sentences * 2, 16)
    ]
    paragraphs = [" ".join(told[at : at + 2]) for at in range(0, len(told), 2)]
    return f"{place}: {told[0].split(' ', 2)[2][:40].rstrip(',. ')}", paragraphs
