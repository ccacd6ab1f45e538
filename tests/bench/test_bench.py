"""Every measurement can be started, and prints what it measures, on a corpus of a few texts."""

import os
import re
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REAL = Path(os.environ.get("LESART_REAL_DATA", ROOT.parent / "shared")) / "data"
PAGES = ("html_fundus", "html_trafilatura_dach", "html_wcxb", "html_aeb")
HISTORIES = ("gesetze_versions", "wikipedia_versions_en")
NEEDS_REAL = "real"

COMMANDS: dict[str, tuple[list[str], str]] = {
    "corpus": (["{work}/corpus", "--count", "20"], ""),
    "fit_authors": (["--data", NEEDS_REAL], r"by weights of the other three"),
    "judgement": (["--data", NEEDS_REAL, "--only", "pages"], r"body"),
    "pages": (
        ["--data", NEEDS_REAL, "--copies", "1", "--rounds", "1", "--processes", "1"],
        r"pages",
    ),
    "pages_ablation": (["--data", NEEDS_REAL, "--rule", "the lead above"], r"with all rules"),
    "relations": (["--only", "clusters", "--articles", "200"], r"clusters|articles"),
    "revisions": (["--data", NEEDS_REAL], r"difflib"),
    "seeds": (["--count", "20", "--rounds", "1", "--processes", "1"], r"articles|texts"),
    "start": (["--rounds", "1"], r"command +CPU s"),
    "web": (
        ["--data", NEEDS_REAL, "--copies", "1", "--rounds", "1", "--processes", "1"],
        r"loopback",
    ),
    "web_archives": (["--pages", "20"], r"pages|records"),
}
"""How each is started, and what stands in what it prints."""

STARTED_BY_OTHERS = {"naive": "the other side of `bench.seeds`"}


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


def test_every_measurement_is_started_here():
    with_main = {
        path.relative_to(ROOT / "bench").parts[0].removesuffix(".py")
        for path in (ROOT / "bench").rglob("*.py")
        if "__main__" in path.read_text("utf-8") or path.name == "__main__.py"
    }
    assert with_main == {*COMMANDS, *STARTED_BY_OTHERS}


@pytest.mark.slow
@pytest.mark.parametrize("module", COMMANDS)
def test_a_measurement_prints_its_table(module, tmp_path, request):
    arguments, expected = COMMANDS[module]
    if NEEDS_REAL in arguments:
        real = str(request.getfixturevalue("few_real"))
        arguments = [real if each == NEEDS_REAL else each for each in arguments]
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{module}", *(a.format(work=tmp_path) for a in arguments)],
        cwd=ROOT, capture_output=True, text=True, timeout=600, check=False,
        env=os.environ | {"TMPDIR": str(tmp_path), "COLUMNS": "160"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    printed = done.stdout
    if module == "corpus":
        printed = " ".join(each.name for each in (tmp_path / "corpus").rglob("*.txt"))
        expected = r"\.txt"
    assert re.search(expected, printed), printed[-3000:]
    assert re.search(r"\d", printed)
