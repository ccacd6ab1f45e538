"""Fit the weights by which a text is said to follow another, and print how they do on other folds.

    python -m bench.fit.follow_ups --real ../shared/data

Learns from the invented scenes of the `tuned` half and from folds 0 and 1 of the police releases
(four folds by the digest of the follower); folds 2 and 3 and the `held` half stay unused.
Needs `pip install -e '.[fit]'`.
"""

import argparse
import gzip
import hashlib
import json
from collections.abc import Collection, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from bench.releases.scenes import scene
from storage.similarity.follow_up import Features, FollowUpText, choose_followed, describe
from storage.similarity.references import Reference
from storage.values.digest import canonical_all

FOLDS = 4
LEARNT = frozenset({0, 1})
SEEDS = (1, 2, 3)
SITE = "police"
PENALTY, LEAST = 0.3, 0.005
AGAINST = frozenset(
    {
        "day_other",
        "number_other",
        "number_unknown",
        "serial_other",
        "gap",
        "other_site",
        "says_otherwise",
    }
)
TARGET = Path("storage/similarity/follow_up.toml")


@dataclass(frozen=True)
class Pool:
    """What a follower may mean, each with its features, and which of them it means, if any.

    Earlier follow-ups that it may mean as well are none of them.
    """

    group: str
    rows: tuple[Features, ...]
    meant: tuple[bool, ...]


def pool(
    group: str, each: FollowUpText, others: Sequence[FollowUpText], meant: Container[int]
) -> Pool:
    """Describe what a follower may mean of `others`."""
    found = [
        (features, other.key in meant)
        for other, features in describe(each, others)
        if other.reference is None or other.key in meant
    ]
    return Pool(
        group, tuple(row for row, _is in found), tuple(is_meant for _row, is_meant in found)
    )


def fold_of(key: str) -> int:
    """Return which of the four folds a document is in."""
    return hashlib.sha256(key.encode()).digest()[0] % FOLDS


def releases(folder: Path) -> dict[str, FollowUpText]:
    """Return the police releases by their id."""
    found = {}
    with gzip.open(folder / "releases.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            each = json.loads(line)
            text = "\n\n".join(canonical_all(each["text"].split("\n\n")))
            found[each["id"]] = FollowUpText(
                int(each["id"]), each["title"], text, date.fromisoformat(each["date"]), SITE
            )
    return found


def labelled(folder: Path) -> dict[str, set[int]]:
    """Return by follower the releases that the gold says it follows."""
    found: dict[str, set[int]] = {}
    for line in (folder / "gold.jsonl").read_text("utf-8").splitlines():
        each = json.loads(line)
        if each["kind"] == "update":
            found.setdefault(each["a"], set()).add(int(each["b"]))
    return found


def police_pools(folder: Path, folds: frozenset[int]) -> Iterator[Pool]:
    """Yield the pools of followers of some folds: of the gold, else where number and day agree.

    A follower that names a number of a release that is not there means none of the others.
    """
    known, gold = releases(folder), labelled(folder)
    every = list(known.values())
    for key, each in known.items():
        if each.reference is None or fold_of(key) not in folds:
            continue
        meant = gold.get(key) or {
            other.key
            for other, found in describe(each, every)
            if "number" in found and ("day_same" in found or "day_near" in found)
        }
        if meant:
            variants = each, _without(each, "days"), _without(each, "numbers"), _silent(each)
            for variant in variants:
                yield pool(key, variant, every, meant)
        if each.reference.numbers:
            others = [other for other in every if other.key not in meant]
            yield pool(key, each, others, ())
            if meant:
                yield pool(key, _without(each, "days"), others, ())
                yield pool(key, _without(each, "numbers"), others, ())


def _without(each: FollowUpText, name: str) -> FollowUpText:
    """Return a follower that names all but its days, or all but its numbers."""
    assert each.reference is not None
    fields: dict[str, Any] = {name: ()}
    return _with(each, replace(each.reference, **fields))


def _silent(each: FollowUpText) -> FollowUpText:
    """Return a follower that names a number or a title, and neither a day nor anything else."""
    assert each.reference is not None
    return _with(replace(each, text="", title=""), replace(each.reference, days=()))


def _with(each: FollowUpText, named: Reference) -> FollowUpText:
    found = replace(each)
    found.__dict__["reference"] = named
    found.__dict__["sender"] = each.sender
    return found


def scene_pools(half: str, seeds: Iterable[int]) -> Iterator[Pool]:
    """Yield the pools of followers of invented scenes."""
    for seed in seeds:
        by_site, meant = _sites(half, seed)
        for site, texts in by_site.items():
            for each in texts:
                if each.reference is not None and each.key in meant:
                    yield from _scene_pools(f"{seed} {site}", each, texts, meant[each.key])


def _scene_pools(
    group: str, each: FollowUpText, texts: Sequence[FollowUpText], meant: Collection[int]
) -> Iterator[Pool]:
    """Yield the pool of a follower, then that of an archive that lacks what it means.

    There, somebody else has another text under the same title; of one of the same sender under
    the same title nobody could tell.
    """
    yield pool(group, each, texts, meant)
    named = each.reference.titles if each.reference else ()
    if [other.key in meant for other in texts if other.core in named] == [True]:
        yield pool(group, _silent(each), texts, meant)
    others = [other for other in texts if other.key not in meant and other.core not in named]
    for other in [] if each.sender or not others else [o for o in texts if o.key in meant]:
        others.append(replace(other, key=-1, site="elsewhere", text=others[0].text))
    yield pool(group, each, others, ())


def _sites(half: str, seed: int) -> tuple[dict[str, list[FollowUpText]], dict[int, set[int]]]:
    made = scene(half, seed)
    number = {each.key: at for at, each in enumerate(made.texts)}
    by_site: dict[str, list[FollowUpText]] = {}
    for each in made.texts:
        issue = each.release
        by_site.setdefault(each.site, []).append(
            FollowUpText(number[each.key], issue.title, issue.body, issue.day, each.site)
        )
    meant: dict[int, set[int]] = {}
    for a, b in made.follows:
        meant.setdefault(number[a], set()).add(number[b])
    return by_site, meant


def fit(pools: Sequence[Pool]) -> tuple[dict[str, float], float]:
    """Return the weights, and the share of pools right where their group was left out."""
    names = sorted({name for each in pools for row in each.rows for name in row})
    tables = [_table(each, names) for each in pools]
    groups = [each.group for each in pools]
    right = 0
    for fold in range(FOLDS):
        left = {at for at, group in enumerate(groups) if fold_of(group) == fold}
        weights = _fitted([each for at, each in enumerate(tables) if at not in left], names)
        right += sum(_is_right(tables[at], weights) for at in left)
    weights = _fitted(tables, names)
    found = dict(zip(("always", *names), map(float, weights), strict=True))
    kept = {name: weight for name, weight in found.items() if abs(weight) >= LEAST}
    return kept, right / len(pools)


Array = NDArray[np.float64]
Table = tuple[Array, Array]


def _table(each: Pool, names: Sequence[str]) -> Table:
    rows = [[1.0, *(row.get(name, 0.0) for name in names)] for row in each.rows]
    return np.array(rows, float).reshape(-1, len(names) + 1), np.array(each.meant, float)


def _is_right(each: Table, weights: Array) -> bool:
    rows, meant = each
    sums = rows @ weights
    if np.max(sums, initial=0.0) <= 0:
        return not meant.any()
    return bool(meant[int(np.argmax(sums))])


def _fitted(tables: Sequence[Table], names: Sequence[str]) -> Array:
    """Return the weights under which what is meant, or none of them, is the likeliest choice.

    What speaks for a text can never speak against it.
    """
    bounds = [(None, None), *((None, 0.0) if n in AGAINST else (0.0, None) for n in names)]

    def loss(weights: Array) -> tuple[float, Array]:
        slope = PENALTY * weights
        slope[0] = 0.0
        value = float(slope @ weights) / 2
        for rows, meant in tables:
            odds = np.exp(np.clip(rows @ weights, -30, 30))
            chosen = odds * meant if meant.any() else None
            value += np.log1p(odds.sum()) - (0.0 if chosen is None else np.log(chosen.sum()))
            slope = slope + rows.T @ (odds / (1 + odds.sum()))
            if chosen is not None:
                slope = slope - rows.T @ (chosen / chosen.sum())
        return value, slope

    found: Array = minimize(loss, np.zeros(len(bounds)), jac=True, bounds=bounds).x
    return found


def police_figures(folder: Path, folds: frozenset[int]) -> tuple[int, int, int]:
    """Return of some folds how many follow-ups are labelled, found, and how many claimed."""
    known, gold = releases(folder), labelled(folder)
    every = list(known.values())
    wanted = found = claimed = 0
    for key, each in known.items():
        if fold_of(key) in folds:
            answer = {other.key for other in choose_followed(each, every)}
            claimed += len(answer)
            wanted += len(gold.get(key, ()))
            found += len(answer & gold.get(key, set()))
    return wanted, found, claimed


def scene_figures(half: str, seed: int) -> tuple[int, int, int]:
    """Return of a scene how many follow-ups there are, how many are found, and how many claimed."""
    by_site, meant = _sites(half, seed)
    wanted = found = claimed = 0
    for texts in by_site.values():
        for each in texts:
            answer = {other.key for other in choose_followed(each, texts)}
            claimed += len(answer)
            wanted += len(meant.get(each.key, ()))
            found += len(answer & meant.get(each.key, set()))
    return wanted, found, claimed


def main() -> None:
    """Fit, write the weights, and print the figures of what was not used."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", type=Path, default=Path("../shared/data"))
    real = parser.parse_args().real / "police_de"
    pools = [*scene_pools("tuned", SEEDS), *police_pools(real, LEARNT)]
    pools = [each for each in pools if each.rows]
    fitted, right = fit(pools)
    head = [f"{right:.3f} of {len(pools)} followers right where their group was left out"]
    _write(head, fitted)
    unused = frozenset(range(FOLDS)) - LEARNT
    figures = {
        "police releases, folds not used": police_figures(real, unused),
        "police releases, folds learnt from": police_figures(real, LEARNT),
        "invented, half not used": scene_figures("held", 7),
        "invented, half learnt from": scene_figures("tuned", 7),
    }
    for name, (wanted, found, claimed) in figures.items():
        head.append(f"{name}: {found} of {wanted} found, {claimed} claimed")
    _write(head, fitted)
    print(TARGET.read_text("utf-8"))


def _write(head: Iterable[str], fitted: dict[str, float]) -> None:
    lines = [
        "# Weights of the features by which a text is said to follow another, fitted by",
        "# bench/fit/follow_ups.py.",
        *(f"# {line}" for line in head),
        "",
        "[weights]",
        *(f"{name} = {weight:.3f}" for name, weight in fitted.items()),
    ]
    TARGET.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
