"""The doors of the list of resources."""

from typing import TYPE_CHECKING

from storage.read.query.list_door import ListDoor
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from storage.capabilities.browser_pages import answers
else:
    answers = LazyModule("storage.capabilities.browser_pages.answers")

DOORS = (
    ListDoor(
        "resources",
        "List the resources of pages that a browser read, such as styles and scripts.",
        lambda: answers.ResourcesQuery,
        shown=("id", "observed_at", "status", "media_type", "size", "address", "article",
               "version", "digest", "location"),
        empty="no resources found: they are stored with pages that a browser reads",
        example="lesart resources https://www.hafenkurier.example/lokales/kanalbruecke",
        tag="articles", page="/a/{article}/resources", least=6,
    ),
)  # fmt: skip
