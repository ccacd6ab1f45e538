"""Texts of two versions from one extractor, where the archive has that."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select

from storage.database.tables import DERIVATION, SNAPSHOT
from storage.diff.word_diff import Text
from storage.history.changes import content
from storage.history.runs import ExtractorKey, same_extractor
from storage.read.find import FoundVersion
from storage.read.texts import ShownReading, pair_shown, pair_worded


def read_by(
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


def one_reader_of(
    connection: Connection, article_id: int, versions: Sequence[ShownReading], reader: ExtractorKey
) -> Mapping[int, int]:
    """Return, by version, the derivation of `reader` if the version displays another extractor's.

    Versions without such a reading are omitted.
    """
    others = [each.number for each in versions if not same_extractor(each.reader, reader)]
    return read_by(connection, article_id, others, reader) if others else {}


def pair(connection: Connection, a: FoundVersion, b: FoundVersion) -> tuple[Text, Text]:
    """Return the texts of two versions, from one extractor where the archive has that."""
    sides = (a, b)
    known = pair_shown(connection, a, b)
    if same_extractor(known[0].reader, known[1].reader):
        return pair_worded(connection, *known)
    ids = [each.derivation_id for each in known]
    older = 0 if ids[0] < ids[1] else 1
    for changed in (older, 1 - older):
        side, reader = sides[changed], known[1 - changed].reader
        re_extracted = read_by(
            connection, side.article.row_id, [side.number], reader, wording_id=side.wording_id
        )
        if re_extracted:
            ids[changed] = re_extracted[side.number]
            return content(connection, ids[0]).text, content(connection, ids[1]).text
    return pair_worded(connection, *known)
