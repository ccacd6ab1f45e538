"""Seeds for the chaos runs: what is written, and what the archive must know of it at the end."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

OLD = 1_700_000_000
WORDS = [
    "Hafen",
    "Kutter",
    "Kai",
    "Deich",
    "Pegel",
    "Flut",
    "Ebbe",
    "Lotse",
    "Werft",
    "Schleuse",
    "Fähre",
    "Netz",
    "Möwe",
    "Leuchtturm",
    "Priel",
    "harbour",
    "pilot",
    "ferry",
    "lock",
    "tide",
    "quay",
    "crane",
    "rope",
    "signal",
    "storm",
]


@dataclass(frozen=True)
class Seed:
    """One file: its path below the root, its bytes, and its expected outcome."""

    path: str
    origin: str
    raw: bytes
    body: str | None
    written: int = OLD

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.raw).digest()

    def write(self, root: Path) -> None:
        """Put the file there in one step, as if it had lain there for long."""
        path = root / self.path
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_bytes(self.raw)
        os.utime(fresh, (self.written, self.written))
        fresh.rename(path)


def corpus(number: int, chance: Random, parts: int) -> Iterator[Seed]:
    """Yield seeds: each fifth for a command that names its folder, the rest for the watched one.

    One in fifty is a copy of another, one in a hundred is empty and has to be refused.
    """
    bodies: list[str] = []
    for index in range(number):
        name = f"m{index:05}.txt"
        place = f"parts/{index % parts}" if index % 5 == 4 else f"seeds/{index % 20}"
        path = f"{place}/{name}"
        bodies.append(bodies[-1] if index % 50 == 49 else _body(chance, index))
        body = None if index % 100 == 97 else bodies[-1]
        raw = b"" if body is None else f" date 2024-06-18 Meldung\n{body}".encode()
        yield Seed(path, f"seed:{path}", raw, body)


def edits(files: Sequence[Seed]) -> Iterator[Seed]:
    """Yield a second version of some of the watched files."""
    for each in files:
        if int(each.path[-9:-4]) % 25 == 7 and each.path.startswith("seeds/"):
            body = f"{each.body} Nachtrag."
            raw = each.raw + b" Nachtrag."
            yield replace(each, raw=raw, body=body, written=OLD + 60)


def _body(chance: Random, number: int) -> str:
    words = " ".join(chance.choices(WORDS, k=40))
    return f"Meldung {number} von der Küste: {words}."
