"""`python -m tests.tools.mutants --number 200 --seed 1`: do the tests notice a small change?

Each mutant is one changed expression or statement in a copy of this checkout, in which the tests
of its group run until one fails. Programs that the tests start see it, too. A mutant that no test
notices is printed; `bench/results/mutants.md` lists them. Mutants of a list made before are tried
again with `--again FILE`.
"""

import argparse
import importlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from random import Random

import pytest

from tests.tools.mutants.mutate import Mutant, mutants

ROOT = Path(__file__).resolve().parents[3]
GROUPS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "claim and lease": (
        ("storage/schedule/queue.py", "storage/schedule/wake.py", "worker/flow/abandoned.py"),
        ("tests/flow/test_left_work.py", "tests/flow/test_races.py",
         "tests/schedule/test_schedule.py", "tests/write/test_redacted_arrivals.py"),
    ),
    "versions": (
        ("storage/history/*.py",),
        ("storage/history/versions.py", "tests/history/test_history.py",
         "tests/flow/test_verdicts.py", "tests/flow/test_world.py", "tests/history",
         "tests/read/test_totals.py", "tests/write/test_transfers.py",
         "tests/collect/test_lineage.py"),
    ),
    "noise": (
        ("storage/history/noise/*.py", "storage/diff/noise.py"),
        ("storage/diff/noise.py", "tests/diff", "tests/history/test_noise.py",
         "tests/history/test_reclassify.py", "tests/history/test_page_histories.py"),
    ),
    "redaction": (
        ("storage/write/redaction/*.py",),
        ("tests/write/test_redacted_arrivals.py", "tests/write/test_redaction.py",
         "tests/write/test_retention.py",
         "tests/write/test_restriction.py", "tests/write/test_places_of_bytes.py"),
    ),
    "proof": (
        ("storage/proof/*.py", "storage/proof/external/*.py"),
        ("tests/proof/test_note.py", "tests/proof/test_tree.py", "tests/proof/test_log.py",
         "tests/proof", "tests/verify/test_attacks.py", "tests/verify/test_tampering.py"),
    ),
    "addresses": (
        ("worker/web/public.py", "worker/address.py", "storage/values/net/private_hosts.py"),
        ("worker/address.py", "worker/web/public.py", "tests/web/test_addresses.py"),
    ),
    "clocks": (
        ("storage/database/planned_times.py", "storage/history/clock_corrections.py",
         "storage/history/corrected_times.py", "storage/values/freshness.py",
         "storage/schedule/interval.py", "storage/schedule/check_times.py",
         "worker/services/schedule/source_slots.py", "worker/services/schedule/cron.py",
         "worker/services/schedule/steady_scheduler.py"),
        ("storage/schedule/interval.py", "storage/values/freshness.py", "tests/schedule",
         "tests/history/test_clocks.py", "tests/web/test_stated_times.py"),
    ),
}  # fmt: skip
"""The files that are changed, and the tests that are run for them: the nearest first."""
LIBRARIES = (
    "alembic.command", "apscheduler.schedulers.background", "celery", "cryptography.x509",
    "fastapi", "feedparser", "httpx", "hypothesis", "lxml.html", "psycopg", "redis", "sqlmodel",
    "trafilatura", "zstandard",
)  # fmt: skip
OPTIONS = (
    "-q", "-x", "-n0", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning",
)  # fmt: skip
LONGEST_SECONDS = 600.0


def sample(number: int, seed: int, groups: list[str]) -> list[tuple[str, str, Mutant]]:
    """Return mutants by chance in any order, the same number of each group."""
    chance = Random(seed)
    sampled = []
    for name in groups:
        files = sorted({path for each in GROUPS[name][0] for path in ROOT.glob(each)})
        found = [(path, each) for path in files for each in mutants(path.read_bytes())]
        for path, mutant in chance.sample(found, min(len(found), number // len(groups))):
            sampled.append((name, str(path.relative_to(ROOT)), mutant))
    return chance.sample(sampled, len(sampled))


def fate(copy: Path, group: str, file: str, mutant: Mutant) -> str:
    """Run the tests of a group on a mutant; return the first that failed, or an empty string."""
    path = copy / file
    original = path.read_bytes()
    path.write_bytes(mutant.apply(original))
    try:
        return failure(copy, GROUPS[group][1])
    finally:
        path.write_bytes(original)


def failure(copy: Path, tests: tuple[str, ...]) -> str:
    """Run tests until one fails, and return its name; a run that does not end counts as one."""
    with tempfile.TemporaryFile("w+") as told:
        child = os.fork()  # libraries are there already
        if not child:
            os.setsid()
            os.dup2(told.fileno(), 1)
            os.dup2(told.fileno(), 2)
            os.chdir(copy)
            os.environ["PYTHONPATH"] = sys.path[0] = str(copy)
            for name in [each for each in sys.modules if each.partition(".")[0] == "tests"]:
                del sys.modules[name]
            os._exit(pytest.main([*OPTIONS, *tests]))
        end = time.monotonic() + LONGEST_SECONDS
        while os.waitpid(child, os.WNOHANG) == (0, 0):
            if time.monotonic() > end:
                os.killpg(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return "no end"
            time.sleep(0.05)
        told.seek(0)
        lines = told.read().splitlines()
    failed = [each for each in lines if each.startswith(("FAILED", "ERROR"))]
    if not failed and not any(" passed" in each for each in lines[-3:]):
        failed = lines[-1:] or ["nothing was told"]
    return failed[0][:200] if failed else ""


def load_libraries() -> None:
    """Import the large libraries once for all runs; nothing of ours, which is changed."""
    for name in LIBRARIES:
        importlib.import_module(name)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.mutants", description=__doc__)
    parser.add_argument("--number", type=int, default=210, help="of mutants, over all groups")
    parser.add_argument("--seed", type=int, default=1, help="of the sample")
    parser.add_argument("--group", choices=sorted(GROUPS), action="append", help="default: each")
    parser.add_argument("--list", type=Path, help="add what came of each mutant to this file")
    parser.add_argument("--again", type=Path, help="try the survivors of such a file, no sample")
    given = parser.parse_args()
    tried = sample(given.number, given.seed, given.group or list(GROUPS))
    if given.again is not None:
        known = [json.loads(line) for line in given.again.read_text().splitlines()]
        tried = [
            (x["group"], x["file"], Mutant(**x["mutant"])) for x in known if not x["noticed_by"]
        ]
    survivors = 0
    load_libraries()
    with tempfile.TemporaryDirectory(prefix="lesart-mutants-") as folder:
        copy = Path(folder) / "copy"
        left_out = shutil.ignore_patterns(".git", ".venv", "*.egg-info", "__pycache__")
        shutil.copytree(ROOT, copy, ignore=left_out)
        for number, (group, file, mutant) in enumerate(tried, 1):
            began = time.monotonic()
            noticed_by = fate(copy, group, file, mutant)
            survivors += not noticed_by
            sys.stdout.write(
                f"{number} {'noticed' if noticed_by else 'SURVIVES'} {file}:{mutant.line} "
                f"{mutant.before!r} -> {mutant.after!r} {time.monotonic() - began:.0f} s\n"
            )
            sys.stdout.flush()
            if given.list is not None:
                row = {"group": group, "file": file, "mutant": asdict(mutant)}
                with given.list.open("a") as list_file:
                    list_file.write(json.dumps({**row, "noticed_by": noticed_by}) + "\n")
    sys.stdout.write(f"{len(tried)} mutants, {survivors} survive\n")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
