"""Copies of pages at other archives: requests for them, and the answers of these archives."""

from storage.capabilities.hooks import (
    Capability,
    LogEntry,
    OutgoingKind,
    RecordTable,
    SourceOption,
    StateTable,
)

_HOUR = 3600.0
OUTSIDE_COPIES = Capability(
    name="outside_copies",
    document="outside-copies.md",
    parts=("tables", "view_sql", "version_facts", "check_facts", "work", "source_options", "check"),
    record_tables=(
        RecordTable(
            "outside_copy", LogEntry(28, ("address",)),
            in_bundle=True, transfer="none", known_at="recorded_at", emptied=("address",),
            references={"observation_id": "observation"}, elsewhere="address",
        ),
    ),
    state_tables=(
        StateTable(
            "copy_request", "the state of work, which nothing else records",
            is_secret=False, holds_text=False,
            references={"observation_id": "observation", "source_id": "source"},
            waits={"next_at": 24 * _HOUR, "lease_until": 120.0},
        ),
    ),
    views=("outside_copies",),
    outgoing=(
        OutgoingKind(
            "copies", "copy_request", ("waiting", "submitting", "submitted", "unknown"), "copied",
            "refused", sending="submitting", uncertain="unknown",
        ),
    ),
    source_options=(
        SourceOption(
            "copy_to", "--copy-to", "ARCHIVE",
            "Submit the page of each new version to this archive of LESART_WEB_ARCHIVES, or off.",
        ),
    ),
    templates=("version_panel.html", "check_mark.html"),
    without={
        "orders": "a copy is removed with its article",
        "verify_checks": "its rows have no digests, and `references` checks what they name",
        "transfer": "what another archive answered was answered to this one",
    },
)  # fmt: skip
