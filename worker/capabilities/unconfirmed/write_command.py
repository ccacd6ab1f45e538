"""The commands `lesart confirm` and `lesart dismiss`."""

from typing import TYPE_CHECKING

import typer

from storage.cli.app import app
from storage.cli.exits import say
from storage.cli.options import ArchiveOptions, OutputOptions, command
from storage.cli.output import write_rows
from storage.cli.report import reading
from storage.read.query.parameter import argument, flag, option
from storage.values.errors import NoSuchError
from storage.values.lazy import LazyModule
from storage.values.messages import quantity
from worker.cli.opened import opened_archive
from worker.cli.redact_command import current_user
from worker.cli.summaries import report_summaries

if TYPE_CHECKING:
    from storage.capabilities.unconfirmed import store
    from storage.record import presences
    from worker.cli import control
else:
    presences = LazyModule("storage.record.presences")
    store = LazyModule("storage.capabilities.unconfirmed.store")
    control = LazyModule("worker.cli.control")

_NAME = "Article by id or address, or name of a source."
_WORDING = "Wording of the reading, such as w1:5f3a9c (default: the newest open one)."
_BY = "Person to record for a decision about a reading (default: the current user)."
_UNDO = "Undo the decision: later checks decide again."


@command(app, "confirm", example="lesart confirm https://zeitung.example/damm")
def confirm(
    *,
    name: str = argument("ARTICLE|SOURCE", _NAME),
    wording: str | None = option("--wording", "W", _WORDING),
    by: str | None = option("--by", "NAME", _BY),
    undo: bool = flag("--undo", _UNDO),
    place: ArchiveOptions,
    output: OutputOptions,
) -> None:
    """Confirm an unconfirmed reading, or missing files.

    A folder is scanned now, and its missing files count as gone, however many they are. Of another
    source, the newest open reading of each article is confirmed.
    """
    if wording is None and by is None and not undo and _confirm_source(name, place, output):
        return
    _decide("confirmed", name, wording, by or current_user(), place, output, undo=undo)


@command(app, "dismiss", example="lesart dismiss https://zeitung.example/damm --by redaktion")
def dismiss(
    *,
    name: str = argument("ARTICLE|SOURCE", _NAME),
    wording: str | None = option("--wording", "W", _WORDING),
    by: str | None = option("--by", "NAME", _BY),
    undo: bool = flag("--undo", _UNDO),
    place: ArchiveOptions,
    output: OutputOptions,
) -> None:
    """Dismiss an unconfirmed reading of an article.

    Of a source, all open readings are dismissed.
    """
    _decide("dismissed", name, wording, by or current_user(), place, output, undo=undo)


def _confirm_source(name: str, place: ArchiveOptions, output: OutputOptions) -> bool:
    """Scan a source of files whose missing files were deleted; return whether there is one."""
    settings = place.settings()
    with opened_archive(settings) as archive:
        found = [e for e in archive.sources() if e.name == name and e.kind == "folder"]
        if not found:
            return False
        summaries = control.run_source(archive, settings, found[0], is_confirmed=True)
    report_summaries(summaries, place, output)
    return True


def _decide_source(
    decision: str, name: str, actor: str, place: ArchiveOptions, output: OutputOptions
) -> bool:
    """Decide about the open readings of a source, each for itself; return whether there is one."""
    rows = []
    with opened_archive(place.settings()) as archive:
        found = next((each for each in archive.sources() if each.name == name), None)
        if found is None:
            return False
        is_newest = decision == "confirmed"
        if is_newest and found.id in archive.read(presences.missing_files):
            raise typer.BadParameter(
                f"files of {name} are missing: `lesart confirm {name}` without --by scans it and "
                "records them as gone; --by names who decides about readings"
            )
        for article, each in archive.read(store.list_open, found.id, newest_alone=is_newest):
            held = archive.read(store.find_reading, article, each)
            settled = archive.transact(store.settle, held, decision, actor)
            rows.append({"id": settled, "decision": decision, "decided_by": actor})
    say(quantity(
        "{n} reading of the source {name} is {decision}|"
        "{n} readings of the source {name} are {decision}",
        len(rows), name=name, decision=decision,
    ))  # fmt: skip
    write_rows(rows, output.target())
    return True


def _decide(
    decision: str,
    name: str,
    wording: str | None,
    actor: str,
    place: ArchiveOptions,
    output: OutputOptions,
    *,
    undo: bool,
) -> None:
    try:
        with reading(place, is_current=True) as (settings, archive):
            number = archive.article_row_id(name)
    except NoSuchError:
        if not undo and wording is None and _decide_source(decision, name, actor, place, output):
            return
        raise
    with opened_archive(settings) as archive:
        held = archive.read(store.find_reading, number, wording, is_open=not undo)
        if undo:
            undone = archive.transact(store.undo_decision, held, actor)
            say(quantity("undid {n} decision|undid {n} decisions", len(undone)))
            return
        settled = archive.transact(store.settle, held, decision, actor)
    write_rows([{"id": settled, "decision": decision, "decided_by": actor}], output.target())
