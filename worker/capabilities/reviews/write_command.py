"""The command `lesart review`."""

from typing import TYPE_CHECKING

import typer

from storage.cli.app import app
from storage.cli.exits import say
from storage.cli.options import ArchiveOptions, OutputOptions, command
from storage.cli.output import write_rows
from storage.cli.report import reading
from storage.read.query.parameter import argument, flag, option
from storage.values.lazy import LazyModule
from worker.cli.opened import opened_archive

if TYPE_CHECKING:
    from storage.capabilities.reviews import store
else:
    store = LazyModule("storage.capabilities.reviews.store")


@command(app, "review", example="lesart review 35xhehswnwa6vc12@2 --label important")
def review(
    *,
    change: str = argument("CHANGE", "Change by the version that it created, such as ARTICLE@2."),
    label: str | None = option(
        "--label", "L", "Label, such as important, unimportant, or a word of your own."
    ),
    note: str | None = option("--note", "TEXT", "Note to record with the label (default: none)."),
    reviewer: str | None = option(
        "--reviewer", "NAME", "Token with the scope review (default: the only one)."
    ),
    withdraw: bool = flag("--withdraw", "Withdraw the label, or all of yours without --label."),
    place: ArchiveOptions,
    output: OutputOptions,
) -> None:
    """Add a label to a change, or withdraw one."""
    if withdraw and note is not None:
        raise typer.BadParameter("use either --note or --withdraw", param_hint="--withdraw")
    if label is None and not withdraw:
        reason = "which label? important, unimportant, or a word of your own"
        raise typer.BadParameter(reason, param_hint="--label")
    with reading(place, is_current=True) as (settings, archive):
        found = archive.version(change)
    with opened_archive(settings) as archive:
        name = archive.read(store.require_reviewer, reviewer)
        named = archive.read(store.find_change, found.article, found.version)
        if withdraw:
            gone = archive.transact(store.withdraw_reviews, named, label, name)
            say(f"withdrew {len(gone)} of the labels of {name}")
            return
        assert label is not None
        number = archive.transact(store.add_review, named, label, note, name)
    row = {
        "id": number, "article": found.article, "version": found.version, "label": label,
        "note": note, "reviewer": name,
    }  # fmt: skip
    write_rows([row], output.target())
