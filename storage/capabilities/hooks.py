"""The statements of a capability about itself, and the names of its parts.

Facts are values; code is a module with a fixed name, a part, which is loaded at its first use.
This module imports nothing of ours but pure values.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from storage.values.net.pauses import ATTEMPTS_OF_A_DAY, FOR_A_DAY, Pauses

PARTS = MappingProxyType({
    "tables": "TABLES: the SQLModel tables of its facts",
    "view_sql": "VIEWS: the declarations of its views",
    "answers": "QUERIES: the query of each list, and its rows",
    "doors": "DOORS: for each list its command, route and page",
    "version_facts": "`facts_of_versions`: a field of versions, as `show_lines` shows it",
    "version_headers": "`headers_of`: headers of the page of a version with a number",
    "check_facts": "`facts_of_observations`: a field of checks",
    "pages": "ROUTER: its pages",
    "change_panel": "TEMPLATE: its part of the page of a change, with the context of `show_panel`",
    "change_marks": "`find_marks`: what was recorded about changes since, for alerts",
    "page_list": "`store_list`: what is stored of a page of its kinds",
    "page_reader": "`read_page` and `make_list`: the draft of a page of its kinds, and its list",
    "wording_rows": "`add_rows`: the rows that follow from a text that was read",
    "verify_checks": "CHECKS: its checks in `lesart verify`, each with its name",
    "transfer": "`facts_of_checks` and `store_facts`: its rows in a WARC file and out of it",
    "orders": "KINDS: its kinds of orders, which a restored archive repeats",
    "speakers": "`load_hidden`: the speakers that are left out of quotations",
    "figures": "`compute_figures`: its part of `lesart stats`; `OPEN` is the name of a number of "
    "readings without a decision, `METRIC` the name, meaning and label of a metric, or None",
    "write_command": "its commands that are no lists; importing it adds them",
    "work": "ACTS: what the scheduler repeats; without services, it runs after other work",
    "format_readers": "READERS: the reader of each of its formats",
    "source_options": "`add_options`: the options of a source with those that the facts add",
    "check": "CHECKS: its checks in `lesart doctor`, each with its name",
    "write_routes": "ROUTER: its routes that write",
    "mounts": "MOUNTS: its applications beside the API, made from the application and the archive, "
    "each with its path and its end",
    "renderer": "`PageRenderer`: reads the pages of the jobs that need a browser",
    "check_files": "`store_files`: stores the files of checks, in their transaction",
    "web_records": "`resources_of_checks`: the files of a check that a WARC file contains, too",
})  # fmt: skip
"""The parts with what their module has."""
PROMISED_PARTS = frozenset({"verify_checks", "transfer", "orders"})
"""Parts on which a promise depends: a capability with rows gives a reason for one that it lacks."""
WORKER_PARTS = (
    "page_reader", "format_readers", "write_command", "write_routes", "work", "source_options",
    "check", "renderer",
)  # fmt: skip
"""The parts in `worker/capabilities/NAME`; all others are in `storage/capabilities/NAME`."""

Transfer = Literal["written", "read again", "repeated", "none"]
Names = Mapping[str, str]
NOTHING: Names = MappingProxyType({})


class LogEntry(NamedTuple):
    """The form of the log entries of a table; all of it is permanent.

    `kind` is the number of the table in the log. `salted` are columns that may contain personal
    data: each has its own salt, so that it can be revealed or removed without the others. `covered`
    are columns covered by a digest among them; all others are plain. `key` is the column whose
    number orders the entries.
    """

    kind: int
    salted: tuple[str, ...] = ()
    covered: tuple[str, ...] = ()
    key: str = "id"


class RecordTable(NamedTuple):
    """The facts of a table of the record, whose rows are only added.

    `log` is None for the tables that hold the log entries themselves.
    `in_bundle`: rows of this table can be part of a proof bundle.
    `transfer`: how the rows get into another archive by a WARC export, and so by `merge`: written
    into the file, made again when it is read, repeated as an order by `merge`, or not at all.
    `acts` are the columns with times of acts and decisions, which obey the corrections of the clock
    (`storage.history.corrected_times`): in views, lists, and files for other archives.
    `known_at` is the time by which queries for the knowledge at a time leave out later rows; None
    for rows that are only reached through those, or that count whenever they were recorded.
    `emptied` are the columns that a redaction of a text empties, `emptied_address` those that a
    redaction of an address empties; `kept` states for each other salted column why it stays, and
    `plain` for each column of text that is not salted why the log may contain its words.
    Those of a capability go with their `observation_id`. `elsewhere` is an emptied column with the
    address of what stays at others: a redaction lists it under the name of the capability, and one
    of the address empties it, too, but no passage is searched in it.
    `shows_text` is the condition of rows whose file shows the text of its page: a redaction of a
    passage empties them, too.
    `references` maps a column to the table whose row it names; `loose` states for each other such
    column why the row may be missing.
    """

    name: str
    log: LogEntry | None
    in_bundle: bool
    transfer: Transfer
    known_at: str | None
    emptied: tuple[str, ...] = ()
    emptied_address: tuple[str, ...] = ()
    kept: Names = NOTHING
    plain: Names = NOTHING
    references: Names = NOTHING
    loose: Names = NOTHING
    elsewhere: str | None = None
    shows_text: str | None = None
    acts: tuple[str, ...] = ()


class ListedOrder(NamedTuple):
    """An order as `lesart redact --list` lists it, without content.

    `act` is its number, `rows` are the rows that it names by table and number, `digest` is that of
    a name, `ends` the act that it undoes, and `passage` how a removed passage is recognised.
    """

    kind: str
    act: int
    at: datetime
    actor: str
    reason: str | None = None
    rows: tuple[tuple[str, int], ...] = ()
    digest: str | None = None
    ends: int | None = None
    passage: Mapping[str, Any] | None = None


class OrderKind(NamedTuple):
    """A kind of orders that remove or hide something, with the table of the record that has them.

    `one` and `many` are what messages call it. `load` yields the orders as a connection sees them.
    `repeat` carries out an order in a writable `Archive`, whose rows it names, and returns whether
    something changed; it is given what prepares a text without its passage, too.
    """

    name: str
    one: str
    many: str
    table: str
    load: Callable[[Any], Iterable[ListedOrder]]
    repeat: Callable[[Any, ListedOrder, Any], bool]


class StateTable(NamedTuple):
    """The facts of a table of the state, which can be rebuilt or entered again.

    `unchecked` states why `lesart verify` does not compare the table with the record; None if it
    does. `is_secret`: the role of the page cannot select from it. `holds_text`: its rows may
    contain parts of texts or addresses, so that PostgreSQL rewrites it after a redaction.
    `references` and `loose` as in `RecordTable`. `waits` are the columns with stored times of the
    future, with the longest wait of each in seconds (`storage.database.planned_times`). `moments`
    are those with times of acts, which a correction of the clock puts back to its own time.
    `is_numbered`: every change of a row gives it a new `seq`, so that a backup need not compare
    its other columns. A redaction deletes the rows of a capability that
    refer to a redacted wording or derivation.
    """

    name: str
    unchecked: str | None
    is_secret: bool
    holds_text: bool
    references: Names = NOTHING
    loose: Names = NOTHING
    waits: Mapping[str, float] = MappingProxyType({})
    moments: tuple[str, ...] = ()
    is_numbered: bool = False


class Format(NamedTuple):
    """One input format; `type` is its value of `--type` and in the hints of a capture.

    The first of `media_types` is the type of one document in a WARC export; if formats share a
    media type, an import reads it as the first format. `content` describes the format in the
    README. `holds` states what a file may contain other than one document: a list that is read as a
    whole, records and archive members that are streamed, captures of a web archive, or attachments.
    Formats with a `signature`, the pattern of their first bytes, are recognised by it: binary ones
    but not under the name of a text, items but not in a table. `is_item`: a document names itself
    by an identifier such as a URN. `parts` is the pattern of bytes that may contain several texts,
    `text_key` the beginning of the keys of an object that has a text.
    """

    type: str
    suffixes: tuple[str, ...]
    media_types: tuple[str, ...]
    content: str
    holds: Literal["list", "records", "members", "captures", "attachments"] | None = None
    signature: bytes | None = None
    is_item: bool = False
    parts: bytes | None = None
    text_key: str | None = None


class WebFile(NamedTuple):
    """A file that a WARC file contains next to the page of a check; `stored` are its bytes.

    With a `status` it is the answer of a server, which may redirect to a `location`.
    """

    address: str
    media_type: str
    stored: Any
    status: int | None = None
    location: str | None = None


class CapabilityError(ValueError):
    """Wrong use of a capability; the message states the reason."""


class Command(NamedTuple):
    """A command that is no list, with its section and line of `lesart --help`."""

    section: str
    name: str
    summary: str


class ChangeCondition(NamedTuple):
    """A filter of changes and searches, as an option and a parameter of requests.

    It can be repeated. `query` is an SQL query with the parameter `:name`, whose values are names
    of persons if `has_names`; `{VIEW}` is the query of a view of the capability. What it
    `selects` are changes by `article_id` and `version`, as they were recorded about a change
    (`change_marks`), or texts by `wording_id`: then a change is listed for its text before or
    after, and an alert reports it when it comes.
    """

    name: str
    option: str
    metavar: str
    help: str
    selects: Literal["changes", "texts"]
    query: str
    has_names: bool = False


class ChangeMark(NamedTuple):
    """A record about the change to a version, for alerts: a condition and its value.

    `seq` is the number of the row, which rises in the order of commit.
    """

    seq: int
    article_id: int
    version: int
    condition: str
    value: str


class OutgoingKind(NamedTuple):
    """The rules for the rows of a table that are sent to others (`storage.database.outgoing`)."""

    kind: str
    table: str
    open_states: tuple[str, ...]
    sent: str
    given_up: str | None
    pauses: Pauses = FOR_A_DAY
    most_attempts: int | None = ATTEMPTS_OF_A_DAY
    sending: str | None = None
    uncertain: str | None = None


class ReadText(NamedTuple):
    """A text that was read from a capture, a `storage.values.draft.Draft`, with its stored rows.

    `is_known`: its wording had been stored before, and this reading of it replaces earlier ones.
    """

    wording_id: int
    derivation_id: int
    draft: Any
    is_known: bool


class SourceOption(NamedTuple):
    """An option with a value of `lesart source add` and `lesart source set`, for addresses only.

    `bare` is its value if none of those in `metavar` is given.
    """

    name: str
    option: str
    metavar: str
    help: str
    bare: str | None = None


class PageKind(NamedTuple):
    """A kind of pages that a capability reads: `--type NAME` of addresses and web archives.

    `plural` names such pages to users; `every_seconds` is the time between two checks, unless the
    source states another.
    """

    name: str
    plural: str
    every_seconds: float


TEMPLATES = MappingProxyType({
    "version_panel.html": "its part of the page of a version, which is `version`",
    "check_mark.html": "its part of the row of a check, which is `row`",
    "refusal_mark.html": "its part of the row of a refusal, which is `row`",
})  # fmt: skip
"""The templates of a capability that other pages include, with what they show."""


class Capability(NamedTuple):
    """A capability by its facts.

    `parts` are those of `PARTS` that it has; `without` states for each of `PROMISED_PARTS` that it
    lacks why. `document` is the page of the documentation with its tables, views, commands and
    routes. `scopes` are permissions of tokens with their meaning, `outgoing` the kinds of rows that
    it sends to others, `source_options` wishes about a source, `page_kinds` the pages that it reads
    as lists, `formats` the files that it reads. `templates` are those of `TEMPLATES` that it has,
    `tabs` its pages of an article: the end of the address, and the title, `menu` its entries of the
    main menu: the address, and the English text.
    """

    name: str
    document: str
    parts: tuple[str, ...]
    record_tables: tuple[RecordTable, ...] = ()
    state_tables: tuple[StateTable, ...] = ()
    views: tuple[str, ...] = ()
    scopes: Names = NOTHING
    commands: tuple[Command, ...] = ()
    change_conditions: tuple[ChangeCondition, ...] = ()
    outgoing: tuple[OutgoingKind, ...] = ()
    source_options: tuple[SourceOption, ...] = ()
    page_kinds: tuple[PageKind, ...] = ()
    formats: tuple[Format, ...] = ()
    templates: tuple[str, ...] = ()
    tabs: Names = NOTHING
    menu: Names = NOTHING
    without: Names = NOTHING
