"""A primary is killed twice in mid-ingestion: nothing is lost, and the page answers."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.machines import missing_programs

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.large
@pytest.mark.stack
@pytest.mark.skipif(bool(missing_programs()), reason="Patroni, etcd or PgBouncer is not installed")
def test_a_killed_primary_loses_no_commit():
    ended = subprocess.run(
        [sys.executable, "-m", "bench.machines", "--kills", "2", "--within", "600"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
