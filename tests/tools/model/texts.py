"""The few texts that the archive of the model can have, as files, as pages and in another archive."""

import atexit
import shutil
import tempfile
from functools import cache
from html import escape
from pathlib import Path

from storage.values.digest import raw_digest, wording_digest
from tests.flow.driver import Newsroom, hour, page, seed
from tests.tools.model.oracle import Capture
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
TITLES, BODIES = list(TEXTS), list(TEXTS.values())


ADDRESSES = ("https://lohebote.example/p", "https://lohebote.example/q")
ELSEWHERE = ((0, 2, 3.25), (1, 0, 4.0), (0, 1, 5.25), (0, 1, 6.0), (1, 3, 7.75))
"""What another archive saw: number of the address, text and hour."""


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
