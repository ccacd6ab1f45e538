"""What an archive says, in the words of the oracle."""

import itertools
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from sqlalchemy import text

from storage.database.engine import database_url, reading_engine
from tests.flow.driver import hour, plain
from tests.tools.model.oracle import FOREVER, Oracle, Said, Spell, Version
from tests.tools.model.texts import BODIES, LIVE, NOISY, RESERVED, events, order_of

Ask = Callable[[str], list[dict[str, Any]]]
"""Returns the rows of a query."""


DIGESTS = [order_of(text, "")[0] for text in range(len(BODIES))]
ERASED = "redacted:"
"""The beginning of what stands for a redacted address."""


class Told:
    """A file with an archive, which is only read."""

    def __init__(self, path: Path) -> None:
        self.engine = reading_engine(database_url(str(path)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.engine.dispose()

    def rows(self, query: str) -> list[dict[str, Any]]:
        with self.engine.connect() as connection:
            found = connection.execute(text(query)).mappings()
            return [{name: plain(value) for name, value in row.items()} for row in found]


def compare_all(ask: Ask, oracle: Oracle) -> None:
    """Check that histories, states, changes, relations and copies are what the oracle knows."""
    visible = {oracle.name(each): each for each in oracle.visible()}
    versions = {name: oracle.versions(each) for name, each in visible.items()}
    compare(_versions(ask), versions)
    compare(_articles(ask), {
        name: (len(versions[name]), oracle.state(each), sorted(each.origins))
        for name, each in visible.items()
    })  # fmt: skip
    compare(_changes(ask), {
        (each, number): after[1:3]
        for each, found in versions.items()
        for number, after in enumerate(found[1:], start=2)
    })  # fmt: skip
    compare(_noise(ask), {
        pair: until == FOREVER
        for pair, until in oracle.noise.items()
        if NOISY not in oracle.restricted
    })  # fmt: skip
    both = [
        (
            _lineages(ask),
            {(p, p in oracle.parted) for p in oracle.lineages if not p & oracle.erased},
        ),
        (_relations(ask), oracle.related()),
        (_stays(ask), oracle.stays()),
        (_entries(ask), _expected_entries(versions.get(LIVE, []))),
        (_copied(ask), oracle.copied()),
        (_reported(ask), oracle.reports()),
        (_clusters(ask), oracle.clusters()),
    ]
    for told, expected in both:
        assert told == expected, f"{told}, expected {expected}"


def compare(told: dict[Any, Any], expected: dict[Any, Any]) -> None:
    """Check that two tables agree, and name the rows that do not."""
    keys = sorted(told.keys() | expected.keys())
    differing = [(key, told.get(key), expected.get(key)) for key in keys]
    wrong = [f"{k}: {a}, expected {b}" for k, a, b in differing if a != b]
    assert not wrong, "\n".join(wrong)


def version_of(row: dict[str, Any]) -> Version:
    return (
        None if row["text"] is None else BODIES.index(row["text"]),
        hours_of(row["changed_after"]),
        hours_of(row["changed_by"]) or 0.0,
        hours_of(row["last_seen"]) or 0.0,
    )


def _versions(ask: Ask) -> dict[str, list[Version]]:
    rows = ask(
        "SELECT a.origin, v.* FROM versions v JOIN articles a ON a.article = v.article "
        f"WHERE a.origin NOT LIKE '{ERASED}%' ORDER BY a.origin, v.version"
    )
    return {
        origin: [version_of(row) for row in of]
        for origin, of in itertools.groupby(rows, key=lambda row: row["origin"])
    }


def _articles(ask: Ask) -> dict[str, tuple[int, str, list[str]]]:
    rows = ask(f"SELECT * FROM articles WHERE versions > 0 AND origin NOT LIKE '{ERASED}%'")
    return {row["origin"]: (row["versions"], row["state"], sorted(row["origins"])) for row in rows}


def _changes(ask: Ask) -> dict[tuple[str, int], tuple[float | None, float | None]]:
    rows = ask(
        "SELECT a.origin, c.* FROM changes c JOIN articles a ON a.article = c.article "
        f"WHERE a.origin NOT LIKE '{ERASED}%'"
    )
    return {
        (row["origin"], row["version"]): (
            hours_of(row["changed_after"]),
            hours_of(row["changed_by"]),
        )
        for row in rows
    }


def _relations(ask: Ask) -> set[tuple[frozenset[str], bool]]:
    rows = ask(
        "SELECT a.origin AS a, b.origin AS b, r.undone_at FROM relations r "
        "JOIN articles a ON a.article = r.a JOIN articles b ON b.article = r.b"
    )
    return _pairs(rows)


def _lineages(ask: Ask) -> set[tuple[frozenset[str], bool]]:
    rows = ask(
        "SELECT a.origin AS a, b.origin AS b, u.undone_at FROM lineage l "
        "JOIN origin a ON a.id = l.origin_id JOIN origin b ON b.id = l.to_origin_id "
        "LEFT JOIN lineage_undone u ON u.lineage_id = l.id"
    )
    return _pairs(rows)


def _pairs(rows: list[dict[str, Any]]) -> set[tuple[frozenset[str], bool]]:
    """Return the two ends of decisions, true for undone ones, unless an end was redacted."""
    return {
        (frozenset((row["a"], row["b"])), row["undone_at"] is not None)
        for row in rows
        if not any(row[end].startswith(ERASED) for end in "ab")
    }


def _clusters(ask: Ask) -> set[frozenset[str]]:
    found: dict[str, set[str]] = {}
    for row in ask("SELECT origin, cluster FROM articles WHERE cluster IS NOT NULL"):
        if not row["origin"].startswith(ERASED):
            found.setdefault(row["cluster"], set()).add(row["origin"])
    return {frozenset(each) for each in found.values() if len(each) > 1}


def _reported(ask: Ask) -> set[tuple[str, int, int]]:
    rows = ask(
        "SELECT o.origin, w.digest, d.occurrence FROM alert_delivery d "
        "JOIN wording w ON w.id = d.wording_id JOIN article a ON a.id = d.article_id "
        "JOIN origin o ON o.id = a.origin_id WHERE d.occurrence > 0 AND d.turn = 0"
    )
    told = [(row["origin"], bytes(row["digest"]).hex(), row["occurrence"]) for row in rows]
    assert len(told) == len({*told}), f"reported twice: {told}"
    return {
        (origin, DIGESTS.index(digest), n)
        for origin, digest, n in told
        if digest in DIGESTS and not origin.startswith(ERASED)
    }


def _spell(row: dict[str, Any]) -> Spell:
    before, first, last, after = (
        hours_of(row[name]) for name in ("changed_after", "first_seen", "last_seen", "ended_by")
    )
    return before, first or 0.0, last or 0.0, after, row["checks"]


def _noise(ask: Ask) -> dict[Any, bool]:
    """Return the pairs of texts between which steps are noise, false for undone ones."""
    found: dict[Any, bool] = {}
    for row in ask("SELECT * FROM noise"):
        ends = (row["wording_before"], row["wording_after"])
        pair = frozenset(DIGESTS.index(each.removeprefix("w1:")) for each in ends)
        found[pair] = found.get(pair, True) and row["undone_at"] is None
    return found


def _copied(ask: Ask) -> set[tuple[str, float | None, int]]:
    rows = ask("SELECT * FROM outside_copies")
    return {(row["origin"], hours_of(row["observed_at"]), row["version"]) for row in rows}


def _stays(ask: Ask) -> set[tuple[Said, Spell]]:
    query = "SELECT * FROM {} WHERE origin NOT LIKE '" + ERASED + "%'"
    rights = {((row["origin"], RESERVED), _spell(row)) for row in ask(query.format("rights"))}
    fronts = ask(query.format("fronts"))
    return rights | {((row["origin"], row["headline"]), _spell(row)) for row in fronts}


def _entries(ask: Ask) -> set[tuple[int, int, str]]:
    """Return what happened to the entries of the live blog: version, entry, event."""
    rows = ask(
        "SELECT e.* FROM entries e JOIN articles a ON a.article = e.article "
        f"WHERE a.origin = '{LIVE}'"
    )
    return {(row["version"], int(row["entry"].rpartition("-")[2]), row["event"]) for row in rows}


def _expected_entries(versions: list[Version]) -> set[tuple[int, int, str]]:
    texts = [version[0] for version in versions]
    return {
        (number, *event)
        for number, (a, b) in enumerate(zip([-1, *texts], texts, strict=False), start=1)
        if a is not None and b is not None
        for event in events(a, b)
    }


def hours_of(moment: str | None) -> float | None:
    """Return a time as hours from the start."""
    if moment is None:
        return None
    return (datetime.fromisoformat(moment) - hour(0)).total_seconds() / 3600
