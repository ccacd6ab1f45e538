"""Pages with pictures that are made here, and a newsroom that requests them."""

import io
from dataclasses import replace
from functools import cache

from PIL import Image

from tests.capabilities.pictures.figures import make_scene
from tests.web.desk import PEGEL
from tests.web.site import Reply
from worker.capabilities.pictures import requests as pictures

PAGE = "http://zeitung.example/lokales/pegel"
LEAD, SECOND = "http://zeitung.example/bilder/pegel", "http://zeitung.example/bilder/deich"
CAPTION = "Der Deich am Abend."


@cache
def photo(place: int = 1, moment: int = 1, *, part: bool = False, **saving) -> bytes:
    """Return the file of a photo of a place at a moment, whole or a part of it."""
    scene = make_scene(place, moment)
    if part:
        scene = scene.crop((100, 60, 820, 560))
    held = io.BytesIO()
    scene.save(held, **{"format": "JPEG", "quality": 90, **saving})
    return held.getvalue()


def picture(raw: bytes, kind: str = "image/jpeg", **more) -> Reply:
    return Reply(raw, type=kind, **more)


def page_with(*texts: str, lead: str | None = LEAD, caption=CAPTION, second: str | None = None):
    """Return a page with a lead picture, and perhaps one in its text."""
    shown = (
        f'<figure><img src="{lead}"><figcaption>{caption} Foto: Ada Kern</figcaption></figure>'
        if lead else ""
    )  # fmt: skip
    more = f'<figure><img src="{second}"></figure>' if second else ""
    told = f'<meta property="og:image" content="{lead}">' if lead else ""
    first, *others = (f"<p>{each}</p>" for each in (texts or PEGEL))
    return (
        f"<!DOCTYPE html><html lang=de><head><title>Pegel der Lohe steigt</title>{told}</head><body>"
        f"<main><article><h1>Pegel der Lohe steigt</h1>{shown}{first}{more}{''.join(others)}"
        "</article></main></body></html>"
    ).encode()


class PictureDesk:
    """A newsroom that requests the pictures of the pages that it checks."""

    def __init__(self, desk, budget: int | None = 10**9) -> None:
        self.desk = desk
        self.settings = replace(desk.settings, pictures=budget, pace=0.05)
        self.proxy = f"http://127.0.0.1:{desk.web.plain_port}"
        self.hours = 0

    def see(self, body: bytes | Reply, address: str = PAGE, **options) -> list[dict]:
        """Check a page an hour later, request its pictures, and return those of this check."""
        before = self.desk.number("SELECT coalesce(max(id), 0) FROM article_picture")
        self.check(body, address, **options)
        return self.desk.rows(f"SELECT * FROM pictures WHERE id > {before} ORDER BY id")

    def check(self, body: bytes | Reply, address: str = PAGE, **options) -> None:
        self.desk.web.put(address, body)
        self.hours += 2
        if self.hours == 2 or address != PAGE:
            self.desk.watch_page(address, options={"proxy": self.proxy, **options})
        self.desk.due(at=self.hours)
        self.work()

    def work(self) -> int:
        return pictures.work(self.desk.archive, self.settings)

    def events(self, *seen) -> list[str]:
        return [row["event"] for row in self.see(*seen)]


def small_bomb() -> bytes:
    """Return a small file of 60,000 by 60,000 pixels."""
    held = io.BytesIO()
    Image.new("1", (60_000, 60_000)).save(held, "PNG")
    return held.getvalue()
