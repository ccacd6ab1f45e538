"""How the type of a file is detected, by the text core and the settings."""

from typing import TYPE_CHECKING

from storage.settings import Settings
from storage.values.lazy import LazyModule
from storage.values.refusals import RefusalReason
from worker.sources.containers.gunzip import MAGIC as GZIP
from worker.sources.containers.items import (
    Limits,
)
from worker.sources.folders.members import MemberHints, Splitter
from worker.text.file_types import HEAD_BYTES, detect_type
from worker.text.formats.metadata import is_text_key

if TYPE_CHECKING:
    from worker.web import kind as content_kind
else:
    content_kind = LazyModule("worker.web.kind")

LIST_NAMES = (".txt", ".text", ".urls", ".lst", ".list")
"""File name extensions of possible lists of addresses."""


def hints_of(settings: Settings, type: str | None, split: Splitter) -> MemberHints:  # noqa: A002
    """Return how file types are detected, by the text core and the settings."""
    return MemberHints(
        detect=detect,
        is_text_column=is_text_key,
        limits=limits_of(settings),
        type="list" if type == "urls" else type,
        split=split,
    )


def detect(name: str, head: bytes) -> str | RefusalReason:
    r"""Return the type to read a file as: a list of addresses is detected whatever its name.

    >>> detect("a.txt", b"https://a.example/1 # erste\n"), detect("a.xml", b"<opml version='2.0'>")
    ('list', 'opml')
    >>> detect("a.txt", b"date 2024-06 Brand\n")
    'seed'
    """
    if len(head) >= HEAD_BYTES:
        head = head[: head.rfind(b"\n") + 1] or head
    kind = content_kind.kind_of(head, "text/plain" if name.lower().endswith(LIST_NAMES) else None)
    return kind if kind != "page" and not head.startswith(GZIP) else detect_type(name, head)


def limits_of(settings: Settings) -> Limits:
    return Limits(
        document=settings.max_document_bytes,
        list=settings.max_list_bytes,
        container=settings.max_container_bytes,
        entries=settings.max_container_entries,
        rows=settings.max_container_rows,
        web_archive=settings.max_web_archive_bytes,
    )
