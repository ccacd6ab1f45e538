"""The options of `lesart redact`: what is removed and why, or another task."""

import getpass
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import typer

from storage.read.query.parameter import flag, option
from storage.values.lazy import LazyModule
from storage.values.redaction import MARK, RedactionReason

if TYPE_CHECKING:
    from storage.write.redaction import passage as passages
else:
    passages = LazyModule("storage.write.redaction.passage")

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
        return self.by or _user()

    def check(self, targets: Sequence[str] | None) -> None:
        """Refuse an order without a target or a reason.

        Raises: typer.BadParameter.
        """
        if not targets:
            raise typer.BadParameter("name the articles or versions, or use --list or --finish")
        if self.passage is not None and len(self.passage.split()) == 0:
            raise typer.BadParameter("--passage is empty: quote the passage to remove")
        if self.passage is not None and passages.pattern_of(self.passage).search(MARK):
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
    listed: bool = flag("--list", "List redactions with time, reason and person.")
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


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "command"
