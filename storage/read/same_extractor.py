"""Texts of two versions from one extractor, where the archive has that."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select

from storage.database.tables import DERIVATION, SNAPSHOT
from storage.diff.word_diff import Text
from storage.history.changes import content
from storage.history.runs import ExtractorKey, is_same_extractor
from storage.read.find import VersionRef
from storage.read.texts import VersionReading, reading_pair, text_pair


def find_extractor_derivations(
    connection: Connection,
    article_id: int,
    numbers: Sequence[int],
    reader: ExtractorKey,
    wording_id: int | None = None,
) -> Mapping[int, int]:
    """Return, by version, the newest derivation that `reader` made of one of its snapshots.

    If a wording is specified, only its snapshots count.
    """
    re_extracted = DERIVATION.alias()
    name, version, config = reader
    query = (
        select(SNAPSHOT.c.version, re_extracted.c.id)
        .join(DERIVATION, DERIVATION.c.id == SNAPSHOT.c.derivation_id)
        .join(
            re_extracted,
            (re_extracted.c.capture_id == DERIVATION.c.capture_id)
            & (re_extracted.c.context == DERIVATION.c.context),
        )
        .where(
            SNAPSHOT.c.article_id == article_id,
            SNAPSHOT.c.version.in_(numbers),
            re_extracted.c.extractor == name,
            re_extracted.c.extractor_version == version,
            re_extracted.c.config == config,
            re_extracted.c.wording_id.is_not(None),
        )
        .order_by(SNAPSHOT.c.observed_at, SNAPSHOT.c.observation_id)
    )
    if wording_id is not None:
        query = query.where(SNAPSHOT.c.wording_id == wording_id)
    return {row[0]: row[1] for row in connection.execute(query)}


def find_same_extractor_derivations(
    connection: Connection,
    article_id: int,
    versions: Sequence[VersionReading],
    reader: ExtractorKey,
) -> Mapping[int, int]:
    """Return, by version, the derivation of `reader` if the version displays another extractor's.

    Versions without such a reading are omitted.
    """
    others = [each.number for each in versions if not is_same_extractor(each.reader, reader)]
    return find_extractor_derivations(connection, article_id, others, reader) if others else {}


def same_extractor_texts(connection: Connection, a: VersionRef, b: VersionRef) -> tuple[Text, Text]:
    """Return the texts of two versions, from one extractor where the archive has that."""
    sides = (a, b)
    readings = reading_pair(connection, a, b)
    if is_same_extractor(readings[0].reader, readings[1].reader):
        return text_pair(connection, *readings)
    ids = [each.derivation_id for each in readings]
    older = 0 if ids[0] < ids[1] else 1
    for changed in (older, 1 - older):
        side, reader = sides[changed], readings[1 - changed].reader
        re_extracted = find_extractor_derivations(
            connection, side.article.row_id, [side.number], reader, wording_id=side.wording_id
        )
        if re_extracted:
            ids[changed] = re_extracted[side.number]
            return content(connection, ids[0]).text, content(connection, ids[1]).text
    return text_pair(connection, *readings)
