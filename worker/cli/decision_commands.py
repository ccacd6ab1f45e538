"""The commands that change decisions of the archive: reclassify and undo."""

from typing import TYPE_CHECKING

from storage.cli.app import app
from storage.cli.exits import say
from storage.cli.options import ArchiveOptions, OutputOptions, command
from storage.cli.output import write_rows
from storage.cli.progress import ProgressLine
from storage.cli.report import reading
from storage.read.query.parameter import argument, option
from storage.values.lazy import LazyModule
from storage.values.messages import quantity
from worker.cli.opened import opened_archive

if TYPE_CHECKING:
    from storage.write import reclassify as reclassifying
    from storage.write import undo as undoing
else:
    reclassifying = LazyModule("storage.write.reclassify")
    undoing = LazyModule("storage.write.undo")


@command(app, "reclassify", example="lesart reclassify")
def reclassify(
    *,
    articles: list[str] | None = argument(
        "[ARTICLE]…", "Articles by id, address or path (default: all articles).", None
    ),
    place: ArchiveOptions,
) -> None:
    """Classify changes again that older rules classified; it creates no versions."""
    with reading(place, is_current=True) as (settings, archive):
        ids = [archive.article_row_id(each) for each in articles] if articles else None
    changes = others = 0
    with opened_archive(settings) as archive, ProgressLine() as line:
        due = archive.read(reclassifying.outdated_articles, ids)
        for start in range(0, len(due), reclassifying.ARTICLES_AT_A_TIME):
            batch = due[start : start + reclassifying.ARTICLES_AT_A_TIME]
            done, differ = archive.transact(reclassifying.reclassify, batch)
            changes, others = changes + done, others + differ
            line.report("changes classified again", changes)
    again = quantity("{n} change was|{n} changes were", changes)
    say(f"{again} classified again, {others} with other classes than before")


@command(app, "undo", example="lesart undo 4711 --reason 'two papers, one name'")
def undo(
    *,
    decision: int = argument(
        "ID", "Decision to undo: id from `lesart relations`, `lineages` or `noise`."
    ),
    place: ArchiveOptions,
    output: OutputOptions,
    reason: str | None = option(
        "--reason", "TEXT", "Reason to record with the undo (default: none)."
    ),
) -> None:
    """Undo a relation, a joined address or a noise decision, permanently."""
    with opened_archive(place.settings()) as archive:
        naming = archive.read(undoing.find_naming_versions, decision)
        undone = archive.transact(undoing.undo, decision, reason, naming)
    write_rows([undone.to_dict()], output.target())
