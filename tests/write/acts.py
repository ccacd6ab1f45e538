"""An archive with rows in every view, and the acts of people and machines that change them."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from storage.capabilities.quotations.store import (
    lift_redaction,
    part_persons,
    person_digest,
    redact_person,
)
from storage.capabilities.reviews.store import add_review, find_change, withdraw_reviews
from storage.database.tables import LINEAGE
from storage.database.tables.metadata import METADATA
from storage.history.lineages import regroup
from storage.language.passage import Passage
from storage.values.redaction import RedactionReason
from storage.write.redaction.plan import RedactionTarget
from storage.write.redaction.redact_articles import (
    drop_overdue_bytes,
    redact_articles,
    redact_passage,
)
from storage.write.redaction.restrict import lift, restrict
from storage.write.undo import undo
from tests.capabilities.front_pages.test_front_pages import front, teaser
from tests.capabilities.unconfirmed.pages import LOG_IN
from tests.flow.driver import Newsroom, hour, page, seed, target_of
from tests.page.test_entries import EDITED, blog, entry
from tests.warcs import answer, response
from tests.warcs import page as web_page
from worker.cli.redactions import prepare_reading
from worker.flow.order import target_at

ERASURE, RESTRICTION = RedactionReason.GDPR_ERASURE, RedactionReason.GDPR_RESTRICTION
SITE = "https://lohebote.example"
DAM, MOVED, BLOG, WALL, FERRY = (
    f"{SITE}/{name}" for name in ("deich", "damm", "blog", "wand", "faehre")
)
TITLE, HEADLINE, TEST = (
    "Der Deich an der Lohe hält vorerst", "Der Deich an der Lohe hält", "Der Deich wankt am Morgen",
)  # fmt: skip
PARAGRAPHS = (
    "„Der Deich hält“, sagte Ada Kern am Montag. Der Pegel stieg in der Nacht um 3,6 Zentimeter.",
    "Am Morgen zählte die Feuerwehr vierzig nasse Keller in der Altstadt und am Hafen.",
    "Die Fähre nach Lohsand bleibt bis zum Abend im Hafen, weil die Wellen zu hoch sind.",
)
HIGHER = (PARAGRAPHS[0].replace("3,6", "36"), *PARAGRAPHS[1:])
OTHER = (
    "„Wir legen nicht ab“, sagte Ole Brandt.",
    "„Es ist zu windig“, sagte Ole Brandt. Reisende warteten in der Turnhalle.",
)
FILE = "seed:presse/a.txt"
Act = Callable[["Scene"], Iterator[None]]


class Scene:
    """A newsroom with rows in all views; each act on it yields where a reader may ask."""

    def __init__(self, room: Newsroom) -> None:
        self.room = room
        self.serial = 0

    def fill(self) -> None:
        room = self.room
        room.write("a.txt", seed("Fähre bleibt im Hafen", *OTHER))
        room.write("kopie.txt", seed("Fähre bleibt im Hafen", *OTHER))
        room.write("leer.txt", "")
        body = "Davon handelt ein anderer Text über die Bäume am Markt."
        room.write("nennt.md", page(body, title="Andere schreiben", section=f"Siehe: {TITLE}"))
        room.scan(20)
        room.scan(21)
        room.write("a.txt", seed("Fähre bleibt im Hafen", *OTHER, "Am Abend legte sie ab."))
        room.scan(22)
        room.scan(23)
        self.crawl(DAM, web_page(TITLE, *PARAGRAPHS), 1, X_Robots_Tag="noai")
        parted = ("\n".join(PARAGRAPHS[:2]), *PARAGRAPHS[2:])
        self.crawl(DAM, web_page(TITLE, *parted, more="<meta name=a>"), 2)
        self.crawl(DAM, web_page(TITLE, *HIGHER), 3, X_Robots_Tag="noai")
        self.crawl(DAM, web_page("Nur für Abonnenten"), 3.1)
        self.crawl(DAM, LOG_IN, 3.3)
        self.crawl(MOVED, b"", 3.5, status="301 Moved Permanently", Location=DAM)
        self.crawl(WALL, b"", 3.2, status="404 Not Found")
        for at, state in enumerate(((entry(2), entry(1)), (entry(3), entry(2, EDITED), entry(1)))):
            self.crawl(BLOG, blog(*state), 4 + at)
        for at, headline in ((5, HEADLINE), (6, TEST), (7, HEADLINE)):
            self.look(headline, at)
        self._record()

    def crawl(
        self, address: str, body: Any, at: float, kind: str | None = None, **more: str
    ) -> None:
        """Import the answer of a server from an earlier time."""
        self.serial += 1
        raw, status = body.encode() if isinstance(body, str) else body, more.pop("status", "200 OK")
        headers = {name.replace("_", "-"): value for name, value in more.items()}
        answered = answer(raw, status=status, headers=headers)
        content = response(address, f"{hour(at):%Y-%m-%dT%H:%M:%SZ}", answered)
        path = self.room.write(f"{self.serial}-{at}.warc", content, self.room.root / "imports")
        place = target_at(self.room.archive, self.room.settings, str(path), type=kind)
        self.room.worked(self.room.ordered([place]))

    def look(self, headline: str, at: float) -> None:
        shown = front(teaser(DAM, headline), teaser(FERRY, "Die Fähre bleibt lange im Hafen"))
        self.crawl(f"{SITE}/", shown, at, "front")

    def _record(self) -> None:
        """Add what another archive answered, and what a reader recorded."""
        seen = self.number("SELECT min(observation_id) FROM snapshot WHERE origin_id = {}", DAM)
        with self.room.archive.unit() as unit:
            for number in (1, 2):
                row = {
                    "id": unit.number(), "observation_id": seen, "archive": "eins",
                    "address": f"https://archiv.example/{number}/{DAM}", "captured_at": unit.now,
                    "recorded_at": unit.now,
                }  # fmt: skip
                unit.add(METADATA.tables["outside_copy"], row)
            for event in ("first", "swapped"):
                row = {
                    "id": unit.number(), "observation_id": seen, "position": 0, "event": event,
                    "address": f"{DAM}/{event}.jpg", "caption": "Der Damm", "recorded_at": unit.now,
                }  # fmt: skip
                unit.add(METADATA.tables["article_picture"], row)
            row = {
                "id": unit.number(), "observation_id": seen, "address": f"{DAM}/stil.css",
                "status": 200, "size": 0, "recorded_at": unit.now,
            }  # fmt: skip
            unit.add(METADATA.tables["page_resource"], row)
            change = find_change(unit.connection, self.name(DAM), 2)
            add_review(unit, change, "important", "36 statt 3,6", "ada")

    def number(self, query: str, origin: str) -> int:
        """Return what a query answers in which `{}` is the number of an address."""
        own = "(SELECT id FROM origin WHERE origin = :origin)"
        return self.room.number(query.format(own), origin=origin)

    def article(self, origin: str) -> int:
        return self.number("SELECT article_id FROM article_origin WHERE origin_id = {}", origin)

    def name(self, origin: str) -> str:
        return str(self.room.article(origin)["article"])

    def redact(self, origin: str, version: int | None = None, **options: bool) -> None:
        article, wordings = self.article(origin), None
        if version is not None:
            query = "SELECT wording_id FROM version WHERE article_id = :a AND number = :n"
            wordings = (self.room.number(query, a=article, n=version),)
        self.erase(RedactionTarget(article, wordings), **options)

    def erase(self, target: RedactionTarget, **options: bool) -> None:
        redact_articles(self.room.archive, [target], ERASURE, "ada", **options)


# --------------------------------------------------------------------------------- the acts


def redact(origin: str, version: int | None = None, **options: bool) -> Act:
    def act(scene: Scene) -> Iterator[None]:
        scene.redact(origin, version, **options)
        yield

    return act


def redact_words(scene: Scene) -> Iterator[None]:
    for words in ("in der Nacht", "wankt am Morgen"):
        redact_passage(
            scene.room.archive, [RedactionTarget(scene.article(DAM))], Passage.parse(words), ERASURE, "ada",
            prepare_reading,
        )  # fmt: skip
        yield


def redact_linked_address(scene: Scene) -> Iterator[None]:
    target = RedactionTarget(None, None, scene.number("SELECT {} AS number", FERRY))
    scene.erase(target, with_addresses=True)
    yield


def hide(origin: str) -> Act:
    def act(scene: Scene) -> Iterator[None]:
        article = [scene.article(origin)]
        scene.room.archive.transact(restrict, article, RESTRICTION, "ada")
        yield
        if origin == DAM:
            scene.crawl(DAM, web_page(TITLE, *HIGHER[:2]), 3.4)
            yield
        scene.room.archive.transact(lift, article, "ada")
        yield

    return act


def undo_decision(view: str) -> Act:
    def act(scene: Scene) -> Iterator[None]:
        number = scene.room.number(f"SELECT min(id) FROM {view}")
        scene.room.archive.transact(undo, number, "Irrtum")
        yield

    return act


def join(scene: Scene, kind: str = "redirect") -> Iterator[None]:
    """Make two addresses one article, and part them again."""
    scene.crawl(MOVED, web_page(TITLE, *HIGHER), 4)
    scene.room.write("b.md", page("\n\n".join(HIGHER), title=TITLE))
    scene.room.scan()
    yield
    with scene.room.archive.unit() as unit:
        ends = [scene.number("SELECT {} AS number", each) for each in (MOVED, DAM)]
        row = {
            "id": unit.number(), "kind": kind, "origin_id": ends[0], "to_origin_id": ends[1],
            "observation_id": None, "decided_at": unit.now,
        }  # fmt: skip
        unit.add(LINEAGE, row)
        unit.flush()
        regroup(unit, ends)
    yield
    last = scene.room.number("SELECT max(id) FROM lineage")
    scene.room.archive.transact(undo, last, "Irrtum")
    yield


def join_files(scene: Scene) -> Iterator[None]:
    """Join two addresses whose files were scanned, with two texts and then with one; part them."""
    ends = [f"{SITE}/{name}" for name in ("mole", "steg")]
    steps = {"redirect": HIGHER[:2], "guid": HIGHER[1:], "canonical": HIGHER[:1]}
    for at, (kind, texts) in enumerate(steps.items()):
        for address, text in zip(ends, (texts, HIGHER[1:]), strict=True):
            name = address.rpartition("/")[2]
            scene.room.write(f"{name}.md", page("\n\n".join(text), title=TITLE, url=address))
        for look in range(3):
            scene.room.scan(50 + 4 * at + look)
            yield
        with scene.room.archive.unit() as unit:
            numbers = [scene.number("SELECT {} AS number", each) for each in ends]
            row = {
                "id": unit.number(), "kind": kind, "origin_id": numbers[at % 2],
                "to_origin_id": numbers[1 - at % 2], "observation_id": None, "decided_at": unit.now,
            }  # fmt: skip
            unit.add(LINEAGE, row)
            unit.flush()
            regroup(unit, numbers)
        yield
        scene.room.scan(53 + 4 * at)
        yield
        last = scene.room.number("SELECT max(id) FROM lineage")
        scene.room.archive.transact(undo, last, "Irrtum")
        yield


def read_late(scene: Scene) -> Iterator[None]:
    """Read files late that have the address of a file which scans confirmed in the meantime.

    The one of another folder was captured after it, the one of the same folder before.
    """
    room, folder = scene.room, scene.room.root / "zweitens"
    second = room.watch("zweitens", folder)

    def write(name: str, paragraphs: Sequence[str], where: Path | None = None) -> None:
        address = f"{SITE}/{name[2:]}"
        room.write(f"{name}.md", page("\n\n".join(paragraphs), title=TITLE, url=address), where)

    write("a-schleuse", HIGHER[:2])
    room.scan(60)
    write("z-schleuse", HIGHER[1:], folder)
    write("z-siel", HIGHER[1:])
    unread = [room.ordered([target_of(each)]) for each in (second, room.source)]
    for job in unread:
        room.collected(job)
    write("a-siel", HIGHER[:2])
    for at in (61, 62, 63):
        room.scan(at)
        yield
    for job in unread:
        room.worked(job)
        yield
    room.scan(64)
    yield


def join_hidden(scene: Scene) -> Iterator[None]:
    """Join an article with a restricted one, and part them again."""
    scene.crawl(MOVED, web_page("Anderes Blatt", *OTHER), 4)
    scene.room.archive.transact(restrict, [scene.article(MOVED)], RESTRICTION, "ada")
    yield from join(scene, "guid")


def import_late(*hours: float) -> Act:
    def act(scene: Scene) -> Iterator[None]:
        for at in hours:
            scene.crawl(DAM, web_page(TITLE, *HIGHER), at)
            yield

    return act


def look_late(scene: Scene) -> Iterator[None]:
    """Import lists of a front page between others, and two of one moment."""
    scene.look(HEADLINE, 6.5)
    yield
    for kicker in ("", "Lohe"):
        scene.crawl(f"{SITE}/", front(teaser(DAM, TEST, kicker=kicker)), 7.5, "front")
    yield
    scene.look(TEST, 4.5)
    yield


def declare_at_one_moment(scene: Scene) -> Iterator[None]:
    """Import three answers of one moment, of which the first and the last reserve the rights."""
    for serial, reserved in enumerate(({"X_Robots_Tag": "noai"}, {}, {"X_Robots_Tag": "noai"})):
        scene.crawl(DAM, web_page(TITLE, *HIGHER, more=f"<meta name=b{serial}>"), 8, **reserved)
        yield


def leave_out_name(scene: Scene) -> Iterator[None]:
    redact_person(scene.room.archive, person_digest("Ole Brandt"), ERASURE, "ada")
    yield
    lift_redaction(scene.room.archive, person_digest("Ole Brandt"), "ada")
    yield


def part_name(scene: Scene) -> Iterator[None]:
    pair = [(scene.name(each), 1) for each in (FILE, "seed:presse/kopie.txt")]
    scene.room.archive.transact(part_persons, "Ole Brandt", *pair, "ada")
    yield


def drop_bytes(scene: Scene) -> Iterator[None]:
    scene.room.now = hour(100_000)
    drop_overdue_bytes(scene.room.archive, 1800.0, by_clock=True)
    yield


def withdraw_label(scene: Scene) -> Iterator[None]:
    with scene.room.archive.unit() as unit:
        change = find_change(unit.connection, scene.name(DAM), 2)
        withdraw_reviews(unit, change, None, "ada")
    yield


def work_on_files(scene: Scene) -> Iterator[None]:
    """Edit, copy and remove files, by a clock that runs ahead and is put back."""
    room = scene.room
    room.write("c.txt", seed("Fähre bleibt im Hafen", *OTHER))
    room.scan(30)
    yield
    room.write("a.txt", seed("Fähre bleibt im Hafen", OTHER[0]))
    room.write("leer.txt", " ")
    room.scan(800)
    yield
    room.remove("kopie.txt")
    room.scan(31)
    yield


def redact_confirmed_file(scene: Scene) -> Iterator[None]:
    """Redact a file that scans found unchanged, with its name, and look at it again."""
    room, name = scene.room, "seed:presse/d.txt"
    room.write(
        "d.txt", seed("Der Deich im Süden", "Die Wege am Deich bleiben bis Montag gesperrt.")
    )
    for at in (32, 33, 34):
        room.scan(at)
    yield
    scene.redact(name, with_addresses=True)
    yield
    for at in (35, 36):
        room.scan(at)
        yield


def collect_in_file(scene: Scene) -> Iterator[None]:
    """Write a list of texts into a file that had one text, and this one again."""
    room = scene.room
    alone, *listed = (
        {"title": f"Nachricht {number}", "text": f"Am Deich Nummer {number} wird wieder gebaut."}
        for number in range(3)
    )
    for at, content in enumerate((alone, alone, alone, listed, listed, alone, alone), start=40):
        room.write("liste.json", json.dumps(content))
        room.scan(at)
        yield
    room.write("liste.json", json.dumps(listed))
    room.ingest("liste.json", at=48)
    yield
    room.scan(49)
    yield


def remove_source(scene: Scene) -> Iterator[None]:
    scene.room.archive.change_source("presse", removed_at=scene.room.now, standing=False)
    yield


ACTS: dict[str, Act] = {
    "work on files": work_on_files,
    "restrict it and lift it": hide(DAM),
    "withdraw a label": withdraw_label,
    "undo noise": undo_decision("noise"),
    "import late": import_late(1.5, 0.5, 2.5),
    "look late": look_late,
    "declare at one moment": declare_at_one_moment,
    "undo a relation": undo_decision("relations"),
    "leave out a name": leave_out_name,
    "part a name": part_name,
    "restrict a file and lift it": hide(FILE),
    "join and part addresses": join,
    "join a restricted article": join_hidden,
    "join and part files": join_files,
    "read files late": read_late,
    "redact passages": redact_words,
    "redact a version": redact(DAM, 1),
    "redact the last version": redact(DAM, 2),
    "redact a live blog": redact(BLOG),
    "redact an address that is linked": redact_linked_address,
    "drop bytes": drop_bytes,
    "redact an article": redact(DAM),
    "redact addresses": redact(DAM, with_addresses=True),
    "redact a file with its name": redact(FILE, with_addresses=True, with_copies=True),
    "redact a file that was confirmed": redact_confirmed_file,
    "make a file a collection": collect_in_file,
    "remove a source": remove_source,
}
"""The acts, in an order in which all of them may happen to one archive."""
