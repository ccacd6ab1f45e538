"""`python -m tests.tools.mutants --number 60 --seed 2`: do the tests notice a small change?

Each mutant is one changed expression or statement in a copy of this checkout. A process that has
collected the tests forks a child for each mutant, which changes the functions it has (`swap.py`)
and runs tests until one fails; what needs a new import runs in a new process. Programs that the
tests start see the changed file. `--record` (Python 3.12 or newer) notes which test executes which
lines: then these run, the quickest of each function first; otherwise those named for the group.
What came of each mutant is added to a list, and a run with the same list goes on with the others;
`--again` tries the survivors of a list once more.
`bench/results/mutants.md` says what became of them.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from random import Random

from tests.tools.mutants.mutate import Mutant, mutants
from tests.tools.mutants.selection import Recorded, record
from tests.tools.mutants.trials import Fate, Trials

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
         "tests/proof", "tests/verify/test_attacks.py", "tests/verify/test_tampering.py",
         "tests/cli/test_proof.py"),
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
RECORDED, NOTHING = ROOT / "build" / "mutants.json", '{"tests": [], "files": {}, "sources": {}}'


def changed(group: str) -> list[str]:
    """Return the files of a group."""
    return sorted({str(x.relative_to(ROOT)) for each in GROUPS[group][0] for x in ROOT.glob(each)})


def read(file: str) -> bytes:
    return (ROOT / file).read_bytes()


def sample(number: int, seed: int, groups: list[str]) -> list[tuple[str, str, Mutant]]:
    """Return mutants of each group by chance, in any order."""
    sampled = []
    for name in groups:
        found = [(name, file, each) for file in changed(name) for each in mutants(read(file))]
        sampled += Random(f"{seed} {name}").sample(found, min(len(found), number))
    return Random(seed).sample(sampled, len(sampled))


def known_survivors(path: Path) -> list[tuple[str, str, Mutant]]:
    """Return the survivors of a list where they are today; a changed line has none."""
    found = []
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        if row["noticed_by"]:
            continue
        was = Mutant(**row["mutant"])
        same = [
            each for each in mutants(read(row["file"]))
            if (each.before, each.after) == (was.before, was.after)
        ]  # fmt: skip
        if same:
            nearest = min(same, key=lambda each: abs(each.line - was.line))
            found.append((row["group"], row["file"], nearest))
        else:
            sys.stdout.write(f"gone: {row['file']}:{was.line} {was.before!r}\n")
    return found


def try_all(
    tried: list[tuple[str, str, Mutant]], fate: Callable[[str, str, Mutant], Fate], told: Path
) -> None:
    """Try mutants, and add a line on each to a file."""
    for number, (group, file, mutant) in enumerate(tried, 1):
        began = time.monotonic()
        noticed_by, tests = fate(group, file, mutant)
        row = {"group": group, "file": file, "mutant": asdict(mutant), "tests": tests}
        row |= {"seconds": round(time.monotonic() - began, 1), "noticed_by": noticed_by}
        with told.open("a", encoding="utf-8") as opened:
            opened.write(json.dumps(row) + "\n")
        sys.stderr.write(
            f"{number} of {len(tried)}: {row['seconds']} s, {tests} tests, {file}:{mutant.line} "
            f"{mutant.before!r} -> {mutant.after!r} {noticed_by or 'SURVIVES'}\n"
        )


def parse_words() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.mutants", description=__doc__)
    parser.add_argument("--number", type=int, default=60, help="of mutants of each group")
    parser.add_argument("--seed", type=int, default=1, help="of the sample")
    parser.add_argument("--group", choices=sorted(GROUPS), action="append", help="default: each")
    parser.add_argument(
        "--list", type=Path, default=ROOT / "build" / "mutants.jsonl",
        help="add what came of each mutant to this file, but those in it: %(default)s",
    )  # fmt: skip
    parser.add_argument("--again", type=Path, help="try the survivors of such a file, no sample")
    parser.add_argument("--test", action="append", default=[], help="run this test before others")
    parser.add_argument("--seconds", type=float, default=30, help="of processor time, per mutant")
    parser.add_argument("--recorded", type=Path, default=RECORDED, help="what tests execute")
    parser.add_argument("--record", nargs=argparse.REMAINDER, help="write that file: PYTEST WORDS")
    return parser.parse_args()


def main() -> int:
    given = parse_words()
    told = given.list.resolve()
    with tempfile.TemporaryDirectory(prefix="lesart-mutants-") as folder:
        copy = Path(folder).resolve() / "copy"
        left_out = shutil.ignore_patterns(".git", ".venv", "*.egg-info", "__pycache__", "build")
        shutil.copytree(ROOT, copy, ignore=left_out)
        if given.record is not None:
            given.recorded.parent.mkdir(exist_ok=True)
            files = sorted({file for group in GROUPS for file in changed(group)})
            given.recorded.write_text(json.dumps(record(copy, files, given.record)), "utf-8")
            return 0
        if given.again is not None:
            tried = known_survivors(given.again)
        else:
            rows = map(json.loads, told.read_text("utf-8").splitlines() if told.exists() else ())
            known = {(row["file"], Mutant(**row["mutant"])) for row in rows}
            sampled = sample(given.number, given.seed, given.group or list(GROUPS))
            tried = [each for each in sampled if each[1:] not in known]
        recorded = given.recorded.read_text("utf-8") if given.recorded.exists() else NOTHING
        named = {group: GROUPS[group][1] for group, _file, _mutant in tried}
        trials = Trials(copy, Recorded(**json.loads(recorded)), named, given.seconds)
        trials.run(lambda: try_all(tried, trials.fate, told), given.test)
    return 0


if __name__ == "__main__":
    sys.exit(main())
