"""The `lesart` command, to which the modules add their commands."""

import platform
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import typer
from typer.core import TyperGroup

from storage.capabilities import CAPABILITIES
from storage.cli.exits import SUCCESS
from storage.cli.options import ArchiveOptions, LeadingOutputOptions, WithGroups
from storage.read.query.doors import DOORS
from storage.read.query.parameter import flag
from storage.values.program import program

_OWN: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "Start here": {
            "up": "Run scheduler, worker and web server in one process.",
            "ingest": "Archive files, folders, globs, addresses or standard input now.",
            "source": "Manage folders and addresses that are checked on a schedule.",
            "web": "Run the web server with the pages and the HTTP API, until Ctrl-C.",
            "open": "Open the web page, or the page of an article, in the browser.",
        },
        "Read": {
            "list": DOORS["list"].summary,
            "search": DOORS["search"].summary,
            "show": "Show one version with its text and metadata.",
            "history": DOORS["history"].summary,
            "diff": "Compare two versions word by word; the exit code is 1 if they differ.",
            "blame": DOORS["blame"].summary,
            "sentences": DOORS["sentences"].summary,
            "changes": DOORS["changes"].summary,
            "watch": "Print changes as they are recorded, until Ctrl-C.",
            "cite": "Write a citation of a version, or of a passage in it.",
            "raw": "Write the captured bytes of a version, unchanged.",
            "observations": DOORS["observations"].summary,
            "entries": DOORS["entries"].summary,
            "relations": DOORS["relations"].summary,
            "noise": DOORS["noise"].summary,
            "lineages": DOORS["lineages"].summary,
            "undo": "Undo a relation, a joined address or a noise decision, permanently.",
        },
        "Automate": {
            "token": "Manage tokens for write requests over HTTP.",
            "export": "Export texts as rows, or captures as a WARC file.",
            "sql": "Run a read-only SQL query on the documented views.",
            "explain": "Check whether an address would be fetched now, and why.",
        },
        "Prove": {
            "verify": "Recompute all digests and texts and check all invariants; exit code 1 "
            "means damage.",
            "proof": "Prove archived versions in a form that others can check.",
        },
        "Administer": {
            "jobs": DOORS["jobs"].summary,
            "retry": "Retry the quarantined or cancelled parts of a job.",
            "cancel": "Cancel the open parts of a job; documents already stored remain.",
            "refusals": DOORS["refusals"].summary,
            "doctor": "Check the installation and list problems with their remedies.",
            "top": "Show jobs, sources, outgoing messages and rates live, until Ctrl-C.",
            "stats": "Print figures of the archive, the coverage of its sources, or "
            "statistics of edits.",
            "config": "List all settings with their values and sources; secrets are hidden.",
            "backup": "Copy the archive into one new file while other processes write to it.",
            "restore": "Copy a backup into a new archive and verify it.",
            "merge": "Import the observations of another archive as foreign observations.",
            "rederive": "Extract stored captures again and list differences; it creates no "
            "versions.",
            "reclassify": "Classify changes again that older rules classified; it creates no "
            "versions.",
            "redact": "Remove articles or versions and keep the proofs of their existence.",
            "sweep": "Delete objects in the object storage that no row refers to.",
            "db": "Manage the database schema.",
            "worker": "Run a worker, which processes the jobs from the broker.",
            "scheduler": "Run the scheduler, which creates jobs for due sources and notifies "
            "workers.",
            "version": "Print the versions of Lesart and Python.",
        },
    }
)  # fmt: skip
_KNOWN = {name for names in _OWN.values() for name in names}
_FURTHER = [
    *(("Read", door.name, door.summary) for door in DOORS.values() if door.name not in _KNOWN),
    *(each for capability in CAPABILITIES for each in capability.commands),
]
PANELS: Mapping[str, Mapping[str, str]] = MappingProxyType({
    title: {**names, **{name: summary for section, name, summary in _FURTHER if section == title}}
    for title, names in _OWN.items()
})  # fmt: skip
"""The commands with their summaries, by section of `lesart --help --all`, the common ones first."""
DAILY = frozenset([
    "up", "ingest", "source", "open", "list", "search", "show", "history", "diff", "changes",
    "relations", "cite", "alert", "export", "doctor",
])  # fmt: skip
"""The commands of `lesart --help`."""
_ALL = "--all"


class PanelGroup(TyperGroup):
    """A group whose help lists the commands of daily work by section, or all with `--all`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Note `--all`, which may come after `--help`."""
        ctx.meta[_ALL] = _ALL in args
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        has_all = ctx.meta.get(_ALL)
        for title, names in PANELS.items():
            chosen = [name for name in names if name in self.commands]
            commands = [(each, self.commands[each]) for each in chosen if has_all or each in DAILY]
            if commands:
                with formatter.section(title):
                    rows = [(name, command.get_short_help_str()) for name, command in commands]
                    formatter.write_dl(rows)
        if not has_all:
            formatter.write_paragraph()
            formatter.write_text(f"`lesart --help --all` lists all {len(self.commands)} commands.")


app = typer.Typer(
    name="lesart",
    cls=PanelGroup,
    help="Archive press texts: record what was readable where and when, and how it changed.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback(help=app.info.help)
@WithGroups
def root(
    place: ArchiveOptions,  # each command reads them from its context (storage.cli.options)
    output: LeadingOutputOptions,
    *,
    version: bool = flag(
        "--version",
        "Print the version and exit.",
        callback=lambda is_given: print_version() if is_given else None,
        is_eager=True,
    ),
    every: bool = flag(
        _ALL,
        "Print this help with all commands and exit.",
        callback=lambda ctx, is_given: _print_help(ctx) if is_given else None,
        is_eager=True,
    ),
) -> None:
    """Accept the shared options before a command."""


def command_group(name: str, cls: type[TyperGroup] = TyperGroup) -> typer.Typer:
    """Add a group of commands that accepts the shared options before its command, as `app` does.

    `lesart source --archive PATH list` is the same as `lesart source list --archive PATH`.
    """
    help = next(names[name] for names in PANELS.values() if name in names)  # noqa: A001  # Typer's word
    group = typer.Typer(
        cls=cls, help=help, short_help=help, no_args_is_help=True, rich_markup_mode=None
    )

    @group.callback(help=help)
    @WithGroups
    def accept_shared_options(place: ArchiveOptions, output: LeadingOutputOptions) -> None:
        """Accept the shared options; the command reads them from its context."""

    app.add_typer(group, name=name)
    return group


def add_summaries() -> None:
    """Add each command to the program by name and summary: enough for its help, and for a typo."""
    for names in PANELS.values():
        for name, summary in names.items():
            app.command(name, short_help=summary)(print_version)


def _print_help(context: typer.Context) -> None:
    typer.echo(context.get_help())
    raise typer.Exit(SUCCESS)


def print_version() -> None:
    typer.echo(f"{program()}, Python {platform.python_version()}")
    raise typer.Exit(SUCCESS)
