"""List the captures that an import of a history would fetch, without storing anything."""

from collections.abc import Sequence
from contextlib import closing
from typing import Any

from storage.record.imports import known_captures
from storage.settings import Settings
from storage.values.refusals import RefusalReason, refuse
from storage.write.archive import Archive
from worker.flow.collect.targets import IngestTarget
from worker.flow.history.client import ArchiveClient, ServerPausedError
from worker.flow.history.listing import (
    HistoryError,
    archive_error,
    list_captures,
    read_query,
    refuse_others,
)

COLUMNS = (
    "observed_at",
    "url",
    "http_status",
    "type",
    "digest",
    "web_archive",
    "repeats",
    "stored",
)


def preview_history(
    archive: Archive, settings: Settings, targets: Sequence[IngestTarget]
) -> tuple[list[dict[str, Any]], list[RefusalReason]]:
    """Return the selected captures, and why web archives did not return their lists."""
    rows: list[dict[str, Any]] = []
    refused: list[RefusalReason] = []
    for target in targets:
        query = read_query(target.locator, target.history or {}, settings)
        with closing(
            ArchiveClient(archive, settings, target.source_id, is_requested=True)
        ) as client:
            try:
                listed = list_captures(client, query)
            except HistoryError as error:
                refused.append(error.refused)
                continue
            except ServerPausedError as pause:
                refused.append(archive_error(query, pause.reason).refused)
                continue
        refused += filter(None, [refuse_others(query, listed)])
        selected, _skipped = query.selection.apply(listed.captures)
        origins = {each.origin for each in selected}
        stored = archive.read(known_captures, target.source_id, origins, read_as=target.type)
        rows += [
            {
                "observed_at": each.observed_at, "url": each.url, "http_status": each.http_status,
                "type": each.type, "digest": each.digest, "web_archive": query.archive.name,
                "repeats": each.repeats,
                "stored": (each.origin, each.observed_at) in stored,
            }
            for each in selected
        ]  # fmt: skip
    if not rows and not refused:
        names = ", ".join(str((each.history or {}).get("archive")) for each in targets)
        refused.append(refuse("no_captures", name=names))
    return rows, refused
