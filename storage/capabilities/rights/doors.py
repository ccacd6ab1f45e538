"""The doors of the list of declarations."""

from typing import TYPE_CHECKING

from storage.read.query.list_door import ListDoor
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from storage.capabilities.rights import answers
else:
    answers = LazyModule("storage.capabilities.rights.answers")

DOORS = (
    ListDoor(
        "rights", "List what a site declared about the use of a text, and when this was seen.",
        lambda: answers.RightsQuery,
        shown=("found_in", "protocol", "name", "value", "machine_readable", "changed_after",
               "first_seen", "last_seen", "ended_by", "article"),
        empty="no declarations found",
        example="lesart rights https://zeitung.example/damm --current",
        tag="articles", page="/a/{article}/rights", least=5,
    ),
)  # fmt: skip
