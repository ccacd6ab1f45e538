"""The options of `lesart ingest --history`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from storage.cli.exits import UNCHECKED, say
from storage.cli.options import OutputOptions
from storage.cli.output import write_rows
from storage.read.query.parameter import flag, option
from storage.read.render.moment import parse_moment
from storage.settings import Settings
from storage.values.lazy import LazyModule
from storage.values.settings.readers import read_interval
from worker.errors import LocatorError

if TYPE_CHECKING:
    from storage.write.archive import Archive
    from worker.cli import control
    from worker.flow.history import preview
else:
    control = LazyModule("worker.cli.control")
    preview = LazyModule("worker.flow.history.preview")


@dataclass(frozen=True, slots=True)
class HistoryOptions:
    """Which captures of web archives are imported."""

    history: bool = flag("--history", "Import the captures of an address from web archives.")
    since: str | None = option(
        "--from", "T", "With --history: no captures before T (default: all captures)."
    )
    until: str | None = option(
        "--to", "T", "With --history: no captures after T (default: all captures)."
    )
    every: str | None = option(
        "--every", "DURATION", "With --history: at most one capture per DURATION, such as 1d."
    )
    at_most: int | None = option(
        "--at-most", "N", "With --history: only the latest N captures (default: all).", min=1
    )
    web_archive: list[str] | None = option(
        "--web-archive",
        "NAME",
        "With --history: only this web archive; repeatable (default: LESART_WEB_ARCHIVES).",
    )
    dry_run: bool = flag("--dry-run", "With --history: list the captures, and store nothing.")

    def request(self, settings: Settings) -> "control.HistoryRequest | None":
        """Return the request; None without `--history`.

        Raises: LocatorError for options that need `--history`, and for invalid values.
        """
        values = (self.since, self.until, self.every, self.at_most, self.web_archive)
        if not self.history:
            if any(values) or self.dry_run:
                raise LocatorError(
                    "--history", "it is missing: --from, --to, --every, --at-most, --web-archive "
                    "and --dry-run need it",
                )  # fmt: skip
            return None
        since = self.since and parse_moment(self.since, settings.zone, "first").isoformat()
        until = self.until and parse_moment(self.until, settings.zone, "last").isoformat()
        try:
            every = None if self.every is None else read_interval(self.every)
        except ValueError as error:
            raise LocatorError("--every", str(error)) from error
        selection = {"since": since, "until": until, "every": every, "at_most": self.at_most}
        return control.HistoryRequest(selection, tuple(self.web_archive or ()))


def report_history(
    archive: "Archive", settings: Settings, request: "control.IngestOptions", output: OutputOptions
) -> None:
    """List the captures that `request` would import; exit with 4 if a list is missing."""
    targets = control.histories(archive, settings, request)
    rows, refused = preview.preview_history(archive, settings, targets)
    write_rows(rows, output.target(), preview.COLUMNS)
    for each in refused:
        say(each.sentences)
    if any(each.code != "no_captures" for each in refused):
        raise typer.Exit(UNCHECKED)
