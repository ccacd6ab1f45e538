"""Quotations: who said what, in which version of which article, and since when."""

from storage.capabilities.hooks import (
    Capability,
    ChangeCondition,
    Command,
    LogEntry,
    RecordTable,
    StateTable,
)

_ACTOR = "whoever gave the order"
_DIGEST = "it recognises a name, and does not state it"
QUOTATIONS = Capability(
    name="quotations",
    document="quotations.md",
    parts=(
        "tables", "view_sql", "answers", "doors", "pages", "wording_rows", "transfer", "orders",
        "speakers", "figures", "write_command",
    ),
    record_tables=(
        RecordTable(
            "person_redaction", LogEntry(31, ("actor", "digest")),
            in_bundle=False, transfer="repeated", known_at=None, acts=("recorded_at",),
            kept={"actor": _ACTOR, "digest": _DIGEST},
        ),
        RecordTable(
            "person_redaction_lifted", LogEntry(32, ("actor",)),
            in_bundle=False, transfer="repeated", known_at=None, acts=("recorded_at",),
            kept={"actor": _ACTOR}, references={"redaction_id": "person_redaction"},
        ),
        RecordTable(
            "person_parted", LogEntry(33, ("actor", "digest")),
            in_bundle=False, transfer="written", known_at="recorded_at", acts=("parted_at",),
            kept={"actor": _ACTOR, "digest": _DIGEST},
            references={"observation_id": "observation", "other_id": "observation"},
        ),
    ),
    state_tables=(
        StateTable(
            "quotation", "its rows follow from texts, and each new reading writes them again",
            is_secret=False, holds_text=True,
            references={"wording_id": "wording", "derivation_id": "derivation"},
        ),
    ),
    views=("quotes", "persons", "identities"),
    commands=(
        Command(
            "Administer", "redact-person",
            "Remove a name from all lists of quotations, or list it again.",
        ),
        Command(
            "Administer", "part-persons",
            "Undo the joining of two articles to one person, permanently.",
        ),
    ),
    change_conditions=(
        ChangeCondition(
            "speaker", "--speaker", "NAME",
            "Only texts in which NAME speaks, before or after a change; repeatable (default: all).",
            "texts",
            "SELECT t.wording_id FROM quotation t WHERE t.is_hidden = FALSE AND "
            "(t.person IN :speaker OR t.surname IN :speaker OR t.spoken IN :speaker)",
            has_names=True,
        ),
    ),
    menu={"/statements": "Quotations"},
    without={
        "verify_checks": "its rows are compared with the text that they are read from",
    },
)  # fmt: skip
