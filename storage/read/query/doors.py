"""The lists of an archive with their doors: a command, a route of the HTTP API and a page each.

The command and the route are made from these declarations; the options of both are the fields of
the query. Nothing is loaded here: the program looks up its commands before it loads one.
"""

from types import MappingProxyType
from typing import TYPE_CHECKING

from storage.capabilities import load_parts
from storage.read.query.list_door import ListDoor
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from storage.read.query import queries
else:
    queries = LazyModule("storage.read.query.queries")


_DECLARED: tuple[ListDoor, ...] = (
    ListDoor(
        "list", "List articles.", lambda: queries.ArticlesQuery,
        shown=("title", "outlet", "published", "versions", "state", "article", "changed_by",
               "language", "source", "last_seen"),
        short=("title", "outlet"),
        empty="no articles found: archive some with `lesart ingest`, or change the filters",
        example="lesart list --language de --since 2024-06 --format csv",
        tag="articles", route="articles", page="/articles", least=4, is_tool=True,
    ),
    ListDoor(
        "search", "Search the full text of all versions.", lambda: queries.SearchQuery,
        shown=("title", "outlet", "published", "snippet", "current", "article", "version"),
        empty="no version matches the query and the filters",
        example='lesart search "\\"Damm gebrochen\\" Pegel" --latest',
        tag="search", page="/search", makes_command=False, is_tool=True,
    ),
    ListDoor(
        "history", "List the versions of an article, oldest first.", lambda: queries.VersionsQuery,
        shown=("version", "changed_after", "changed_by", "changes", "last_seen", "words_added",
               "words_removed", "silent", "title"),
        empty="no versions found", example="lesart history https://zeitung.example/damm",
        tag="articles", page="/a/{article}", least=4,
    ),
    ListDoor(
        "blame",
        "List for each sentence the version that added it and the article that had it first.",
        lambda: queries.BlameQuery,
        shown=("since_version", "changed_by", "first_article", "sentence", "returned", "paragraph"),
        empty="no sentences found", example="lesart blame 35xhehswnwa6vc12 --format csv",
        tag="articles", page="/a/{article}/since", least=4, makes_command=False, is_tool=True,
    ),
    ListDoor(
        "sentences",
        "List sentences that contain a text, with other articles that contain them now.",
        lambda: queries.SentencesQuery,
        shown=("number", "since_version", "changed_by", "first_article", "current_in", "sentence"),
        empty="no sentence contains this text",
        example='lesart sentences 35xhehswnwa6vc12 "36 Zentimeter"',
        tag="articles",
    ),
    ListDoor(
        "changes", "List changes from version to version, newest first.",
        lambda: queries.ChangesQuery,
        shown=("changed_by", "outlet", "title", "changes", "article", "version", "silent",
               "words_added", "words_removed", "removed", "added"),
        short=("outlet", "title", "changes", "removed", "added"), least=4,
        empty="no changes found", example='lesart changes --class number --contains "Prozent"',
        tag="changes", page="/", makes_route=False, is_tool=True,
    ),
    ListDoor(
        "observations", "List all checks of an article with their outcomes, oldest first.",
        lambda: queries.ObservationsQuery,
        shown=("observed_at", "checks", "outcome", "version", "note", "until", "foreign", "origin"),
        empty="no checks found", example="lesart observations 35xhehswnwa6vc12 --format jsonl",
        tag="articles", page="/a/{article}/checks", least=5,
    ),
    ListDoor(
        "entries", "List the entries of a live blog with their edits.",
        lambda: queries.EntriesQuery,
        shown=("time", "headline", "state", "versions", "text", "first_seen", "ended_by", "entry"),
        empty="no entries found", example="lesart entries https://zeitung.example/liveblog",
        tag="articles", page="/a/{article}/entries", least=4,
    ),
    ListDoor(
        "relations", "List copies, contained texts and follow-ups, with score and method.",
        lambda: queries.RelationsQuery,
        shown=("id", "kind", "a_outlet", "a_title", "b_outlet", "b_title", "earlier", "score", "a",
               "b", "decided_at", "undone_at", "method"),
        short=("a_outlet", "a_title", "b_outlet", "b_title"),
        empty="no relations found", example="lesart relations 35xhehswnwa6vc12",
        tag="relations", page="/relations", least=6, makes_command=False, makes_route=False,
        is_tool=True,
    ),
    ListDoor(
        "noise", "List differences that count as noise, with the rule and the passages.",
        lambda: queries.NoiseQuery,
        shown=("id", "observed_at", "outlet", "title", "rules", "removed", "added", "undone_at",
               "article", "version"),
        empty="no differences count as noise",
        example="lesart noise https://zeitung.example/damm --format jsonl",
        tag="changes",
    ),
    ListDoor(
        "lineages",
        "List addresses that were joined to one article; `lesart undo ID` separates them.",
        lambda: queries.LineagesQuery,
        shown=("id", "article", "kind", "origin", "to_origin", "decided_at", "undone_at"),
        empty="no addresses were joined", example="lesart lineages https://zeitung.example/damm",
        tag="relations",
    ),
    ListDoor(
        "refusals", "List refused documents with reason, remedy, and number of refusals.",
        lambda: queries.RefusalsQuery,
        shown=("at", "source", "code", "locator", "message", "hint", "times", "first_at", "job"),
        empty="no refusals", example="lesart refusals --format csv --output abgelehnt.csv",
        tag="work", page="/refusals", makes_command=False,
    ),
    ListDoor(
        "jobs", "List jobs with state, counts and reason.", lambda: queries.JobsQuery,
        shown=("job", "source", "state", "created_at", "result", "reason"),
        empty="no jobs found: `lesart ingest` and `lesart up` create them",
        example="lesart jobs 42",
        tag="work", page="/jobs", makes_command=False,
    ),
    *(door for part in load_parts("doors") for door in part.DOORS),
)  # fmt: skip
DOORS = MappingProxyType({door.name: door for door in _DECLARED})
"""The doors of each list, by the name of its command."""
