"""The declarations that were seen while a version was online."""

import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from storage.read import lists
from storage.read.answers import (
    ObservationSpan,
    Rights,
    RightsDeclaration,
    VersionText,
)
from storage.read.render.visible import one_line

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST_RIGHTS = 10
WIDEST_VALUE = 80


def facts_of_versions(
    connection: "Connection", articles: Sequence[int], versions: Sequence[VersionText]
) -> list[tuple[Rights, ...]]:
    """Return the declarations during each version of these articles."""
    declared: dict[str | None, list[RightsDeclaration]] = {}
    for each in lists.rights_of_articles(connection, articles):
        declared.setdefault(each.article, []).append(each)
    return [
        tuple(_rights_during(each.observed, declared.get(each.article, ()))) for each in versions
    ]


def _rights_during(
    observed: ObservationSpan, declared: Iterable[RightsDeclaration]
) -> Iterator[Rights]:
    for each in declared:
        is_over = each.ended_by is not None and each.ended_by <= observed.changed_by
        if each.first_seen <= observed.last_seen and not is_over:
            yield Rights(*(getattr(each, name) for name in Rights.names()))


def show_lines(version: VersionText, show_time: Callable[[datetime], str]) -> Iterator[str]:  # noqa: ARG001  # all are called alike
    """Yield the lines of `lesart show`."""
    for each in version.rights[:MOST_RIGHTS]:
        prose = "" if each.machine_readable else ", not machine-readable"
        value = textwrap.shorten(one_line(each.value), WIDEST_VALUE, placeholder=" …")
        yield f"rights     {each.name}: {value} · {each.found_in}{prose}"
    more = len(version.rights) - MOST_RIGHTS
    if more > 0:
        yield f"rights     {more} more: `lesart rights {version.article}`"
