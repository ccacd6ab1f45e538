"""Thirty of the files made to hurt, all at once, on the whole stack."""

import subprocess
import sys
import time

import pytest

from tests.bad_inputs.test_hostile import MOST_BYTES, ON_THE_STACK, ended, watched
from tests.flow.driver import SENTENCES, seed, touch
from tests.flow.processes import LESART, environment, rows
from tests.flow.test_stack import Stack, stack  # noqa: F401 -- the fixture


@pytest.mark.slow
@pytest.mark.stack
def test_on_the_stack_thirty_hostile_files_cost_only_themselves(stack: Stack):  # noqa: F811
    for case in ON_THE_STACK:
        path = stack.folder / "hostile" / case.name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(case.make())
        touch(path)
        good = path.with_name(f"gut_{case.name.replace('.', '_')}.txt")
        good.write_text(seed(f"Gute Meldung neben {case.name}", SENTENCES[0]), "utf-8")
        touch(good)
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
    for case in ON_THE_STACK:
        name = case.name.removesuffix(".gz")  # which is wrapping, and stands in no locator
        mine = {row["code"] for row in told if f"/{name}" in row["locator"]}
        ended(case, mine)
        assert f"seed:bad/gut_{case.name.replace('.', '_')}.txt" in origins
