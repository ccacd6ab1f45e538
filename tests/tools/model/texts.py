"""What the archive of the model can have: texts of files and pages, live blogs, front pages."""

import atexit
import re
import shutil
import tempfile
from collections.abc import Iterable
from functools import cache
from html import escape
from pathlib import Path

from storage.values.digest import raw_digest, wording_digest
from tests.capabilities.front_pages.test_front_pages import front, teaser
from tests.flow.driver import Newsroom, hour, page, seed
from tests.page.test_entries import blog
from tests.page.test_entries import entry as blog_entry
from tests.tools.model.oracle import Said
from worker.flow.order import target_at
from worker.flow.spool import spool_archive

TEXTS = {
    "Pegel der Lohe steigt": "Der Pegel der Lohe stieg in der Nacht um drei Zentimeter.\n\n"
    "Am Deich standen bis zum Morgen vierzig Helfer mit Sandsäcken bereit.",
    "Fähre bleibt im Hafen": "Wegen der hohen Wellen legte gestern kein einziges Schiff ab.\n\n"
    "Reisende warteten in der Turnhalle auf ruhigeres Wetter.",
    "Stadtrat streitet über Bäume": "Elf Linden am Markt sollen einem Parkhaus weichen.\n\n"
    "Die Grünen sammelten dagegen achthundert Unterschriften.",
    "Posaunenchor gewinnt Preis": "Mit einem Choral überzeugten die Bläser aus Ostheide die Jury.\n\n"
    "Geübt hatten sie seit dem Herbst jeden Dienstag in der Scheune.",
    "Bibliothek öffnet sonntags": "Leserinnen können künftig auch am Wochenende Romane ausleihen.\n\n"
    "Zwei zusätzliche Angestellte übernehmen dafür die Ausgabe.",
}
LIVE = "https://lohebote.example/live"
NOTED = ("steht bei drei Metern", "steigt auf neun Meter")
"""What an entry said first, and once it was edited."""
BLOGS = ("1", "21", "321", "32e1", "54", "543", "53", "6")
"""What a live blog shows: the numbers of its entries, the newest first, with an `e` if edited."""
PLAIN = len(TEXTS)
"""Number of the first live blog."""
QUIET = PLAIN + len(BLOGS)
"""Number of the first text of the address with noise."""


def entries_of(text: int) -> dict[int, str]:
    """Return the entries of a live blog by number, the newest first; none of another text."""
    found = re.findall(r"(\d)(e?)", BLOGS[text - PLAIN]) if PLAIN <= text < QUIET else []
    return {
        int(n): f"Der Pegel am Wehr {n} {NOTED[bool(edited)]}, meldet der Deichverband heute."
        for n, edited in found
    }


def step(before: int, after: int) -> set[str]:
    """Return what is between two texts, in the words of the oracle."""
    if not entries_of(after):
        known = {QUIETLY: "noise", AKIN: "akin"}.get(frozenset((before, after)))
        return {"edited", *([known] if known else [])}
    return {event for _entry, event in events(before, after)}


def events(before: int, after: int) -> set[tuple[int, str]]:
    """Return what happened to the entries of a live blog."""
    old, new = entries_of(before), entries_of(after)
    kept, added = old.keys() & new.keys(), new.keys() - old.keys()
    oldest = min(kept, default=99)
    way = "hidden" if not kept or max(added, default=0) > oldest else "removed"
    gone = {(n, way if n < oldest else "removed") for n in old.keys() - kept}
    edited = {(n, "edited") for n in kept if old[n] != new[n]}
    return gone | edited | {(n, "added") for n in added}


def _body(text: int) -> str:
    entries = entries_of(text).items()
    return "\n\n".join([INTRO, *(line for n, told in entries for line in (f"Wehr {n}", told))])


NOISY = "https://lohebote.example/markt"
MARKET = (
    ("Wochenmarkt zieht um", "Ab Mai stehen die Stände vor dem Bahnhof.\n\nHändler loben den Platz."),
    ("Wochenmarkt zieht um", "Ab Mai stehen die Stände vor dem Bahnhof. Händler loben den Platz."),
    ("Wochenmarkt bleibt", "Ein Gericht gab gestern den Anwohnern recht.\n\nDie Stadt prüft nun alles."),
)  # fmt: skip
"""Texts of one address; the first two differ by noise."""
PASSAGE = "vierzig Helfer"
"""What the first text has and no other one."""
OTHER_BODY = (
    "Erst am Abend fuhr wieder ein Boot zur Insel.\n\nAn Bord waren Post und frische Milch."
)
INTRO = "Ein Sturmtief zieht über die Küste von Niederlohe und trifft am Abend ein."
TITLES = [
    *TEXTS, *["Liveblog: Sturm über der Lohe"] * len(BLOGS), *(title for title, _ in MARKET), next(iter(TEXTS)), [*TEXTS][1]
]  # fmt: skip
BODIES = [
    *TEXTS.values(), *(_body(PLAIN + number) for number in range(len(BLOGS))),
    *(body for _, body in MARKET), next(iter(TEXTS.values())).replace(PASSAGE, "[redacted]"), OTHER_BODY,
]  # fmt: skip
WITHOUT = len(BODIES) - 2
"""Number of the text without the passage."""
REWRITTEN = len(BODIES) - 1
"""Number of a text of which the headline, and nothing else, is that of another one."""
AKIN, QUIETLY = frozenset((1, REWRITTEN)), frozenset((QUIET, QUIET + 1))
"""Texts with only their headline in common, and texts between which a step is noise."""

ADDRESSES = ("https://lohebote.example/p", "https://lokal.lohebote.example/q")
MOVING = tuple(f"https://{each}.lohebote.example/{each}" for each in "rst")
"""Addresses of which any may become one article. Each has its own site, because a text that comes
to several addresses of one site is held back, which the oracle does not know."""
RESERVED = "noai"
"""What an answer says that reserves the rights in its text."""
FRONT = "https://lohebote.example"
HEADLINES = ("Fluss tritt bei Ostheide über die Ufer", "Wasser in Ostheide steigt immer noch an")
ELSEWHERE = ((0, 2, 3.25), (1, 0, 4.0), (0, 1, 5.25), (0, 1, 6.0), (1, 3, 7.75))
"""What another archive saw: number of the address, text and hour."""


Capture = tuple[str, int, float, tuple[str, str]]
"""Origin, text, hour and order of a capture."""


def seed_of(text: int) -> str:
    return seed(TITLES[text], *BODIES[text].split("\n\n"))


def page_of(text: int, number: int, url: str | None = None) -> str:
    """Return an article whose bytes, but not its text, depend on a number."""
    return page(BODIES[text], url=url, title=TITLES[text], tags=f"Fassung {number}")


def web_page(text: int, number: int) -> str:
    """Return a web page whose bytes, but not its text, depend on a number."""
    paragraphs = "".join(f"<p>{escape(each)}</p>" for each in BODIES[text].split("\n\n"))
    head = f'<html lang="de"><head><title>{TITLES[text]}</title></head>'
    body = f"<article><h1>{TITLES[text]}</h1>{paragraphs}</article>"
    return f"{head}<body>{body}<!-- {number} --></body></html>"


def blog_page(text: int, number: int) -> str:
    """Return a live blog whose bytes, but not its text, depend on a number."""
    shown = [blog_entry(n, told) for n, told in entries_of(text).items()]
    return f"{blog(*shown, h1=TITLES[text], intro=INTRO).decode()}<!-- {number} -->"


def front_page(shown: Iterable[Said], number: int) -> bytes:
    """Return a front page whose bytes, but not its teasers, depend on a number."""
    return front(*(teaser(origin, headline) for origin, headline in shown), token=str(number))


def order_of(text: int, content: str) -> tuple[str, str]:
    """Return what decides between two captures of one moment, as the contract states it."""
    wording = wording_digest(TITLES[text], tuple(BODIES[text].split("\n\n")))
    return wording.hex(), raw_digest(content.encode()).hex()


@cache
def donor() -> tuple[Path, list[Capture]]:
    """Return the captures of another archive as `lesart merge` reads them, and what they are."""
    root = Path(tempfile.mkdtemp(prefix="lesart-model-"))
    atexit.register(shutil.rmtree, root)
    room, captures = Newsroom(f"sqlite:///{root / 'other.sqlite3'}", root), []
    room.now = hour(9)
    for number, (address, text, at) in enumerate(ELSEWHERE):
        content, origin = page_of(text, -number), ADDRESSES[address]
        path = room.write(f"{number}.md", content, root / "imports")
        place = target_at(
            room.archive, room.settings, str(path), origin=origin, observed_at=hour(at)
        )
        room.worked(room.ordered([place]))
        captures.append((origin, text, at, order_of(text, content)))
    room.close()
    return spool_archive(room.settings, root, "lesart test", lambda _what, _number: None), captures
