"""The version of the rules for changes increases whenever a rule changes a result."""

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from storage.diff import classes
from storage.diff.change import METHOD
from storage.diff.classes import DETECTORS
from storage.values.change_class import ChangeClass, ComparedData
from storage.values.draft import as_dict
from tests.diff.pairs import changes

ROOT = Path(__file__).resolve().parents[2]
DIGESTS = {
    1: "fa55d9f1bf8a1ceb",
    2: "4bfb99e35b005e77",
    3: "389764fcc0f501cc",
    4: "e0b894575486cc8c",
    5: "e5e73d4b834d0f77",
}
"""The digest of the changes of the pairs by each version of the rules; the latest is tested."""


def test_another_result_for_a_pair_has_another_version_of_the_rules():
    results = {name: as_dict(change) for name, change in changes().items()}
    digest = sha256(json.dumps(results, sort_keys=True).encode()).hexdigest()[:16]
    assert DIGESTS.get(METHOD) == digest, (
        "the rules return other changes for these pairs: increase METHOD and add the digest"
    )


def test_each_class_of_two_captures_has_a_pair():
    found = {ChangeClass(name) for change in changes().values() for name in change.classes}
    assert {each for each in ChangeClass if each.compared is ComparedData.TEXTS} == set(DETECTORS)
    of_captures = {each for each in ChangeClass if each.compared is ComparedData.CAPTURES}
    assert found == {*DETECTORS, *of_captures, ChangeClass.REDACTED}


@pytest.mark.child
def test_each_branch_of_the_detectors_has_a_pair(tmp_path):
    data = f"--data-file={tmp_path / 'coverage'}"
    coverage = [sys.executable, "-m", "coverage"]
    measured = [*coverage, "run", data, "--rcfile=/dev/null", "--branch",
                f"--include={classes.__file__}", "-m", "tests.diff.pairs"]  # fmt: skip
    subprocess.run(measured, cwd=ROOT, check=True, capture_output=True, timeout=300)
    report = tmp_path / "report.json"
    written = [*coverage, "json", data, "--rcfile=/dev/null", "-o", str(report)]
    subprocess.run(written, cwd=ROOT, check=True, capture_output=True, timeout=300)
    files = json.loads(report.read_text("utf-8"))["files"]
    assert len(files) == 1
    for path, found in files.items():
        assert (found["missing_lines"], found["missing_branches"]) == ([], []), path
