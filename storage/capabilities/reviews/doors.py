"""The doors of the list of reviews."""

from typing import TYPE_CHECKING

from storage.read.query.list_door import ListDoor
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from storage.capabilities.reviews import answers
else:
    answers = LazyModule("storage.capabilities.reviews.answers")

DOORS = (
    ListDoor(
        "reviews",
        "List the labels of changes, with their notes.",
        lambda: answers.ReviewsQuery,
        shown=("id", "reviewed_at", "outlet", "title", "label", "note", "reviewer", "article",
               "version", "withdrawn_at"),
        empty="no reviews found: `lesart review` labels a change",
        example="lesart reviews --label important --format csv",
        tag="changes",
        least=4,
    ),
)  # fmt: skip
