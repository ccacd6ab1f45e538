"""Report the outcome of completed jobs and set the exit code."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import typer

from storage.cli.exits import NO, UNCHECKED, say
from storage.cli.options import ArchiveOptions, OutputOptions
from storage.cli.output import AnswerTarget, write_rows, write_text
from storage.read.render.visible import one_line
from storage.values.lazy import LazyModule
from storage.values.messages import quantity
from storage.values.verdict import counts_sentence
from worker.cli.opened import opened_archive

if TYPE_CHECKING:
    from storage.cli import report
    from storage.read.figures import table_columns
    from worker.sources.containers import json_records
    from worker.text.formats import metadata
else:
    report = LazyModule("storage.cli.report")
    table_columns = LazyModule("storage.read.figures.table_columns")
    json_records = LazyModule("worker.sources.containers.json_records")
    metadata = LazyModule("worker.text.formats.metadata")

MOST_NAMED = 5
MOST_COLUMNS = 20


def report_summaries(
    summaries: Sequence[Mapping[str, Any]],
    place: ArchiveOptions,
    output: OutputOptions,
    *,
    absent: Sequence[tuple[str, int]] = (),
) -> None:
    """Write summaries with hints on refused, absent and open documents; exit with 1 if there are
    any, and with 4 if a scan was held back.

    `absent` are requested addresses that do not exist, each with the status of the server. On a
    terminal each summary is one sentence. At most five refusals follow.
    """
    target, listed = output.target(), 0
    is_sentence = target.is_terminal and target.format is None
    if is_sentence:
        write_text((f"{one_line(line)}\n" for line in _summary_lines(summaries)), None)
    else:
        write_rows(summaries, target)
    if any(each["refused"] for each in summaries):
        jobs = [each["job"] for each in summaries]
        listed = _list_refusals(jobs, place, target if is_sentence else None)
    for sentence in _sentences(summaries, listed=listed):
        say(sentence)
    for address, status in absent[:MOST_NAMED]:
        say(f"{address} does not exist: the server answered with status {status}")
    if len(absent) > MOST_NAMED:
        say(quantity(
            "{n} more address does not exist|{n} more addresses do not exist",
            len(absent) - MOST_NAMED,
        ))  # fmt: skip
    unused = _find_unused_columns([each["job"] for each in summaries if each["seen"]], place)
    if unused:
        more = ", …" if len(unused) > MOST_COLUMNS else ""
        say(f"columns not used, but stored as fields: {', '.join(unused[:MOST_COLUMNS])}{more}")
    if absent or any(each["refused"] or each["failed"] or each["open"] for each in summaries):
        raise typer.Exit(NO)
    if any(each["held_back"] for each in summaries):
        raise typer.Exit(UNCHECKED)


def _summary_lines(summaries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the sentence of each job; the rest of an interrupted job was completed first.

    >>> done = {"source": "seeds", "job": 7, "seen": 1, "unchanged": 1, "resumed": False}
    >>> rest = {"source": "seeds", "job": 2, "seen": 1, "new_articles": 1, "resumed": True}
    >>> for line in _summary_lines([done, rest]):
    ...     print(line)
    seeds, rest of the interrupted job 2: 1 document read: 1 new article. Nothing refused.
    seeds, checked again after it: 1 document read: 1 unchanged. Nothing refused.
    """
    interrupted = {each["source"] for each in summaries if each["resumed"]}
    for each in sorted(summaries, key=lambda each: not each["resumed"]):
        name = str(each["source"] or each["job"])
        if each["resumed"]:
            name += f", rest of the interrupted job {each['job']}"
        elif each["source"] in interrupted:
            name += ", checked again after it"
        sentence = counts_sentence(each)
        yield sentence if len(summaries) == 1 else f"{name}: {sentence}"


def _list_refusals(jobs: Sequence[int], place: ArchiveOptions, target: AnswerTarget | None) -> int:
    """Write the first new refusals of these jobs, and return their number.

    Without `target` they are messages.
    """
    with report.reading(place, is_current=True) as (_settings, archive):
        rows = [*islice((row for job in jobs for row in archive.refusals(job)), MOST_NAMED)]
    if target is None:
        for each in rows:
            say(f"refused {each.locator}: {each.message} {each.hint}")
    elif rows:
        write_text("\n", None)
        write_rows(rows, target, ("locator", "code", "message", "hint"), blocks=True)
    return len(rows)


def _find_unused_columns(jobs: Sequence[int], place: ArchiveOptions) -> list[str]:
    """Return the columns of the tables of these jobs that name no field that Lesart knows."""
    with opened_archive(place.settings()) as archive:
        names = [name for job in jobs for name in archive.read(table_columns.table_columns, job)]
    return [
        name
        for name in dict.fromkeys(names)
        if not metadata.is_field_key(name) and name.lower() not in json_records.KEY_NAMES
    ]


def _sentences(summaries: Sequence[Mapping[str, Any]], *, listed: int) -> list[str]:
    r"""Return the hints for summaries; `listed` is the number of refusals written above them.

    >>> done = {"job": 7, "seen": 40, "refused": 0, "failed": 2, "open": 0, "held_back": 0}
    >>> done["resumed"] = True
    >>> for each in _sentences([done], listed=0):
    ...     print(each.replace("; ", ";\n"))
    continued unfinished work (job 7): 40 documents
    2 documents failed: see `lesart refusals` and `lesart jobs 7`;
    `lesart retry 7` repeats quarantined parts
    """
    resumed = [each for each in summaries if each["resumed"]]
    refused, failed, left = (
        sum(each[name] for each in summaries) for name in ("refused", "failed", "open")
    )
    lines = []
    if resumed:
        named = ", ".join(str(each["job"]) for each in resumed[:MOST_NAMED])
        more = " …" if len(resumed) > MOST_NAMED else ""
        documents = quantity("{n} document|{n} documents", sum(each["seen"] for each in resumed))
        lines.append(f"continued unfinished work (job {named}{more}): {documents}")
    if refused > listed:
        number = f"{refused - listed} more " if listed else ""
        lines.append(
            f"{number}documents were refused: `lesart refusals` lists them with reason and remedy"
        )
    if failed:
        jobs = [each["job"] for each in summaries if each["failed"]]
        job = jobs[0] if len(jobs) == 1 else "JOB"
        lines.append(
            f"{quantity('{n} document|{n} documents', failed)} failed: see `lesart refusals` and "
            f"`lesart jobs {job}`; `lesart retry {job}` repeats quarantined parts"
        )
    for each in summaries:
        if each["held_back"]:
            source = each["source"]
            lines.append(
                quantity(
                    "{n} file of {source} is missing: nothing of it was read, and it counts as "
                    "deleted only if a later check still misses it. If you deleted it, |"
                    "{n} files of {source} are missing: nothing of it was read, and they count as "
                    "deleted only if a later check still misses them. If you deleted them, ",
                    each["held_back"],
                    source=source,
                )
                + f"run `lesart confirm {source}`"
            )
    if left:
        lines.append(
            quantity(
                "{n} job was created by a newer version of Lesart and stays open: complete it|"
                "{n} jobs were created by a newer version of Lesart and stay open: complete them",
                left,
            )
            + " with that version"
        )
    return lines
