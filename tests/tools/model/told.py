"""What an archive says, in the words of the oracle."""

import itertools
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from sqlalchemy import text

from storage.database.engine import database_url, reading_engine
from tests.flow.driver import hour, plain
from tests.tools.model.oracle import FOREVER, Oracle, Shown, Spell, Version
from tests.tools.model.texts import BODIES, LIVE, NOISY, order_of

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
    versions = {each: oracle.versions(each) for each in oracle.origins()}
    compare(_versions(ask), versions)
    compare(_articles(ask), {
        each: (len(found), oracle.state(each)) for each, found in versions.items()
    })  # fmt: skip
    compare(_changes(ask), {
        (each, number): (after.changed_after, after.changed_by)
        for each, found in versions.items()
        for number, after in enumerate(found[1:], start=2)
    })  # fmt: skip
    compare(_relations(ask), {
        tuple(sorted(pair)): pair in oracle.undone
        for pair in oracle.relations
        if not pair & oracle.erased
    })  # fmt: skip
    assert _stays(ask) == oracle.stays(), (_stays(ask), oracle.stays())
    for each in versions.keys() & {LIVE}:
        assert _entries(ask, each) == oracle.entries(each), (
            _entries(ask, each),
            oracle.entries(each),
        )
    compare(_noise(ask), {
        pair: until == FOREVER
        for pair, until in oracle.noise.items()
        if NOISY not in oracle.restricted
    })  # fmt: skip
    assert _copied(ask) == oracle.copied(), (_copied(ask), oracle.copied())
    assert _reported(ask) == oracle.reports(), (_reported(ask), oracle.reports())
    assert _rights(ask) == oracle.rights(), (_rights(ask), oracle.rights())
    assert _clusters(ask) == oracle.clusters(), (_clusters(ask), oracle.clusters())


def compare(told: dict[Any, Any], expected: dict[Any, Any]) -> None:
    """Check that two tables agree, and name the rows that do not."""
    keys = sorted(told.keys() | expected.keys())
    differing = [(key, told.get(key), expected.get(key)) for key in keys]
    wrong = [f"{k}: {a}, expected {b}" for k, a, b in differing if a != b]
    assert not wrong, "\n".join(wrong)


def version_of(row: dict[str, Any]) -> Version:
    return Version(
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


def _articles(ask: Ask) -> dict[str, tuple[int, str]]:
    rows = ask(f"SELECT * FROM articles WHERE origin NOT LIKE '{ERASED}%'")
    return {row["origin"]: (row["versions"], row["state"]) for row in rows}


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


def _relations(ask: Ask) -> dict[tuple[str, ...], bool]:
    rows = ask(
        "SELECT a.origin AS a, b.origin AS b, r.undone_at FROM relations r "
        "JOIN articles a ON a.article = r.a JOIN articles b ON b.article = r.b "
        f"WHERE a.origin NOT LIKE '{ERASED}%' AND b.origin NOT LIKE '{ERASED}%'"
    )
    return {tuple(sorted((row["a"], row["b"]))): row["undone_at"] is not None for row in rows}


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
        "JOIN origin o ON o.id = a.origin_id WHERE d.occurrence > 0"
    )
    told = [(row["origin"], bytes(row["digest"]).hex(), row["occurrence"]) for row in rows]
    assert len(told) == len({*told}), f"reported twice: {told}"
    return {
        (origin, DIGESTS.index(digest), n)
        for origin, digest, n in told
        if digest in DIGESTS and not origin.startswith(ERASED)
    }


def _rights(ask: Ask) -> set[tuple[str, Spell]]:
    rows = ask(f"SELECT * FROM rights WHERE origin NOT LIKE '{ERASED}%'")
    return {(row["origin"], _spell(row)) for row in rows}


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


def _stays(ask: Ask) -> set[tuple[Shown, Spell]]:
    rows = ask(f"SELECT * FROM fronts WHERE origin NOT LIKE '{ERASED}%'")
    return {((row["origin"], row["headline"]), _spell(row)) for row in rows}


def _entries(ask: Ask, origin: str) -> set[tuple[int, int, str]]:
    rows = ask(
        "SELECT e.* FROM entries e JOIN articles a ON a.article = e.article "
        f"WHERE a.origin = '{origin}'"
    )
    return {(row["version"], int(row["entry"].rpartition("-")[2]), row["event"]) for row in rows}


def hours_of(moment: str | None) -> float | None:
    """Return a time as hours from the start."""
    if moment is None:
        return None
    return (datetime.fromisoformat(moment) - hour(0)).total_seconds() / 3600
