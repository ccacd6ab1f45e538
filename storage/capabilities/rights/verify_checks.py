"""The check of declarations in `lesart verify`."""

from typing import Any

from sqlalchemy import Connection

from storage.database.rows import Row, stream
from storage.values.net.rights import METHOD, rights_of
from storage.verify.finding import PASSED, BrokenObject, Findings, PassedItem, Scope


def declarations(connection: Connection, scope: Scope) -> Findings:
    """Read the declarations about the use of texts again from the stored headers."""
    query = (
        "SELECT t.id, t.response_headers AS hints, t.rights AS detail, o.http_status "
        "FROM transfer t JOIN observation o ON o.id = t.observation_id "
        f"WHERE {scope.where('t.id')} ORDER BY t.id"
    )
    for row in stream(connection, query, {}):
        scope.reached = row["id"]
        if row["hints"] is not None and (row["detail"] or {}).get("method") == METHOD:
            yield check_rights(row)


def check_rights(row: Row) -> PassedItem | BrokenObject:
    """Compare the declarations of an answer (`detail`) with those of its headers (`hints`)."""
    pairs = [(name, value) for name, value in row["hints"]]
    expected = rights_of(pairs, None, None, status=row["http_status"]).get("declared")
    if _header_declarations(expected) == _header_declarations(row["detail"].get("declared")):
        return PASSED
    message = "its declarations of rights are not those of its response headers"
    return BrokenObject("transfer", row["id"], "rights_wrong", message)


def _header_declarations(declared: Any) -> Any:
    return (declared or {}).get("header", [])


CHECKS = (("declarations", declarations),)
