"""Make room for the tokens by which work can be ordered over HTTP."""

from storage.database.migrations.create import create

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    create(
        "access_token",
        "id big key, name str64 unique, digest bytes32 unique, scope str16, created_at time, "
        "revoked_at time?",
    )
