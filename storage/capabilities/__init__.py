"""The capabilities: each is a folder here, and one in `worker/capabilities` where it writes.

Importing this package loads facts only; `load_parts` loads code.
"""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

from storage.capabilities.alert_sending import ALERT_SENDING
from storage.capabilities.assistants import ASSISTANTS
from storage.capabilities.browser_pages import BROWSER_PAGES
from storage.capabilities.bundles import BUNDLES
from storage.capabilities.documents import DOCUMENTS
from storage.capabilities.front_pages import FRONT_PAGES
from storage.capabilities.hooks import PARTS, PROMISED_PARTS, WORKER_PARTS, Capability, PageKind
from storage.capabilities.mementos import MEMENTOS
from storage.capabilities.outside_copies import OUTSIDE_COPIES
from storage.capabilities.pictures import PICTURES
from storage.capabilities.quotations import QUOTATIONS
from storage.capabilities.reviews import REVIEWS
from storage.capabilities.rights import RIGHTS
from storage.capabilities.unconfirmed import UNCONFIRMED

FOLDER = Path(__file__).parent
CAPABILITIES: tuple[Capability, ...] = (
    ALERT_SENDING, FRONT_PAGES, RIGHTS, OUTSIDE_COPIES, REVIEWS, QUOTATIONS, UNCONFIRMED,
    ASSISTANTS, BROWSER_PAGES, MEMENTOS, PICTURES, DOCUMENTS, BUNDLES,
)  # fmt: skip
"""All capabilities; the order is that of their tables, views and commands."""
PAGE_KINDS: Mapping[str, PageKind] = MappingProxyType(
    {kind.name: kind for each in CAPABILITIES for kind in each.page_kinds}
)
"""The kinds of pages that capabilities read, by name."""


def parts_of(part: str) -> Iterator[tuple[Capability, Any]]:
    """Yield each capability that has a part, with the module of the part."""
    for each in CAPABILITIES:
        if part in each.parts:
            yield each, import_module(module_of(each, part))


def find_page_kind(named: object) -> str | None:
    """Return the name of a kind of pages that a capability reads; None for any other type."""
    return named if isinstance(named, str) and named in PAGE_KINDS else None


def load_part_for(kind: str, part: str) -> Any:
    """Return the module of a part of the capability that reads pages of a kind."""
    return next(
        module for own, module in parts_of(part) if kind in {k.name for k in own.page_kinds}
    )


def load_parts(part: str) -> Iterator[Any]:
    """Yield the module of a part of each capability that has it."""
    for _capability, module in parts_of(part):
        yield module


def names_with(part: str) -> tuple[str, ...]:
    """Return the names of the capabilities that have a part, without loading it."""
    return tuple(each.name for each in CAPABILITIES if part in each.parts)


def find_templates(name: str) -> list[str]:
    """Return the templates of capabilities with a name of `hooks.TEMPLATES`."""
    return [f"{each.name}/{name}" for each in CAPABILITIES if name in each.templates]


def module_of(capability: Capability, part: str) -> str:
    """Return the name of the module of a part.

    >>> module_of(REVIEWS, "tables")
    'storage.capabilities.reviews.tables'
    """
    room = "worker" if part in WORKER_PARTS else "storage"
    return f"{room}.capabilities.{capability.name}.{part}"


@cache
def read_words(section: str) -> dict[str, Any]:
    """Return a section of the texts of all capabilities.

    It is `messages`, `labels`, `texts`, `refusals`, or `checked` (what its checks count).
    """
    found: dict[str, Any] = {}
    for each in CAPABILITIES:
        path = FOLDER / each.name / "words.toml"
        found |= tomllib.loads(path.read_text("utf-8")).get(section, {})
    return found


def _require_answers() -> None:
    """Refuse a part that does not exist, and a missing reason. Raises: TypeError."""
    for each in CAPABILITIES:
        if unknown := {*each.parts} - PARTS.keys():
            raise TypeError(f"{each.name}: there is no part {min(unknown)!r}")
        has_rows = each.record_tables or each.views
        if wrong := each.without.keys() ^ (PROMISED_PARTS - {*each.parts} if has_rows else set()):
            raise TypeError(f"{each.name}: `without` states why it lacks a part: {min(wrong)!r}")


_require_answers()
