"""Search for bytes in all files, dumps, exports, tiles and a new backup of an archive."""

import random
import string
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import text

from storage.cli.exits import run
from storage.database.compression import unpack
from storage.values.digest import raw_digest, wording_digest
from storage.write.copies import copy
from tests.flow.driver import Newsroom, seed
from worker.cli.commands import app


@dataclass(frozen=True)
class SecretArticle:
    """An article with unique words."""

    name: str
    title: str
    body: str
    words: tuple[str, ...]

    @property
    def content(self) -> str:
        return seed(self.title, self.body, "Die Feuerwehr kam am Morgen und pumpte Keller leer.")

    @property
    def needles(self) -> list[bytes]:
        """Return what must be nowhere: words, and digests as bytes and in hex."""
        paragraphs = [self.body, "Die Feuerwehr kam am Morgen und pumpte Keller leer."]
        digests = [raw_digest(self.content.encode()), wording_digest(self.title, paragraphs)]
        hexed = [each.hex().encode() for each in digests]
        # an index for full text leaves out how words begin that stand beside each other
        return [*digests, *hexed, *(word[5:].encode() for word in self.words)]


def secret_articles(count: int) -> list[SecretArticle]:
    """Return articles whose words were drawn at random."""
    drawn = random.Random(7)

    def word() -> str:
        return "".join(drawn.choice(string.ascii_lowercase) for _ in range(16)) + "q"

    found = []
    for number in range(count):
        words = tuple(word() for _ in range(4))
        title = f"Bericht {words[0]}"
        body = f"Am Montag sah {words[1]} den Pegel {words[2]} bei {words[3]} um {number} steigen."
        found.append(SecretArticle(f"{number:05}.txt", title, body, words))
    return found


def places_of_bytes(room: Newsroom, folder: Path) -> dict[str, bytes]:
    """Return all bytes of an archive, and those of its outputs."""
    held = {f"file {path.name}": path.read_bytes() for path in _database_files(room)}
    backup = folder / "backup.sqlite3"
    copy(room.url, str(backup), lambda *_: None)
    held["backup"] = backup.read_bytes()
    backup.unlink()
    for kind in ("jsonl", "csv"):
        target = folder / f"export.{kind}"
        options = ["--format", kind, "--all-versions", "-o", str(target)]
        assert run(app, ["export", *options, "--archive", room.url]) == 0
        held[kind] = target.read_bytes()
        target.unlink()
    held["log"] = _log_of(room)
    held["captures"] = _unpacked(room)
    return held


def found_in(held: dict[str, bytes], needles: Iterable[bytes]) -> list[tuple[str, bytes]]:
    """Return the places of the needles of eight bytes and more; letters in any case."""
    by_beginning: dict[bytes, set[bytes]] = defaultdict(set)
    for needle in needles:
        by_beginning[needle[:8]].add(needle)
    found = []
    for name, content in held.items():
        for variant in (content, content.lower()):
            for at in _beginnings(variant, by_beginning):
                those = by_beginning[variant[at : at + 8]]
                found += [(name, each) for each in those if variant.startswith(each, at)]
    return list(dict.fromkeys(found))


def _beginnings(content: bytes, wanted: Iterable[bytes]) -> Iterator[int]:
    """Yield where eight bytes in a row are among those that are wanted."""
    keys = np.sort(np.frombuffer(b"".join(wanted), dtype="<u8"))
    for offset in range(8):
        size = max(0, len(content) - offset) // 8
        windows = np.frombuffer(content[offset : offset + 8 * size], dtype="<u8")
        places = np.minimum(np.searchsorted(keys, windows), len(keys) - 1)
        for at in np.flatnonzero(keys[places] == windows).tolist():
            yield 8 * at + offset


def _database_files(room: Newsroom) -> Sequence[Path]:
    engine = room.archive.engine
    if engine.dialect.name == "sqlite":
        return [path for path in room.root.glob("lesart.sqlite3*") if path.is_file()]
    with engine.connect() as connection:
        plain = connection.execution_options(isolation_level="AUTOCOMMIT")
        plain.execute(text("CHECKPOINT"))
        asked = text(
            "SELECT current_setting('data_directory') || '/base/' || oid FROM pg_database "
            "WHERE datname = current_database()"
        )
        folder = Path(plain.execute(asked).scalar_one())
    return [path for path in folder.iterdir() if path.is_file()]


def _log_of(room: Newsroom) -> bytes:
    runs = room.rows("SELECT entries, openings FROM log_run ORDER BY seq")
    return b"".join(bytes(each["entries"]) + bytes(each["openings"]) for each in runs)


def _unpacked(room: Newsroom) -> bytes:
    kept = room.rows("SELECT encoding, data FROM capture WHERE data IS NOT NULL")
    return b"\n".join(unpack(each["encoding"], bytes(each["data"])) for each in kept)
