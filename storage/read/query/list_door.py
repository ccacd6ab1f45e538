"""What a list states about its command, its route and its page."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from storage.read.query import queries


class ListDoor(NamedTuple):
    """The doors of one list.

    `name` is that of the command, and of the route below `/api` if `route` gives no other one.
    `summary` is the first sentence of the docstring of the query. `shown` are the columns of a
    table on a terminal, of which the first `least` are there when it is narrow; they may be
    `title` and `outlet` of the article of a row. Texts in the columns `short` are cut to one line.
    `empty` is printed without rows. `tag` is the router of the route, `page` the page that shows
    the list. A command or a route that does more is not made from the declaration: it is a
    function of its own.
    `is_tool`: assistants have a tool of this name, which answers as the route does.
    """

    name: str
    summary: str
    query: "Callable[[], type[queries.ListQuery]]"
    shown: tuple[str, ...]
    empty: str
    example: str
    tag: str
    route: str | None = None
    page: str | None = None
    least: int | None = None
    makes_command: bool = True
    makes_route: bool = True
    is_tool: bool = False
    short: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Return the path of the route below `/api`."""
        return f"/{self.route or self.name}"
