"""Measure how well copies and follow-ups are told, and what looking for them costs.

    python -m bench.judge.relations                       # some minutes
    python -m bench.judge.relations --only quality --real ../shared/data
    python -m bench.judge.relations --only clusters --articles 100000

Quality: a labelled set (`bench.releases`) goes through the whole way into an archive, once with the
families that were looked at while the rules were made (`tuned`), once with those that were not
(`held`). With `--real` real articles are the background. Cost: signatures beside datasketch's loop,
the look-up in indexes of growing size, clusters of growing size.
Needs `pip install -e '.[bench,test]'`.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import structlog
from datasketch import MinHash
from rich.console import Console
from rich.table import Table
from sqlalchemy import text as sql

from bench import corpus
from bench.releases.scenes import Scene, Text, pairs_of, scene
from storage.database.engine import database_url, reading_engine
from storage.language.vocabulary import vocabulary
from storage.relations import candidates as tracing
from storage.relations.candidates import IndexedWording
from storage.settings import Settings, load_settings
from storage.similarity.index_keys import IndexKeys, index_keys
from storage.similarity.signature import signature
from storage.values.digest import canonical_all
from storage.write.archive import Archive
from tests import services
from worker.flow.order import order, target_at
from worker.flow.read import Reader
from worker.flow.run_jobs import collect_garbage_rarely, process_backlog, run_next_job

SIZES = (1_000, 10_000, 100_000)
LOOKED_UP = 100
ROUNDS = 7
PERMUTATIONS, SHINGLE = 128, 3
LARGE, SMALL = 20, 100
"""One article of 20 is in the large cluster, the others are in clusters of 100."""
CONSOLE = Console(width=132)


# ------------------------------------------------------------------------------------ quality


@dataclass(slots=True)
class Found:
    """What an archive found among the texts of a scene."""

    kinds: dict[frozenset[str], set[str]] = field(default_factory=dict)
    follows: set[tuple[str, str]] = field(default_factory=set)


def quality(half: str, seed: int, real: Path | None, work: Path) -> None:
    """Print what became of a labelled set in an archive."""
    made = scene(half, seed, real)
    found = archived(made, work / f"{half}{seed}", seed)
    _print_copies(f"{half}, seed {seed}: {len(made.texts)} texts", made, found)
    _print_lookalikes(made, found)
    _print_follow_ups(made, found)


def archived(made: Scene, folder: Path, seed: int) -> Found:
    """Let all texts in, in any order, and return the relations between them."""
    seeds = folder / "seeds"
    seeds.mkdir(parents=True)
    texts = list(made.texts)
    random.Random(seed).shuffle(texts)
    by_origin: dict[str, Text] = {}
    for number, each in enumerate(texts):
        address = f"https://{each.site}/{number}"
        by_origin[address] = each
        head = {"title": each.release.title, "url": address, "date": each.release.day.isoformat()}
        lines = "\n".join(f"{name}: {json.dumps(value)}" for name, value in head.items())
        path = seeds / f"{number:05d}.md"
        path.write_text(f"---\n{lines}\n---\n\n{each.release.body}\n", "utf-8")
        os.utime(path, (1.7e9, 1.7e9))
    url = f"sqlite:///{folder / 'lesart.sqlite3'}"
    _ingest(url, folder, seeds)
    return _relations(url, by_origin)


def _ingest(url: str, folder: Path, seeds: Path, pause: Callable[[], None] = lambda: None) -> None:
    settings = _settings(url, folder)
    with Archive.open(url) as archive, Reader(settings) as reader:
        job = order(archive, [target_at(archive, settings, str(seeds))], "command")
        while run_next_job(archive, settings, reader, families=job):
            pause()
        process_backlog(archive)


def _settings(url: str, folder: Path) -> Settings:
    found = load_settings(environ={"LESART_SEEDS": str(folder / "none")}, archive=url)
    return replace(found, home=folder)


def _relations(url: str, by_origin: dict[str, Text]) -> Found:
    query = (
        "SELECT r.kind, a.origin AS a, b.origin AS b FROM relations r "
        "JOIN articles a ON a.article = r.a JOIN articles b ON b.article = r.b "
        "WHERE r.undone_at IS NULL"
    )
    found = Found()
    engine = reading_engine(database_url(url))
    with engine.connect() as connection:
        for kind, a, b in connection.execute(sql(query)):
            one, other = by_origin[a].key, by_origin[b].key
            if kind == "follow_up":
                found.follows.add((one, other))
            else:
                found.kinds.setdefault(frozenset((one, other)), set()).add(
                    f"{kind} {one}" if kind == "contains" else kind
                )
    engine.dispose()
    return found


def _print_copies(title: str, made: Scene, found: Found) -> None:
    table = _table(
        title, "copies", "pairs", "found", "recall", "near_copy", "contains", "exact_copy"
    )
    wanted: dict[str, list[frozenset[str]]] = {}
    for pair, how in (*made.near.items(), *made.contains.items()):
        wanted.setdefault(how, []).append(frozenset(pair))
    for how, pairs in (*wanted.items(), ("all", [p for each in wanted.values() for p in each])):
        kinds = Counter(kind.split()[0] for p in pairs for kind in found.kinds.get(p, ()))
        hits = sum(pair in found.kinds for pair in pairs)
        counts = (str(kinds[kind]) for kind in ("near_copy", "contains", "exact_copy"))
        table.add_row(how, str(len(pairs)), str(hits), f"{hits / len(pairs):.3f}", *counts)
    CONSOLE.print(table)


def _print_lookalikes(made: Scene, found: Found) -> None:
    story = {each.key: each.story for each in made.texts}
    group = {each.key: each.group for each in made.texts}
    false = [tuple(pair) for pair in found.kinds if not _is_one_story(pair, story)]
    table = _table("", "no copies", "groups", "pairs", "merged", "rate")
    pairs = pairs_of(made.texts)
    for kind in ("series", "block", "story", "lookalike", "followed", "real"):
        groups = [name for name in pairs if name.split()[0] == kind]
        number = sum(pairs[name] for name in groups)
        merged = sum(group[a] == group[b] and group[a].split()[0] == kind for a, b in false)
        if number:
            rate = f"{merged / number:.4f}"
            table.add_row(kind, str(len(groups)), str(number), str(merged), rate)
    across = sum(group[a] != group[b] for a, b in false)
    every = len(made.texts) * (len(made.texts) - 1) // 2
    table.add_row("across groups", "", str(every), str(across), f"{across / every:.6f}")
    CONSOLE.print(table)


def _is_one_story(pair: frozenset[str], story: dict[str, str]) -> bool:
    """Return whether two texts are of one story; a digest is of the story of each of its parts."""
    one, other = (story[key] for key in pair)
    return one == other or one.startswith(f"{other} ") or other.startswith(f"{one} ")


def _print_follow_ups(made: Scene, found: Found) -> None:
    story = {each.key: each.story for each in made.texts}
    right = found.follows & set(made.follows)
    certain = {pair for pair in found.follows if pair in right or story[pair[0]] != story[pair[1]]}
    table = _table("", "follow-ups", "wanted", "found", "recall", "told", "precision")
    recall, precision = len(right) / len(made.follows), len(right) / max(1, len(certain))
    table.add_row(
        f"{len(set(made.follows.values()))} styles", str(len(made.follows)), str(len(right)),
        f"{recall:.3f}", str(len(certain)), f"{precision:.3f}",
    )  # fmt: skip
    CONSOLE.print(table)


# --------------------------------------------------------------------------------------- cost


def fingerprints(count: int = 300) -> None:
    """Print what a signature costs beside datasketch's `update` loop, interleaved."""
    texts = [each.content.partition("\n\n")[2] for each in islice(corpus.texts(3), count)]
    for each in texts:
        _signature(each)
    ours, theirs = [], []
    for _round in range(3):
        ours.append(_cpu(lambda: [_signature(each) for each in texts]) / count)
        theirs.append(_cpu(lambda: [_datasketch(each) for each in texts[:60]]) / 60)
    one, other = statistics.median(ours), statistics.median(theirs)
    table = _table("signatures of 128 values", "way", "CPU µs an article", "× faster")
    table.add_row("datasketch, update loop", f"{1e6 * other:.0f}", "1")
    table.add_row("ours (words hashed once, rensa)", f"{1e6 * one:.0f}", f"{other / one:.1f}")
    CONSOLE.print(table)


def _signature(text: str) -> bytes:
    return signature(vocabulary("de").cut(text.split()).hashes)


def _datasketch(text: str) -> MinHash:
    words = text.casefold().split()
    minhash = MinHash(num_perm=PERMUTATIONS)
    for run in zip(*(words[n:] for n in range(SHINGLE)), strict=False):
        minhash.update(" ".join(run).encode())
    return minhash


def lookups(sizes: tuple[int, ...], work: Path) -> None:
    """Print what it costs to look a text up in indexes of growing size, on both databases."""
    table = _table(
        "look-up and laying of index keys", "database", "texts", "rows", "bytes a text",
        "look-up CPU µs", "× smallest", "look-up wall µs", "laying CPU µs",
    )  # fmt: skip
    with services.own_postgres(durable=False) as server:
        databases = services.PostgresDatabases(server.url("postgres"))
        with databases.database() as url:
            for name, place in (
                ("SQLite", f"sqlite:///{work / 'traces.sqlite3'}"),
                ("PostgreSQL", url),
            ):
                _lookups(table, name, place, sizes)
    CONSOLE.print(table)


def _lookups(table: Table, name: str, url: str, sizes: tuple[int, ...]) -> None:
    first = None
    number = 0
    made = _wordings()
    with Archive.open(url) as archive:
        for size in sizes:
            laying = 0.0
            began = number
            while number < size:
                batch = list(islice(made, min(500, size - number)))
                with archive.unit() as unit:
                    laying += _cpu(lambda: tracing.index_wordings(unit.connection, batch))  # noqa: B023
                number += len(batch)
            _analyze(archive)
            cpu, wall = _looked_up(archive, made)
            number += ROUNDS * LOOKED_UP
            first = first or cpu
            rows, stored = _stored(archive)
            table.add_row(
                name, f"{size:,}", f"{rows:,}", f"{stored / number:.0f}", f"{1e6 * cpu:.0f}",
                f"{cpu / first:.2f}", f"{1e6 * wall:.0f}", f"{1e6 * laying / (size - began):.0f}",
            )  # fmt: skip


def _looked_up(archive: Archive, made: Iterator[IndexedWording]) -> tuple[float, float]:
    """Return CPU and wall seconds of looking up one text, the median over batches."""
    cpu, wall = [], []
    for _round in range(ROUNDS):
        batch = list(islice(made, LOOKED_UP))
        wanted = {key for each in batch for key in each.index_keys.sought}

        def look() -> None:
            with archive.read_connection() as connection:
                holders = tracing.look_up(connection, wanted)  # noqa: B023
                for each in batch:  # noqa: B023
                    tracing.candidates_among(each, holders)

        began = time.perf_counter()
        cpu.append(_cpu(look) / LOOKED_UP)
        wall.append((time.perf_counter() - began) / LOOKED_UP)
    return statistics.median(cpu), statistics.median(wall)


def _wordings() -> Iterator[IndexedWording]:
    """Yield the trails of invented texts without end."""
    for number, each in enumerate(corpus.texts(5), 1):
        yield IndexedWording(number, _index_keys(each), 738_000 + number % 1_000)


def _index_keys(each: corpus.Text) -> IndexKeys:
    head, _, body = each.content.partition("\n\n")
    day = datetime(2024, 6, 18, tzinfo=UTC).date()
    return index_keys(
        canonical_all(body.split("\n\n")), _signature(body), title=head[17:],
        site="lohe.example", day=day, is_exact=True,
    )  # fmt: skip


def _stored(archive: Archive) -> tuple[int, int]:
    with archive.read_connection() as connection:
        rows = connection.execute(sql("SELECT count(*) FROM index_key")).scalar_one()
        if archive.engine.dialect.name == "postgresql":
            size = sql("SELECT pg_total_relation_size('index_key')")
        else:
            size = sql("SELECT sum(pgsize) FROM dbstat WHERE name = 'index_key'")
        return int(rows), int(connection.execute(size).scalar_one())


def _analyze(archive: Archive) -> None:
    if archive.engine.dialect.name == "postgresql":
        with archive.engine.begin() as connection:
            connection.execute(sql("ANALYZE index_key"))


def clusters(articles: int, work: Path) -> None:
    """Print the growth of an archive that is made of near-copies: one large cluster, many small."""
    seeds = work / "clustered"
    _write_copies(seeds, articles)
    url = f"sqlite:///{work / 'clusters.sqlite3'}"
    marks: list[tuple[float, float]] = []
    batches = 0

    def pause() -> None:
        nonlocal batches
        batches += 1
        marks.append((time.process_time(), time.perf_counter()))

    collect_garbage_rarely()
    _ingest(url, work, seeds, pause)
    batch = articles / max(1, len(marks) - 1)  # the first mark stands behind the collecting
    step = max(1, (len(marks) - 1) // 5)
    table = _table(
        f"{articles:,} articles, one cluster of {articles // LARGE:,} and clusters of {SMALL}",
        "articles so far", "CPU ms an article",
    )  # fmt: skip
    for start in range(0, len(marks) - 1, step):
        end = min(start + step, len(marks) - 1)
        cpu = (marks[end][0] - marks[start][0]) / ((end - start) * batch)
        table.add_row(f"{end * batch:,.0f}", f"{1e3 * cpu:.2f}")
    CONSOLE.print(table)
    _print_clusters(url, articles)


def _write_copies(folder: Path, articles: int) -> None:
    """Write near-copies in any order: each changes numbers and a sentence of its original."""
    numbers = list(range(articles))
    random.Random(4).shuffle(numbers)
    large = articles // LARGE
    for place, number in enumerate(numbers):
        original = 0 if number < large else 1 + (number - large) // SMALL
        body = corpus.text(9, original).content
        sentences = body.split(". ")
        sentences.insert(
            1 + number % (len(sentences) - 1), f"Wie {number} Leser schrieben, bleibt es dabei"
        )
        path = folder / f"{place // 1000:03d}" / f"{place:06d}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(". ".join(sentences), "utf-8")
        os.utime(path, (1.7e9, 1.7e9))


def _print_clusters(url: str, articles: int) -> None:
    engine = reading_engine(database_url(url))
    figures: dict[str, Any] = {}
    with engine.connect() as connection:
        for name, query in {
            "clusters": "SELECT count(*) FROM cluster",
            "largest": "SELECT max(size) FROM cluster",
            "clusters of the size meant": f"SELECT count(*) FROM cluster WHERE size = {SMALL}",
            "articles in clusters": "SELECT count(*) FROM cluster_member",
            "relations an article": f"SELECT round(count(*) * 1.0 / {articles}, 2) FROM relation",
            "traces an article": f"SELECT round(count(*) * 1.0 / {articles}, 2) FROM index_key",
            "due": "SELECT count(*) FROM relation_due",
        }.items():
            figures[name] = connection.execute(sql(query)).scalar()
    engine.dispose()
    table = _table("", *figures)
    table.add_row(
        *(f"{value:,}" if isinstance(value, int) else str(value) for value in figures.values())
    )
    CONSOLE.print(table)


# ------------------------------------------------------------------------------------ private


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title or None)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    return table


def _cpu(act: Callable[[], Any]) -> float:
    began = time.process_time()
    act()
    return time.process_time() - began


def main() -> None:
    """Measure what was asked for, or all of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = ("quality", "fingerprints", "lookups", "clusters")
    parser.add_argument("--only", choices=parts)
    parser.add_argument("--real", type=Path, help="folder with wikinews_de, for the background")
    parser.add_argument("--seeds", type=int, default=1, help="how many labelled sets a half")
    parser.add_argument("--articles", type=int, default=10_000, help="of the trial of clusters")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    work = Path(tempfile.mkdtemp(prefix="lesart-bench-"))
    wanted = {given.only} if given.only else set(parts)
    try:
        if "quality" in wanted:
            for half in ("tuned", "held"):
                for seed in range(1, given.seeds + 1):
                    quality(half, seed, given.real, work)
        if "fingerprints" in wanted:
            fingerprints()
        if "lookups" in wanted:
            lookups(SIZES, work)
        if "clusters" in wanted:
            clusters(given.articles, work)
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
