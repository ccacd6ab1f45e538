"""The doors of the lists of teasers and of stays."""

from typing import TYPE_CHECKING

from storage.read.query.list_door import ListDoor
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from storage.capabilities.front_pages import answers
else:
    answers = LazyModule("storage.capabilities.front_pages.answers")

DOORS = (
    ListDoor(
        "front", "List the teasers of a front page at its latest check, or at the time of --as-of.",
        lambda: answers.FrontQuery,
        shown=("position", "heading_level", "picture", "kicker", "headline", "origin",
               "observed_at"),
        empty="no teasers at that time",
        example="lesart front https://zeitung.example/ --as-of 2026-03-01T12:00",
        tag="articles", page="/front", least=3,
    ),
    ListDoor(
        "fronts",
        "List how long articles were on front pages: position, headline, and headline tests.",
        lambda: answers.FrontsQuery,
        shown=("headline", "position", "headline_test", "first_seen", "last_seen", "ended_by",
               "checks", "front", "origin", "article"),
        empty="no headlines on front pages",
        example="lesart fronts --article https://zeitung.example/damm",
        tag="articles", page="/a/{article}/fronts", least=5,
    ),
)  # fmt: skip
