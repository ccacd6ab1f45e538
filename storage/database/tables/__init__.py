"""The tables of the archive.

The modules `record` and `log` define the record, which is append-only and guarded by triggers.
The state, which can be rebuilt or re-entered, is everything else.
Ids of the record and every `seq` come from one counter that is taken under the write lock, so
they rise in the order of commit (`storage.write.archive`).
"""

from sqlalchemy import ColumnElement, literal_column
from sqlmodel import SQLModel

from storage.database.tables import log, outgoing, record, state  # noqa: F401  # they make the tables
from storage.database.tables.row import Row

RECORD = tuple(
    str(row.__tablename__)
    for row in Row.__subclasses__()
    if row.__module__ in {record.__name__, log.__name__}
)
"""The tables whose rows are never updated or deleted."""

LOGGED = tuple(name for name in RECORD if name not in {"log_run", "log_tile"})
"""The tables with an entry in the log for every row."""

_TEXTS: dict[str, tuple[str, ...]] = {
    "capture": ("data", "digest"),
    "observation": ("hints", "note"),
    "transfer": ("request", "response_headers", "rights"),
    "foreign_record": ("head", "opening", "name", "digest", "payload_digest"),
    "teaser": ("headline", "kicker"),
    "wording": ("title", "text", "digest"),
    "derivation": ("detail", "raw_output", "publisher", "context"),
    "refusal": ("message",),
    "outside_copy": ("address",),
}
_ADDRESSES: dict[str, tuple[str, ...]] = {
    "origin": ("origin", "public_id"),
    "transfer": ("address", "hops"),
    "refusal": ("locator",),
}

EMPTIED: dict[str, tuple[str, tuple[str, ...]]] = {
    **{table: (table, names) for table, names in _TEXTS.items()},
    **{f"{table}_address": (table, names) for table, names in _ADDRESSES.items()},
}
"""The columns that a redaction empties, by the values of `table_name`."""

ERASABLE: dict[str, tuple[str, ...]] = {
    table: (*_TEXTS.get(table, ()), *_ADDRESSES.get(table, ()))
    for table in {**_TEXTS, **_ADDRESSES}
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
COPY_REQUEST = METADATA.tables["copy_request"]
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
OUTSIDE_COPY = METADATA.tables["outside_copy"]
PRESENCE = METADATA.tables["presence"]
REDACTION = METADATA.tables["redaction"]
REFUSAL = METADATA.tables["refusal"]
RELATION_DUE = METADATA.tables["relation_due"]
RELATION = METADATA.tables["relation"]
RELATION_UNDONE = METADATA.tables["relation_undone"]
RESTRICTION = METADATA.tables["restriction"]
RESTRICTION_LIFTED = METADATA.tables["restriction_lifted"]
REBUILD_DUE = METADATA.tables["rebuild_due"]
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
