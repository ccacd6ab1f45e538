"""The doors of the list of pictures."""

from typing import TYPE_CHECKING

from storage.read.query.list_door import ListDoor
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from storage.capabilities.pictures import answers
else:
    answers = LazyModule("storage.capabilities.pictures.answers")

DOORS = (
    ListDoor(
        "pictures",
        "List the pictures of articles, and what became of them.",
        lambda: answers.PicturesQuery,
        shown=("id", "observed_at", "event", "position", "caption", "credit", "width", "height",
               "article", "version", "address", "refused"),
        empty="no pictures found: LESART_PICTURES turns them on",
        example="lesart pictures --event swapped",
        tag="articles", page="/a/{article}/pictures", least=4,
    ),
)  # fmt: skip
