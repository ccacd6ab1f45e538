"""Texts of two versions from one extractor, where the archive has that."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from storage.database.rows import fetch, fetch_row
from storage.diff.operation import Operation
from storage.diff.word_diff import Text
from storage.history.runs import ExtractorKey, is_same_extractor
from storage.read.find import VersionRef
from storage.read.texts import VersionReading, reading_pair, text_pair
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from storage.diff import entry_diff as entry_diffs
    from storage.history import changes
else:
    entry_diffs = LazyModule("storage.diff.entry_diff")
    changes = LazyModule("storage.history.changes")


def find_extractor_derivations(
    connection: "Connection",
    article_id: int,
    numbers: Sequence[int],
    reader: ExtractorKey,
    wording_id: int | None = None,
) -> Mapping[int, int]:
    """Return, by version, the newest derivation that `reader` made of one of its snapshots.

    If a wording is specified, only its snapshots count.
    """
    name, version, config = reader
    query = f"""
SELECT s.version AS version, r.id AS id FROM snapshot s
JOIN derivation d ON d.id = s.derivation_id
JOIN derivation r ON r.capture_id = d.capture_id AND r.context = d.context
WHERE s.article_id = :article AND s.version IN :numbers AND r.extractor = :name
    AND r.extractor_version = :extractor_version AND r.config = :config
    AND r.wording_id IS NOT NULL{"" if wording_id is None else " AND s.wording_id = :wording"}
ORDER BY s.observed_at, s.observation_id"""
    values = {
        "article": article_id, "numbers": list(numbers), "name": name,
        "extractor_version": version, "config": config, "wording": wording_id,
    }  # fmt: skip
    if wording_id is None:
        del values["wording"]
    return {row["version"]: row["id"] for row in fetch(connection, query, values)}


def find_same_extractor_derivations(
    connection: "Connection",
    article_id: int,
    versions: Sequence[VersionReading],
    reader: ExtractorKey,
) -> Mapping[int, int]:
    """Return, by version, the derivation of `reader` if the version displays another extractor's.

    Versions without such a reading are omitted.
    """
    others = [each.number for each in versions if not is_same_extractor(each.reader, reader)]
    return find_extractor_derivations(connection, article_id, others, reader) if others else {}


def entry_step_operations(
    connection: "Connection", article_id: int, number: int
) -> tuple[Operation, ...]:
    """Return the operations of the step to a version of a live blog (see `CapturePair`)."""
    query = (
        "SELECT before_id, after_id FROM version WHERE article_id = :article AND number = :number"
    )
    row = fetch_row(connection, query, {"article": article_id, "number": number})
    return changes.step_operations(connection, row["before_id"], row["after_id"])


def compared_texts(
    connection: "Connection", a: VersionRef, b: VersionRef
) -> "tuple[tuple[Text, Text], entry_diffs.GroupedDiff | None]":
    """Return the texts of two versions, and of a live blog the differences by entry.

    The texts are from one extractor where the archive has that.
    """
    readings = reading_pair(connection, a, b)
    ids = _same_extractor_ids(connection, (a, b), readings)
    if ids is None:
        pair, has_entries = text_pair(connection, *readings)
        if not has_entries:
            return pair, None
        ids = [each.derivation_id for each in readings]
    one, other = (changes.content(connection, each) for each in ids)
    return (one.text, other.text), entry_diffs.group_by_entry(one, other)


def _same_extractor_ids(
    connection: "Connection",
    sides: tuple[VersionRef, VersionRef],
    readings: tuple[VersionReading, VersionReading],
) -> list[int] | None:
    """Return the derivations to compare instead of those that the versions display, if any."""
    if is_same_extractor(readings[0].reader, readings[1].reader):
        return None
    ids = [each.derivation_id for each in readings]
    older = 0 if ids[0] < ids[1] else 1
    for changed in (older, 1 - older):
        side, reader = sides[changed], readings[1 - changed].reader
        re_extracted = find_extractor_derivations(
            connection, side.article.row_id, [side.number], reader, wording_id=side.wording_id
        )
        if re_extracted:
            ids[changed] = re_extracted[side.number]
            return ids
    return None
