"""Check that no captured bytes contain what was redacted."""

from itertools import islice

from sqlalchemy import Connection

from storage.database.capture_store import StoredBytes, load_all
from storage.database.compression import DamagedBytesError
from storage.database.rows import fetch, stream
from storage.record.contents.leftovers import Leftovers, find_capture_places
from storage.verify.finding import PASSED, BrokenObject, Findings, Scope

CAPTURES_AT_ONCE = 64
_TEXTS = (
    "SELECT w.title AS title, w.text AS text FROM derivation d "
    "JOIN wording w ON w.id = d.wording_id WHERE d.capture_id = :capture AND w.text IS NOT NULL"
)


def check_leftovers(connection: Connection, scope: Scope) -> Findings:
    """Look for redacted passages, titles and documents in the bytes of all captures."""
    held = Leftovers(connection)
    if not held:
        return
    query = (
        "SELECT id, digest, encoding, data FROM capture WHERE data IS NOT NULL AND id NOT IN "
        "(SELECT row_id FROM redaction WHERE table_name = 'capture') "
        f"AND {scope.where('id')} ORDER BY id"
    )
    rows = stream(connection, query, {})
    while some := list(islice(rows, CAPTURES_AT_ONCE)):
        places = find_capture_places(connection, [row["id"] for row in some])
        for row, raw in zip(some, load_all(connection, map(StoredBytes.of, some)), strict=True):
            scope.reached = row["id"]
            texts = [
                f"{each['title'] or ''}\n\n{each['text']}"
                for each in fetch(connection, _TEXTS, {"capture": row["id"]})
            ]
            act = (
                None
                if isinstance(raw, DamagedBytesError)
                else held.find(raw, places.get(row["id"], set()), texts)
            )
            if act is None:
                yield PASSED
            else:
                message = f"its bytes contain what act {act} redacted: repeat that redaction"
                yield BrokenObject("capture", row["id"], "redacted_text_left", message)
