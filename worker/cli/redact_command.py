"""The command `lesart redact`: takes texts and bytes away and keeps the proof."""

import getpass
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from storage.cli.exits import NO, say
from storage.cli.options import ArchiveOptions, OutputOptions, argument, command, flag, option
from storage.cli.output import write_rows
from storage.cli.progress import ProgressLine
from storage.settings import Settings
from storage.values.redaction import RedactionReason
from worker.cli.opened import opened_archive

if TYPE_CHECKING:
    from storage.record.reading import Captured, Reading
    from storage.values.draft import Draft
    from storage.write.archive import Archive
    from storage.write.redaction.plan import RedactionTarget

MOST_LISTED_BYTES = 256 * 1024 * 1024
"""So large a list of redactions is at most."""
_WHY = ", ".join(each for each in RedactionReason if each is not RedactionReason.RETENTION)


def mount(app: typer.Typer) -> None:
    """Add the command to the command line."""
    command(app, "redact", example=_EXAMPLE)(redact)


_EXAMPLE = "lesart redact 35xhehswnwa6vc12@2 --reason court_order --dry-run"


@dataclass(frozen=True, slots=True)
class RedactionOptions:
    """What goes, why, and by whom."""

    reason: RedactionReason | None = option("--reason", "R", f"{_WHY}.")
    passage: str | None = option("--passage", "TEXT", "Only these words, wherever they stand.")
    with_copies: bool = flag("--with-copies", "Also where the same text stands in other articles.")
    addresses: bool = flag("--addresses", "Of whole articles: also where they stood, and ids.")
    dry_run: bool = flag("--dry-run", "Tell what would go, and change nothing.")
    by: str | None = option("--by", "NAME", "Who orders it; else the user.")
    scrub: bool = flag(
        "--scrub/--no-scrub", "Rewrite the database so that no bytes stay.", default=True
    )

    @property
    def actor(self) -> str:
        return self.by or _user()

    def check(self, targets: Sequence[str] | None) -> None:
        """Refuse an order that names nothing, or gives no reason."""
        if not targets:
            raise typer.BadParameter("name what is to go, or say --list or --finish")
        if self.passage is not None and len(self.passage.split()) == 0:
            raise typer.BadParameter("--passage names no words")
        if (self.reason is None and not self.dry_run) or self.reason is RedactionReason.RETENTION:
            raise typer.BadParameter(f"say why: --reason {_WHY}")


@dataclass(frozen=True, slots=True)
class RedactionTasks:
    """What is done instead of taking something out for good."""

    restrict: bool = flag("--restrict", "Keep articles, and show nothing of them until --lift.")
    lift: bool = flag("--lift", "Show restricted articles again.")
    finish: bool = flag("--finish", "Go on with what was ended early, and rewrite.")
    listed: bool = flag("--list", "List what was redacted: when, why, by whom.")
    retention: bool = flag("--retention", "Take the bytes whose time is over, by the settings.")
    list_restricted: bool = flag("--list-restricted", "List what was restricted, and since when.")

    @property
    def name_nothing(self) -> bool:
        return self.finish or self.listed or self.list_restricted or self.retention

    def check(self, targets: Sequence[str] | None, order: RedactionOptions) -> None:
        """Refuse two tasks at once, and what a task would pass over in silence."""
        if sum(getattr(self, each.name) for each in fields(self)) > 1:
            raise typer.BadParameter("of the options that say what is done, give one at a time")
        if order.addresses and (self.restrict or self.lift or order.passage is not None):
            raise typer.BadParameter("--addresses is for taking whole articles out")
        if (self.restrict or self.lift) and order.passage is not None:
            raise typer.BadParameter("--restrict and --lift are of whole articles, not a passage")
        if self.name_nothing and targets:
            raise typer.BadParameter("this is of the whole archive: name no article with it")


def redact(
    *,
    targets: list[str] | None = argument(
        "ARTICLE|REV|URL…", "What is to go: articles, or versions.", None
    ),
    place: ArchiveOptions,
    shown: OutputOptions,
    order: RedactionOptions,
    task: RedactionTasks,
) -> None:
    """Take articles or versions out of the archive, and keep what proves that they were there.

    Texts, titles, captured bytes, their digests and all that was worked out from them go; when
    and where they were seen stays, and every other proof holds. It cannot be undone.
    """
    settings = place.settings()
    task.check(targets, order)
    if not task.name_nothing:
        (replace(order, dry_run=True) if task.lift else order).check(targets)
    with opened_archive(settings) as archive:
        if task.listed:
            write_rows(acts_of(archive), shown.target())
        elif task.retention:
            dropped = archive.drop_overdue_bytes(settings.retain_captures, dry_run=order.dry_run)
            write_rows(dropped, shown.target())
        elif task.list_restricted:
            write_rows(_restrictions(archive), shown.target())
        elif task.finish:
            _finish(archive)
        else:
            if task.lift:
                order = replace(order, reason=None, with_copies=True)
            given = _Order(archive, settings, shown, targets or [], order)
            (_restrict if task.restrict or task.lift else _redact)(given)


@dataclass(frozen=True, slots=True)
class _Order:
    """What is to be done with which articles, and where it is told."""

    archive: "Archive"
    settings: Settings
    shown: OutputOptions
    named: Sequence[str]
    options: RedactionOptions

    def found(self, connection: Any) -> list["RedactionTarget"]:
        """Return what is named: articles whole, versions with all of their wordings."""
        from storage.read.find import Finder  # noqa: PLC0415  # SQLAlchemy is slow to load
        from storage.read.texts import wordings_of  # noqa: PLC0415
        from storage.write.redaction.plan import RedactionTarget  # noqa: PLC0415

        finder = Finder(connection, self.settings.zone)
        found = []
        for each in self.named:
            article = finder.whole(each)
            if article is not None:
                found.append(RedactionTarget(article.row_id))
            else:
                version = finder.version(each)
                wordings = tuple(wordings_of(connection, version))
                found.append(RedactionTarget(version.article.row_id, wordings))
        return found

    def tell(self, row: Mapping[str, Any]) -> None:
        write_rows([row], self.shown.target())


def _redact(order: _Order) -> None:
    from storage.write.redaction.passage import hits_of  # noqa: PLC0415  # SQLAlchemy is slow to load
    from storage.write.redaction.plan import described, plan_of  # noqa: PLC0415  # the same

    archive, options = order.archive, order.options
    with archive.read_connection() as connection:
        found = order.found(connection)
        if options.addresses and any(each.wordings is not None for each in found):
            raise typer.BadParameter("addresses go with whole articles: name no version")
        plan = plan_of(
            connection, found, with_copies=options.with_copies, with_addresses=options.addresses
        )
        summary = described(connection, plan)
        if options.passage is not None:
            hits = hits_of(connection, plan, options.passage, prepared)
            summary = {
                "articles": summary["articles"], "readings": len(hits.readings),
                "captures": len({each.old.capture_id for each in hits.readings}),
                "copies": summary["copies"],
            }  # fmt: skip
    if options.dry_run or options.reason is None:
        order.tell(summary)
        return
    _refuse_copies(plan.copies, summary, with_copies=options.with_copies)
    copies, why, actor = options.with_copies, options.reason, options.actor
    if options.passage is None:
        with ProgressLine() as line:
            acts = archive.redact(
                found, why, actor, with_copies=copies, with_addresses=options.addresses,
                progress=line.report,
            )  # fmt: skip
    else:
        act = archive.redact_passage(
            found, options.passage, why, actor, prepared, with_copies=copies
        )
        acts = [] if act is None else [act]
    order.tell({"act": min(acts, default=None), **summary})
    if not acts:
        say("there is nothing left of it that could go")
    if options.scrub:
        _scrub(archive)
    else:
        say("the database may still hold bytes of it; `lesart redact --finish` rewrites it")


def _restrict(order: _Order) -> None:
    """Restrict whole articles, or lift that where there is no reason."""
    from storage.write.redaction.plan import described, plan_of  # noqa: PLC0415  # SQLAlchemy is slow to load

    options = order.options
    with order.archive.read_connection() as connection:
        found = order.found(connection)
        if any(each.wordings is not None for each in found):
            raise typer.BadParameter("whole articles are restricted: name them without a version")
        plan = plan_of(connection, found, with_copies=options.with_copies)
        summary = described(connection, plan)
    row = {name: summary[name] for name in ("articles", "copies", "related_kept")}
    _refuse_copies(plan.copies, summary, with_copies=options.with_copies or options.dry_run)
    if not options.dry_run:
        articles = sorted(plan.articles | plan.copies)
        row["changed"] = len(
            order.archive.lift_restriction(articles, options.actor)
            if options.reason is None
            else order.archive.restrict(articles, options.reason, options.actor)
        )
    order.tell(row)


def _restrictions(archive: "Archive") -> list[dict[str, Any]]:
    from storage.write.redaction.restrict import restrictions  # noqa: PLC0415  # the same

    with archive.read_connection() as connection:
        return [dict(each._mapping) for each in restrictions(connection)]  # noqa: SLF001  # documented


def _refuse_copies(
    copies: Collection[int], summary: Mapping[str, Any], *, with_copies: bool
) -> None:
    if copies and not with_copies:
        say(
            f"the same text or bytes stand in {', '.join(summary['copies'])}: nothing was done; "
            "--with-copies does it there, too"
        )
        raise typer.Exit(NO)


def prepared(captured: "Captured", draft: "Draft", context: str) -> "Reading":
    """Return a text without its passage, ready for full text and the search for copies."""
    from storage.similarity.signature import signature  # noqa: PLC0415  # loads NumPy
    from worker.flow.prepare import prepare  # noqa: PLC0415  # the same

    return prepare(captured, draft, context, "UTC", sign=signature)


def acts_of(archive: "Archive") -> list[dict[str, Any]]:
    """Return each act of redaction with the rows that it emptied, by table."""
    from storage.write.redaction.redact import acts, archive_id, rows_of_acts  # noqa: PLC0415  # the same

    with archive.read_connection() as connection:
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
        rows = archive.finish_redactions(line.report)
    say(f"{rows} rows were still to be emptied")
    _scrub(archive)


def _scrub(archive: "Archive") -> None:
    from storage.write.redaction.scrub import scrub  # noqa: PLC0415  # the same

    with ProgressLine() as line:
        is_all = scrub(archive.engine, line.report)
    if not is_all:
        say(
            "samples that the planner took before may still hold it: who owns the database has to "
            "run `VACUUM FULL pg_statistic`"
        )
    say("the database was rewritten; backups, archived logs and replicas made before still hold it")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "command"
