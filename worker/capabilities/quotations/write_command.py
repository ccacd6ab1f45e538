"""The command `lesart redact-person`."""

from typing import TYPE_CHECKING

import typer

from storage.cli.app import app
from storage.cli.exits import say
from storage.cli.options import ArchiveOptions, command
from storage.read.query.parameter import argument, flag, option
from storage.values.lazy import LazyModule
from storage.values.redaction import RedactionReason
from worker.cli.opened import opened_archive
from worker.cli.redact_command import current_user

if TYPE_CHECKING:
    from storage.capabilities.quotations import store
else:
    store = LazyModule("storage.capabilities.quotations.store")

WORDINGS_AT_ONCE = 100


@command(app, "redact-person", example='lesart redact-person "Ada Kern" --reason gdpr_objection')
def redact_person(
    *,
    name: str = argument("NAME", "Full name, or the words of the text for a speaker."),
    reason: RedactionReason | None = option(
        "--reason", "R", "Reason to record, such as court_order (required without --undo)."
    ),
    actor: str | None = option("--by", "NAME", "Person to record (default: the current user)."),
    undo: bool = flag("--undo", "List the name again; both orders stay on record."),
    place: ArchiveOptions,
) -> None:
    """Remove a name from all lists of quotations, or list it again.

    The quotations of this name disappear from quotes, statements and persons, also those of later
    texts. The texts stay: `lesart redact` removes them.
    """
    if (reason is None) is not undo:
        raise typer.BadParameter("state either --reason or --undo", param_hint="--reason")
    by = actor or current_user()
    with opened_archive(place.settings()) as archive:
        if reason is not None:
            number = archive.transact(store.redact_person, name, reason, by)
            say(f"{number} quotations of this name are left out of all lists")
            return
        archive.transact(store.lift_redaction, name, by)
        emptied = archive.read(store.load_emptied)
        for start in range(0, len(emptied), WORDINGS_AT_ONCE):
            archive.transact(store.read_emptied, emptied[start : start + WORDINGS_AT_ONCE])
        say("the name is listed again")
