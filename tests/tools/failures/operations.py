"""The commands that are made to fail, and the folder that they run in."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.flow.driver import SENTENCES, page, seed

A, B, C, D = SENTENCES
ADDRESS = "https://bote.example/deich"
OTHER = "other/lesart.sqlite3"


@dataclass(frozen=True)
class Operation:
    """A command, what precedes it, and the exit codes of the same command given again.

    `again` has 1 or 3 where the command finds that its work was done the first time.
    """

    words: tuple[str, ...]
    before: tuple[tuple[str, ...], ...] = ()
    again: frozenset[int] = frozenset({0})
    change: Callable[[Path], None] | None = None
    archive: str | None = None


def _write(folder: Path, name: str, content: str, moment: int = 1_700_000_000) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
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


def edit(folder: Path) -> None:
    """Write a second version, a new text and a text at the same address."""
    moment = 1_700_000_100
    _write(folder, "seeds/a.txt", seed("Pegel steigt", B, D), moment)
    _write(
        folder, "seeds/neu.txt", seed("Neues vom Deich", "Der Deich ist jetzt höher.", C), moment
    )
    _write(folder, "seeds/deich.md", page(B, url=ADDRESS), moment)
    (folder / "seeds/b.txt").unlink()


FIRST = (("source", "add", "seeds", "--name", "seeds"), ("up", "--once"))
AGAIN = frozenset({0, 1})
DONE = frozenset({0, 1, 3})
TAKEN = frozenset({0, 2})
SCOPE = ("--reason", "court_order", "--yes")

OPERATIONS: dict[str, Operation] = {
    "ingest": Operation(("ingest", "seeds"), change=edit, again=AGAIN),
    "ingest to a new archive": Operation(("ingest", "seeds"), archive="new.sqlite3", again=AGAIN),
    "up --once": Operation(("up", "--once"), change=edit, again=AGAIN),
    "worker --drain": Operation(
        ("worker", "--drain"), (("ingest", "seeds", "--no-wait"),), change=edit
    ),
    "source add": Operation(("source", "add", "elsewhere", "--name", "two"), again=TAKEN),
    "source set": Operation(("source", "set", "seeds", "--every", "5m")),
    "source pause": Operation(("source", "pause", "seeds")),
    "source remove": Operation(("source", "remove", "seeds"), again=DONE),
    "redact": Operation(("redact", "seed:seeds/a.txt", *SCOPE), again=DONE),
    "redact --addresses": Operation(
        ("redact", "seed:seeds/b.txt", "--with-copies", "--addresses", *SCOPE), again=DONE
    ),
    "redact --passage": Operation(
        ("redact", "seed:seeds/a.txt", "--passage", "Pegel der Lohe", *SCOPE), again=DONE
    ),
    "redact --restrict": Operation(
        ("redact", ADDRESS, "--restrict", "--reason", "gdpr_restriction", "--yes"), again=DONE
    ),
    "redact --lift": Operation(
        ("redact", ADDRESS, "--lift"),
        (("redact", ADDRESS, "--restrict", "--reason", "gdpr_restriction", "--yes"),),
        again=DONE,
    ),
    "backup": Operation(("backup", "copy.sqlite3"), again=TAKEN),
    "backup --update": Operation(
        ("backup", "copy.sqlite3", "--update"),
        (("backup", "copy.sqlite3"), ("ingest", "elsewhere")),
    ),
    "restore": Operation(
        ("restore", "copy.sqlite3"),
        (("backup", "copy.sqlite3"),),
        archive="new.sqlite3",
        again=TAKEN,
    ),
    "restore --drill": Operation(
        ("restore", "copy.sqlite3", "--drill"), (("backup", "copy.sqlite3"),)
    ),
    "merge": Operation(("merge", OTHER), (("ingest", "elsewhere", "--archive", OTHER),)),
    "rederive": Operation(("rederive",)),
    "reclassify": Operation(("reclassify",)),
    "sweep": Operation(("sweep",), again=TAKEN),
    "undo": Operation(("undo", "RELATION")),
    "export": Operation(("export", "-o", "out.jsonl")),
    "export warc": Operation(("export", "--format", "warc", "-o", "out.warc.gz")),
    "export parquet": Operation(("export", "--format", "parquet", "-o", "out.parquet")),
    "proof keygen": Operation(("proof", "keygen"), again=TAKEN),
    "proof checkpoint": Operation(("proof", "checkpoint"), (("proof", "keygen"),)),
    "proof tiles": Operation(("proof", "tiles", "tiles"), (("proof", "keygen"),)),
    "proof bundle": Operation(
        ("proof", "bundle", "seed:seeds/a.txt@1", "-o", "a.zip"), (("proof", "keygen"),)
    ),
    "alert add": Operation(
        ("alert", "add", "alle", "--webhook", "https://bote.example/hook"),
        again=TAKEN,
    ),
    "token add": Operation(("token", "add", "redaktion"), again=TAKEN),
    "db upgrade": Operation(("db", "upgrade"), archive="new.sqlite3"),
    "verify": Operation(("verify",)),
    "list": Operation(("list",)),
    "search": Operation(("search", "Pegel")),
    "doctor": Operation(("doctor",), again=AGAIN),
    "stats": Operation(("stats", "--coverage")),
}
