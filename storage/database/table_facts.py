"""The facts of all tables: what each part of the program does with their rows.

A table states its facts here, once. The logged tables and the form of their log entries, the
columns that a redaction empties, the references that `lesart verify` follows, the rows of a proof
bundle, and the tables that PostgreSQL rewrites after a redaction are derived from them.
`storage.database.tables.metadata` compares the facts with the classes when it is imported. This
module imports no classes, so that reading commands need not load SQLModel.
"""

from storage.capabilities import CAPABILITIES
from storage.capabilities.hooks import LogEntry, RecordTable, StateTable

_LOG = "the log is public and contains no text"
_REASON = "a reason is written for the public record"
_SERVER = "it identifies a server, not a text"
_RULES = "names of rules"
_PERSON = "the name of a token or of an account: whoever decides is told by it"
_JOB = "finished jobs are deleted"
_SCAN = "the row of a scan is written at its end: an interrupted scan has none"

RECORD_TABLES: tuple[RecordTable, ...] = (
    RecordTable(
        "log_key", LogEntry(19, ("endorsement", "previous", "vkey")),
        in_bundle=False, transfer="none", known_at=None,
        kept=dict.fromkeys(("endorsement", "previous", "vkey"), _LOG),
    ),
    RecordTable(
        "log_checkpoint", LogEntry(20, ("note",)),
        in_bundle=False, transfer="none", known_at=None, kept={"note": _LOG},
    ),
    RecordTable(
        "log_cosignature", LogEntry(21, ("line", "vkey")),
        in_bundle=False, transfer="none", known_at=None,
        kept={"line": _LOG, "vkey": _LOG}, references={"checkpoint_id": "log_checkpoint"},
    ),
    RecordTable(
        "log_stamp", LogEntry(22, ("stamp",)),
        in_bundle=False, transfer="none", known_at=None,
        kept={"stamp": _LOG}, plain={"authority": "the name of a service"},
        references={"checkpoint_id": "log_checkpoint"},
    ),
    RecordTable("log_run", None, in_bundle=False, transfer="none", known_at=None),
    RecordTable("log_tile", None, in_bundle=False, transfer="none", known_at=None),
    RecordTable(
        "origin", LogEntry(1, ("origin", "public_id")),
        in_bundle=True, transfer="written", known_at="recorded_at",
        emptied_address=("origin", "public_id"),
        loose={"public_id": "it is computed from the address"},
    ),
    RecordTable(
        "capture", LogEntry(2, ("digest",), ("data",)),
        in_bundle=True, transfer="written", known_at=None, emptied=("data", "digest"),
    ),
    RecordTable(
        "scan", LogEntry(3, ("listing_digest",), key="seq"),
        in_bundle=True, transfer="none", known_at="recorded_at",
        kept={"listing_digest": "it is a digest of all files of a folder"},
        references={"source_id": "source"}, loose={"job_id": _JOB},
    ),
    RecordTable(
        "observation", LogEntry(4, ("hints", "note")),
        in_bundle=True, transfer="written", known_at="recorded_at", emptied=("hints", "note"),
        references={"locator_id": "origin", "capture_id": "capture", "source_id": "source"},
        loose={"scan_id": _SCAN, "job_id": _JOB},
    ),
    RecordTable(
        "clock_correction", LogEntry(25),
        in_bundle=True, transfer="none", known_at="recorded_at",
    ),
    RecordTable(
        "wording", LogEntry(8, ("digest", "text", "title")),
        in_bundle=True, transfer="read again", known_at=None,
        emptied=("title", "text", "digest"),
    ),
    RecordTable(
        "derivation", LogEntry(9, ("context", "detail", "publisher", "raw_output")),
        in_bundle=True, transfer="read again", known_at=None,
        emptied=("detail", "raw_output", "publisher", "context"),
        references={"capture_id": "capture", "wording_id": "wording"},
    ),
    RecordTable(
        "verdict", LogEntry(10),
        in_bundle=True, transfer="read again", known_at="recorded_at",
        references={"observation_id": "observation", "derivation_id": "derivation"},
        loose={"job_id": _JOB},
    ),
    RecordTable(
        "relation", LogEntry(11, ("agency", "evidence")),
        in_bundle=True, transfer="read again", known_at="decided_at", acts=("decided_at",),
        kept={"agency": "the name of a news agency", "evidence": "scores and numbers of wordings"},
        references={"a_origin_id": "origin", "b_origin_id": "origin"},
    ),
    RecordTable(
        "relation_undone", LogEntry(12, ("reason",)),
        in_bundle=True, transfer="none", known_at="undone_at", acts=("undone_at",),
        kept={"reason": _REASON},
        references={"relation_id": "relation"},
    ),
    RecordTable(
        "noise_step", LogEntry(15, ("rules",)),
        in_bundle=False, transfer="read again", known_at="decided_at", acts=("decided_at",),
        kept={"rules": _RULES},
        references={
            "origin_id": "origin", "observation_id": "observation",
            "a_derivation_id": "derivation", "b_derivation_id": "derivation",
            "a_wording_id": "wording", "b_wording_id": "wording",
        },
    ),
    RecordTable(
        "noise_step_undone", LogEntry(16, ("reason",)),
        in_bundle=False, transfer="none", known_at="undone_at", acts=("undone_at",),
        kept={"reason": _REASON},
        references={"noise_step_id": "noise_step"},
    ),
    RecordTable(
        "certificate", LogEntry(5, ("chain", "digest")),
        in_bundle=True, transfer="written", known_at=None,
        kept={"chain": _SERVER, "digest": _SERVER},
    ),
    RecordTable(
        "transfer",
        LogEntry(6, ("address", "hops", "peer", "request", "response_headers", "rights")),
        in_bundle=True, transfer="written", known_at="recorded_at",
        emptied=("request", "response_headers", "rights"), emptied_address=("address", "hops"),
        kept={"peer": _SERVER},
        references={
            "observation_id": "observation", "certificate_id": "certificate",
            "body_capture_id": "capture",
        },
    ),
    RecordTable(
        "foreign_record", LogEntry(7, ("digest", "head", "name", "opening", "payload_digest")),
        in_bundle=False, transfer="written", known_at="recorded_at",
        emptied=("head", "opening", "name", "digest", "payload_digest"),
        references={
            "container_id": "origin", "observation_id": "observation",
            "main_id": "foreign_record", "about_id": "foreign_record",
            "payload_capture_id": "capture",
        },
    ),
    RecordTable(
        "lineage", LogEntry(13),
        in_bundle=False, transfer="read again", known_at="decided_at", acts=("decided_at",),
        references={
            "origin_id": "origin", "to_origin_id": "origin", "observation_id": "observation",
        },
    ),
    RecordTable(
        "lineage_undone", LogEntry(14, ("reason",)),
        in_bundle=False, transfer="none", known_at="undone_at", acts=("undone_at",),
        kept={"reason": _REASON},
        references={"lineage_id": "lineage"},
    ),
    RecordTable(
        "refusal", LogEntry(17, ("hint", "locator", "message")),
        in_bundle=True, transfer="read again", known_at="at",
        emptied=("message",), emptied_address=("locator",), kept={"hint": "a sentence of ours"},
        references={
            "observation_id": "observation", "capture_id": "capture", "source_id": "source",
        },
        loose={"job_id": _JOB},
    ),
    RecordTable(
        "redaction", LogEntry(18, ("reason",)),
        in_bundle=True, transfer="repeated", known_at=None, acts=("at",), kept={"reason": _REASON},
        plain={"actor": "whoever gave the order"},
        references={"row_id": "table_name", "act_id": "redaction"},
    ),
    RecordTable(
        "restriction", LogEntry(23, ("actor", "reason")),
        in_bundle=False, transfer="repeated", known_at=None, acts=("at",),
        kept={"actor": "whoever gave the order", "reason": _REASON},
        references={"origin_id": "origin"},
    ),
    RecordTable(
        "restriction_lifted", LogEntry(24, ("actor",)),
        in_bundle=False, transfer="repeated", known_at=None, acts=("at",),
        kept={"actor": "whoever gave the order"}, references={"restriction_id": "restriction"},
    ),
    RecordTable(
        "teaser", LogEntry(26, ("headline", "kicker")),
        in_bundle=False, transfer="read again", known_at="recorded_at",
        emptied=("headline", "kicker"),
        references={"front_id": "origin", "origin_id": "origin"},
    ),
    RecordTable(
        "front", LogEntry(27, ("teasers",)),
        in_bundle=False, transfer="read again", known_at="recorded_at",
        kept={"teasers": "numbers of rows"},
        references={
            "observation_id": "observation", "origin_id": "origin", "same_as_id": "front",
        },
    ),
    RecordTable(
        "doubt", LogEntry(34, ("signs",)),
        in_bundle=False, transfer="read again", known_at="decided_at",
        kept={"signs": _RULES},
        references={
            "origin_id": "origin", "observation_id": "observation",
            "a_derivation_id": "derivation", "b_derivation_id": "derivation",
        },
    ),
    RecordTable(
        "doubt_settled", LogEntry(35, ("decided_by",)),
        in_bundle=False, transfer="written", known_at="recorded_at", acts=("decided_at",),
        kept={"decided_by": _PERSON}, references={"observation_id": "observation"},
    ),
    RecordTable(
        "doubt_settled_undone", LogEntry(36, ("undone_by",)),
        in_bundle=False, transfer="written", known_at="recorded_at", acts=("undone_at",),
        kept={"undone_by": _PERSON}, references={"doubt_settled_id": "doubt_settled"},
    ),
    *(table for each in CAPABILITIES for table in each.record_tables),
)  # fmt: skip
"""The tables of the record, in the order of their classes; those of capabilities last."""

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
_SETTINGS = "settings that somebody entered"
_WORK = "the state of work, which nothing else records"
_QUEUE = "a queue of work that is still to be done"

STATE_TABLES: tuple[StateTable, ...] = (
    StateTable(
        "stamp_request", _WORK, is_secret=False, holds_text=False,
        waits={"next_at": DAY, "lease_until": 2 * MINUTE},
    ),
    StateTable(
        "access_token", _SETTINGS, is_secret=True, holds_text=False,
        moments=("created_at", "revoked_at"),
    ),
    StateTable(
        "alert", _SETTINGS, is_secret=False, holds_text=False, moments=("created_at",)
    ),
    StateTable(
        "alert_channel", _SETTINGS, is_secret=True, holds_text=False,
        references={"alert_id": "alert"},
    ),
    StateTable(
        "alert_delivery", _WORK, is_secret=False, holds_text=False,
        loose=dict.fromkeys(
            ("alert_id", "channel_id", "article_id", "wording_id", "before_id", "message_id"), _WORK
        ),
        waits={"next_at": 25 * HOUR, "lease_until": 2 * MINUTE},
    ),
    StateTable("counter", None, is_secret=False, holds_text=False),
    StateTable("archive", None, is_secret=False, holds_text=False),
    StateTable(
        "source", _SETTINGS, is_secret=False, holds_text=True,
        moments=("created_at", "removed_at"),
    ),
    StateTable(
        "job", f"{_WORK}; only the counts of jobs that read are compared",
        is_secret=False, holds_text=True,
        loose={"source_id": _WORK, "parent_id": _JOB},
        waits={"run_after": HOUR, "lease_until": DAY},
    ),
    StateTable(
        "presence", None, is_secret=False, holds_text=True,
        loose=dict.fromkeys(
            ("source_id", "place_id", "locator_id", "observation_id", "job_id"), _WORK
        ),
    ),
    StateTable(
        "host", _WORK, is_secret=False, holds_text=False,
        waits={"next_at": HOUR, "retry_until": 7 * DAY},
    ),
    StateTable("rights_file", _WORK, is_secret=False, holds_text=False),
    StateTable(
        "watch", _WORK, is_secret=False, holds_text=True,
        loose=dict.fromkeys(
            ("source_id", "origin_id", "observation_id", "capture_id", "final_id", "job_id"), _WORK
        ),
        waits={"next_check": 366 * DAY},
        moments=("checked_at", "reached_at", "changed_at", "listed_at"),
    ),
    StateTable(
        "corrected_scan", None, is_secret=False, is_numbered=True, holds_text=False,
        loose={"scan_id": _SCAN},
    ),
    StateTable(
        "renewal", "numbers for programs that follow the views, which nothing else records",
        is_secret=False, is_numbered=True, holds_text=False,
        loose={"row_id": "it is of the table that `table_name` names"},
    ),
    StateTable(
        "article", None, is_secret=False, is_numbered=True, holds_text=True,
        references={"origin_id": "origin", "source_id": "source", "head_version_id": "version"},
        loose={"public_id": "it is computed from the address"},
    ),
    StateTable(
        "article_origin", None, is_secret=False, holds_text=False,
        references={"origin_id": "origin", "article_id": "article"},
    ),
    StateTable(
        "snapshot", None, is_secret=False, is_numbered=True, holds_text=False,
        references={
            "observation_id": "observation", "article_id": "article", "origin_id": "origin",
            "locator_id": "origin", "address_id": "origin", "source_id": "source",
            "wording_id": "wording", "derivation_id": "derivation",
        },
    ),
    StateTable(
        "version", None, is_secret=False, is_numbered=True, holds_text=True,
        references={
            "article_id": "article", "wording_id": "wording", "derivation_id": "derivation",
            "observation_id": "observation", "before_id": "derivation", "after_id": "derivation",
        },
        loose={"confirmed_id": "it is the number of an act"},
    ),
    StateTable(
        "change_event", None, is_secret=False, holds_text=False,
        references={"origin_id": "origin", "wording_id": "wording"},
        loose={"article_id": "an article that was joined with another one is deleted"},
    ),
    StateTable(
        "boilerplate_due", _QUEUE, is_secret=False, holds_text=True,
        loose=dict.fromkeys(("article_id", "a_derivation_id", "b_derivation_id"), _QUEUE),
    ),
    StateTable(
        "rebuild_due", _QUEUE, is_secret=False, holds_text=False,
        loose={"article_id": _QUEUE, "source_id": _QUEUE},
    ),
    StateTable(
        "index_key", None, is_secret=False, holds_text=True, references={"wording_id": "wording"},
    ),
    StateTable(
        "relation_due", _QUEUE, is_secret=False, holds_text=True, loose={"wording_id": _QUEUE},
        waits={"recorded_at": DAY},
    ),
    StateTable("cluster", None, is_secret=False, holds_text=False),
    StateTable(
        "cluster_member", None, is_secret=False, holds_text=False,
        references={"article_id": "article", "cluster_id": "cluster"},
    ),
    StateTable(
        "suppression", "digests of redacted texts, which nobody can compute again",
        is_secret=True, holds_text=False, loose={"act_id": "the redaction that it belongs to"},
    ),
    StateTable(
        "search_due", _QUEUE, is_secret=False, holds_text=True, loose={"wording_id": _QUEUE},
    ),
    *(table for each in CAPABILITIES for table in each.state_tables),
)  # fmt: skip
"""The tables of the state, in the order of their classes; those of capabilities last."""

ALL_TABLES: tuple[RecordTable | StateTable, ...] = (*RECORD_TABLES, *STATE_TABLES)

RECORD = tuple(table.name for table in RECORD_TABLES)
"""The tables whose rows are never updated or deleted."""

LOGGED = tuple(table.name for table in RECORD_TABLES if table.log is not None)
"""The tables with an entry in the log for every row."""

LOG_FORMS: dict[str, LogEntry] = {
    "archive": LogEntry(0, ("created_at", "id")),
    **{table.name: table.log for table in RECORD_TABLES if table.log is not None},
}
"""The forms of log entries by table; `tables.kept` adds those of unknown tables of an archive."""

LOG_NAMES = {form.kind: name for name, form in LOG_FORMS.items()}
"""The tables by their number in the log."""


def find_emptied(table: RecordTable) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return the columns of a table that a redaction empties, as in `EMPTIED`."""
    named = ((table.name, table.emptied), (f"{table.name}_address", table.emptied_address))
    return {name: (table.name, columns) for name, columns in named if columns}


EMPTIED = {name: each for table in RECORD_TABLES for name, each in find_emptied(table).items()}
"""The columns that a redaction empties, by the values of `table_name`."""

ERASABLE: dict[str, tuple[str, ...]] = {
    table.name: (*table.emptied, *table.emptied_address)
    for table in RECORD_TABLES
    if table.emptied or table.emptied_address
}
"""The columns that a redaction may empty, by table.

They become null; columns that must not be null get the value from `storage.values.redaction`.
"""
