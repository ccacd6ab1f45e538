"""Write the findings of a verification, and the level of proof."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import typer

from storage.capabilities import read_words
from storage.cli.exits import NO, InterruptionError, say
from storage.cli.options import OutputOptions, VerifyOptions
from storage.cli.output import write_object, write_rows
from storage.cli.progress import ProgressLine
from storage.cli.report import flat_columns, whole_archive
from storage.read.render.moment import parse_moment
from storage.settings import Settings
from storage.values.failures import naming_file
from storage.values.lazy import LazyModule
from storage.values.messages import choose_plural, quantity

if TYPE_CHECKING:
    from storage.proof import stamp as stamps
    from storage.proof.external import witnesses
    from storage.values.job import Progress
    from storage.verify import finding as verify_findings
    from storage.verify import level as verify_level
    from storage.verify import verify as verify_run
    from storage.verify.finding import BrokenObject, Scope
else:
    stamps = LazyModule("storage.proof.stamp")
    witnesses = LazyModule("storage.proof.external.witnesses")
    verify_findings = LazyModule("storage.verify.finding")
    verify_level = LazyModule("storage.verify.level")
    verify_run = LazyModule("storage.verify.verify")

NAMED_ORPHANS = 20
CHECKED = {
    "database": "property of the database|properties of the database",
    "guards": "set of write guards|sets of write guards",
    "origins": "address or path|addresses and paths",
    "captures": "capture|captures",
    "leftovers": "capture searched for redacted text|captures searched for redacted text",
    "objects": "object in the store of captures|objects in the store of captures",
    "foreign_records": "record of web archives|records of web archives",
    "wordings": "text|texts",
    "derivations": "layout of texts|layouts of texts",
    "references": "kind of references|kinds of references",
    "agreement": "kind of statements about a document|kinds of statements about a document",
    "verdicts": "result of reading|results of reading",
    "jobs": "job|jobs",
    "snapshots": "snapshot|snapshots",
    "article_origins": "address of articles|addresses of articles",
    "presences": "file of folders|files of folders",
    "articles": "article|articles",
    "search": "searchable text|searchable texts",
    "index_keys": "text in the index of similar texts|texts in the index of similar texts",
    "clusters": "group of articles|groups of articles",
    "totals": "stored count|stored counts",
    "log": "log entry|log entries",
    "clock_corrections": "correction of the clock|corrections of the clock",
    "tree": "log tree|log trees",
    "checkpoints": "checkpoint|checkpoints",
    "stamps": "time stamp|time stamps",
    **read_words("checked"),
}
"""What the checks count, in words, for one and for more; JSON and `--after` have other names."""


def report_verification(
    settings: Settings,
    output: OutputOptions,
    checked: VerifyOptions,
    more: "Callable[[Any, Scope, Progress], Iterator[BrokenObject]] | None" = None,
) -> None:
    """Write findings as they occur and a summary; exit with 1 if there are any.

    `more` adds checks of the caller, such as the repeated extraction of texts.
    """
    with whole_archive(settings) as engine, ProgressLine() as line:
        scope = _scope(settings, checked, engine)
        verification = verify_run.Verification(engine, scope, checked.after)

        def show(check: str, number: int) -> None:
            line.report(CHECKED[check], number)

        findings = verification.findings(show)
        if more is not None:
            findings = chain(
                findings, verify_run.completed("texts", more(engine, scope, line.report))
            )

        def totals() -> Mapping[str, Any]:
            return {
                "checked": verification.checked,
                "redacted": verification.redacted,
                "expired": verification.expired,
                "older_steps": verification.older_steps,
                "unreferenced": verification.orphans,
                "not_covered": [each.to_dict() for each in verify_findings.NOT_COVERED],
            }

        try:
            target = output.target()
            if target.chosen == "json":
                written = write_object("findings", findings, totals, target)
            else:
                written = write_rows(findings, target, flat_columns(verify_findings.BrokenObject))
        except KeyboardInterrupt:
            message = f"interrupted: continue with --after {verification.reached}"
            raise InterruptionError(message) from None
    _say_counts(verification, written.number)
    if checked.verbose:
        say(verify_findings.summary())
    policy, is_broken = witnesses.read_policy(settings.proof_witnesses), bool(written.number)
    for sentence in verify_level.sentences(
        verification.facts,
        scope.against,
        policy,
        is_broken=is_broken,
        is_verbose=checked.verbose,
    ):
        say(sentence)
    if written.number:
        raise typer.Exit(NO)


def _say_counts(verification: "verify_run.Verification", broken: int) -> None:
    """State the verdict, and then the number of checked rows."""
    verdict = "damage found" if broken else "no damage found"
    say(f"{verdict}: {broken} broken, {verification.redacted} redacted")
    counts = verification.checked.items()
    checked_rows = ", ".join(
        f"{number} {choose_plural(CHECKED[check], {'n': number})}"
        for check, number in counts
        if number
    )
    say(f"checked {checked_rows}")
    if verification.expired:
        say(quantity(
            "{n} capture has no bytes after its retention period|"
            "{n} captures have no bytes after their retention period", verification.expired,
        ))  # fmt: skip
    _say_orphans(verification.orphans)
    if verification.older_steps:
        number = verification.older_steps
        again = quantity("{n} change was|{n} changes were", number)
        say(f"{again} classified by older rules; run `lesart reclassify`")


def _say_orphans(names: Sequence[str]) -> None:
    for name in names[:NAMED_ORPHANS]:
        say(f"no row refers to the object {name}")
    if names:
        say("such objects wait for their row, or a killed process left them: run `lesart sweep`")


def _scope(settings: Settings, checked: VerifyOptions, engine: Any) -> "Scope":
    """Return the part of the archive to verify.

    Raises: MomentError, typer.BadParameter.
    """
    since = None
    if checked.since is not None:
        since = parse_moment(checked.since, settings.zone, "first")
    against = []
    for path in checked.against or ():
        with naming_file(path):
            against.append(path.read_text("utf-8", "replace"))
    authorities = stamps.read_authorities(settings.proof_authorities)
    return verify_run.scope_of(engine, since, checked.permille(), against, authorities)
