"""Versions as one reader reads them, where the archive has that: for comparing across readers."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select

from storage.database.tables import METADATA
from storage.diff.word_diff import Text
from storage.history.changes import told
from storage.history.runs import Reader, same_reader
from storage.read.find import FoundVersion

DERIVATION, SIGHT, VERSION = (METADATA.tables[name] for name in ("derivation", "sight", "version"))


def readings(
    connection: Connection, article_id: int, numbers: Sequence[int]
) -> dict[int, tuple[int, Reader]]:
    """Return, by version, the derivation that it shows and who made it."""
    query = (
        select(
            VERSION.c.number, DERIVATION.c.id, DERIVATION.c.extractor,
            DERIVATION.c.extractor_version, DERIVATION.c.config,
        )
        .join(DERIVATION, DERIVATION.c.id == VERSION.c.derivation_id)
        .where(VERSION.c.article_id == article_id, VERSION.c.number.in_(numbers))
    )  # fmt: skip
    return {row[0]: (row[1], (row[2], row[3], row[4])) for row in connection.execute(query)}


def read_by(
    connection: Connection, article_id: int, numbers: Sequence[int], reader: Reader
) -> Mapping[int, int]:
    """Return, by version, a derivation that `reader` made of one of its sights, the newest one."""
    again = DERIVATION.alias()
    name, version, config = reader
    query = (
        select(SIGHT.c.version, again.c.id)
        .join(DERIVATION, DERIVATION.c.id == SIGHT.c.derivation_id)
        .join(
            again,
            (again.c.capture_id == DERIVATION.c.capture_id)
            & (again.c.context == DERIVATION.c.context),
        )
        .where(
            SIGHT.c.article_id == article_id,
            SIGHT.c.version.in_(numbers),
            again.c.extractor == name,
            again.c.extractor_version == version,
            again.c.config == config,
            again.c.wording_id.is_not(None),
        )
        .order_by(SIGHT.c.observed_at, SIGHT.c.observation_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def one_reader_of(
    connection: Connection, article_id: int, numbers: Sequence[int], wanted: int
) -> Mapping[int, int]:
    """Return the derivations to show versions by, all by the reader of version `wanted`.

    Where the archive has no such reading, a version is not among them.
    """
    known = readings(connection, article_id, [*numbers, wanted])
    reader = known[wanted][1]
    others = [n for n in numbers if n in known and not same_reader(known[n][1], reader)]
    return read_by(connection, article_id, others, reader) if others else {}


def pair(connection: Connection, a: FoundVersion, b: FoundVersion) -> tuple[Text, Text] | None:
    """Return the texts of two versions by one reader; None where they compare as they are."""
    sides = (a, b)
    shown = [readings(connection, s.article.row_id, [s.number])[s.number] for s in sides]
    if same_reader(shown[0][1], shown[1][1]):
        return None
    older = 0 if shown[0][0] < shown[1][0] else 1
    for changed in (older, 1 - older):
        side, reader = sides[changed], shown[1 - changed][1]
        again = read_by(connection, side.article.row_id, [side.number], reader)
        if again:
            ids = [derivation for derivation, _reader in shown]
            ids[changed] = again[side.number]
            return told(connection, ids[0]).text, told(connection, ids[1]).text
    return None
