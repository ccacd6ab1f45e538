"""Report what came of jobs that a command saw through, and end by it."""

from collections.abc import Mapping, Sequence
from typing import Any

import typer

from storage.cli.exits import NO, say
from storage.cli.options import OutputOptions
from storage.cli.output import write_rows

MOST_NAMED = 5


def report_summaries(summaries: Sequence[Mapping[str, Any]], shown: OutputOptions) -> None:
    """Write summaries, say what was refused or is left, and end with 1 where anything is."""
    write_rows(summaries, shown.target())
    sentences = list(_sentences(summaries))
    for sentence in sentences:
        say(sentence)
    if any(each["refused"] or each["failed"] or each["open"] for each in summaries):
        raise typer.Exit(NO)


def _sentences(summaries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what is to be said of summaries.

    >>> done = {"job": 7, "seen": 40, "refused": 0, "failed": 2, "open": 0, "resumed": True}
    >>> for each in _sentences([done]):
    ...     print(each)
    went on with what was left open (job 7): 40 documents
    2 documents could not be read: see `lesart jobs`, then `lesart retry JOB`
    """
    resumed = [each for each in summaries if each["resumed"]]
    refused, failed, left = (
        sum(each[name] for each in summaries) for name in ("refused", "failed", "open")
    )
    lines = []
    if resumed:
        named = ", ".join(str(each["job"]) for each in resumed[:MOST_NAMED])
        more = " …" if len(resumed) > MOST_NAMED else ""
        number = sum(each["seen"] for each in resumed)
        lines.append(f"went on with what was left open (job {named}{more}): {number} documents")
    if refused:
        lines.append("something was refused: see `lesart refusals`")
    if failed:
        lines.append(
            f"{failed} documents could not be read: see `lesart jobs`, then `lesart retry JOB`"
        )
    if left:
        lines.append(f"{left} jobs are left that a newer lesart wrote: let that one work them")
    return lines
