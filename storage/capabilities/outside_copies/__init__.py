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
    scopes={},
    commands=(),
    change_conditions=(),
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
    page_kinds=(),
    templates=("version_panel.html", "check_mark.html"),
    tabs={},
    menu={},
    without={
        "speakers": "no order of it is about a speaker",
        "orders": "a copy is removed with its article",
        "pages": "pages of versions and checks show copies",
        "verify_checks": "its rows have no digests, and `references` checks what they name",
        "answers": "a version and a check show their copies; there is no list of all",
        "doors": "there is no list of all copies",
        "page_list": "no page is read for it",
        "page_reader": "no page is read for it",
        "change_panel": "a copy is of a page, not of a change",
        "change_marks": "a copy says nothing about a change",
        "wording_rows": "a copy is of a page, not of a text",
        "transfer": "what another archive answered was answered to this one",
        "figures": "`lesart stats` counts texts",
        "write_command": "an option of sources asks for copies",
        "write_routes": "an option of sources asks for copies",
    },
)  # fmt: skip
