"""A restriction lists each place that it withholds, and withholds each place that it lists."""

import io
import json
import zipfile
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from storage.cli.exits import run
from storage.database.capture_store import StoredBytes, load_all
from storage.record.contents.restricted import RestrictedTexts
from tests.capabilities.front_pages.test_front_pages import front, teaser
from tests.collect.test_lists import rss
from tests.web.desk import HIGHER, PEGEL, Desk, desk_at
from tests.web.desk import A as ADDRESS
from tests.web.site import Reply, page
from worker.cli.commands import app

SITE = "https://zeitung.example"
TITLE = "Pegel der Lohe steigt in der Nacht um 36 Zentimeter"
OTHER = "Das Bad am Markt öffnet im Juli, weil die Pumpen erst dann geliefert werden können."
ASIDE = f'<aside><a href="{ADDRESS}">{TITLE}</a></aside></main>'.encode()


def story(number: int, aside: bytes = b"</main>") -> bytes:
    told = (f"{OTHER} Das ist der Bericht {number}.", f"Mehr dazu steht in der Ausgabe {number}.")
    return page(f"Das Bad öffnet erst im Sommer {number}", told).replace(b"</main>", aside)


def mail() -> bytes:
    message = EmailMessage()
    message["Subject"], message["From"] = "Presseschau vom Dienstag", "redaktion@zeitung.example"
    message.set_content(f"{OTHER} So steht es im Blatt.")
    message.add_attachment(story(5, ASIDE), maintype="text", subtype="html", filename="bad.html")
    return message.as_bytes()


def archive() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("bad.html", story(6, ASIDE))
    return packed.getvalue()


SITEMAP = f"""<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
 xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"><url><loc>{ADDRESS}</loc><news:news>
<news:publication_date>2024-06-18</news:publication_date><news:title>{TITLE}</news:title>
</news:news></url></urlset>""".encode()
WATCHED = {
    f"{SITE}/": ("front", front(teaser(ADDRESS, TITLE))),
    f"{SITE}/feed.xml": ("feed", rss((ADDRESS, TITLE))),
    f"{SITE}/sitemap.xml": ("sitemap", SITEMAP),
}
FETCHED = {f"{SITE}/bad": story(1, ASIDE), f"{SITE}/ohne": story(2)}
FILES = {
    "brief.eml": mail(),
    "seite.html": story(3, ASIDE),
    "paket.zip": archive(),
    "ohne.html": story(4),
}


@pytest.fixture
def shown(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """Give an archive in which a headline is at each kind of place."""
    with desk_at(database_url, tmp_path) as desk:
        fill(desk)
        yield desk


def fill(desk: Desk) -> None:
    for address, raw in {ADDRESS: page(TITLE, (*HIGHER, *PEGEL[1:2])), **FETCHED}.items():
        desk.web.put(address, Reply(raw))
    desk.fetch(ADDRESS, *FETCHED, at=0)
    for address, (kind, raw) in WATCHED.items():
        desk.web.put(address, Reply(raw))
        desk.look(desk.watch_page(address, kind=kind, name=kind), at=1)
    for name, raw in FILES.items():
        desk.write(name, raw)
    desk.scan(2)


def withheld(desk: Desk) -> set[str]:
    """Return the addresses of all captures that a reader does not get, but those of the article."""
    found = set()
    with desk.archive.read_connection() as connection:
        texts = RestrictedTexts(connection)
        rows = desk.rows(
            "SELECT c.id, c.digest, c.encoding, c.data, r.origin FROM capture c "
            "JOIN observation o ON o.capture_id = c.id JOIN origin r ON r.id = o.locator_id"
        )
        for row in rows:
            stored = StoredBytes(bytes(row["digest"]), row["encoding"], bytes(row["data"]))
            (raw,) = load_all(desk.archive.engine, [stored])
            assert isinstance(raw, bytes)
            if texts.are_in_capture(row["id"], raw):
                found.add(row["origin"])
    return found - {ADDRESS}


@pytest.mark.postgresql("slow")
def test_held_in_lists_what_a_restriction_withholds(shown, capsys):
    words = ("redact", ADDRESS, "--restrict", "--reason", "gdpr_restriction")
    listed = []
    for more in (("--dry-run",), ()):
        capsys.readouterr()
        assert run(app, [*words, *more, "--archive", shown.url]) == 0
        listed.append({*json.loads(capsys.readouterr().out)["held_in"]})
    assert listed[0] == listed[1] == withheld(shown)
    for name in (SITE, *WATCHED.keys() - {f"{SITE}/"}, f"{SITE}/bad"):
        assert name in listed[0], name
    for part in ("brief.eml", "seite.html", "paket.zip"):
        assert any(part in each for each in listed[0]), part
    assert not any("ohne" in each for each in listed[0])
