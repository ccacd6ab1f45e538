"""The doors of the list of quotations."""

from typing import TYPE_CHECKING

from storage.read.query.list_door import ListDoor
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from storage.capabilities.quotations import answers
else:
    answers = LazyModule("storage.capabilities.quotations.answers")

DOORS = (
    ListDoor(
        "quotes",
        "List quotations with their speakers, newest version first.",
        lambda: answers.QuotesQuery,
        shown=("doubt", "outlet", "changed_by", "name", "kind", "text", "title", "office",
               "speaker", "cue", "article", "version"),
        short=("outlet", "title"),
        empty="no quotations found: change the filters, or see `lesart search`",
        example='lesart quotes --about "Brücke 36 Millionen" --format csv',
        tag="search",
        least=6,
        is_tool=True,
    ),
    ListDoor(
        "statements",
        "List statements with their wordings, the earliest first.",
        lambda: answers.StatementsQuery,
        shown=("doubt", "first_seen", "name", "kind", "text", "first_outlet", "first_title",
               "articles", "outlets", "reworded", "contradicted", "first_article",
               "first_version", "office"),
        empty="no statements found: change the filters, or see `lesart search`",
        example='lesart statements --about "Brücke 36 Millionen"',
        tag="search",
        least=6,
        is_tool=True,
    ),
    ListDoor(
        "persons",
        "List the names of persons that speak, in alphabetical order.",
        lambda: answers.PersonsQuery,
        shown=("name", "quotations", "articles", "first_seen", "last_seen"),
        empty="no persons found",
        example="lesart persons --format csv",
        tag="search",
        is_tool=True,
    ),
    ListDoor(
        "person",
        "List the statements of a person, with versions and places, the earliest first.",
        lambda: answers.PersonQuery,
        shown=("doubt", "first_seen", "kind", "text", "first_outlet", "first_title",
               "articles", "outlets", "reworded", "contradicted", "first_article",
               "first_version", "name", "office"),
        empty="no statements of this name: `lesart persons` lists names",
        example='lesart person "Ada Kern"',
        tag="search",
        least=6,
        is_tool=True,
    ),
    ListDoor(
        "identities",
        "List the articles in which a name speaks, with the person that each means, in time.",
        lambda: answers.IdentitiesQuery,
        shown=("first_seen", "outlet", "title", "office", "person", "score", "article", "nearest",
               "name"),
        empty="no articles in which this full name speaks: `lesart persons` lists names",
        example='lesart identities "Ada Kern" --format json',
        tag="search",
        least=6,
        is_tool=True,
    ),
)  # fmt: skip
