"""The doors of the list of unconfirmed readings."""

from typing import TYPE_CHECKING

from storage.read.query.list_door import ListDoor
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from storage.capabilities.unconfirmed import answers
else:
    answers = LazyModule("storage.capabilities.unconfirmed.answers")

DOORS = (
    ListDoor(
        "unconfirmed",
        "List the readings that are held back, and those that were, oldest first.",
        lambda: answers.UnconfirmedQuery,
        shown=("observed_at", "outlet", "title", "decision", "signs", "article", "until", "checks",
               "decided_by", "decided_at", "origin"),
        empty="nothing is held back",
        example="lesart unconfirmed --open",
        tag="articles",
        page="/unconfirmed",
        least=5,
    ),
)  # fmt: skip
