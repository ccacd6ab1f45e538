"""Tables as older programs created them."""

from sqlalchemy import Connection, text

MOMENT = {"sqlite": "VARCHAR(32)", "postgresql": "TIMESTAMP WITH TIME ZONE"}


def create_old_stamp_requests(connection: Connection) -> None:
    """Create the table `stamp_request` as it was up to the revision 0007."""
    moment = MOMENT[connection.dialect.name]
    connection.execute(text("DROP TABLE stamp_request"))
    connection.execute(
        text(
            "CREATE TABLE stamp_request (authority VARCHAR(120) NOT NULL, attempts INTEGER NOT NULL, "
            f"next_at {moment} NOT NULL, reason TEXT, PRIMARY KEY (authority))"
        )
    )
