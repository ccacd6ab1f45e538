"""Open the archive that a command names, and write what it tells."""

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from itertools import chain
from typing import TYPE_CHECKING, Any

import typer

from storage.cli.exits import NO, InterruptionError, say
from storage.cli.options import ArchiveOptions, Checked, OutputOptions, Page, Then
from storage.cli.output import AnswerTarget, write_object, write_rows, write_text
from storage.cli.progress import ProgressLine
from storage.read.render.moment import parse_moment
from storage.settings import Settings
from storage.values.late import LateModule

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from storage.read import answers
    from storage.read.archive import ReadOnlyArchive
    from storage.values.job import Progress
    from storage.verify import doctor
    from storage.verify.finding import BrokenObject, Scope
else:
    answers = LateModule("storage.read.answers")
    doctor = LateModule("storage.verify.doctor")


@contextmanager
def reading(
    place: ArchiveOptions, then: Then | None = None
) -> Iterator[tuple[Settings, "ReadOnlyArchive"]]:
    """Open the archive that `place` names for reading, as it was `then`.

    Raises: MomentError, SettingsError, ArchiveMissingError, ArchiveUnreachableError,
    SchemaOlderError, SchemaNewerError.
    """
    from storage.read.archive import open_archive  # noqa: PLC0415  # SQLAlchemy is slow to load

    settings = place.settings()
    with open_archive(
        settings.database_url, timezone=settings.zone, languages=settings.languages
    ) as archive:
        moments = (None, None) if then is None else then.moments(settings)
        yield settings, archive if moments == (None, None) else archive.at(*moments)


@contextmanager
def whole_archive(settings: Settings, *, adds: bool = False) -> Iterator["Engine"]:
    """Give an engine that reads an archive in our schema as a whole, or `adds` to its log.

    Raises: the same as `reading`.
    """
    from storage.database import engine as engines  # noqa: PLC0415  # SQLAlchemy is slow to load
    from storage.database.schema_version import require_current  # noqa: PLC0415

    url = engines.database_url(settings.database_url)
    engine = engines.reading_engine(url)
    if adds:
        engine.dispose()  # a file that is not there was not made
        engine = engines.writing_engine(url)
    try:
        with engines.reachable(url):
            require_current(engine)
            yield engine
    finally:
        engine.dispose()


def report_explained(
    relations: Iterable["answers.ExplainedRelation"], target: AnswerTarget
) -> None:
    """Write relations with what is shared, what differs and who had it first, as a text."""
    from storage.cli.show.relation import relation_text  # noqa: PLC0415

    columns = columns_of(target)
    write_text(
        (
            f"{line}\n"
            for relation in relations
            for line in relation_text(relation, colour=target.has_colour, columns=columns)
        ),
        target.path,
    )


def report_rows(
    rows: Iterable[Any],
    target: AnswerTarget,
    kind: type[Any],
    shown: Sequence[str],
    page: Page | None = None,
    least: int | None = None,
) -> None:
    """Write records of one `kind`; a table has the columns `shown` and says how it goes on."""
    written = write_rows(rows, target, flat_columns(kind), shown=shown, least=least)
    if target.chosen != "table":
        return
    if not written.number:
        say("there is nothing to tell")
    elif page is not None and page.limit == written.number:
        say(f"there may be more: go on with --after {written.last.cursor}")


def report_examination(
    settings: Settings, shown: OutputOptions, more: Iterable[tuple[str, "doctor.Check"]] = ()
) -> None:
    """Write what each check found and end with 1 where something is broken."""
    findings = list(doctor.examine(settings, more))
    write_rows(findings, shown.target())
    if any(finding.state == "broken" for finding in findings):
        raise typer.Exit(NO)


def report_verification(
    settings: Settings,
    shown: OutputOptions,
    checked: Checked,
    more: "Callable[[Engine, Scope, Progress], Iterator[BrokenObject]] | None" = None,
) -> None:
    """Write what is broken as it is found, say what was looked at, end with 1 where it is.

    `more` goes on with checks of a caller, such as the derivation of texts from their bytes.
    """
    from storage.proof.external.witnesses import read_policy  # noqa: PLC0415  # SQLAlchemy is slow to load
    from storage.verify.finding import (  # noqa: PLC0415
        NOT_COVERED,
        BrokenObject,
        summary,
    )
    from storage.verify.level import sentences  # noqa: PLC0415
    from storage.verify.verify import Verification, completed  # noqa: PLC0415

    with whole_archive(settings) as engine, ProgressLine() as line:
        scope = _scope(settings, checked, engine)
        verification = Verification(engine, scope, checked.after)
        findings = verification.findings(line.report)
        if more is not None:
            findings = chain(findings, completed("texts", more(engine, scope, line.report)))

        def totals() -> Mapping[str, Any]:
            return {
                "checked": verification.checked,
                "redacted": verification.redacted,
                "older_steps": verification.older_steps,
                "not_covered": [each.to_dict() for each in NOT_COVERED],
            }

        try:
            target = shown.target()
            if target.chosen == "json":
                written = write_object("findings", findings, totals, target)
            else:
                written = write_rows(findings, target, flat_columns(BrokenObject))
        except KeyboardInterrupt:
            go_on = f"interrupted: continue with --after {verification.reached}"
            raise InterruptionError(go_on) from None
    looked = ", ".join(f"{number} {name}" for name, number in verification.checked.items())
    say(f"looked at {looked}; {verification.redacted} redacted; {written.number} broken")
    if verification.older_steps:
        number = verification.older_steps
        say(f"{number} steps were told by older rules of this program: not computed again")
    say(summary())
    policy, is_broken = read_policy(settings.proof_witnesses), bool(written.number)
    for sentence in sentences(verification.facts, scope.against, policy, is_broken=is_broken):
        say(sentence)
    if written.number:
        raise typer.Exit(NO)


def _scope(settings: Settings, checked: Checked, engine: "Engine") -> "Scope":
    """Return what part of an archive is to be verified.

    Raises: MomentError, typer.BadParameter.
    """
    from storage.proof.stamp import read_authorities  # noqa: PLC0415
    from storage.verify.verify import scope_of  # noqa: PLC0415  # SQLAlchemy is slow to load

    since = None
    if checked.since is not None:
        since = parse_moment(checked.since, settings.zone, "first")
    against = [path.read_text("utf-8", "replace") for path in checked.against or ()]
    authorities = read_authorities(settings.proof_authorities)
    return scope_of(engine, since, checked.permille(), against, authorities)


def flat_columns(kind: type[Any]) -> list[str]:
    """Return the columns of a record's flat form, so that an empty CSV has its heading too.

    >>> flat_columns(answers.ArticleLine)[5:9]
    ['published', 'published_precision', 'published_from', 'published_to']
    """
    columns: list[str] = []
    for each in fields(kind):
        if each.name == "published":
            columns += [f"published{end}" for end in ("", "_precision", "_from", "_to")]
        elif each.name not in columns:
            columns.append(each.name)
    return columns


def columns_of(target: AnswerTarget) -> int | None:
    """Return how wide the terminal is, None where the target is none."""
    return shutil.get_terminal_size().columns if target.is_terminal else None
