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
        shown=("article", "version", "changed_by", "name", "text", "speaker", "office", "kind",
               "cue"),
        empty="no quotations found: change the filters, or see `lesart search`",
        example='lesart quotes --about "Brücke 36 Millionen" --format csv',
        tag="search",
        least=5,
    ),
)  # fmt: skip
