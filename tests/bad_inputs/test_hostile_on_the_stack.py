"""Files made to hurt, one of each kind, all at once on the whole stack."""

import subprocess
import sys
import time

import pytest

from tests.bad_inputs.test_hostile import (
    FOLDERS,
    MOST_BYTES,
    READ_SECONDS,
    ended,
    good,
    of,
    put,
    watched,
)
from tests.flow.processes import LESART, environment, rows
from tests.stack.test_stack import Stack, stack  # noqa: F401 -- the fixture

pytestmark = [pytest.mark.postgresql("fast"), pytest.mark.large, pytest.mark.starts_first]

FEW = [cases[1] for cases in FOLDERS.values()]
"""One of each kind: what reading them costs is tried by folders, without the stack."""


@pytest.fixture(scope="module")
def limits() -> dict[str, str]:
    """Give little time to a document, and to its worker what it has everywhere: no one dies here."""
    return {"document_seconds": f"{READ_SECONDS}s"}


@pytest.mark.stack
def test_on_the_stack_hostile_files_of_each_kind_cost_only_themselves(stack: Stack):  # noqa: F811
    put(stack.folder / "hostile", FEW)
    begun = time.monotonic()
    with watched(stack.worker.pid) as peak:
        ended_with = subprocess.run(
            [*LESART, "ingest", "hostile", "--source", "bad", "--format", "json"],
            cwd=stack.folder, env=environment(**stack.settings), capture_output=True, timeout=3_000,
        )  # fmt: skip
    sys.stdout.write(f"{time.monotonic() - begun:.0f} s, {peak.bytes >> 20} MiB\n")
    assert ended_with.returncode == 1, ended_with.stderr
    assert peak.bytes < MOST_BYTES
    told = rows(stack.folder, "refusals", **stack.settings)
    origins = {row["origin"] for row in rows(stack.folder, "list", **stack.settings)}
    for case in FEW:
        ended(case, {row["code"] for row in told if of(case, row["locator"])})
        assert f"seed:bad/{good(case)}" in origins
