"""The command `lesart redact`: removes texts and captures and keeps the proofs."""

import getpass
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from storage.cli.exits import NO, NO_SUCH, say
from storage.cli.options import ArchiveOptions, OutputOptions, command
from storage.cli.output import write_rows
from storage.cli.progress import ProgressLine
from storage.cli.report import report_list
from storage.read.query.parameter import argument, flag, option
from storage.settings import Settings
from storage.values.late import LateModule
from storage.values.redaction import RedactionReason
from worker.cli.opened import opened_archive

if TYPE_CHECKING:
    from storage.read import find as finding
    from storage.read import texts
    from storage.record import suppression
    from storage.record.reading import CapturedItem, Reading
    from storage.similarity import signature
    from storage.values.draft import Draft
    from storage.write.archive import Archive
    from storage.write.redaction import description, orders, scrub
    from storage.write.redaction import passage as passages
    from storage.write.redaction import plan as plans
    from storage.write.redaction import redact_articles as articles
    from storage.write.redaction import restrict as restricting
    from storage.write.redaction.plan import RedactionTarget
    from worker.flow import prepare
else:
    finding = LateModule("storage.read.find")
    texts = LateModule("storage.read.texts")
    signature = LateModule("storage.similarity.signature")
    passages = LateModule("storage.write.redaction.passage")
    plans = LateModule("storage.write.redaction.plan")
    suppression = LateModule("storage.record.suppression")
    description = LateModule("storage.write.redaction.description")
    orders = LateModule("storage.write.redaction.orders")
    articles = LateModule("storage.write.redaction.redact_articles")
    restricting = LateModule("storage.write.redaction.restrict")
    scrub = LateModule("storage.write.redaction.scrub")
    prepare = LateModule("worker.flow.prepare")

MOST_LISTED_BYTES = 256 * 1024 * 1024
"""Maximum size of a list of redactions."""
HOW_LISTED = "create one with `lesart redact --list --format jsonl`"
_WHY = ", ".join(each for each in RedactionReason if each is not RedactionReason.RETENTION)


def mount(app: typer.Typer) -> None:
    """Add the command to the command line."""
    command(app, "redact", example=_EXAMPLE)(redact)


_EXAMPLE = "lesart redact 35xhehswnwa6vc12@2 --reason court_order --dry-run"


@dataclass(frozen=True, slots=True)
class RedactionOptions:
    """Options that select the content to remove and the reason to record."""

    reason: RedactionReason | None = option(
        "--reason", "REASON", f"Reason to record: {_WHY} (required)."
    )
    passage: str | None = option(
        "--passage", "TEXT", "Remove only this passage (default: the whole text)."
    )
    with_copies: bool = flag("--with-copies", "Redact identical texts in other articles, too.")
    addresses: bool = flag("--addresses", "Remove the addresses and ids of whole articles, too.")
    dry_run: bool = flag("--dry-run", "List what would be removed without changing anything.")
    by: str | None = option("--by", "NAME", "Person to record (default: the current user).")
    scrub: bool = flag(
        "--scrub/--no-scrub", "Rewrite the database to erase deleted bytes.", default=True
    )

    @property
    def actor(self) -> str:
        return self.by or _user()

    def check(self, targets: Sequence[str] | None) -> None:
        """Refuse an order without a target or a reason.

        Raises: typer.BadParameter.
        """
        if not targets:
            raise typer.BadParameter("name the articles or versions, or use --list or --finish")
        if self.passage is not None and len(self.passage.split()) == 0:
            raise typer.BadParameter("--passage is empty: quote the passage to remove")
        if (self.reason is None and not self.dry_run) or self.reason is RedactionReason.RETENTION:
            raise typer.BadParameter(f"a reason is required: --reason {_WHY}")


@dataclass(frozen=True, slots=True)
class RedactionTasks:
    """Options that select another task than a redaction."""

    restrict: bool = flag("--restrict", "Hide articles without deleting them, until --lift.")
    lift: bool = flag("--lift", "Show restricted articles again.")
    finish: bool = flag("--finish", "Complete interrupted redactions and rewrite the database.")
    listed: bool = flag("--list", "List redactions with time, reason and person.")
    retention: bool = flag(
        "--retention", "Delete captures older than LESART_RETAIN_CAPTURES or the source allows."
    )
    list_restricted: bool = flag("--list-restricted", "List restricted articles with the time.")

    @property
    def is_global(self) -> bool:
        """Check whether the task applies to the whole archive."""
        return self.finish or self.listed or self.list_restricted or self.retention

    def check(self, targets: Sequence[str] | None, order: RedactionOptions) -> None:
        """Refuse two tasks at once, and options that a task would ignore.

        Raises: typer.BadParameter.
        """
        if sum(getattr(self, each.name) for each in fields(self)) > 1:
            names = "--restrict, --lift, --finish, --list, --retention and --list-restricted"
            raise typer.BadParameter(f"use only one of {names}")
        if order.addresses and (self.restrict or self.lift or order.passage is not None):
            raise typer.BadParameter("--addresses applies only to the removal of whole articles")
        if (self.restrict or self.lift) and order.passage is not None:
            raise typer.BadParameter("--restrict and --lift apply only to whole articles")
        if self.is_global and targets:
            raise typer.BadParameter("this option applies to the whole archive: omit the articles")


def redact(
    *,
    targets: list[str] | None = argument(
        "ARTICLE|REV|URL…", "Articles, versions or addresses on front pages to redact.", None
    ),
    place: ArchiveOptions,
    output: OutputOptions,
    order: RedactionOptions,
    task: RedactionTasks,
) -> None:
    """Remove articles or versions and keep the proofs of their existence.

    This deletes texts, titles, captured bytes, digests and derived data. The times and addresses of
    observations stay, and all other proofs remain valid. It cannot be undone.
    """
    settings = place.settings()
    task.check(targets, order)
    if not task.is_global:
        (replace(order, dry_run=True) if task.lift else order).check(targets)
    with opened_archive(settings) as archive:
        if task.listed:
            report_list(acts_of(archive), output.target(), empty="no redactions")
        elif task.retention:
            dropped = articles.drop_overdue_bytes(
                archive, settings.retain_captures, dry_run=order.dry_run
            )
            report_list(dropped, output.target(), empty="no captures are older than allowed")
        elif task.list_restricted:
            report_list(_restrictions(archive), output.target(), empty="no restrictions")
        elif task.finish:
            _finish(archive)
        else:
            if task.lift:
                order = replace(order, reason=None, with_copies=True)
            given = _Order(archive, settings, output, targets or [], order)
            (_restrict if task.restrict or task.lift else _redact)(given)


@dataclass(frozen=True, slots=True)
class _Order:
    """A redaction or restriction with its targets and its output."""

    archive: "Archive"
    settings: Settings
    shown: OutputOptions
    named: Sequence[str]
    options: RedactionOptions

    def found(self, connection: Any) -> list["RedactionTarget"]:
        """Return the targets: articles, addresses of teasers, versions with all their wordings."""
        finder = finding.Finder(connection, self.settings.zone)
        found = []
        for each in self.named:
            teaser = finder.teaser_row_id(each)
            if teaser is not None:
                found.append(plans.RedactionTarget(None, origin_id=teaser))
                continue
            article = finder.find_whole_article(each)
            if article is not None:
                found.append(plans.RedactionTarget(article.row_id))
            else:
                version = finder.version(each)
                wordings = tuple(texts.version_wordings(connection, version))
                found.append(plans.RedactionTarget(version.article.row_id, wordings))
        return found

    def was_redacted(self, connection: Any, found: Sequence["RedactionTarget"]) -> bool:
        """Check whether the passage was redacted in one of these articles before."""
        ids = [each.article_id for each in found if each.article_id is not None]
        places = plans.addresses_of(connection, ids)
        lookup = suppression.SuppressionLookup(connection)
        return lookup.passage_in([self.options.passage or ""], places) is not None

    def tell(self, row: Mapping[str, Any]) -> None:
        write_rows([row], self.shown.target())


def _redact(order: _Order) -> None:
    archive, options = order.archive, order.options
    with archive.read_connection() as connection:
        found = order.found(connection)
        if options.passage is not None and any(each.article_id is None for each in found):
            raise typer.BadParameter("--passage applies only to articles, not to front pages")
        if options.addresses and any(each.wordings is not None for each in found):
            reason = (
                "--addresses applies only to whole articles: give ids or addresses, no versions"
            )
            raise typer.BadParameter(reason)
        pattern = None if options.passage is None else passages.pattern_of(options.passage)
        plan = plans.plan_of(
            connection, found, with_copies=options.with_copies,
            with_addresses=options.addresses, passage=pattern,
        )  # fmt: skip
        summary = description.describe_plan(connection, plan)
        if options.passage is not None:
            hits = passages.find_passage(connection, plan, options.passage, prepared)
            summary = {
                "articles": summary["articles"], "readings": len(hits.readings),
                "captures": len({each.old.capture_id for each in hits.readings} | plan.lists),
                "lists": len(plan.lists), "teasers": len(plan.rows["teaser"]),
                "copies": summary["copies"],
            }  # fmt: skip
    if options.dry_run or options.reason is None:
        order.tell(summary)
        return
    _refuse_copies(plan.copies, summary, with_copies=options.with_copies)
    copies, why, actor = options.with_copies, options.reason, options.actor
    if options.passage is None:
        with ProgressLine() as line:
            acts = articles.redact_articles(archive,
                found, why, actor, with_copies=copies, with_addresses=options.addresses,
                progress=line.report,
            )  # fmt: skip
    else:
        act = articles.redact_passage(
            archive, found, options.passage, why, actor, prepared, with_copies=copies
        )
        acts = [] if act is None else [act]
    order.tell({"act": min(acts, default=None), **summary})
    if not acts and options.passage is not None and not archive.read(order.was_redacted, found):
        say(
            "no text, headline or list of these articles contains this passage: nothing was "
            "changed. All letters must be the same; `lesart search` finds the texts"
        )
        raise typer.Exit(NO_SUCH)
    if not acts:
        say("everything of it was already redacted: nothing was changed")
    if options.scrub:
        _scrub(archive)
    else:
        say("the database file may still contain its bytes; run `lesart redact --finish`")


def _restrict(order: _Order) -> None:
    """Restrict whole articles; without a reason, lift their restriction."""
    options = order.options
    with order.archive.read_connection() as connection:
        found = order.found(connection)
        if any(each.article_id is None or each.wordings is not None for each in found):
            raise typer.BadParameter("only whole articles can be restricted")
        plan = plans.plan_of(connection, found, with_copies=options.with_copies)
        summary = description.describe_plan(connection, plan)
    row = {name: summary[name] for name in ("articles", "copies", "related_kept")}
    _refuse_copies(plan.copies, summary, with_copies=options.with_copies or options.dry_run)
    if not options.dry_run:
        articles = sorted(plan.articles | plan.copies)
        row["changed"] = len(
            order.archive.transact(restricting.lift, articles, options.actor)
            if options.reason is None
            else order.archive.transact(
                restricting.restrict, articles, options.reason, options.actor
            )
        )
    order.tell(row)


def _restrictions(archive: "Archive") -> list[dict[str, Any]]:
    with archive.read_connection() as connection:
        return [dict(each._mapping) for each in restricting.restrictions(connection)]  # noqa: SLF001  # documented


def _refuse_copies(
    copies: Collection[int], summary: Mapping[str, Any], *, with_copies: bool
) -> None:
    if copies and not with_copies:
        say(
            f"nothing was changed: the same text or bytes also occur in "
            f"{', '.join(summary['copies'])}; add --with-copies to include them"
        )
        raise typer.Exit(NO)


def prepared(captured: "CapturedItem", draft: "Draft", context: str) -> "Reading":
    """Return a text without its passage, prepared for full-text search and comparison."""
    return prepare.prepare(captured, draft, context, "UTC", sign=signature.signature)


def acts_of(archive: "Archive") -> list[dict[str, Any]]:
    """Return the redactions with the emptied rows by table."""
    with archive.read_connection() as connection:
        rows, own = orders.rows_of_acts(connection), orders.archive_id(connection)
        return [
            {
                "archive": own, "act": each.act, "at": each.at.isoformat(), "reason": each.reason,
                "actor": each.actor, "emptied": dict(Counter(t for t, _ in rows[each.act])),
                "rows": [f"{table} {number}" for table, number in rows[each.act]],
            }
            for each in orders.acts(connection)
        ]  # fmt: skip


def redact_again(archive: "Archive", listed: Path) -> None:
    """Repeat the redactions of a list by `lesart redact --list` in a restored archive.

    Raises: ReplayError.
    """
    if listed.stat().st_size > MOST_LISTED_BYTES:
        raise orders.ReplayError(
            f"{listed} is larger than {MOST_LISTED_BYTES:,} bytes: it is not a list of redactions"
        )
    with listed.open("rb") as file:
        try:
            acts = [json.loads(line) for line in file if line.strip()]
        except ValueError as error:
            raise orders.ReplayError(
                f"{listed} is not JSON Lines: {error}; {HOW_LISTED}"
            ) from error
    if not all(isinstance(each, dict) for each in acts):
        raise orders.ReplayError(f"{listed} is not a list of redactions; {HOW_LISTED}")
    say(f"repeated {articles.replay_redactions(archive, acts)} redactions")
    _scrub(archive)


def _finish(archive: "Archive") -> None:
    with ProgressLine() as line:
        rows = articles.finish_redactions(archive, line.report)
    say(f"completed interrupted redactions: emptied {rows} rows")
    _scrub(archive)


def _scrub(archive: "Archive") -> None:
    with ProgressLine() as line:
        is_all = scrub.scrub(archive.engine, line.report)
    if not is_all:
        say(
            "planner statistics may still contain samples of it: the owner of the database has to "
            "run `VACUUM FULL pg_statistic`"
        )
    say("rewrote the database; earlier backups, archived logs and replicas still contain the texts")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "command"
