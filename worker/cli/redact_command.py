"""The command `lesart redact`: removes texts and captures and keeps the proofs."""

import getpass
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import typer

from storage.cli.app import app
from storage.cli.exits import NO, NO_SUCH, say
from storage.cli.options import ArchiveOptions, OutputOptions, command
from storage.cli.output import write_rows
from storage.cli.progress import ProgressLine
from storage.cli.report import report_list
from storage.read.query.parameter import argument, flag, option
from storage.settings import Settings
from storage.values.lazy import LazyModule
from storage.values.messages import quantity
from storage.values.redaction import MARK, RedactionReason
from worker.cli.opened import opened_archive
from worker.cli.redactions import finish, list_orders, prepare_reading, rewrite, was_redacted

if TYPE_CHECKING:
    from storage.history import renewals
    from storage.language import passage as containment
    from storage.language.passage import Passage
    from storage.read import find as finding
    from storage.read import texts
    from storage.write.archive import Archive
    from storage.write.redaction import description
    from storage.write.redaction import passage as passages
    from storage.write.redaction import plan as plans
    from storage.write.redaction import redact_articles as articles
    from storage.write.redaction import restrict as restricting
    from storage.write.redaction.plan import RedactionPlan, RedactionTarget
else:
    finding = LazyModule("storage.read.find")
    texts = LazyModule("storage.read.texts")
    renewals = LazyModule("storage.history.renewals")
    containment = LazyModule("storage.language.passage")
    description = LazyModule("storage.write.redaction.description")
    passages = LazyModule("storage.write.redaction.passage")
    plans = LazyModule("storage.write.redaction.plan")
    articles = LazyModule("storage.write.redaction.redact_articles")
    restricting = LazyModule("storage.write.redaction.restrict")

_WHY = ", ".join(each for each in RedactionReason if each is not RedactionReason.RETENTION)


@dataclass(frozen=True, slots=True)
class RedactionOptions:
    """Options that select the content to remove and the reason to record."""

    reason: RedactionReason | None = option(
        "--reason", "REASON", f"Reason to record: {_WHY} (required)."
    )
    passage: str | None = option(
        "--passage", "TEXT", "Remove only this passage (default: the whole text)."
    )
    whole_words: bool = flag(
        "--whole-words",
        "With --passage: only where it begins and ends with whole words (default: anywhere).",
    )
    with_copies: bool = flag("--with-copies", "Redact identical texts in other articles, too.")
    addresses: bool = flag("--addresses", "Remove the addresses and ids of whole articles, too.")
    dry_run: bool = flag("--dry-run", "List what would be removed without changing anything.")
    yes: bool = flag("--yes", "Do not ask for confirmation on a terminal.")
    by: str | None = option("--by", "NAME", "Person to record (default: the current user).")
    scrub: bool = flag(
        "--scrub/--no-scrub", "Rewrite the database to erase deleted bytes.", default=True
    )

    @property
    def actor(self) -> str:
        return self.by or current_user()

    @property
    def wanted(self) -> "Passage | None":
        """The passage to remove, None for whole texts."""
        if self.passage is None:
            return None
        return containment.Passage.parse(self.passage, is_whole=self.whole_words)

    def check(self, targets: Sequence[str] | None) -> None:
        """Refuse an order without a target or a reason.

        Raises: typer.BadParameter.
        """
        if not targets:
            raise typer.BadParameter("name the articles or versions, or use --list or --finish")
        if self.wanted is None and self.whole_words:
            raise typer.BadParameter("--whole-words applies only to --passage")
        if self.wanted is not None and not self.wanted.words:
            raise typer.BadParameter(
                "--passage has neither letters nor digits: quote the passage to remove"
            )
        if self.wanted is not None and self.wanted.is_in(MARK):
            raise typer.BadParameter(
                f"--passage is a part of the mark {MARK}, which replaces it: quote more of the text"
            )
        if (self.reason is None and not self.dry_run) or self.reason is RedactionReason.RETENTION:
            raise typer.BadParameter(f"a reason is required: --reason {_WHY}")


@dataclass(frozen=True, slots=True)
class RedactionTasks:
    """Options that select another task than a redaction."""

    restrict: bool = flag("--restrict", "Hide articles without deleting them, until --lift.")
    lift: bool = flag("--lift", "Show restricted articles again.")
    finish: bool = flag("--finish", "Complete interrupted redactions and rewrite the database.")
    listed: bool = flag("--list", "List all orders with time, reason and person.")
    retention: bool = flag(
        "--retention", "Delete captures older than LESART_RETAIN_CAPTURES or the source allows."
    )
    by_clock: bool = flag(
        "--by-clock", "With --retention: count the time in which the archive did not run, too."
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
        if self.by_clock and not self.retention:
            raise typer.BadParameter("--by-clock applies only to --retention")
        tasks = [getattr(self, each.name) for each in fields(self) if each.name != "by_clock"]
        if sum(tasks) > 1:
            names = "--restrict, --lift, --finish, --list, --retention and --list-restricted"
            raise typer.BadParameter(f"use only one of {names}")
        if order.addresses and (self.restrict or self.lift or order.passage is not None):
            raise typer.BadParameter("--addresses applies only to the removal of whole articles")
        if (self.restrict or self.lift) and order.passage is not None:
            raise typer.BadParameter("--restrict and --lift apply only to whole articles")
        is_restriction = order.reason is RedactionReason.GDPR_RESTRICTION
        if is_restriction and not (self.restrict or self.lift):
            raise typer.BadParameter(
                f"{order.reason} hides a text and never deletes it: add --restrict, or state the "
                "reason of a deletion"
            )
        if self.is_global and targets:
            raise typer.BadParameter("this option applies to the whole archive: omit the articles")


def current_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "command"


@command(app, "redact", example="lesart redact 35xhehswnwa6vc12@2 --reason court_order --dry-run")
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
            report_list(list_orders(archive), output.target(), empty="no orders")
        elif task.retention:
            _expire(archive, settings, output, order, by_clock=task.by_clock)
        elif task.list_restricted:
            report_list(_restrictions(archive), output.target(), empty="no restrictions")
        elif task.finish:
            finish(archive)
        else:
            if task.lift:
                order = replace(order, reason=None, with_copies=True)
            given = _Order(archive, settings, output, targets or [], order)
            (_restrict if task.restrict or task.lift else _redact)(given)


def _expire(
    archive: "Archive",
    settings: Settings,
    output: OutputOptions,
    order: RedactionOptions,
    *,
    by_clock: bool,
) -> None:
    """Delete the bytes whose time is over, after a question on a terminal."""
    drop = partial(articles.drop_overdue_bytes, archive, settings.retain_captures)
    found, old = drop(by_clock=by_clock, dry_run=True), drop(by_clock=True, dry_run=True)
    number, left = (sum(each["captures"] for each in rows) for rows in (found, old))
    if number and not order.dry_run:
        if not order.yes:
            captures = quantity("{n} capture|{n} captures", number)
            confirm(f"Delete the bytes of {captures} for good?", {})
        found = drop(by_clock=by_clock)
    report_list(found, output.target(), empty="no captures are older than allowed")
    if left > number:
        say(
            quantity("{n} capture more is|{n} captures more are", left - number)
            + " older by the clock alone, which may be wrong: the archive did not run all the "
            "time. If the clock is right, add --by-clock"
        )


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
    with ProgressLine() as line:
        planning = articles.Planning(
            archive, found, with_copies=options.with_copies, with_addresses=options.addresses,
            passage=options.wanted, progress=line.report,
        )  # fmt: skip
        plan = planning.make_plan()
    summary, changes = archive.read(_describe, plan, options.wanted)
    if options.dry_run or options.reason is None:
        order.tell(summary)
        return
    _refuse_copies(plan.copies, summary, with_copies=options.with_copies)
    if not options.yes:
        confirm("Remove this for good?", summary)
    acts = _carry_out(order, found, options.reason, planning)
    order.tell({"act": min(acts, default=None), **summary})
    passage = options.wanted
    if not acts and passage and not archive.read(was_redacted, found, passage):
        say(
            "no text, headline, list or captured document of these articles contains this "
            "passage: nothing was changed. All letters must be the same; `lesart search` finds "
            "the texts"
        )
        raise typer.Exit(NO_SUCH)
    say(changes if acts else "everything of it was already redacted: nothing was changed")
    if options.scrub:
        rewrite(archive)
    else:
        say("the database file may still contain its bytes; run `lesart redact --finish`")


def _carry_out(
    order: _Order,
    found: Sequence["RedactionTarget"],
    reason: RedactionReason,
    planning: "articles.Planning",
) -> list[int]:
    """Redact the targets or a passage of them; return the numbers of the acts."""
    archive, options = order.archive, order.options
    with ProgressLine() as line:
        if options.wanted is None:
            return articles.redact_articles(
                archive, found, reason, options.actor, with_copies=options.with_copies,
                with_addresses=options.addresses, progress=line.report, planning=planning,
            )  # fmt: skip
        act = articles.redact_passage(
            archive, found, options.wanted, reason, options.actor, prepare_reading,
            with_copies=options.with_copies, progress=line.report, planning=planning,
        )  # fmt: skip
    return [] if act is None else [act]


def _describe(
    connection: Any, plan: "RedactionPlan", passage: "Passage | None"
) -> tuple[dict[str, Any], str]:
    """Return the summary of a plan, and the consequence for later captures."""
    summary = description.describe_plan(connection, plan)
    if passage is None:
        return summary, (
            "later captures with this text are refused; a page with another text is archived again"
        )
    hits = passages.find_passage(connection, plan, passage, prepare_reading)
    captures = {each.old.capture_id for each in hits.readings} | plan.lists | plan.held
    summary = {
        "articles": summary["articles"], "readings": len(hits.readings),
        "captures": len(captures), "lists": len(plan.lists),
        "teasers": len(plan.rows["teaser"]), "places": passages.describe_places(hits, passage),
        **{name: summary[name] for name in ("held_in", "unread", "copies", "related_kept")},
    }  # fmt: skip
    return summary, (
        "as long as the page still contains the passage, its later edits are not archived: each "
        "is refused"
    )


def confirm(question: str, summary: Mapping[str, Any]) -> None:
    """Ask on a terminal whether to remove all this; a script is not asked."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return
    for name, value in summary.items():
        if name == "places":
            for each in value:
                times = f" ({each['readings']} times)" if each["readings"] > 1 else ""
                say(f"{each['part']}: {each['before']}[{each['passage']}]{each['after']}{times}")
        elif value:
            say(f"{name}: {', '.join(value) if isinstance(value, list) else value}")
    if not typer.confirm(question, err=True):
        say("nothing was changed")
        raise typer.Exit(NO)


def _restrict(order: _Order) -> None:
    """Restrict whole articles; without a reason, lift their restriction."""
    options = order.options
    with order.archive.read_connection() as connection:
        found = order.found(connection)
        if any(each.article_id is None or each.wordings is not None for each in found):
            raise typer.BadParameter("only whole articles can be restricted")
    with ProgressLine() as line:
        plan = articles.Planning(
            order.archive, found, with_copies=options.with_copies, progress=line.report
        ).make_restriction_plan()
    summary = order.archive.read(description.describe_plan, plan)
    told = ("articles", "copies", "held_in", "unread", "related_kept")
    row = {name: summary[name] for name in told}
    _refuse_copies(plan.copies, summary, with_copies=options.with_copies or options.dry_run)
    if not options.dry_run:
        wanted = sorted(plan.articles | plan.copies)
        naming = order.archive.read(renewals.find_naming, wanted)
        orders = (options.actor, naming)
        row["changed"] = len(
            order.archive.transact(restricting.lift, wanted, *orders)
            if options.reason is None
            else order.archive.transact(restricting.restrict, wanted, options.reason, *orders)
        )
    order.tell(row)


def _restrictions(archive: "Archive") -> list[dict[str, Any]]:
    return archive.read(restricting.restrictions)


def _refuse_copies(
    copies: Collection[int], summary: Mapping[str, Any], *, with_copies: bool
) -> None:
    if copies and not with_copies:
        say(
            f"nothing was changed: the same text or bytes also occur in "
            f"{', '.join(summary['copies'])}; add --with-copies to include them"
        )
        raise typer.Exit(NO)
