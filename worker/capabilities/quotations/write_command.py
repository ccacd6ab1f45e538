"""The commands `lesart redact-person` and `lesart part-persons`."""

from typing import TYPE_CHECKING

import typer

from storage.cli.app import app
from storage.cli.exits import say
from storage.cli.options import ArchiveOptions, OutputOptions, command
from storage.cli.report import reading, report_list
from storage.read.query.parameter import argument, flag, option
from storage.values.errors import NoSuchError
from storage.values.lazy import LazyModule
from storage.values.messages import message_text, quantity
from storage.values.redaction import RedactionReason
from worker.cli.opened import opened_archive
from worker.cli.redact_command import confirm, current_user

if TYPE_CHECKING:
    from storage.capabilities.quotations import answers, store
    from storage.write.archive import Archive
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
    dry_run: bool = flag("--dry-run", "List the speakers concerned without changing anything."),
    yes: bool = flag("--yes", "Do not ask, and store the order for a name without quotations."),
    place: ArchiveOptions,
    output: OutputOptions,
) -> None:
    """Remove a name from all lists of quotations, or list it again.

    The quotations of this name disappear from quotes, statements and persons, also those of later
    texts, and `show` and exports do not name the speaker. It is recognised after titles, in the
    genitive, and among several speakers. The texts stay: `lesart redact` removes them.
    """
    if (undo and (reason is not None or dry_run)) or not (undo or reason or dry_run):
        raise typer.BadParameter("state either --reason or --undo", param_hint="--reason")
    by = actor or current_user()
    with opened_archive(place.settings()) as archive:
        if undo:
            _list_again(archive, name, by)
            return
        plan = archive.read(store.plan_redaction, name)
        concerned = any(each["effect"] != "stays" for each in plan)
        if not yes:
            archive.read(store.require_person, name, has_rows=concerned)
        if dry_run or reason is None:
            report_list(plan, output.target(), empty="no quotations of this name")
            return
        if not yes:
            lines = [f"{each['effect']}: {each['speaker']} ({each['quotations']})" for each in plan]
            confirm("Leave this name out of all lists?", {"speakers": lines} if plan else {})
        number = store.redact_person(archive, store.person_digest(name), reason, by)
        say(quantity(
            "{n} quotation of this name is left out of all lists|"
            "{n} quotations of this name are left out of all lists", number,
        ))  # fmt: skip


def _list_again(archive: "Archive", name: str, by: str) -> None:
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
