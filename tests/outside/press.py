"""What the press has published: the sample seeds, further files, and sites on the loopback."""

import json
import os
import shutil
from pathlib import Path

from tests.capabilities.unconfirmed.pages import WALLS, article
from tests.tools.failures.operations import edit, fill
from tests.warcs import answer, packed, response
from tests.web.site import Reply, Request, Script, Web, page
from tests.web_archives.history_archive import Captured

ROOT = Path(__file__).resolve().parents[2]
SITE = "https://www.hafenkurier.example"
BRIDGE = f"{SITE}/lokales/kanalbruecke"
PEOPLE = "https://zeitung.example/person/ada-kern"
HALL = f"{SITE}/lokales/kanalbruecke-sperrung"
"""An article of the sample seeds in three versions."""
GATE = "https://zeitung.example/schleuse"
DAMM = "https://zeitung.example/damm"
TEXT = (
    "Die Kanalbrücke wird im Herbst für acht Monate gesperrt, teilte das Bauamt in Ulm am Montag mit.",
    "Die Reparatur kostet nach heutigem Stand {} Millionen Euro und wird vom Land bezahlt.",
    "„Die Brücke kostet 36 Millionen Euro und wird im Mai gebaut“, sagte Ada Kern am Montag.",
)
BLOG = "Ein Sturmtief zieht über die Küste von Niederlohe und trifft am Abend auf die Deiche."
SLUICE = (
    "Das Tor der Schleuse lässt sich seit dem Wochenende nicht mehr schließen, berichtet die Werft.",
    "Taucher fanden am Dienstag einen Anker, der sich im Gestänge verfangen hatte.",
    "Bis er geborgen ist, warten Segler und Frachter im Vorhafen von Niederlohe.",
)
HEADLINE = "Die Kanalbrücke ist wieder gesperrt"
BOX = "Unterstützen Sie die Arbeit dieser Zeitung mit einem Abonnement für Freunde."
HEAD = '<meta name="robots" content="noai"><link rel="license" href="https://www.hafenkurier.example/lizenz">'


def bridge(cost: str) -> bytes:
    return page("Kanalbrücke gesperrt", [each.format(cost) for each in TEXT], HEAD)


def front() -> bytes:
    teaser = f'<article><h2><a href="{BRIDGE}">{HEADLINE}</a></h2></article>'
    return f"<html lang=de><head>{HEAD}</head><body><main>{teaser}</main></body></html>".encode()


def live_blog() -> bytes:
    entries = [
        {"@type": "BlogPosting", "url": f"{SITE}/liveblog-sturmflut#{n}", "headline": f"Wehr {n}",
         "datePublished": f"2024-06-18T0{n}:00:00+02:00",
         "articleBody": f"Der Pegel am Wehr {n} steigt seit dem Morgen, meldet der Deichverband."}
        for n in (7, 8)
    ]  # fmt: skip
    told = {"@context": "https://schema.org", "@type": "LiveBlogPosting", "liveBlogUpdate": entries}
    script = f'<script type="application/ld+json">{json.dumps(told)}</script>'
    return page("Liveblog: Sturmflut", [BLOG], script)


CAPTURES = (
    Captured("20240617060000", BRIDGE, bridge("2,6")),
    Captured("20240618060000", BRIDGE, bridge("3,6")),
    Captured("20240618060000", f"{SITE}/", front()),
    Captured("20240618060000", f"{SITE}/frueher", bridge("4,6")),
)
"""What the web archive has."""


def put_pages(web: Web) -> None:
    """Put the sites into a web: an article that changes at each check, lists of pages, and others."""
    web.put(BRIDGE, _in_turn(Reply(bridge("3,6")), Reply(bridge("36"))))
    web.put(f"{SITE}/", front())
    web.put(f"{SITE}/liveblog-sturmflut", live_blog())
    item = f"<item><title>Brücke</title><link>{BRIDGE}</link><guid>{BRIDGE}</guid></item>"
    feed = f"<rss version='2.0'><channel><title>Hafenkurier</title>{item}</channel></rss>"
    web.put(f"{SITE}/feed", Reply(feed.encode(), type="application/rss+xml"))
    for address, wall, title, told in (
        (DAMM, "consent", "Der Damm hält", (BLOG, TEXT[0], TEXT[2])),
        (GATE, "night", "Die Schleuse klemmt", SLUICE),
    ):
        shown = _in_turn(Reply(article(title, told).encode()), Reply(WALLS[wall].encode()))
        web.put(address, shown)
    web.put(PEOPLE, article("Ada Kern baut", (TEXT[2], BOX)))
    moved = Reply(b"", 301, (("Location", f"{SITE}/neu"),))
    web.put(f"{SITE}/alt", _in_turn(Reply(page("Die Fähre fährt", [BLOG, TEXT[0]])), moved))
    web.put(f"{SITE}/neu", page("Die Fähre fährt", [BLOG, TEXT[0]]))


def _in_turn(*replies: Reply) -> Script:
    """Answer with each reply once, and then with the last one."""
    left = [*replies]

    def answer(_request: Request) -> Reply:
        return left.pop(0) if len(left) > 1 else left[0]

    return answer


def write_files(folder: Path) -> None:
    """Write the sample seeds and the further files into the folder of a user."""
    shutil.copytree(ROOT / "seeds", folder / "seeds")
    fill(folder / "press")
    early = {
        "captures": {f"{SITE}/": front()},
        "earlier": {BRIDGE: bridge("26"), f"{SITE}/liveblog-sturmflut": live_blog()},
    }
    for name, pages in early.items():
        records = (response(at, "2026-02-28T06:00:00Z", answer(body)) for at, body in pages.items())
        (folder / f"{name}.warc.gz").write_bytes(packed(*records))
    for number in range(4):
        write_page(folder, number, 0, has_box=number < 3)
    (folder / "article.html").write_bytes(bridge("36"))
    (folder / "article.json").write_text(
        '{"title": "Fähre fährt", "text": "Die Fähre legt wieder ab."}'
    )


def edit_files(folder: Path) -> None:
    """Change the files: an edit, a new text, and a box that the other pages of the site show."""
    edit(folder / "press")
    write_page(folder, 3, 1, has_box=True)


def write_page(folder: Path, number: int, hour: int, *, has_box: bool) -> None:
    subjects = ("Die Molkerei in Tönsbrink stellt Käse vor.", "Beim Turnier der Schachfreunde siegte ein Schüler.",
                "Das Theater eröffnet mit einer Komödie.", "Der Damm an der Lohe ist wieder dicht.")  # fmt: skip
    told = [
        subjects[number],
        f"Das berichtet die Redaktion am Montag über Fall {number}.",
        *[BOX] * has_box,
    ]
    head = (
        f'<link rel="canonical" href="https://lohebote.example/{number}">'
        f'<meta name="observed_at" content="2024-06-18T{hour:02}:00:00Z">'
    )
    path = folder / "pages" / f"{number}-{hour}.html"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(page(subjects[number], told, head))
    os.utime(path, (1_700_000_000 + 3600 * hour,) * 2)


QUERIES = {
    "pegel": "SELECT article FROM articles WHERE title = 'Pegel steigt'",
    "bridge": f"SELECT article FROM articles WHERE origin = '{BRIDGE}'",
    "hall": f"SELECT article FROM articles WHERE origin = '{HALL}'",
    "one": "SELECT min(article) FROM identities WHERE name = 'Ada Kern'",
    "two": "SELECT max(article) FROM identities WHERE name = 'Ada Kern'",
    "cluster": "SELECT min(cluster) FROM articles",
    "relation": "SELECT min(id) FROM relations",
    "job": "SELECT max(job) FROM jobs WHERE parent IS NULL",
}
"""The values of an archive that commands need, by the words that stand for them."""
