"""Every web archive of the real data is ingested, or refused with a code; no record is read in vain."""

import shutil
from pathlib import Path

import pytest

from storage.values.refusals import REFUSALS

pytestmark = [pytest.mark.real, pytest.mark.slow]
SUFFIXES = (".warc", ".warc.gz", ".arc", ".arc.gz", ".wacz")


def test_each_file_gives_captures_or_says_why_not(room, real_data):
    told = {}
    for file in sorted((real_data / "data" / "warc").rglob("*")):
        if not file.name.endswith(SUFFIXES):
            continue
        name = f"{file.parent.name}/{file.name}"
        copied(file, room.folder / name)
        before = room.number("SELECT count(*) FROM observations")
        counts = room.ingest(name)
        observed = room.number("SELECT count(*) FROM observations") - before
        told[name] = (counts, observed)
        assert counts.seen + counts.passed_over + observed > 0, name
        assert counts.failed == 0, name
    assert len(told) > 20
    codes = {row["code"] for row in room.rows("SELECT code FROM refusals")}
    assert codes <= set(REFUSALS)
    assert room.number("SELECT count(*) FROM articles") >= 10


def copied(file: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, to)
    shutil.copystat(file, to)
    to.chmod(0o644)
