"""Unconfirmed readings: pages in place of an article that are held back until they are certain.

The readings are computed by `storage.history.unconfirmed` from the rows of these tables.
"""

from storage.capabilities.hooks import Capability, Command, LogEntry, RecordTable

_PERSON = "the name of a token or of an account: whoever decides is told by it"
_NO_PAGE = "it holds back pages of articles, and reads none as a list"
UNCONFIRMED = Capability(
    name="unconfirmed",
    document="unconfirmed.md",
    record_tables=(
        RecordTable(
            "doubt", LogEntry(34, ("signs",)),
            in_bundle=False, transfer="read again", known_at="decided_at",
            kept={"signs": "names of rules"},
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
    ),
    state_tables=(),
    views=("unconfirmed",),
    scopes={"decide": "decisions on unconfirmed readings"},
    commands=(
        Command("Automate", "confirm", "Confirm an unconfirmed reading, or missing files."),
        Command("Automate", "dismiss", "Dismiss an unconfirmed reading of an article."),
    ),
    change_conditions=(),
    outgoing=(),
    source_options=(),
    page_kinds=(),
    templates=("version_panel.html",),
    tabs={},
    menu={"/unconfirmed": "Unconfirmed"},
    without={
        "speakers": "no order of it is about a speaker",
        "orders": "a decision on a reading hides no text",
        "check_facts": "the outcome of the check says it",
        "change_panel": "a reading that is held back makes no change",
        "change_marks": "a reading that is held back makes no change",
        "page_list": _NO_PAGE,
        "page_reader": _NO_PAGE,
        "wording_rows": "what is doubtful depends on the text before",
        "verify_checks": "the check of articles computes what is held back",
        "work": "a later check decides",
        "source_options": "the pages of all sources are checked alike",
    },
)  # fmt: skip
