"""Print what each rule of reading pages brings, on publishers for which it was not made.

    python -m bench.pages_ablation [--data FOLDER] [--half test|dev]

Each row switches one rule off and reads all pages of the half again; the figures are what is lost
by that, in points (hundredths). A rule that brings nothing here may still bring something
elsewhere; one that costs something here is suspicious.
"""

import argparse
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.pages_quality import REPOSITORY, SETS, Score, body_of, data_folder, judge_page, rows_of
from worker.text.annotate import bylines as page_people
from worker.text.page import read_page as page
from worker.text.page.body import roles as page_roles
from worker.text.page.fields import choose as page_fields
from worker.text.page.fields import dates as page_dates
from worker.text.page.fields import titles as page_titles
from worker.text.page.fields import visible as page_visible
from worker.text.page.fields.json_ld import Linked
from worker.text.page.layout import blocks as page_blocks

NEVER = re.compile(r"(?!)")
COLUMNS = ("title", "authors", "day", "body")


def nothing(*_: Any) -> None:
    """Do nothing."""


def first(value: Any, *_: Any) -> Any:
    """Return the first argument as it came."""
    return value


RULES: tuple[tuple[str, Any, str, Any], ...] = (
    ("body: what stands outside the frame", page_roles, "_set_outside_aside", nothing),
    ("body: the frame where the extractor took less", page, "better_opinion", nothing),
    ("body: boxes by their class", page_roles, "_set_beside_aside", nothing),
    ("body: links, calls and their headings", page_roles, "name_promotion", nothing),
    ("body: bylines and dates above the text", page_roles, "_set_head_matter_aside", nothing),
    ("body: credits below the text", page_roles, "_set_credits_aside", nothing),
    ("body: lines of pictures, embeds and dates", page_roles, "is_aside_line", lambda _: False),
    ("body: the lead above the text", page, "with_lead", first),
    ("body: repeated paragraphs", page, "with_repeats", first),
    ("body: menus are taken out before", page_blocks.Layout, "prune", nothing),
    ("title: names of the site", page_titles, "strip_site", first),
    ("title: kicker inside the h1", page_visible, "split_kicker",
     lambda heading: (page_blocks.squeezed_text(heading), "")),
    ("title: kicker before a JSON-LD headline", page_titles, "_without_kicker", first),
    ("title: spelling of the h1", page_titles, "_best_spelling", lambda spellings: spellings[0]),
    ("authors: bylines that the page shows", page_visible, "_collect_bylines", nothing),
    ("authors: no uploader whom nobody can read", page, "_unseen_accounts", lambda _: frozenset()),
    ("authors: who drew, and where from", page_people, "BYLINE_END", NEVER),
    ("authors: towns behind names", page_people, "_without_towns", first),
    ("authors: houses beside persons", page_fields, "_beside_persons",
     lambda people, _: replace(people, houses=())),
    ("authors: the name below the text", page_visible, "_last_line", lambda _: []),
    ("dates: lines that the page shows", page_visible, "_collect_day_lines", nothing),
    ("dates: seen and confirmed against JSON-LD", page_dates, "_agreed", lambda read: read[0]),
    ("all: JSON-LD", page, "read_linked", lambda _: Linked((), broken=False)),
    ("all: microdata", page_visible, "_collect_microdata", nothing),
    ("all: meta tags and links of the head", page, "collect_head", nothing),
)  # fmt: skip


def main() -> None:
    """Measure with all rules, then without each."""
    options = _options()
    folder = data_folder(options.data)
    pages = {name: [r for r in rows_of(folder, name) if r["half"] == options.half] for name in SETS}
    sizes = ", ".join(f"{len(rows)} of {name}" for name, rows in pages.items())
    print(f"publishers of the half {options.half!r}: {sizes}")
    print(f"{'':50}" + "".join(f"{name[5:16]:>32}" for name in SETS))
    print(f"{'':50}" + "".join(f"{column:>8}" for column in COLUMNS * len(SETS)))
    whole = _measured(pages)
    print(f"{'with all rules':50}" + "".join(f"{100 * value:8.1f}" for value in whole))
    for name, module, attribute, other in RULES:
        with _switched(module, attribute, other):
            without = _measured(pages)
        lost = [100 * (value - less) for value, less in zip(whole, without, strict=True)]
        print(
            f"{name:50}" + "".join(f"{-points:8.1f}" if points else f"{'·':>8}" for points in lost)
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = os.environ.get("LESART_REAL_DATA", REPOSITORY.parent / "shared")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--half", choices=("dev", "test"), default="test")
    return parser.parse_args()


def _measured(pages: dict[str, list[dict[str, Any]]]) -> list[float]:
    values = []
    for rows in pages.values():
        score = Score()
        for row in rows:
            judge_page(row, {"lesart": score})
        means = [score.sums[c] / max(1, score.counts[c]) for c in COLUMNS[:-1]]
        values += [*means, body_of(score)]
    return values


@contextmanager
def _switched(
    module: Any, attribute: str, other: Callable[..., Any] | re.Pattern[str]
) -> Iterator[None]:
    own = getattr(module, attribute)
    setattr(module, attribute, other)
    try:
        yield
    finally:
        setattr(module, attribute, own)


if __name__ == "__main__":
    main()
