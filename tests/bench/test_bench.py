"""Every measurement starts and prints its results on a corpus of a few texts."""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from bench.judge.pages_ablation import RULES

pytestmark = pytest.mark.starts_first

ROOT = Path(__file__).resolve().parents[2]
REAL = Path(os.environ.get("LESART_REAL_DATA", ROOT.parent / "shared")) / "data"
PAGES = ("html_fundus", "html_trafilatura_dach", "html_wcxb", "html_aeb")
HISTORIES = ("gesetze_versions", "wikipedia_versions_en")
NEEDS_REAL, NEEDS_REAL_DATA = "real", "real/data"

COMMANDS: dict[str, tuple[list[str], str]] = {
    "browser": (["--data", NEEDS_REAL], r"F1 of rendered"),
    "copies": (["--articles", "20"], r"backup of PostgreSQL"),
    "corpus": (["{work}/corpus", "--count", "20"], ""),
    "judge.emptied": (["--data", NEEDS_REAL], r"container emptied"),
    "fit.english_speakers": (["--real", NEEDS_REAL_DATA], r"right by the weights fitted on them"),
    "fit.indirect": (["--real", NEEDS_REAL_DATA], r"Wikinews: \d+ of \d+ found"),
    "fit.follow_ups": (["--real", NEEDS_REAL_DATA], r"police releases, folds not used"),
    "fit.pages": (["--data", NEEDS_REAL], r"weights of the other three"),
    "fit.speakers": (["--real", NEEDS_REAL_DATA, "--write"], r"weights of the other three"),
    "goals": (
        ["--reference", str(ROOT), "--count", "5", "--pages", "2", "--rounds", "1", "--sqlite"],
        r"an edited text, statements",
    ),
    "judge": (["--data", NEEDS_REAL, "--only", "pages"], r"body"),
    "lock": (["--count", "20", "--sqlite"], r"the lock was held"),
    "page_histories": (["--pages", "1", "--captures", "2", "--size", "8000"], r"captures"),
    "pages": (
        ["--data", NEEDS_REAL, "--copies", "1", "--rounds", "1", "--processes", "1"],
        r"pages",
    ),
    "judge.pages_ablation": (["--data", NEEDS_REAL, "--rule", "the lead above"], r"with all rules"),
    "judge.paragraph_breaks": (["--data", NEEDS_REAL], r"moved paragraphs; processor time"),
    "proof": (["--articles", "20", "--entries", "500"], r"entries"),
    "judge.relations": (["--only", "clusters", "--articles", "200"], r"clusters|articles"),
    "judge.revisions": (["--data", NEEDS_REAL], r"difflib"),
    "scale": (["--articles", "200", "--processes", "1"], r"near copies"),
    "seeds": (["--count", "20", "--rounds", "1", "--processes", "1"], r"articles|texts"),
    "serving": (["--articles", "30", "--requests", "40"], r"readers"),
    "start": (["--rounds", "1"], r"command +CPU s"),
    "walk": ([], r"collect: \d+ modules"),
    "web": (
        ["--data", NEEDS_REAL, "--copies", "1", "--rounds", "1", "--processes", "1"],
        r"loopback",
    ),
    "web_archives": (["--pages", "20"], r"pages|records"),
    "writers": (["--count", "20", "--processes", "1", "2", "--sqlite"], r"times one"),
}
"""How each is started, and what stands in what it prints."""

LARGE = (
    "browser", "copies", "fit.english_speakers", "fit.follow_ups", "fit.pages", "fit.speakers", "goals", "judge",
    "judge.emptied", "judge.relations", "judge.revisions", "pages", "proof", "scale", "seeds",
    "serving", "start", "walk", "web", "web_archives",
)  # fmt: skip
"""Four seconds of processor time and more, whatever they are given."""

HELP = """
import runpy, sys
for module in sys.argv[1:]:
    sys.argv = [module, "--help"]
    try:
        runpy.run_module(f"bench.{module}", run_name="__main__")
    except SystemExit as ended:
        assert not ended.code
    print(end="\\0")
"""
"""Ask each for its help, in one process."""

STARTED_BY_OTHERS = {
    "budget": "tests/bench/test_budget.py: it holds for one minor version of Python",
    "fit.labels": "no measurement: it writes a list of words from all real pages",
    "machines": "tests/stack/test_failover.py: it needs Patroni",
    "fit.names": "no measurement: it writes lists of names, and needs Faker",
    "fit.able": "it needs speakers that were labelled by hand, which are not kept here",
    "fit.identities": "it needs pairs of articles that were labelled by hand, which are not kept here",
    "fit.named": "it needs names of speakers that were labelled by hand, which are not kept here",
    "fit.persons": "it needs quotations whose pronouns were labelled by hand, which are not kept here",
    "multiply": "it needs an archive that `bench.scale` filled, and no other user of it",
    "naive": "the other side of `bench.seeds`",
}


@pytest.fixture(scope="module")
def few_real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a few of the real pages and histories; skipped where there are none."""
    if not (REAL / PAGES[0]).is_dir():
        pytest.skip(f"no real data in {REAL}: LESART_REAL_DATA names the folder above it")
    folder = tmp_path_factory.mktemp("real")
    for name in PAGES:
        (folder / "data" / name).mkdir(parents=True)
        (folder / "data" / name / "gold.jsonl").write_text(
            "".join(few_pages(folder, name)), "utf-8"
        )
    (folder / "data" / "wikinews_de").mkdir()
    with (REAL / "wikinews_de" / "articles.jsonl").open(encoding="utf-8") as lines:
        few = "".join(islice(lines, 60))
    (folder / "data" / "wikinews_de" / "articles.jsonl").write_text(few, "utf-8")
    (folder / "data" / "police_de").symlink_to(few_releases(folder / "releases"))
    for name in HISTORIES:
        (folder / "data" / name).mkdir()
        for history in islice(sorted(each for each in (REAL / name).iterdir() if each.is_dir()), 3):
            (folder / "data" / name / history.name).symlink_to(history)
    return folder


def few_pages(folder: Path, name: str) -> list[str]:
    """Link some pages of a set and return the lines of its gold about them."""
    with (REAL / name / "gold.jsonl").open(encoding="utf-8") as gold:
        lines = list(islice(gold, 8))
    for line in lines:
        file = re.search(r'"file": ?"([^"]+)"', line)[1]
        (folder / "data" / file).symlink_to(REAL / file)
    return lines


def few_releases(folder: Path) -> Path:
    """Keep some labelled pairs of releases, those of each kind, with the releases in them."""
    folder.mkdir()
    rows = map(json.loads, (REAL / "police_de" / "gold.jsonl").read_text("utf-8").splitlines())
    kinds: dict[str, list[dict]] = {}
    for row in rows:
        kinds.setdefault(row["kind"], []).append(row)
    pairs = [row for some in kinds.values() for row in some[:12]]
    wanted = {each[side] for each in pairs for side in "ab"}
    with gzip.open(REAL / "police_de" / "releases.jsonl.gz", "rt", encoding="utf-8") as lines:
        kept = [line for line in lines if str(json.loads(line)["id"]) in wanted]
    with gzip.open(folder / "releases.jsonl.gz", "wt", encoding="utf-8") as lines:
        lines.writelines(kept)
    (folder / "gold.jsonl").write_text("".join(json.dumps(each) + "\n" for each in pairs))
    return folder


def house(folder: Path) -> Path:
    """Copy the folder of a measurement: fitting ones write their weights into it."""
    for name in ("bench", "storage", "tests", "worker"):
        ignored = shutil.ignore_patterns("__pycache__", ".*")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    return folder


def test_every_measurement_is_started_here():
    with_main = {
        ".".join(path.relative_to(ROOT / "bench").with_suffix("").parts).removesuffix(".__main__")
        for path in (ROOT / "bench").rglob("*.py")
        if "__main__" in path.read_text("utf-8") or path.name == "__main__.py"
    }
    assert with_main == {*COMMANDS, *STARTED_BY_OTHERS}


def test_every_rule_that_is_switched_off_exists():
    assert [rule for rule, module, name, _ in RULES if not hasattr(module, name)] == []


@pytest.mark.slow
def test_every_long_measurement_can_be_started():
    command = [sys.executable, "-c", HELP, *LARGE]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told = dict(zip(LARGE, done.stdout.split("\0"), strict=False))
    for module, text in told.items():
        asked = {word for word in COMMANDS[module][0] if word.startswith("--")}
        assert {word for word in asked if word not in text} == set(), module


@pytest.mark.parametrize(
    "module",
    [
        pytest.param(each, marks=pytest.mark.large if each in LARGE else pytest.mark.slow)
        for each in COMMANDS
    ],
)
def test_a_measurement_prints_its_table(module, tmp_path, request):
    arguments, expected = COMMANDS[module]
    if NEEDS_REAL in arguments:
        real = str(request.getfixturevalue("few_real"))
        arguments = [real if each == NEEDS_REAL else each for each in arguments]
    place = ROOT
    if NEEDS_REAL_DATA in arguments:
        real = str(request.getfixturevalue("few_real") / "data")
        arguments = [real if each == NEEDS_REAL_DATA else each for each in arguments]
        place = house(tmp_path / "house")
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{module}", *(a.format(work=tmp_path) for a in arguments)],
        cwd=place, capture_output=True, text=True, timeout=600, check=False,
        env=os.environ | {"TMPDIR": str(tmp_path), "COLUMNS": "160"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    printed = done.stdout
    if module == "corpus":
        printed = " ".join(each.name for each in (tmp_path / "corpus").rglob("*.txt"))
        expected = r"\.txt"
    assert re.search(expected, printed), printed[-3000:]
    assert re.search(r"\d", printed)
