"""Print what each rule of reading pages brings, by folds.

    python -m bench.judge.pages_ablation [--data FOLDER] [--folds 2 3] [--rule WORDS]

Each row switches one rule off and reads all pages of the folds again, or only chooses their fields
again where the rule only chooses; the figures are what is lost by that, in points (hundredths). A
rule that brings nothing on any fold is to be taken away.
"""

import argparse
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.judge.pages import READERS, SETS, Reading, judge_page, rows_of
from storage.values.draft import Field, PartialDate
from worker.text.annotate import bylines as page_people
from worker.text.page import parsed_page
from worker.text.page import read_page as page
from worker.text.page.body import roles as page_roles
from worker.text.page.fields import authors as page_authors
from worker.text.page.fields import byline_places as page_bylines
from worker.text.page.fields import clues as page_clues
from worker.text.page.fields import titles as page_titles
from worker.text.page.fields import visible as page_visible
from worker.text.page.fields import visible_dates as page_dates
from worker.text.page.fields.choose import choose_fields
from worker.text.page.fields.json_ld import JsonLd
from worker.text.page.layout import blocks as page_blocks
from worker.text.page.scoring import Model

REPOSITORY = Path(__file__).resolve().parents[2]
CHOICES = (page_titles, page_authors)
"""The modules whose rules only choose among what was offered: pages need not be read again."""
Row = tuple[str, dict[str, Any]]
Read = tuple[str, dict[str, Any], Reading, Any]
"""Name of the set, gold, what was read, and the question that the choice of fields was asked."""
EVEN = Model({}, 1.0, 0.5)
"""Takes every name that is offered."""
NEVER = re.compile(r"(?!)")
FIELDS = {
    "body": ("body", "body (segments)"),
    "headline": ("headline",),
    "authors": ("authors", "authors, given", "one author right", "silence"),
    "day": ("day", "day, given"),
}
"""The judgements that make a column: their mean."""


def nothing(*_: Any) -> None:
    """Do nothing."""


def first(value: Any, *_: Any) -> Any:
    """Return the first argument as it came."""
    return value


RULES: tuple[tuple[str, Any, str, Any], ...] = (
    ("body: what stands outside the frame", page_roles, "_mark_outside_container", nothing),
    ("body: the frame where the extractor took less", page, "choose_body", first),
    ("body: boxes by their class", page_roles, "_mark_side_blocks", nothing),
    ("body: links, calls and their headings", page_roles, "mark_promotion", nothing),
    ("body: bylines and dates above the text", page_roles, "_mark_head_matter", nothing),
    ("body: credits below the text", page_roles, "_mark_credits", nothing),
    ("body: lines of pictures, embeds and dates", page_roles, "is_aside_line", lambda _: False),
    ("body: the lead above the text", page, "add_lead", first),
    ("body: repeated paragraphs", page, "restore_repeats", first),
    ("body: headings that the extractor dropped", page, "restore_headings", first),
    ("body: what the extractor left out", page, "restore_dropped_blocks", first),
    ("body: menus are taken out before", page_blocks.Layout, "prune", nothing),
    ("title: names of the site", page_titles, "strip_site", first),
    ("title: kicker inside the h1", page_visible, "split_kicker",
     lambda heading: (page_blocks.single_line_text(heading), "")),
    ("title: kicker before a JSON-LD headline", page_titles, "_without_kicker", first),
    ("title: the h1 that words it otherwise", page_titles, "_visible_headline", nothing),
    ("title: labels before the h1", page_titles, "_without_label", first),
    ("title: which of several h1", page_titles, "_h1_rank", lambda *_: 0),
    ("title: spelling of the h1", page_titles, "_best_spelling", lambda spellings: spellings[0]),
    ("authors: bylines that the page shows", page_visible, "collect_bylines", nothing),
    ("authors: no uploader whom nobody can read", page_clues, "_invisible_accounts",
     lambda *_: frozenset()),
    ("authors: lines around the headline", page_bylines, "_collect_lines", nothing),
    ("authors: the site, on its blog", page_clues, "BLOG", NEVER),
    ("authors: who drew, and where from", page_people, "BYLINE_END", NEVER),
    ("authors: locations after names", page_people, "_remove_locations", first),
    ("authors: weighed, not ranked", page_authors, "load_model", lambda _: EVEN),
    ("authors: dates, times and counts cut out", page_people, "DATE_STAMP", NEVER),
    ("authors: who reviewed or edited", page_people, "NON_AUTHOR_PART", NEVER),
    ("authors: letters behind names", page_people, "CREDENTIAL", NEVER),
    ("authors: links to the page on an author", page_bylines, "AUTHOR_ADDRESS", NEVER),
    ("authors: the name below the text", page_bylines, "_last_line", lambda _: []),
    ("authors, dates: the headline by the title tag", page_blocks, "_TITLE_SHARE", 0),
    ("dates: lines that the page shows", page_dates, "_collect_lines", nothing),
    ("title: names of the site, learned from the title tag", page_titles, "_find_site_suffixes",
     lambda _: []),
    ("all: JSON-LD", parsed_page, "read_json_ld", lambda _: JsonLd((), broken=False)),
    ("all: microdata", page_visible, "_collect_microdata", nothing),
    ("all: meta tags and links of the head", parsed_page, "collect_head", nothing),
)  # fmt: skip


def main() -> None:
    """Measure with all rules, then without each."""
    options = _options()
    rows = [
        (name, row)
        for name in SETS
        for row in rows_of(options.data / "data", name)
        if row["fold"] in options.folds
    ]
    read = _read(rows)
    whole = _measured(read)
    columns = list(whole)
    print(f"{len(rows)} pages of the folds {options.folds}")
    print(f"{'':50}" + "".join(f"{part[:8]:>9}" for part, _ in columns))
    print(f"{'':50}" + "".join(f"{field:>9}" for _, field in columns))
    print(f"{'with all rules':50}" + "".join(f"{100 * whole[c]:9.1f}" for c in columns))
    for name, module, attribute, other in RULES:
        if options.rule not in name:
            continue
        with _switched(module, attribute, other):
            without = _measured(_chosen_again(read) if module in CHOICES else _read(rows))
        gains = [100 * (without[column] - whole[column]) for column in columns]
        print(f"{name:50}" + "".join(f"{g:9.1f}" if g else f"{'·':>9}" for g in gains))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    default = os.environ.get("LESART_REAL_DATA", REPOSITORY.parent / "shared")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--folds", type=int, nargs="+", default=[2, 3])
    parser.add_argument("--rule", default="")
    return parser.parse_args()


def _read(rows: Sequence[Row]) -> list[Read]:
    """Read all pages, and keep what the choice of their fields was asked for last."""
    found: list[Read] = []
    asked: list[Any] = []

    def recording(*question: Any) -> Any:
        asked.append(question)
        return choose_fields(*question)

    with _switched(parsed_page, "choose_fields", recording):
        for name, row in rows:
            asked.clear()
            reading = READERS["lesart"](row["raw"], row)
            found.append((name, row, reading, asked[-1] if asked else None))
    return found


def _chosen_again(read: Sequence[Read]) -> list[Read]:
    """Choose the fields of all pages again, without reading them again."""
    return [
        (
            name,
            row,
            _with_fields(reading, choose_fields(*asked).fields) if asked else reading,
            asked,
        )
        for name, row, reading, asked in read
    ]


def _with_fields(reading: Reading, fields: Mapping[str, Field]) -> Reading:
    title, authors, date = (
        field.value if (field := fields.get(name)) else None
        for name in ("title", "authors", "published")
    )
    published = PartialDate(**date) if isinstance(date, dict) else None
    names = tuple(authors) if isinstance(authors, list) else ()
    return replace(reading, title=str(title or ""), authors=names, date=published)


def _measured(read: Sequence[Read]) -> dict[tuple[str, str], float]:
    sums: defaultdict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    columns = {judged: column for column, names in FIELDS.items() for judged in names}
    for name, row, reading, _ in read:
        for each in judge_page(name, row, "lesart", reading):
            if each.field in columns:
                total = sums[each.part, columns[each.field]]
                total[0] += each.value * each.weight
                total[1] += each.weight
    return {key: total / weight for key, (total, weight) in sums.items()}


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
