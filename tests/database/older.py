"""Tables as older programs created them."""

from sqlalchemy import Connection, text

MOMENT = {"sqlite": "VARCHAR(32)", "postgresql": "TIMESTAMP WITH TIME ZONE"}


def restore_old_tables(connection: Connection) -> None:
    """Restore the tables that later revisions changed or added, as of the revision 0007."""
    moment = MOMENT[connection.dialect.name]
    views = ""
    if connection.dialect.name == "postgresql":
        connection.execute(text("DROP TABLE sentence_text"))
        views = "CASCADE"
    connection.execute(text(f"DROP TABLE renewal {views}"))
    connection.execute(text("DROP TABLE change_event"))
    connection.execute(text("DROP TABLE stamp_request"))
    connection.execute(
        text(
            "CREATE TABLE stamp_request (authority VARCHAR(120) NOT NULL, attempts INTEGER NOT NULL, "
            f"next_at {moment} NOT NULL, reason TEXT, PRIMARY KEY (authority))"
        )
    )
