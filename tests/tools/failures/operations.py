"""The commands that are made to fail, and the folder that they run in."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.capabilities.unconfirmed import pages
from tests.flow.driver import SENTENCES, page, seed
from tests.tools.failures import network
from tests.warcs import answer, packed, response
from tests.web.site import page as html

A, B, C, D = SENTENCES
ADDRESS = "https://bote.example/deich"
FRONT = "https://bote.example/"
OTHER = "other/lesart.sqlite3"
SAID = "„Die Brücke kostet 36 Millionen Euro und wird im Mai gebaut“, sagte Ada Kern am Montag."

Step = tuple[str, ...] | Callable[[Path], None]
"""A command, or a function that writes files."""


@dataclass(frozen=True)
class Operation:
    """A command, what precedes it, and the exit codes of the same command given again.

    `again` has 1, 2 or 3 where the command finds that its work was done the first time. A word
    that is a key of `QUERIES` stands for a value of the archive, `{work}` in a setting for the
    folder.
    """

    words: tuple[str, ...]
    before: tuple[Step, ...] = ()
    again: frozenset[int] = frozenset({0})
    archive: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    fetches: bool = False
    """Whether it sends requests, to the servers of `network`."""


QUERIES = {
    "RELATION": "SELECT min(id) FROM relation",
    "JOB": "SELECT max(job) FROM jobs",
    "ONE": "SELECT min(article) FROM identities",
    "TWO": "SELECT max(article) FROM identities",
}


def _write(folder: Path, name: str, content: str | bytes, moment: int = 1_700_000_000) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    os.utime(path, (moment, moment))


def fill(folder: Path) -> None:
    """Write the texts that the archive has from the start."""
    _write(folder, "seeds/a.txt", seed("Pegel steigt", A, D))
    _write(folder, "seeds/b.txt", seed("Fähre fährt", "Die Fähre legt wieder ab.", C))
    _write(folder, "seeds/c.txt", seed("Fähre fährt", "Die Fähre legt wieder ab.", C))
    _write(folder, "seeds/leer.txt", "")
    _write(folder, "seeds/deich.md", page(A, url=ADDRESS))
    _write(folder, "elsewhere/deich.md", page(C, url=ADDRESS))
    _write(folder, "elsewhere/boot.txt", seed("Boot kentert", "Ein Boot ist gekentert.", D))
    for name in ("bote", "kurier"):
        text = f"Die Brücke war Thema im {name.title()}.\n\n{SAID}"
        address = f"https://{name}.example/bruecke"
        _write(folder, f"said/{name}.md", page(text, url=address, publisher=name))


def edit(folder: Path) -> None:
    """Write a second version, a new text and a text at the same address."""
    moment = 1_700_000_100
    _write(folder, "seeds/a.txt", seed("Pegel steigt", B, D), moment)
    _write(
        folder, "seeds/neu.txt", seed("Neues vom Deich", "Der Deich ist jetzt höher.", C), moment
    )
    _write(folder, "seeds/deich.md", page(B, url=ADDRESS), moment)
    (folder / "seeds/b.txt").unlink()


def empty_seeds(folder: Path) -> None:
    """Delete all files of the default source."""
    for path in (folder / "seeds").iterdir():
        path.unlink()


def wall(folder: Path) -> None:
    """Write a web archive with an article and a page that stood in its place three hours later."""
    seen = ((6, pages.FIRST), (9, pages.CONSENT))
    records = (
        response(pages.ADDRESS, f"2024-06-18T{hour:02}:00:00Z", answer(body.encode()))
        for hour, body in seen
    )
    _write(folder, "wall.warc", b"".join(records))


def crawl(folder: Path) -> None:
    """Write a web archive with two captures of an article and of the front page that names it."""
    article = f"{FRONT}lokales/pegel"
    records = []
    for hour, headline, text in ((6, "Pegel der Lohe steigt", A), (9, "Pegel der Lohe fällt", B)):
        listed = f'<main><article><h2><a href="{article}">{headline}</a></h2></article></main>'
        for address, body in (
            (article, html(headline, [text, D])),
            (FRONT, f"<html><body>{listed}</body></html>".encode()),
        ):
            records.append(response(address, f"2024-06-18T{hour:02}:00:00Z", answer(body)))
    _write(folder, "crawl.warc", b"".join(records))
    _write(folder, "crawl.warc.gz", packed(*records))


FIRST: tuple[Step, ...] = (("source", "add", "seeds", "--name", "seeds"), ("up", "--once"))
EDITED: tuple[Step, ...] = (edit, ("ingest", "seeds"))
AGAIN = frozenset({0, 1})
DONE = frozenset({0, 1, 3})
TAKEN = frozenset({0, 2})
SCOPE = ("--reason", "court_order", "--yes")
RESTRICT = ("redact", ADDRESS, "--restrict", "--reason", "gdpr_restriction", "--yes")
REVIEW = ("review", "seed:seeds/a.txt@2", "--label", "wichtig")
ALERT = ("alert", "add", "alle", "--webhook", "https://bote.example/hook")
NO_PERSON = ("redact-person", "Ada Kern", "--reason", "gdpr_objection")
CRAWLED = ("ingest", "crawl.warc", "--type", "front")
KEY = ("proof", "keygen")
HOOKED = ("alert", "add", "alle", "--webhook", "$LESART_TEST_HOOK")
COPIED = ("source", "add", network.PAGE, "--name", "seite", "--copy-to", "eins")
OBJECTS = {"LESART_CAPTURES_URL": "file://{work}/objects"}

OPERATIONS: dict[str, Operation] = {
    "ingest": Operation(("ingest", "seeds"), (edit,), AGAIN),
    "ingest to a new archive": Operation(("ingest", "seeds"), again=AGAIN, archive="new.sqlite3"),
    "ingest warc": Operation(("ingest", "crawl.warc.gz"), (crawl,), AGAIN),
    "ingest front pages": Operation(CRAWLED, (crawl,), AGAIN),
    "ingest quotations": Operation(("ingest", "said")),
    "ingest to object storage": Operation(("ingest", "seeds"), (edit,), AGAIN, settings=OBJECTS),
    "ingest an address": Operation(("ingest", network.PAGE), again=AGAIN, fetches=True),
    "ingest --history": Operation(
        ("ingest", "--history", network.PAGE, "--web-archive", "alt"), again=AGAIN, fetches=True
    ),
    "up --once": Operation(("up", "--once"), (edit,), AGAIN),
    "worker --drain": Operation(("worker", "--drain"), (("ingest", "seeds", "--no-wait"), edit)),
    "retry": Operation(
        ("retry", "JOB"), (edit, ("ingest", "seeds", "--no-wait"), ("cancel", "JOB")), TAKEN
    ),
    "cancel": Operation(("cancel", "JOB"), (edit, ("ingest", "seeds", "--no-wait")), TAKEN),
    "source add": Operation(("source", "add", "elsewhere", "--name", "two"), again=TAKEN),
    "source set": Operation(("source", "set", "seeds", "--every", "5m")),
    "source pause": Operation(("source", "pause", "seeds")),
    "source resume": Operation(("source", "resume", "seeds"), (("source", "pause", "seeds"),)),
    "source add feed": Operation(
        ("source", "add", network.FEED, "--name", "netz"), again=TAKEN, fetches=True
    ),
    **{
        f"source run {kind}": Operation(
            ("source", "run", "netz"),
            (("source", "add", address, "--name", "netz", "--type", kind),),
            AGAIN,
            fetches=True,
        )
        for kind, address in (
            ("feed", network.FEED),
            ("sitemap", network.SITEMAP),
            ("front", network.START),
        )
    },
    "source run": Operation(("source", "run", "seeds"), (edit,), AGAIN),
    "confirm": Operation(("confirm", "seeds"), (empty_seeds,), AGAIN),
    "dismiss": Operation(("dismiss", pages.ADDRESS), (wall, ("ingest", "wall.warc")), TAKEN),
    "source remove": Operation(("source", "remove", "seeds"), again=DONE),
    "redact": Operation(("redact", "seed:seeds/a.txt", *SCOPE), again=DONE),
    "redact a version": Operation(("redact", "seed:seeds/a.txt@1", *SCOPE), EDITED, DONE),
    "redact --addresses": Operation(
        ("redact", "seed:seeds/b.txt", "--with-copies", "--addresses", *SCOPE), again=DONE
    ),
    "redact --passage": Operation(
        ("redact", "seed:seeds/a.txt", "--passage", "Pegel der Lohe", *SCOPE), again=DONE
    ),
    "redact a front page": Operation(
        ("redact", f"{FRONT}lokales/pegel", *SCOPE), (crawl, CRAWLED), DONE
    ),
    "redact --restrict": Operation(RESTRICT, again=DONE),
    "redact --lift": Operation(("redact", ADDRESS, "--lift"), (RESTRICT,), DONE),
    "redact --finish": Operation(
        ("redact", "--finish"), (("redact", "seed:seeds/a.txt", *SCOPE, "--no-scrub"),)
    ),
    "redact --retention": Operation(
        ("redact", "--retention", "--by-clock"),
        EDITED,
        settings={"LESART_RETAIN_CAPTURES": "1s"},
    ),
    "redact in object storage": Operation(
        ("redact", "seed:seeds/a.txt", *SCOPE), EDITED, DONE, settings=OBJECTS
    ),
    "redact-person": Operation(NO_PERSON, (("ingest", "said"),), TAKEN),
    "redact-person --undo": Operation(
        ("redact-person", "Ada Kern", "--undo"), (("ingest", "said"), NO_PERSON), DONE
    ),
    "part-persons": Operation(("part-persons", "Ada Kern", "ONE", "TWO"), (("ingest", "said"),)),
    "review": Operation(REVIEW, (*EDITED, ("token", "add", "ada", "--scope", "review"))),
    "review --withdraw": Operation(
        ("review", "seed:seeds/a.txt@2", "--withdraw"),
        (*EDITED, ("token", "add", "ada", "--scope", "review"), REVIEW),
        DONE,
    ),
    "backup": Operation(("backup", "copy.sqlite3"), again=TAKEN),
    "backup --update": Operation(
        ("backup", "copy.sqlite3", "--update"),
        (("backup", "copy.sqlite3"), ("ingest", "elsewhere")),
    ),
    "restore": Operation(
        ("restore", "copy.sqlite3"), (("backup", "copy.sqlite3"),), TAKEN, "new.sqlite3"
    ),
    "restore --redactions": Operation(
        ("restore", "copy.sqlite3", "--redactions", "redactions.jsonl"),
        (
            ("backup", "copy.sqlite3"),
            ("redact", "seed:seeds/a.txt", *SCOPE),
            ("redact", "--list", "-o", "redactions.jsonl"),
        ),
        TAKEN,
        "new.sqlite3",
    ),
    "restore --drill": Operation(
        ("restore", "copy.sqlite3", "--drill"), (("backup", "copy.sqlite3"),)
    ),
    "merge": Operation(("merge", OTHER), (("ingest", "elsewhere", "--archive", OTHER),)),
    "rederive": Operation(("rederive",)),
    "reclassify": Operation(("reclassify",), EDITED),
    "sweep": Operation(("sweep", "--older-than", "1h"), EDITED, settings=OBJECTS),
    "undo": Operation(("undo", "RELATION")),
    "export": Operation(("export", "-o", "out.jsonl")),
    "export warc": Operation(("export", "--format", "warc", "-o", "out.warc.gz")),
    "export parquet": Operation(("export", "--format", "parquet", "-o", "out.parquet")),
    "proof keygen": Operation(KEY, again=TAKEN),
    "proof keygen --rotate": Operation((*KEY, "--rotate"), (KEY,)),
    "proof checkpoint": Operation(("proof", "checkpoint", "-o", "now.txt"), (KEY,)),
    "proof checkpoint with a stamp": Operation(
        ("proof", "checkpoint", "-o", "now.txt"), (KEY,), fetches=True
    ),
    "proof tiles": Operation(("proof", "tiles", "tiles"), (KEY,)),
    "proof bundle": Operation(("proof", "bundle", "seed:seeds/a.txt@1", "-o", "a.zip"), (KEY,)),
    "proof bundle --wacz": Operation(
        ("proof", "bundle", f"{FRONT}lokales/pegel@1", "--wacz", "-o", "a.wacz"),
        (KEY, crawl, ("ingest", "crawl.warc")),
    ),
    "alert add": Operation(ALERT, again=TAKEN),
    "alert edit": Operation(("alert", "edit", "alle", "--query", "Pegel"), (ALERT,)),
    "alert pause": Operation(("alert", "pause", "alle"), (ALERT,)),
    "alert resume": Operation(("alert", "resume", "alle"), (ALERT, ("alert", "pause", "alle"))),
    "alert rotate": Operation(("alert", "rotate", "alle"), (ALERT,)),
    "alert remove": Operation(("alert", "remove", "alle"), (ALERT,), DONE),
    "alert test": Operation(("alert", "test", "alle"), (HOOKED,), fetches=True),
    "deliver alerts": Operation(("up", "--once"), (HOOKED, edit), AGAIN, fetches=True),
    "copy to an archive": Operation(("up", "--once"), (COPIED,), AGAIN, fetches=True),
    "token add": Operation(("token", "add", "redaktion"), again=TAKEN),
    "token revoke": Operation(
        ("token", "revoke", "redaktion"), (("token", "add", "redaktion"),), DONE
    ),
    "db upgrade": Operation(("db", "upgrade"), archive="new.sqlite3"),
    "verify": Operation(("verify",)),
    "list": Operation(("list",)),
    "search": Operation(("search", "Pegel")),
    "doctor": Operation(("doctor",), again=AGAIN),
    "stats": Operation(("stats", "--coverage")),
}
