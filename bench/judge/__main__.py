"""Judge the product on all real sets with gold, and print one table.

    python -m bench.judge [--data FOLDER] [--only TOPIC …] [--looked-at]

Every set is parted by host, publisher or document into four folds, by digest. The table is of the
folds that no rule was made on and no weight fitted to; `--looked-at` prints the others apart.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from bench.judge import days, english_quotations, more_pages, pages, reported_speech, texts
from bench.judge.table import FOLDS, Topic, table_of

REPOSITORY = Path(__file__).resolve().parents[2]
TOPICS = (
    Topic("pages", pages.judge, frozenset({0, 1})),
    Topic("more pages", more_pages.judge, frozenset({0, 1})),
    Topic("days", days.judge, frozenset({0, 1})),
    Topic("texts", texts.judge, frozenset({0, 1})),
    Topic("english quotations", english_quotations.judge, frozenset({0, 1})),
    Topic("reported speech", reported_speech.judge, reported_speech.LOOKED_AT),
)
READERS = ("lesart", "reference")


def main() -> None:
    """Print the tables."""
    options = _options()
    folder = options.data / "data"
    if not folder.is_dir():
        sys.exit(f"no real data in {folder}: name the folder with --data or LESART_REAL_DATA")
    print(f"rules: {_commit()}; {pages.rules()}; {texts.rules()}")
    for topic in TOPICS:
        if options.only and topic.name not in options.only:
            continue
        unused = frozenset(range(FOLDS)) - topic.looked_at
        folds = topic.looked_at if options.looked_at else unused
        named = "looked at" if options.looked_at else "unused"
        print(f"\n{topic.name}: folds {', '.join(map(str, sorted(folds)))} ({named})")
        for line in table_of(topic.judge(folder, folds), READERS):
            print(line)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    default = os.environ.get("LESART_REAL_DATA", REPOSITORY.parent / "shared")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--only", nargs="*", choices=[topic.name for topic in TOPICS])
    parser.add_argument("--looked-at", action="store_true")
    return parser.parse_args()


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--abbrev=10"]
    return subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, check=False
    ).stdout.strip()


if __name__ == "__main__":
    main()
