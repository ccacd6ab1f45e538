"""The tables of the core; `storage.database.tables.metadata` has those of capabilities as well.

The modules `record` and `log` define the record, which is append-only and guarded by triggers.
The state, which can be rebuilt or re-entered, is everything else.
Ids of the record and every `seq` come from one counter that is taken under the write lock, so
they rise in the order of commit (`storage.write.archive`).
"""

from sqlalchemy import ColumnElement, literal_column

from storage.database.tables import log, outgoing, record, state
from storage.database.tables.row import Row

RECORD_MODULES, STATE_MODULES = (log, record), (outgoing, state)
"""The modules with the classes of the record and of the state, in the order of their facts."""
_TABLES = Row.metadata.tables

ACCESS_TOKEN = _TABLES["access_token"]
ALERT = _TABLES["alert"]
ALERT_CHANNEL = _TABLES["alert_channel"]
ALERT_DELIVERY = _TABLES["alert_delivery"]
ARCHIVE = _TABLES["archive"]
ARTICLE = _TABLES["article"]
ARTICLE_ORIGIN = _TABLES["article_origin"]
BOILERPLATE_DUE = _TABLES["boilerplate_due"]
CAPTURE = _TABLES["capture"]
CHANGE_EVENT = _TABLES["change_event"]
CERTIFICATE = _TABLES["certificate"]
CLOCK_CORRECTION = _TABLES["clock_correction"]
CLUSTER = _TABLES["cluster"]
CLUSTER_MEMBER = _TABLES["cluster_member"]
CORRECTED_SCAN = _TABLES["corrected_scan"]
COUNTER = _TABLES["counter"]
DERIVATION = _TABLES["derivation"]
DOUBT = _TABLES["doubt"]
DOUBT_SETTLED = _TABLES["doubt_settled"]
DOUBT_SETTLED_UNDONE = _TABLES["doubt_settled_undone"]
FOREIGN_RECORD = _TABLES["foreign_record"]
FRONT = _TABLES["front"]
HOST = _TABLES["host"]
INDEX_KEY = _TABLES["index_key"]
JOB = _TABLES["job"]
LINEAGE = _TABLES["lineage"]
LINEAGE_UNDONE = _TABLES["lineage_undone"]
LOG_CHECKPOINT = _TABLES["log_checkpoint"]
LOG_COSIGNATURE = _TABLES["log_cosignature"]
LOG_RUN = _TABLES["log_run"]
LOG_KEY = _TABLES["log_key"]
LOG_STAMP = _TABLES["log_stamp"]
LOG_TILE = _TABLES["log_tile"]
NOISE_STEP = _TABLES["noise_step"]
NOISE_STEP_UNDONE = _TABLES["noise_step_undone"]
OBSERVATION = _TABLES["observation"]
ORIGIN = _TABLES["origin"]
PRESENCE = _TABLES["presence"]
REDACTION = _TABLES["redaction"]
REFUSAL = _TABLES["refusal"]
RELATION_DUE = _TABLES["relation_due"]
RELATION = _TABLES["relation"]
RELATION_UNDONE = _TABLES["relation_undone"]
RESTRICTION = _TABLES["restriction"]
RESTRICTION_LIFTED = _TABLES["restriction_lifted"]
REBUILD_DUE = _TABLES["rebuild_due"]
RENEWAL = _TABLES["renewal"]
RIGHTS_FILE = _TABLES["rights_file"]
SCAN = _TABLES["scan"]
SEARCH_DUE = _TABLES["search_due"]
SNAPSHOT = _TABLES["snapshot"]
SOURCE = _TABLES["source"]
STAMP_REQUEST = _TABLES["stamp_request"]
SUPPRESSION = _TABLES["suppression"]
TEASER = _TABLES["teaser"]
TRANSFER = _TABLES["transfer"]
VERDICT = _TABLES["verdict"]
VERSION = _TABLES["version"]
WATCH = _TABLES["watch"]
WORDING = _TABLES["wording"]

READY: ColumnElement[str] = literal_column("'ready'")
RUNNING: ColumnElement[str] = literal_column("'running'")
"""States of a job as literals: with a parameter, the partial index would not be used."""
OPEN = JOB.c.state.in_([READY, RUNNING])
"""SQL condition that a job is open, in the words of the index `job_open`.

SQLite uses that index only without any other condition on the state: a running job has
a `lease_until`, a ready one has none.
"""
