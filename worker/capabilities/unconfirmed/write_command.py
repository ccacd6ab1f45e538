"""The commands `lesart confirm` and `lesart dismiss`."""

from typing import TYPE_CHECKING

from storage.cli.app import app
from storage.cli.exits import say
from storage.cli.options import ArchiveOptions, OutputOptions, command
from storage.cli.output import write_rows
from storage.cli.report import reading
from storage.read.query.parameter import argument, flag, option
from storage.values.lazy import LazyModule
from worker.cli.opened import opened_archive
from worker.cli.redact_command import current_user

if TYPE_CHECKING:
    from storage.capabilities.unconfirmed import store
else:
    store = LazyModule("storage.capabilities.unconfirmed.store")

_WORDING = "Wording of the reading, such as w1:5f3a9c (default: the newest open one)."
_BY = "Person to record (default: the current user)."
_UNDO = "Undo the decision: later checks decide again."


@command(app, "confirm", example="lesart confirm https://zeitung.example/damm")
def confirm(
    *,
    name: str = argument("ARTICLE", "Article by id or address."),
    wording: str | None = option("--wording", "W", _WORDING),
    by: str | None = option("--by", "NAME", _BY),
    undo: bool = flag("--undo", _UNDO),
    place: ArchiveOptions,
    output: OutputOptions,
) -> None:
    """Confirm an unconfirmed reading of an article."""
    _decide("confirmed", name, wording, by or current_user(), place, output, undo=undo)


@command(app, "dismiss", example="lesart dismiss https://zeitung.example/damm --by redaktion")
def dismiss(
    *,
    name: str = argument("ARTICLE", "Article by id or address."),
    wording: str | None = option("--wording", "W", _WORDING),
    by: str | None = option("--by", "NAME", _BY),
    undo: bool = flag("--undo", _UNDO),
    place: ArchiveOptions,
    output: OutputOptions,
) -> None:
    """Dismiss an unconfirmed reading of an article."""
    _decide("dismissed", name, wording, by or current_user(), place, output, undo=undo)


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
    with reading(place, is_current=True) as (settings, archive):
        number = archive.article_row_id(name)
    with opened_archive(settings) as archive:
        held = archive.read(store.find_reading, number, wording, is_open=not undo)
        if undo:
            undone = archive.transact(store.undo_decision, held, actor)
            say(f"undid {len(undone)} decisions")
            return
        settled = archive.transact(store.settle, held, decision, actor)
    write_rows([{"id": settled, "decision": decision, "decided_by": actor}], output.target())
