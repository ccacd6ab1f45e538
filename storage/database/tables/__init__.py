"""The tables of the archive.

The modules `record` and `log` define the record, which is append-only and guarded by triggers.
The state, which can be rebuilt or re-entered, is everything else.
Ids of the record and every `seq` come from one counter that is taken under the write lock, so
they rise in the order of commit (`storage.write.archive`).
"""

from sqlalchemy import ColumnElement, Text, literal_column
from sqlmodel import SQLModel

from storage.capabilities import load_parts
from storage.database.table_facts import (
    ALL_TABLES,
    RECORD_TABLES,
    STATE_TABLES,
    LogEntry,
    RecordTable,
    StateTable,
)
from storage.database.tables import log, outgoing, record, state
from storage.database.tables.row import Row

_OF_CAPABILITIES = (*load_parts("tables"),)

RECORD = tuple(table.name for table in RECORD_TABLES)
"""The tables whose rows are never updated or deleted."""

LOGGED = tuple(table.name for table in RECORD_TABLES if table.log is not None)
"""The tables with an entry in the log for every row."""

EMPTIED: dict[str, tuple[str, tuple[str, ...]]] = {
    **{table.name: (table.name, table.emptied) for table in RECORD_TABLES if table.emptied},
    **{
        f"{table.name}_address": (table.name, table.emptied_address)
        for table in RECORD_TABLES
        if table.emptied_address
    },
}
"""The columns that a redaction empties, by the values of `table_name`."""

ERASABLE: dict[str, tuple[str, ...]] = {
    table.name: (*table.emptied, *table.emptied_address)
    for table in RECORD_TABLES
    if table.emptied or table.emptied_address
}
"""The columns that a redaction may empty, by table.

They become null; columns that must not be null get the value from `storage.values.redaction`.
"""

METADATA = SQLModel.metadata

ACCESS_TOKEN = METADATA.tables["access_token"]
ALERT = METADATA.tables["alert"]
ALERT_CHANNEL = METADATA.tables["alert_channel"]
ALERT_DELIVERY = METADATA.tables["alert_delivery"]
ARCHIVE = METADATA.tables["archive"]
ARTICLE = METADATA.tables["article"]
ARTICLE_ORIGIN = METADATA.tables["article_origin"]
BOILERPLATE_DUE = METADATA.tables["boilerplate_due"]
CAPTURE = METADATA.tables["capture"]
CERTIFICATE = METADATA.tables["certificate"]
CLOCK_CORRECTION = METADATA.tables["clock_correction"]
CLUSTER = METADATA.tables["cluster"]
CLUSTER_MEMBER = METADATA.tables["cluster_member"]
CORRECTED_SCAN = METADATA.tables["corrected_scan"]
COUNTER = METADATA.tables["counter"]
DERIVATION = METADATA.tables["derivation"]
FOREIGN_RECORD = METADATA.tables["foreign_record"]
FRONT = METADATA.tables["front"]
HOST = METADATA.tables["host"]
INDEX_KEY = METADATA.tables["index_key"]
JOB = METADATA.tables["job"]
LINEAGE = METADATA.tables["lineage"]
LINEAGE_UNDONE = METADATA.tables["lineage_undone"]
LOG_CHECKPOINT = METADATA.tables["log_checkpoint"]
LOG_COSIGNATURE = METADATA.tables["log_cosignature"]
LOG_RUN = METADATA.tables["log_run"]
LOG_KEY = METADATA.tables["log_key"]
LOG_STAMP = METADATA.tables["log_stamp"]
LOG_TILE = METADATA.tables["log_tile"]
NOISE_STEP = METADATA.tables["noise_step"]
NOISE_STEP_UNDONE = METADATA.tables["noise_step_undone"]
OBSERVATION = METADATA.tables["observation"]
ORIGIN = METADATA.tables["origin"]
PRESENCE = METADATA.tables["presence"]
REDACTION = METADATA.tables["redaction"]
REFUSAL = METADATA.tables["refusal"]
RELATION_DUE = METADATA.tables["relation_due"]
RELATION = METADATA.tables["relation"]
RELATION_UNDONE = METADATA.tables["relation_undone"]
RESTRICTION = METADATA.tables["restriction"]
RESTRICTION_LIFTED = METADATA.tables["restriction_lifted"]
REBUILD_DUE = METADATA.tables["rebuild_due"]
RENEWAL = METADATA.tables["renewal"]
RIGHTS_FILE = METADATA.tables["rights_file"]
SCAN = METADATA.tables["scan"]
SEARCH_DUE = METADATA.tables["search_due"]
SNAPSHOT = METADATA.tables["snapshot"]
SOURCE = METADATA.tables["source"]
STAMP_REQUEST = METADATA.tables["stamp_request"]
SUPPRESSION = METADATA.tables["suppression"]
TEASER = METADATA.tables["teaser"]
TRANSFER = METADATA.tables["transfer"]
VERDICT = METADATA.tables["verdict"]
VERSION = METADATA.tables["version"]
WATCH = METADATA.tables["watch"]
WORDING = METADATA.tables["wording"]

READY: ColumnElement[str] = literal_column("'ready'")
RUNNING: ColumnElement[str] = literal_column("'running'")
"""States of a job as literals: with a parameter, the partial index would not be used."""
OPEN = JOB.c.state.in_([READY, RUNNING])
"""SQL condition that a job is open, in the words of the index `job_open`.

SQLite uses that index only without any other condition on the state: a running job has
a `lease_until`, a ready one has none.
"""


def _require_facts() -> None:
    """Compare the facts of the tables with their classes. Raises: TypeError names the place."""
    further = {str(row.__tablename__) for part in _OF_CAPABILITIES for row in part.TABLES}
    for facts, modules in ((RECORD_TABLES, (log, record)), (STATE_TABLES, (outgoing, state))):
        stated = {table.name for table in facts}
        names = [
            str(row.__tablename__)
            for row in Row.__subclasses__()
            if row.__module__ in {module.__name__ for module in modules}
        ]
        names += [name for name in METADATA.tables if name in further & stated]
        further -= stated
        if names != [table.name for table in facts]:
            odd = sorted({*names} ^ {table.name for table in facts}) or names
            raise TypeError(f"storage/database/table_facts.py: other tables or order: {odd}")
    if further:
        raise TypeError(f"storage/capabilities: tables without facts: {sorted(further)}")
    for table in ALL_TABLES:
        if problem := _missing_fact(table):
            raise TypeError(f"storage/database/table_facts.py: {table.name}: {problem}")


def _missing_fact(table: RecordTable | StateTable) -> str | None:
    columns = set(METADATA.tables[table.name].columns.keys())
    named = {*table.references, *table.loose}
    for column in columns - named:
        if column.endswith("_id"):
            return f"{column}: state the table whose row it names, or why the row may be missing"
    if isinstance(table, RecordTable):
        answered = {*table.emptied, *table.emptied_address, *table.kept}
        entry = table.log or LogEntry(kind=-1, key=min(columns))
        for column in {*entry.salted} ^ (answered - {*entry.covered}):
            return f"{column}: a salted column is emptied, or kept for a reason; no other one is"
        for column in (_texts(table.name) - {*entry.salted, *entry.covered}) ^ {*table.plain}:
            return (
                f"{column}: salt a column of text, or state in `plain` why the log may contain it"
            )
        named |= {*entry.salted, *entry.covered, *answered, entry.key, table.known_at or entry.key}
    return f"no such columns: {sorted(named - columns)}" if named - columns else None


def _texts(table: str) -> set[str]:
    columns = METADATA.tables[table].columns
    return {name for name, column in columns.items() if isinstance(column.type, Text)}


_require_facts()
