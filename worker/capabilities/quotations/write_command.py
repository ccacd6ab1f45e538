"""The commands `lesart redact-person` and `lesart part-persons`."""

from typing import TYPE_CHECKING

import typer

from storage.cli.app import app
from storage.cli.exits import say
from storage.cli.options import ArchiveOptions, command
from storage.cli.report import reading
from storage.read.query.parameter import argument, flag, option
from storage.values.errors import NoSuchError
from storage.values.lazy import LazyModule
from storage.values.messages import message_text
from storage.values.redaction import RedactionReason
from worker.cli.opened import opened_archive
from worker.cli.redact_command import current_user

if TYPE_CHECKING:
    from storage.capabilities.quotations import answers, store
else:
    answers = LazyModule("storage.capabilities.quotations.answers")
    store = LazyModule("storage.capabilities.quotations.store")


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
            number = store.redact_person(archive, store.person_digest(name), reason, by)
            say(f"{number} quotations of this name are left out of all lists")
            return
        if not store.lift_redaction(archive, store.person_digest(name), by):
            hint = message_text("where_person_redactions")
            raise NoSuchError(message_text("person_redaction"), name[:100], hint)
        say("the name is listed again")


@command(app, "part-persons", example='lesart part-persons "Ada Kern" ARTICLE ANOTHER')
def part_persons(
    *,
    name: str = argument("NAME", "Full name."),
    article: str = argument("ARTICLE", "Article in which the name means one person."),
    another: str = argument("ANOTHER", "Article in which the name means another person."),
    actor: str | None = option("--by", "NAME", "Person to record (default: the current user)."),
    place: ArchiveOptions,
) -> None:
    """Undo the joining of two articles to one person, permanently.

    They are never joined to one person, whatever their texts say; `lesart identities` lists them.
    """
    with reading(place, is_current=True) as (settings, archive):
        found = {
            each.article: each.version for each in answers.IdentitiesQuery(name=name).all(archive)
        }
        for each in (article, another):
            if each not in found:
                hint = message_text("where_appearances")
                raise NoSuchError(message_text("appearance"), each[:100], hint)
    pair = (article, found[article]), (another, found[another])
    with opened_archive(settings) as archive:
        archive.transact(store.part_persons, name, *pair, actor or current_user())
    say("the two articles mean two persons of this name")
