"""The command `lesart redact`: takes texts and bytes away and keeps the proof."""

import getpass
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from storage.cli.exits import NO, say
from storage.cli.options import ArchiveOptions, OutputOptions, command
from storage.cli.output import write_rows
from storage.cli.progress import ProgressLine
from storage.settings import Settings
from storage.values.redaction import RedactionReason

if TYPE_CHECKING:
    from storage.record.reading import Captured, Reading
    from storage.values.draft import Draft
    from storage.write.archive import Archive
    from storage.write.redaction.plan import RedactionTarget

MOST_LISTED_BYTES = 256 * 1024 * 1024
"""So large a list of redactions is at most."""
_WHY = ", ".join(RedactionReason)


def mount(app: typer.Typer) -> None:
    """Add the command to the command line."""
    command(app, "redact", example=_EXAMPLE)(redact)


_EXAMPLE = "lesart redact 35xhehswnwa6vc12@2 --reason court_order --dry-run"


def redact(
    *,
    targets: Annotated[
        list[str] | None,
        typer.Argument(metavar="ARTICLE|REV|URL…", help="What is to go: articles, or versions."),
    ] = None,
    place: ArchiveOptions,
    shown: OutputOptions,
    reason: Annotated[
        RedactionReason | None, typer.Option("--reason", metavar="R", help=f"{_WHY}.")
    ] = None,
    passage: Annotated[
        str | None,
        typer.Option("--passage", metavar="TEXT", help="Only these words, wherever they stand."),
    ] = None,
    with_copies: Annotated[
        bool,
        typer.Option("--with-copies", help="Also where the same text stands in other articles."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would go, and change nothing.")
    ] = False,
    by: Annotated[
        str | None, typer.Option("--by", metavar="NAME", help="Who orders it; else the user.")
    ] = None,
    scrub: Annotated[
        bool,
        typer.Option("--scrub/--no-scrub", help="Rewrite the database so that no bytes stay."),
    ] = True,
    finish: Annotated[
        bool,
        typer.Option("--finish", help="Go on with what was ended early, and rewrite."),
    ] = False,
    listed: Annotated[
        bool, typer.Option("--list", help="List what was redacted: when, why, by whom.")
    ] = False,
) -> None:
    """Take articles or versions out of the archive, and keep what proves that they were there.

    Texts, titles, captured bytes, their digests and all that was worked out from them go; when
    and where they were seen stays, and every other proof holds. It cannot be undone.
    """
    from storage.write.archive import Archive  # noqa: PLC0415  # SQLAlchemy is slow to load

    settings = place.settings()
    _check_use(targets, reason, passage, is_other=finish or listed, is_dry=dry_run)
    with Archive.open(settings.database_url, create=False) as archive:
        if listed:
            write_rows(acts_of(archive), shown.target())
        elif finish:
            _finish(archive)
        else:
            _redact(
                archive, settings, shown, targets or [],
                reason, by=by, passage=passage, with_copies=with_copies, dry_run=dry_run,
                scrub=scrub,
            )  # fmt: skip


def _check_use(
    targets: Sequence[str] | None,
    reason: RedactionReason | None,
    passage: str | None,
    *,
    is_other: bool,
    is_dry: bool,
) -> None:
    if is_other:
        return
    if not targets:
        raise typer.BadParameter("name what is to go, or say --list or --finish")
    if passage is not None and len(passage.split()) == 0:
        raise typer.BadParameter("--passage names no words")
    if reason is None and not is_dry:
        raise typer.BadParameter(f"say why: --reason {_WHY}")


def _redact(
    archive: "Archive",
    settings: Settings,
    shown: OutputOptions,
    named: Sequence[str],
    reason: RedactionReason | None,
    *,
    by: str | None,
    passage: str | None,
    with_copies: bool,
    dry_run: bool,
    scrub: bool,
) -> None:
    from storage.write.redaction.passage import hits_of  # noqa: PLC0415  # SQLAlchemy is slow to load
    from storage.write.redaction.plan import described, plan_of  # noqa: PLC0415  # the same

    with archive.looking() as connection:
        found = _targets(connection, settings, named)
        plan = plan_of(connection, found, with_copies=with_copies)
        told = described(connection, plan)
        if passage is not None:
            hits = hits_of(connection, plan, passage, prepared)
            told = {
                "articles": told["articles"], "readings": len(hits.readings),
                "captures": len({each.old.capture_id for each in hits.readings}),
                "copies": told["copies"],
            }  # fmt: skip
    if dry_run or reason is None:
        write_rows([told], shown.target())
        return
    if plan.copies and not with_copies:
        say(
            f"the same text or bytes stand in {', '.join(told['copies'])}: nothing was redacted; "
            "--with-copies takes them from there, too"
        )
        raise typer.Exit(NO)
    if passage is None:
        with ProgressLine() as line:
            acts = archive.redact(
                found, reason, by or _user(), with_copies=with_copies, tell=line.tell
            )
    else:
        act = archive.redact_passage(
            found, passage, reason, by or _user(), prepared, with_copies=with_copies
        )
        acts = [] if act is None else [act]
    write_rows([{"act": min(acts, default=None), **told}], shown.target())
    if not acts:
        say("there is nothing left of it that could go")
    if scrub:
        _scrub(archive)
    else:
        say("the database may still hold bytes of it; `lesart redact --finish` rewrites it")


def prepared(captured: "Captured", draft: "Draft", context: str) -> "Reading":
    """Return a text without its passage, ready for full text and the search for copies."""
    from worker.flow.prepare import prepare  # noqa: PLC0415  # loads NumPy
    from worker.text.fingerprint import signature  # noqa: PLC0415  # the same

    return prepare(captured, draft, context, "UTC", sign=signature)


def _targets(connection: Any, settings: Settings, named: Sequence[str]) -> list["RedactionTarget"]:
    """Return what is named: articles whole, versions with all of their wordings."""
    from storage.read.find import Finder  # noqa: PLC0415  # SQLAlchemy is slow to load
    from storage.read.texts import wordings_of  # noqa: PLC0415
    from storage.write.redaction.plan import RedactionTarget  # noqa: PLC0415

    finder = Finder(connection, settings.zone)
    found = []
    for each in named:
        article = finder.whole(each)
        if article is not None:
            found.append(RedactionTarget(article.row_id))
        else:
            version = finder.version(each)
            wordings = tuple(wordings_of(connection, version))
            found.append(RedactionTarget(version.article.row_id, wordings))
    return found


def acts_of(archive: "Archive") -> list[dict[str, Any]]:
    """Return each act of redaction with the rows that it emptied, by table."""
    from storage.write.redaction.redact import acts, archive_id, rows_of_acts  # noqa: PLC0415  # the same

    with archive.looking() as connection:
        rows, own = rows_of_acts(connection), archive_id(connection)
        return [
            {
                "archive": own, "act": each.act, "at": each.at.isoformat(), "reason": each.reason,
                "actor": each.actor, "emptied": dict(Counter(t for t, _ in rows[each.act])),
                "rows": [f"{table} {number}" for table, number in rows[each.act]],
            }
            for each in acts(connection)
        ]  # fmt: skip


def redact_again(archive: "Archive", listed: Path) -> None:
    """Redact in an archive that was restored what a list of `lesart redact --list` names.

    Raises: ReplayError.
    """
    from storage.write.redaction.redact import ReplayError  # noqa: PLC0415  # SQLAlchemy is slow to load

    if listed.stat().st_size > MOST_LISTED_BYTES:
        raise ReplayError(f"{listed} is too large for a list of redactions")
    with listed.open("rb") as file:
        try:
            acts = [json.loads(line) for line in file if line.strip()]
        except ValueError as error:
            raise ReplayError(f"{listed} is no list in JSON lines: {error}") from error
    if not all(isinstance(each, dict) for each in acts):
        raise ReplayError(f"{listed} is no list of redactions")
    say(f"{archive.replay_redactions(acts)} redactions were carried out again")
    _scrub(archive)


def _finish(archive: "Archive") -> None:
    with ProgressLine() as line:
        rows = archive.finish_redactions(line.tell)
    say(f"{rows} rows were still to be emptied")
    _scrub(archive)


def _scrub(archive: "Archive") -> None:
    from storage.write.redaction.scrub import scrub  # noqa: PLC0415  # the same

    with ProgressLine() as line:
        scrub(archive.engine, line.tell)
    say("the database was rewritten; backups, archived logs and replicas made before still hold it")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "command"
