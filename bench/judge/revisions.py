"""Measure what the archive tells of real and of labelled revisions, and how long it takes.

    python -m bench.judge.revisions [--data FOLDER] [--database URL] [--misses]

Real histories (laws, an encyclopedia) come in as imported captures and go the whole way. Versions
are held against the runs of equal words in the files, differences are applied to see whether they
lead to the next version, and blame is held against its definition, computed from the files by
brute force. The labelled steps are those of `tests/revisions`. Differences are timed beside
difflib, turn by turn: both are given texts, so both cut them into the same words.
"""

import argparse
import difflib
import logging
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from pathlib import Path

import structlog
from rich.console import Console
from rich.table import Table

from storage.diff.word_diff import Text, diff, join_text
from storage.language.sentences import sentences
from storage.language.word_lists import TOKEN
from storage.read.answers import VersionText
from storage.read.archive import ReadOnlyArchive, open_archive
from storage.values.digest import canonical
from storage.values.draft import TEXT_ROLES
from tests.diff.applied import apply
from tests.flow.driver import Newsroom
from tests.revisions import labelled
from worker.flow.order import target_at

ROOT = Path(__file__).resolve().parents[2]
FIRST_SEEN = datetime(2004, 1, 1, tzinfo=UTC)
TICKER_WORDS = 6_000
ARTICLES = 100
ARTICLE_WORDS = 1_000
EDITS = 12
SYLLABLES = ("ra", "te", "lo", "mi", "sch", "en", "ge", "ver", "un", "da", "ko", "bel", "st")
FREQUENT = tuple("der die und in den von zu das mit sich auf für ist im dem nicht ein als".split())
ROUNDS = 5


@dataclass(slots=True)
class History:
    """One document in all its states, the oldest first."""

    name: str
    address: str
    files: list[Path]
    is_markdown: bool

    def words(self) -> list[str]:
        """Return each state with its white space forgiven and without what is no text of it."""
        return [" ".join(_body(path).split()) for path in self.files]

    def raw(self, path: Path) -> bytes:
        """Return the document to be archived: of a plain text, below a line that dates it."""
        header = b"" if self.is_markdown else f" date 2004-01 {self.name}\n".encode()
        return header + path.read_bytes()


@dataclass(slots=True)
class Found:
    """What came out for one collection of histories."""

    name: str
    captures: int = 0
    runs: int = 0
    distinct: int = 0
    versions: int = 0
    wordings: int = 0
    wrong: list[str] = field(default_factory=list)
    ingest_seconds: float = 0.0
    diffs: int = 0
    diffs_wrong: int = 0
    diff_ms: list[float] = field(default_factory=list)
    sentences: int = 0
    sentences_wrong: int = 0
    blame_ms: list[float] = field(default_factory=list)
    asked: int = 0
    asked_wrong: int = 0
    asked_ms: list[float] = field(default_factory=list)


def main() -> None:
    """Measure and print the tables."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    given = _options()
    console = Console(width=max(Console().width, 120))
    data = given.data / "data"
    if data.is_dir():
        found = [
            _measured(name, _histories(data / name), given.database)
            for name in ("gesetze_versions", "wikipedia_versions_en")
        ]
        console.print(_histories_table(found))
    else:
        print(
            f"no real histories in {data}: --data or LESART_REAL_DATA names them", file=sys.stderr
        )
    _report_labelled(console, given.database, with_misses=given.misses)
    console.print(_speed_table(data / "wikipedia_versions_en"))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = os.environ.get("LESART_REAL_DATA", ROOT.parent / "shared")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--database", help="an empty PostgreSQL database, else SQLite files")
    parser.add_argument("--misses", action="store_true", help="name the steps told otherwise")
    return parser.parse_args()


# ------------------------------------------------------------------------------ real histories


def _histories(top: Path) -> list[History]:
    found = []
    for number, folder in enumerate(sorted(each for each in top.iterdir() if each.is_dir())):
        laws = sorted(folder.glob("*.md"))
        texts = sorted(folder.glob("[0-9]*.txt"), key=lambda path: int(path.stem))
        if laws or texts:
            address = f"https://{top.name.replace('_', '-')}.example/{number}"
            found.append(History(folder.name, address, laws or texts, bool(laws)))
    return found


def _body(path: Path) -> str:
    text = path.read_bytes().decode("utf-8", "replace")
    if path.suffix == ".md" and text.startswith("---"):
        return text.split("---", 2)[2]
    return text


def _measured(name: str, histories: Sequence[History], database: str | None) -> Found:
    found = Found(name)
    with _room(database) as room:
        _bring(room, histories, found)
        with open_archive(room.url) as archive:
            for history in histories:
                _judge(archive, history, found)
        found.wordings = room.number("SELECT count(DISTINCT wording_id) FROM version")
    return found


@contextmanager
def _room(database: str | None) -> Iterator[Newsroom]:
    with tempfile.TemporaryDirectory(prefix="lesart-bench-") as work:
        room = Newsroom(database or f"sqlite:///{work}/lesart.sqlite3", Path(work))
        try:
            yield room
        finally:
            room.close()


def _bring(room: Newsroom, histories: Sequence[History], found: Found) -> None:
    places = []
    for number, history in enumerate(histories):
        for at, path in enumerate(history.files):
            copy = room.write(f"{number}/{at}{path.suffix}", history.raw(path), room.root / "real")
            seen = FIRST_SEEN + timedelta(days=at)
            places.append(
                target_at(
                    room.archive, room.settings, str(copy), origin=history.address,
                    observed_at=seen,
                )
            )  # fmt: skip
    room.now = FIRST_SEEN + timedelta(days=10_000)
    job = room.ordered(places)
    start = time.perf_counter()
    room.worked(job)
    found.ingest_seconds = time.perf_counter() - start
    found.captures = len(places)


def _judge(archive: ReadOnlyArchive, history: History, found: Found) -> None:
    words = history.words()
    runs = [key for key, _ in groupby(words)]
    found.runs += len(runs)
    found.distinct += len(set(runs))
    versions = list(archive.history(history.address))
    found.versions += len(versions)
    if len(versions) != len(runs):
        found.wrong.append(f"{history.name}: {len(versions)} versions of {len(runs)} runs")
    texts = [archive.version(f"{history.address}@{each.version}") for each in versions]
    _judge_diffs([_compared(text) for text in texts], found)
    _judge_blame(archive, history, [text.text or "" for text in texts], found)
    _judge_contains(archive, history, found)


def _compared(version: VersionText) -> Text:
    pairs = ((each.role, each.text) for each in version.paragraphs)
    return Text(version.title, tuple(pair for pair in pairs if pair[0] in TEXT_ROLES))


def _judge_diffs(texts: Sequence[Text], found: Found) -> None:
    for a, b in pairwise(texts):
        start = time.perf_counter()
        operations = diff(a, b)
        found.diff_ms.append(1e3 * (time.perf_counter() - start))
        found.diffs += 1
        found.diffs_wrong += apply(join_text(a), operations) != join_text(b)


def _judge_blame(
    archive: ReadOnlyArchive, history: History, texts: Sequence[str], found: Found
) -> None:
    """Hold the blame of the last version against what the versions before it have."""
    start = time.perf_counter()
    told = list(archive.blame(history.address))
    found.blame_ms.append(1e3 * (time.perf_counter() - start))
    held = [Counter(_sentences(text)) for text in texts]
    met: Counter[str] = Counter()
    expected = []
    for sentence in _sentences(texts[-1]):
        enough = [count[sentence] > met[sentence] for count in held]
        since = max((number for number, has in enumerate(enough, 1) if not has), default=0)
        canon = canonical(sentence)  # alone, a dash at its beginning is a bullet
        expected.append((canon, since + 1, any(enough[:since])))
        met[sentence] += 1
    given = [(canonical(each.sentence), each.since_version, each.returned) for each in told]
    found.sentences += len(expected)
    found.sentences_wrong += sum(a != b for a, b in zip(expected, given, strict=False))
    found.sentences_wrong += abs(len(expected) - len(given))


def _sentences(text: str) -> list[str]:
    pieces = (sentences(canonical(paragraph)) for paragraph in text.split("\n\n"))
    return [piece.strip() for parts in pieces for piece in parts]


def _judge_contains(archive: ReadOnlyArchive, history: History, found: Found) -> None:
    """Ask for the step in which the longest passage of each step came."""
    for change in list(archive.changes(history.address)):
        passage = max(change.added, key=len, default="")
        if not passage:
            continue
        start = time.perf_counter()
        steps = [c.version for c in archive.changes(history.address, contains=passage)]
        found.asked_ms.append(1e3 * (time.perf_counter() - start))
        found.asked += 1
        found.asked_wrong += change.version not in steps


def _histories_table(found: Sequence[Found]) -> Table:
    table = Table(title="real histories, imported and read the whole way")
    table.add_column("")
    for each in found:
        table.add_column(each.name, justify="right")
    rows: dict[str, Callable[[Found], str]] = {
        "captures": lambda f: str(f.captures),
        "runs of equal words in the files": lambda f: str(f.runs),
        "versions in the archive": lambda f: str(f.versions),
        "histories with another number": lambda f: str(len(f.wrong)),
        "distinct texts in the files": lambda f: str(f.distinct),
        "distinct wordings of versions": lambda f: str(f.wordings),
        "differences that lead to the next": lambda f: f"{f.diffs - f.diffs_wrong} of {f.diffs}",
        "sentences blamed as by definition": lambda f: (
            f"{f.sentences - f.sentences_wrong} of {f.sentences}"
        ),
        "passages found by `changes --contains`": lambda f: (
            f"{f.asked - f.asked_wrong} of {f.asked}"
        ),
        "ingested, captures/s": lambda f: f"{f.captures / f.ingest_seconds:.0f}",
        "a difference, ms (median, p95)": lambda f: _spread(f.diff_ms),
        "blame of an article, ms": lambda f: _spread(f.blame_ms),
        "changes --contains, ms": lambda f: _spread(f.asked_ms),
    }
    for name, cells in rows.items():
        table.add_row(name, *map(cells, found))
    for each in found:
        for wrong in each.wrong:
            table.add_row("", wrong)
    return table


def _spread(times: Sequence[float]) -> str:
    ordered = sorted(times)
    return f"{statistics.median(ordered):.2f}, {ordered[int(0.95 * (len(ordered) - 1))]:.1f}"


# ---------------------------------------------------------------------------- labelled steps


def _report_labelled(console: Console, database: str | None, *, with_misses: bool) -> None:
    captures, steps = labelled.labelled()
    with _room(database) as room:
        start = time.perf_counter()
        labelled.bring(room, captures)
        seconds = time.perf_counter() - start
        found = labelled.score(labelled.told(room, steps))
    table = Table(title=f"{len(steps)} labelled steps, {len(captures)} captures in {seconds:.1f} s")
    table.add_column("")
    table.add_column("", justify="right")
    table.add_row("noise that became a version", f"{len(found.noisy)} of {found.noise_steps}")
    table.add_row("changes without a version", f"{len(found.missed)} of {found.wording_steps}")
    table.add_row("F1 over all classes", f"{found.class_f1():.3f}")
    for name in sorted({*found.right, *found.wrong, *found.lost}):
        counts = f"{found.right[name]} right, {found.wrong[name]} wrong, {found.lost[name]} missed"
        table.add_row(f"  {name}", f"{found.class_f1(name):.3f} ({counts})")
    table.add_row("silent: precision", f"{found.silent_precision:.3f}")
    table.add_row("silent: recall", f"{found.silent_recall:.3f}")
    right = found.notices_asked - len(found.notices_wrong)
    table.add_row("notices linked to their change", f"{right} of {found.notices_asked}")
    console.print(table)
    if with_misses:
        for each in (*found.noisy, *found.missed, *found.misclassed, *found.silence_confused):
            seen = f"{sorted(each.step.classes)}, silent {each.step.silent}"
            answer = f"{sorted(each.classes or ())}, silent {each.silent}"
            print(f"  {each.step.file}: {each.step.case}: told {answer}; seen {seen}")


# ------------------------------------------------------------------------------------- speed


def _speed_table(encyclopedia: Path) -> Table:
    table = Table(title="a difference of words beside difflib, CPU, turn by turn")
    for column in ("", "ours, ms", "difflib, ms", "times faster"):
        table.add_column(column, justify="left" if not column else "right")
    pairs = {
        "an article of 1,000 words, 12 edits": _articles(),
        "a repetitive ticker of 6,000 words": [_ticker()],
    }
    if encyclopedia.is_dir():
        real = [
            (_body(a), _body(b))
            for history in _histories(encyclopedia)
            for a, b in pairwise(history.files)
        ]
        pairs[f"{len(real)} pairs of real revisions"] = real
    for name, given in pairs.items():
        ours, theirs = (total / len(given) for total in _timed(given))
        table.add_row(name, f"{ours:.2f}", f"{theirs:.2f}", f"{theirs / ours:.1f}")
    return table


def _articles() -> list[tuple[str, str]]:
    """Return articles of made-up words, and the same with a dozen edits that a desk would make."""
    chance = random.Random(7)
    rare = ["".join(chance.choices(SYLLABLES, k=chance.randint(1, 4))) for _ in range(1_500)]
    found = []
    for _ in range(ARTICLES):
        before: list[list[str]] = []
        while sum(map(len, before)) < ARTICLE_WORDS:
            before.append([word for _ in range(3) for word in _sentence(chance, rare)])
        after = [list(words) for words in before]
        for _ in range(EDITS):
            _edit(after, chance, rare)
        found.append((_joined(before), _joined(after)))
    return found


def _joined(paragraphs: Sequence[Sequence[str]]) -> str:
    return "\n".join(map(" ".join, paragraphs))


def _sentence(chance: random.Random, rare: Sequence[str]) -> list[str]:
    words = [chance.choice(chance.choice((FREQUENT, rare))) for _ in range(chance.randint(8, 20))]
    return [words[0].capitalize(), *words[1:-1], words[-1] + "."]


def _edit(paragraphs: list[list[str]], chance: random.Random, rare: Sequence[str]) -> None:
    """Put in a word, take one out, or write a sentence or a paragraph more, mostly the first."""
    words = chance.choice(paragraphs)
    at = chance.randrange(len(words))
    match chance.choices(("word", "cut", "sentence", "paragraph"), (14, 2, 3, 1))[0]:
        case "word":
            words[at : at + chance.randint(0, 1)] = [chance.choice(rare)]
        case "cut":
            del words[at]
        case "sentence":
            words += _sentence(chance, rare)
        case "paragraph":
            paragraphs.insert(chance.randrange(len(paragraphs)), _sentence(chance, rare))


def _ticker() -> tuple[str, str]:
    """Return a ticker whose entries say much the same, and the same with some of them edited."""
    chance = random.Random(4)
    entries = [
        f"{n // 60 % 24:02}:{n % 60:02} Uhr: Die Lage an der Lohe ist weiter unklar, sagt die Wehr."
        for n in range(TICKER_WORDS // 14)
    ]
    newer = ["06:00 Uhr: Der Einsatz an der Lohe ist beendet.", *entries]
    for _ in range(12):
        at = chance.randrange(len(newer))
        newer[at] = newer[at].replace("unklar", "ernst")
    return "\n".join(entries), "\n".join(newer)


def _timed(pairs: Sequence[tuple[str, str]]) -> tuple[float, float]:
    """Return the medians of the CPU time of one pass over all pairs, in ms, ours and difflib's."""
    rounds = ROUNDS if len(pairs) <= ARTICLES else 1
    texts = [(_text(a), _text(b)) for a, b in pairs]
    ours, theirs = [], []
    for _ in range(rounds):
        start = time.process_time()
        for a, b in texts:
            diff(a, b)
        ours.append(1e3 * (time.process_time() - start))
        start = time.process_time()
        for pair in pairs:
            before, after = (TOKEN.findall(canonical(each)) for each in pair)
            difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
        theirs.append(1e3 * (time.process_time() - start))
    return statistics.median(ours), statistics.median(theirs)


def _text(body: str) -> Text:
    paragraphs = (line for line in body.split("\n") if line.strip())
    return Text(None, tuple(("text", line) for line in paragraphs))


if __name__ == "__main__":
    main()
