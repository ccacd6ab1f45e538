"""Every bad input ends as its table says: taken, taken with a flag, a copy, or refused."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lesart import open_archive
from storage.read.answers import (
    ArticleLine,
    Refusal,
    VersionText,
)
from storage.values.locator import escape_locator, origin_path
from tests.bad_inputs.build import CannotBuildError, build, build_committed

pytestmark = [pytest.mark.postgresql("fast"), pytest.mark.traced_children, pytest.mark.starts_first]

CASES: list[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "cases.toml").read_text("utf-8")
)["case"]
TIERS = ("slow", "large")
TOO_SHORT_TO_TELL = {"headline_not_in_body", "language_unsure"}
"""Flags that any short text may get; they are tried with the text core."""


@dataclass(frozen=True)
class Outcome:
    """The rows of an archive after the folder was ingested."""

    summary: dict[str, int]
    articles: dict[str, ArticleLine]
    versions: dict[str, VersionText]
    refusals: dict[str, Refusal]
    copies: frozenset[str]
    unbuilt: dict[str, str]


def locator_of(case: dict[str, Any]) -> str:
    """Return the origin that the item of `case` has when it names no address itself."""
    file = case["file"].replace("\\udcdf", "\udcdf")
    return "seed:bad/" + origin_path(escape_locator(file), case.get("item", ""))


def ingest(folder: Path, archive: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable, "-m", "worker", "ingest", str(folder), "--source", "bad",
        "--archive", str(archive), "--format", "json",
    ]  # fmt: skip
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", cwd=folder.parent, timeout=300, check=False,
        env=os.environ
        | {"PYTHONPATH": str(Path(__file__).parents[2]), "LESART_DOCUMENT_SECONDS": "10s"},
    )  # fmt: skip


def is_large(case: dict[str, Any]) -> bool:
    return any(case.get(tier) for tier in TIERS)


def ingested(root: Path, cases: list[dict[str, Any]], *, committed: bool = True) -> Outcome:
    """Build the folder, ingest it with the command, and read what became of it."""
    folder, path = root / "in", root / "archive.sqlite3"
    folder.mkdir()
    if committed:
        build_committed(folder)
    unbuilt = {}
    for name in dict.fromkeys(case["built"] for case in cases if "built" in case):
        try:
            build(name, folder)
        except CannotBuildError as error:
            unbuilt[name] = error.reason
    ended = ingest(folder, path)
    assert ended.returncode in {0, 1}, ended.stderr
    (summary,) = json.loads(ended.stdout)
    with open_archive(path) as archive:
        articles = {each.origin: each for each in archive.articles()}
        relations = [each for each in archive.relations() if each.kind == "exact_copy"]
        return Outcome(
            summary=summary,
            articles=articles,
            versions={
                origin: archive.version(articles[origin].article)
                for origin in (case.get("origin", locator_of(case)) for case in cases)
                if origin in articles
            },
            refusals={each.locator: each for each in archive.refusals()},
            copies=frozenset(each.a for each in relations) | {each.b for each in relations},
            unbuilt=unbuilt,
        )


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    cases = [case for case in CASES if not is_large(case)]
    return ingested(tmp_path_factory.mktemp("bad"), cases)


def check(case: dict[str, Any], outcome: Outcome) -> None:
    if case.get("built") in outcome.unbuilt:
        pytest.skip(outcome.unbuilt[case["built"]])
    locator = locator_of(case)
    refusal = outcome.refusals.get(locator)
    if case["verdict"] == "refused":
        assert refusal is not None, f"{locator} was not refused"
        assert (refusal.code, refusal.kept) == (case["code"], case["kept"])
        assert refusal.message
        assert refusal.hint
        assert locator not in outcome.articles
        return
    assert refusal is None, f"{refusal and refusal.code}: {refusal and refusal.message}"
    origin = case.get("origin", locator)
    assert origin in outcome.articles
    assert set(outcome.versions[origin].flags) - TOO_SHORT_TO_TELL == set(case["flags"])
    is_copy = outcome.articles[origin].article in outcome.copies
    is_model = any(other.get("same_wording_as") == case["name"] for other in CASES)
    assert is_copy == (case["verdict"] == "copy" or is_model)
    if case["verdict"] == "copy":
        model = next(other for other in CASES if other["name"] == case["same_wording_as"])
        wording = outcome.versions[locator_of(model)].wording
        assert outcome.versions[origin].wording == wording


def marks_of(case: dict[str, Any]) -> list[pytest.MarkDecorator]:
    unreadable = pytest.mark.skipif(os.geteuid() == 0, reason="root reads a file of mode 000")
    marks = [getattr(pytest.mark, tier) for tier in TIERS if case.get(tier)]
    return [unreadable, *marks] if case.get("code") == "unreadable" else marks


def named(cases: list[dict[str, Any]]) -> list[Any]:
    return [
        pytest.param(
            case,
            id=f"{case['row']} {case['name']}",
            marks=marks_of(case),
        )
        for case in cases
    ]


@pytest.mark.parametrize("case", named([case for case in CASES if not is_large(case)]))
def test_a_bad_input_ends_as_the_table_says(case, outcome):
    check(case, outcome)


@pytest.mark.parametrize("case", named([case for case in CASES if is_large(case)]))
def test_a_large_bad_input_ends_as_the_table_says(case, tmp_path):
    check(case, ingested(tmp_path, [case], committed=False))


def test_every_refusal_states_the_fault_in_a_sentence(outcome):
    for refusal in outcome.refusals.values():
        assert refusal.message.endswith("."), refusal.message
        assert not re.search(r"\w\(|\('|Error\b|\\x|\\u|<class|b'", refusal.message), (
            refusal.message
        )


def test_every_item_has_exactly_one_verdict(outcome):
    summary = Counter(outcome.summary)
    counts = ("new_articles", "new_versions", "unchanged", "copies", "refused", "failed")
    assert summary["seen"] == sum(summary[name] for name in counts)
    assert summary["failed"] == 0
    assert summary["refused"] == len(outcome.refusals)
    assert summary["new_articles"] + summary["copies"] == len(outcome.articles)


def test_nothing_is_reported_that_the_table_does_not_name(outcome):
    expected = {case.get("origin", locator_of(case)) for case in CASES}
    told = set(outcome.articles) | set(outcome.refusals)
    assert told <= expected


def test_the_table_names_every_fixture_and_every_builder():
    from tests.bad_inputs.build import BUILDERS, FILES

    files = {path.name for path in FILES.iterdir() if not path.name.startswith(".")}
    assert files <= {case["file"] for case in CASES}
    assert set(BUILDERS) == {case["built"] for case in CASES if "built" in case}
