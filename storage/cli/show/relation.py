"""A relation as a person reads it: what the two articles share, what differs, who had it first."""

import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime

from storage.cli.table import cell, styled
from storage.read.answers import ExplainedRelation
from storage.read.render.visible import visible

TEXT_COLUMNS = 100
_LONGEST = 400
"""Letters of a passage that are shown; JSON has all of it."""
_VERBS = {
    "exact_copy": "reads the same as",
    "near_copy": "is nearly the same as",
    "contains": "holds",
    "follow_up": "follows",
}


def relation_text(
    relation: ExplainedRelation, *, colour: bool, columns: int | None
) -> Iterator[str]:
    """Yield the lines of one relation; lines are folded at `columns`, or not at all."""
    why = relation.explanation
    wide = None if columns is None else min(columns, TEXT_COLUMNS)
    undone = f" · undone {_time_cell(relation.undone_at)}" if relation.undone_at else ""
    head = f"{relation.id}  {relation.a} {_VERBS[relation.kind]} {relation.b}{undone}"
    yield styled(head, "strong", colour=colour)
    yield from _fold_text(why.sentence, wide, "  ")
    agency = f" · {relation.agency}" if relation.agency else ""
    how = f"{relation.score:.2f} (at least {relation.threshold:.2f}) by {relation.method}"
    yield f"  {relation.kind} {how}{agency}"
    yield f"  a  {why.a_revision}: {_snapshot(why.a_seen, why.a_published, why.a_published_from)}"
    yield f"  b  {why.b_revision}: {_snapshot(why.b_seen, why.b_published, why.b_published_from)}"
    yield f"  first seen by us: {relation.earlier}"
    yield from _list_texts("a names", why.refers_to, wide)
    yield from _list_texts("in both", why.passages, wide)
    yield from _list_texts("instead", [f"a: {d.a} | b: {d.b}" for d in why.differing], wide)
    yield from _list_texts("in a alone", why.only_a, wide)
    yield from _list_texts("in b alone", why.only_b, wide)
    yield ""


def _snapshot(seen: datetime | None, published: str | None, since: datetime | None) -> str:
    """Return when a wording was seen and the date that it claims, both in the same zone."""
    claimed = _time_cell(since) if published and since and "T" in published else published
    claim = f", claims {visible(claimed)}" if claimed else ""
    return f"seen {_time_cell(seen)}{claim}"


def _time_cell(moment: datetime | None) -> str:
    return "never" if moment is None else cell(moment.isoformat())


def _list_texts(name: str, texts: Sequence[str], wide: int | None) -> Iterator[str]:
    for text in texts:
        line = " ".join(visible(text).split())
        short = line if len(line) <= _LONGEST else f"{line[:_LONGEST].rpartition(' ')[0]} …"
        yield from _fold_text(short, wide, f"  {name}: ")


def _fold_text(text: str, wide: int | None, before: str) -> Iterator[str]:
    if wide is None:
        yield before + text
        return
    yield from textwrap.wrap(
        text, wide, initial_indent=before, subsequent_indent="    ", break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
