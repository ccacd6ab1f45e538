"""Check the record: bytes, wordings, derivations, verdicts, and references between rows."""

from collections import defaultdict
from collections.abc import Mapping
from itertools import islice, repeat
from typing import Any

from sqlalchemy import Connection, text

from storage.database.capture_store import (
    MissingBytesError,
    StoredBytes,
    load,
    load_all,
    store_of,
)
from storage.database.compression import DamagedBytesError
from storage.database.engine import read_connection
from storage.database.rows import Row, fetch, stream
from storage.database.schema import missing_columns, missing_guards
from storage.database.table_facts import ALL_TABLES, EMPTIED
from storage.database.tables.kept import kept_records, logged_tables, table_named
from storage.database.tables.metadata import METADATA
from storage.history.totals import stored_fact
from storage.history.versions import HELD_BACK
from storage.proof.leaf import SHAPES
from storage.record.captures import CAPTURE_FOLDER, find_deleted, unreferenced
from storage.record.contents.leftovers import Leftovers, find_capture_places
from storage.values.digest import origin_id, raw_digest, wording_digest, wording_name
from storage.values.draft import TEXT_ROLES, paragraphs_in
from storage.values.redaction import is_emptied, is_expiry
from storage.verify.finding import (
    EXPIRED,
    PASSED,
    REDACTED,
    BrokenObject,
    Findings,
    PassedItem,
    Scope,
)

NOTHING: Mapping[str, Any] = {}
LOADED_ROWS = 64
"""Number of captures whose bytes are in memory at a time."""
LISTED_OBJECTS = 1_000

REFERENCES = tuple(
    (table.name, column, target)
    for table in ALL_TABLES
    for column, target in table.references.items()
    if target in METADATA.tables
)
"""Columns that must refer to a row of a table unless they are null."""


def database(connection: Connection, scope: Scope) -> Findings:  # noqa: ARG001  # all checks are called alike
    """Run the integrity check of SQLite, and check that the counter is above all numbers."""
    if connection.dialect.name == "sqlite":
        for (answer,) in connection.execute(text("PRAGMA quick_check(20)")):
            yield (
                PASSED
                if answer == "ok"
                else BrokenObject("database", "file", "page_damaged", answer)
            )
    counter = connection.execute(text("SELECT value FROM counter WHERE name = 'seq'")).scalar()
    for name, key in (
        *((name, SHAPES[name].key) for name in logged_tables(connection)),
        ("version", "id"),
    ):
        top = connection.execute(text(f"SELECT max({key}) FROM {name}")).scalar()
        if top is not None and (counter is None or top > counter):
            message = f"the table {name} has the number {top}, the counter stands at {counter}"
            yield BrokenObject(name, top, "counter_behind", message)
        else:
            yield PASSED


def guards(connection: Connection, scope: Scope) -> Findings:  # noqa: ARG001  # all checks are called alike
    """Check that the triggers that protect the record exist, and all columns."""
    pending = "SELECT value FROM archive WHERE key = 'redacted_to'"
    for row in stream(connection, pending, NOTHING):
        message = "a redaction is not complete: run `lesart redact --finish`"
        yield BrokenObject("redaction", row["value"], "redaction_unfinished", message)
    missing = missing_guards(connection)
    for name in missing:
        yield BrokenObject("trigger", name, "guard_missing", "the record can be changed by anyone")
    lacking = missing_columns(connection)
    for name in lacking:
        yield BrokenObject("column", name, "column_missing", "run `lesart db upgrade`")
    if not missing and not lacking:
        yield PASSED


def origins(connection: Connection, scope: Scope) -> Findings:  # noqa: ARG001  # all checks are called alike
    """Compute the id of every origin."""
    taken = redacted_rows(connection, "origin_address")
    for row in stream(connection, "SELECT id, public_id, origin FROM origin", NOTHING):
        expected = origin_id(row["origin"])
        if is_emptied(row["public_id"]):
            yield judge_emptied("origin", row["id"], taken)
        elif expected == row["public_id"]:
            yield PASSED
        else:
            message = f"{row['origin']} has the id {row['public_id']} instead of {expected}"
            yield BrokenObject("origin", row["id"], "id_wrong", message)


def captures(connection: Connection, scope: Scope) -> Findings:
    """Decompress all bytes and compute their digests."""
    taken, expired = redacted_rows(connection, "capture"), _load_expired_captures(connection)
    chosen = scope.where("id")
    query = f"SELECT id, digest, size, encoding, data FROM capture WHERE {chosen} ORDER BY id"
    rows = stream(connection, query, NOTHING)
    while some := list(islice(rows, LOADED_ROWS)):
        whole = [row for row in some if row["data"] is not None]
        raws = load_all(connection, map(StoredBytes.of, whole))
        loaded = dict(zip((row["id"] for row in whole), raws, strict=True))
        for row in some:
            scope.reached = row["id"]
            raw = loaded.get(row["id"])
            if raw is not None:
                yield _capture(row, raw)
            elif row["id"] in expired:
                yield EXPIRED
            else:
                yield judge_emptied("capture", row["id"], taken)


def _capture(row: Row, raw: bytes | DamagedBytesError) -> PassedItem | BrokenObject:
    if isinstance(raw, MissingBytesError):
        return BrokenObject("capture", row["id"], "bytes_missing", str(raw))
    if isinstance(raw, DamagedBytesError):
        return BrokenObject("capture", row["id"], "bytes_damaged", f"cannot be unpacked: {raw}")
    if raw_digest(raw) != bytes(row["digest"]):
        message = f"the bytes do not hash to {bytes(row['digest']).hex()}"
        return BrokenObject("capture", row["id"], "digest_wrong", message)
    if len(raw) != row["size"]:
        message = f"holds {len(raw)} bytes instead of {row['size']}"
        return BrokenObject("capture", row["id"], "size_wrong", message)
    return PASSED


def foreign_records(connection: Connection, scope: Scope) -> Findings:
    """Reassemble all records of web archives and compute their digests."""
    taken, expired = redacted_rows(connection, "foreign_record"), _load_expired_captures(connection)
    query = (
        "SELECT f.id, f.digest, f.head, f.opening, f.payload_capture_id, b.digest AS held, "
        "b.encoding, b.data "
        "FROM foreign_record f LEFT JOIN capture b ON b.id = f.payload_capture_id "
        f"WHERE {scope.where('f.id')} ORDER BY f.id"
    )
    for row in stream(connection, query, NOTHING):
        scope.reached = row["id"]
        if row["head"] is None or row["opening"] is None:
            yield judge_emptied("foreign_record", row["id"], taken)
        elif row["payload_capture_id"] is not None and row["data"] is None:
            is_expired = row["payload_capture_id"] in expired
            yield EXPIRED if is_expired else REDACTED  # or the check of captures reports it
        else:
            yield _foreign_record(connection, row)


def _foreign_record(connection: Connection, row: Row) -> PassedItem | BrokenObject:
    try:
        payload = b""
        if row["data"] is not None:
            payload = load(
                connection, StoredBytes(bytes(row["held"]), row["encoding"], row["data"])
            )
    except DamagedBytesError:
        return PASSED  # the check of captures reports it
    if raw_digest(bytes(row["head"]) + bytes(row["opening"]) + payload) == bytes(row["digest"]):
        return PASSED
    message = f"its parts do not hash to {bytes(row['digest']).hex()}"
    return BrokenObject("foreign_record", row["id"], "digest_wrong", message)


def wordings(connection: Connection, scope: Scope) -> Findings:
    """Compute the digests of all wordings."""
    taken = redacted_rows(connection, "wording")
    query = f"SELECT id, digest, title, text FROM wording WHERE {scope.where('id')} ORDER BY id"
    for row in stream(connection, query, NOTHING):
        scope.reached = row["id"]
        if row["text"] is None:
            yield judge_emptied("wording", row["id"], taken)
        elif wording_digest(row["title"], row["text"].split("\n\n")) != bytes(row["digest"]):
            message = f"title and text do not hash to {wording_name(bytes(row['digest']))}"
            yield BrokenObject("wording", row["id"], "digest_wrong", message)
        else:
            yield PASSED


def derivations(connection: Connection, scope: Scope) -> Findings:
    """Check that the paragraphs of every derivation form its wording."""
    taken = redacted_rows(connection, "derivation")
    query = (
        "SELECT d.id, d.detail, w.text, w.digest FROM derivation d "
        "JOIN wording w ON w.id = d.wording_id "
        f"WHERE {scope.where('d.id')} ORDER BY d.id"
    )
    for row in stream(connection, query, NOTHING):
        scope.reached = row["id"]
        if row["detail"] is None:
            yield judge_emptied("derivation", row["id"], taken)
        elif row["text"] is None:
            yield REDACTED
        else:
            yield _derivation(row)


def _derivation(row: Row) -> PassedItem | BrokenObject:
    try:
        layout = paragraphs_in(row["detail"], row["text"])
    except (IndexError, KeyError, TypeError) as error:
        message = f"its paragraphs do not fit the wording: {type(error).__name__}"
        return BrokenObject("derivation", row["id"], "layout_wrong", message)
    paragraphs = [each.text for each in layout if each.role in TEXT_ROLES]
    if wording_digest(row["detail"].get("title"), paragraphs) != bytes(row["digest"]):
        message = f"its paragraphs are not those of {wording_name(bytes(row['digest']))}"
        return BrokenObject("derivation", row["id"], "wording_wrong", message)
    return PASSED


def references(connection: Connection, scope: Scope) -> Findings:  # noqa: ARG001  # all checks are called alike
    """Check that all referenced rows exist."""
    kept = {each.name: each for each in kept_records(connection)}
    further = [
        (name, column, target)
        for name, each in kept.items()
        for column, target in each.references.items()
        if target in METADATA.tables or target in kept
    ]
    parts = [
        f"SELECT '{table}' AS kind, '{column}' AS place, '{target}' AS target, "
        f"CAST(t.{_key_of(table)} AS text) AS number, CAST(t.{column} AS text) AS named "
        f"FROM {table} t LEFT JOIN {target} r ON r.{_key_of(target)} = t.{column} "
        f"WHERE t.{column} IS NOT NULL AND r.{_key_of(target)} IS NULL"
        for table, column, target in (*REFERENCES, *further)
    ] + [
        f"SELECT 'redaction' AS kind, 'row_id' AS place, '{table}' AS target, "
        "CAST(t.id AS text) AS number, CAST(t.row_id AS text) AS named "
        f"FROM redaction t LEFT JOIN {table} r ON r.id = t.row_id "
        f"WHERE t.table_name = '{name}' AND r.id IS NULL"
        for name, (table, _columns) in EMPTIED.items()
        if table in METADATA.tables or table in kept
    ]
    for row in stream(connection, " UNION ALL ".join(parts), NOTHING):
        message = f"{row['place']} names {row['target']} {row['named']}, which is not there"
        yield BrokenObject(row["kind"], int(row["number"]), "reference_broken", message)
    yield from repeat(PASSED, len(parts))


def _key_of(table: str) -> str:
    return next(iter(table_named(table).primary_key.columns)).name


def agreement(connection: Connection, scope: Scope) -> Findings:  # noqa: ARG001  # all checks are called alike
    """Check that snapshots and versions refer to the wording of their derivation.

    A snapshot that is held back names none.
    """
    counts = f"t.outcome <> '{HELD_BACK['outcome']}' AND t.wording_id IS NULL"
    for table, key, missing in (
        ("snapshot", "observation_id", counts), ("version", "id", "t.wording_id IS NULL"),
    ):  # fmt: skip
        query = (
            f"SELECT t.{key} AS id, t.wording_id, d.wording_id AS derived FROM {table} t "
            "JOIN derivation d ON d.id = t.derivation_id "
            f"WHERE ({missing}) OR t.wording_id <> d.wording_id"
        )
        for row in stream(connection, query, NOTHING):
            message = f"names wording {row['wording_id']}, its derivation {row['derived']}"
            yield BrokenObject(table, row["id"], "wording_wrong", message)
        yield PASSED


def verdicts(connection: Connection, scope: Scope) -> Findings:  # noqa: ARG001  # all checks are called alike
    """Check that every captured document has a verdict, or an open or cancelled job."""
    waiting = _waiting(connection)
    query = (
        "SELECT o.id, o.outcome, v.id AS verdict FROM observation o "
        "LEFT JOIN verdict v ON v.observation_id = o.id "
        "WHERE o.outcome IN ('captured', 'refused') OR v.id IS NOT NULL"
    )
    for row in stream(connection, query, NOTHING):
        if row["outcome"] not in {"captured", "refused"}:
            message = "has a verdict, but nothing was captured"
            yield BrokenObject("observation", row["id"], "verdict_unfounded", message)
        elif row["verdict"] is None and row["id"] not in waiting:
            message = "was captured, has no verdict, and no job is going to read it"
            yield BrokenObject("observation", row["id"], "verdict_missing", message)
        else:
            yield PASSED


def _waiting(connection: Connection) -> frozenset[int]:
    """Return the observations of unfinished jobs, including cancelled ones."""
    query = "SELECT arguments AS detail FROM job WHERE kind = 'read' AND state <> 'done'"
    found: set[int] = set()
    for row in stream(connection, query, NOTHING):
        found.update((row["detail"] or {}).get("items") or ())
    return frozenset(found)


def jobs(connection: Connection, scope: Scope) -> Findings:  # noqa: ARG001  # all checks are called alike
    """Check the counts of every reading job against its verdicts."""
    query = (
        "SELECT j.id, j.new_articles + j.new_versions + j.unchanged + j.copies + j.refused "
        "AS counted, (SELECT count(*) FROM verdict v WHERE v.job_id = j.id "
        "AND v.kind <> 'listed') AS given "
        "FROM job j WHERE j.kind = 'read'"
    )
    for row in stream(connection, query, NOTHING):
        if row["counted"] == row["given"]:
            yield PASSED
        else:
            message = f"counts {row['counted']} items and gave {row['given']} verdicts"
            yield BrokenObject("job", row["id"], "counts_wrong", message)


def redacted_rows(connection: Connection, table: str) -> frozenset[int]:
    query = "SELECT row_id FROM redaction WHERE table_name = :name"
    return frozenset(row["row_id"] for row in stream(connection, query, {"name": table}))


def _load_expired_captures(connection: Connection) -> frozenset[int]:
    """Return the captures whose bytes were deleted at the end of their retention period."""
    query = "SELECT row_id, reason FROM redaction WHERE table_name = 'capture'"
    reasons: dict[int, set[str]] = defaultdict(set)
    for row in stream(connection, query, NOTHING):
        reasons[row["row_id"]].add(row["reason"])
    return frozenset(number for number, each in reasons.items() if is_expiry(each))


def judge_emptied(table: str, number: int, taken: frozenset[int]) -> PassedItem | BrokenObject:
    if number in taken:
        return REDACTED
    return BrokenObject(table, number, "emptied", "it is empty, and no redaction says why")


CAPTURES_AT_ONCE = 64
_TEXTS = (
    "SELECT w.title AS title, w.text AS text FROM derivation d "
    "JOIN wording w ON w.id = d.wording_id WHERE d.capture_id = :capture AND w.text IS NOT NULL"
)


def leftovers(connection: Connection, scope: Scope) -> Findings:
    """Search for redacted passages, titles and documents in the bytes of all captures."""
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


def objects(connection: Connection, scope: Scope) -> Findings:  # noqa: ARG001  # all checks are called alike
    """Search for objects in the store of captures that no row references.

    They wait for their row, or a killed write left them. If the bytes with their digest were
    deleted, they are findings.
    """
    store, folder = store_of(connection.engine), stored_fact(connection, CAPTURE_FOLDER)
    if store is None or folder is None:
        return
    names = (name for name, _moment in store.names(folder))
    while some := list(islice(names, LISTED_OBJECTS)):
        with read_connection(connection.engine) as latest:  # with rows that were written since
            orphans = unreferenced(latest, some)
            gone = find_deleted(latest, orphans.values())
        yield from repeat(PASSED, len(some) - len(orphans))
        for name, digest in orphans.items():
            if digest in gone:
                message = "its bytes were deleted elsewhere: run `lesart sweep`"
                yield BrokenObject("object", name, "object_left", message)
            else:
                yield PassedItem(orphan=name)
