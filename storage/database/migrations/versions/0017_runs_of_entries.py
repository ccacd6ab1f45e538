"""Keep entries of the log that were appended together in one row, a tile of them at most."""

import struct

import sqlalchemy as sa
from alembic import op

from storage.database.migrations.create import create

revision = "0017"
down_revision = "0016"

WIDTH = 256
ENTRY = struct.Struct(">qB32s")


def upgrade() -> None:
    create("log_run", "seq big key, start big, entries bytes, openings bytes")
    connection, start, last = op.get_bind(), 0, -1
    query = sa.text(
        "SELECT seq, kind, commitment, opening FROM log_entry WHERE seq > :last "
        "ORDER BY seq LIMIT :width"
    )
    run = sa.text("INSERT INTO log_run VALUES (:seq, :start, :entries, :openings)")
    while rows := connection.execute(query, {"last": last, "width": WIDTH}).all():
        entries = b"".join(ENTRY.pack(seq, kind, held) for seq, kind, held, _ in rows)
        openings = b"".join(struct.pack(">H", len(row[3])) + row[3] for row in rows)
        last = rows[-1][0]
        values = {"seq": last, "start": start, "entries": entries, "openings": openings}
        connection.execute(run, values)
        start += len(rows)
    op.drop_table("log_entry")
    op.drop_index("log_tile_by_seq", "log_tile")
