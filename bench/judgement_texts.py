"""The rows of `bench.judgement` on texts: copies, templates and follow-ups, quotations, speakers.

    python -m bench.judgement_texts --real ../shared/data

Folds 0 and 1 were looked at while the rules were made and the weights fitted; folds 2 and 3 were
not. A document is in the fold of the digest of its id, a pair in that of its first document.
"""

import argparse
import gzip
import json
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rich.console import Console

from bench.fit_follow_ups import LEARNT, fold_of
from bench.relations import Found, archived
from bench.releases.scenes import Scene, Text
from bench.releases.templates import Release
from storage.similarity.follow_up import METHOD as FOLLOWING
from storage.similarity.near_copy import METHOD as LIKENESS

SITE = "releases.example"


@dataclass(frozen=True, slots=True)
class Row:
    """A figure of one set: of how many, on which folds, by which rules."""

    data: str
    field: str
    folds: str
    right: int
    among: int
    rules: str

    @property
    def share(self) -> float:
        return self.right / max(1, self.among)


# ------------------------------------------------------------------------------------ police


def police(folder: Path, work: Path) -> Iterator[Row]:
    """Let all releases into an archive, in any order, and compare its relations with the gold."""
    gold = [json.loads(line) for line in (folder / "gold.jsonl").read_text("utf-8").splitlines()]
    found = archived(_scene(folder), work / "police", 1)
    for name, is_learnt in (("2-3", False), ("0-1 (looked at)", True)):
        mine = [each for each in gold if (fold_of(each["a"]) in LEARNT) == is_learnt]
        yield from _copies(mine, found, name)
        yield from _follow_ups(mine, found, name, is_learnt=is_learnt)


def _scene(folder: Path) -> Scene:
    made = Scene()
    with gzip.open(folder / "releases.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            each = json.loads(line)
            day = date.fromisoformat(each["date"])
            release = Release("", each["title"], tuple(each["text"].split("\n\n")), day)
            made.texts.append(Text(each["id"], release, SITE, each["id"], "police"))
    random.Random(2).shuffle(made.texts)
    return made


def _copies(gold: list[dict[str, str]], found: Found, folds: str) -> Iterator[Row]:
    clusters = _clusters(found)
    for kind, field in (("resent", "re-sent found"), ("template", "templates merged")):
        pairs = [(each["a"], each["b"]) for each in gold if each["kind"] == kind]
        right = sum(clusters.get(a, a) == clusters.get(b, b) for a, b in pairs)
        yield Row("police_de", field, folds, right, len(pairs), LIKENESS)


def _clusters(found: Found) -> dict[str, str]:
    """Return by document one that stands for all that copies join it to."""
    above: dict[str, str] = {}

    def top(key: str) -> str:
        while key in above:
            key = above[key]
        return key

    for pair in found.kinds:
        one, other = (top(key) for key in sorted(pair))
        if one != other:
            above[one] = other
    return {key: top(key) for key in above}


def _follow_ups(
    gold: list[dict[str, str]], found: Found, folds: str, *, is_learnt: bool
) -> Iterator[Row]:
    pairs = {(each["a"], each["b"]) for each in gold if each["kind"] == "update"}
    right = len(pairs & found.follows)
    yield Row("police_de", "follow-ups found", folds, right, len(pairs), FOLLOWING)
    claimed = {pair for pair in found.follows if (fold_of(pair[0]) in LEARNT) == is_learnt}
    named = len(claimed & pairs)
    yield Row("police_de", "claimed, in the gold", folds, named, len(claimed), FOLLOWING)


def rows(real: Path, work: Path) -> Iterator[Row]:
    """Yield all rows on texts."""
    yield from police(real / "police_de", work)


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", type=Path, default=Path("../shared/data"))
    real = parser.parse_args().real
    console = Console(width=132)
    with tempfile.TemporaryDirectory() as work:
        for row in rows(real, Path(work)):
            console.print(
                f"{row.data:12} {row.field:24} folds {row.folds:16} "
                f"{row.right:5} of {row.among:5} {row.share:.3f}  {row.rules}"
            )


if __name__ == "__main__":
    main()
