"""Quotations: who said what, in which version of which article, and since when."""

from storage.capabilities.hooks import Capability, StateTable

QUOTATIONS = Capability(
    name="quotations",
    document="quotations.md",
    record_tables=(),
    state_tables=(
        StateTable(
            "quotation", "its rows follow from texts, and each new reading writes them again",
            is_secret=False, holds_text=True,
            references={"wording_id": "wording", "derivation_id": "derivation"},
        ),
    ),
    views=("quotes", "persons"),
    scopes={},
    commands=(),
    change_conditions=(),
    outgoing=(),
    source_options=(),
    without={
        "change_panel": "the page of a version shows its quotations",
        "change_marks": "quotations come with their text, not later",
        "transfer": "another archive finds them in the same text",
        "version_facts": "the field `quotes` of a version is read with its text",
        "source_options": "the quotations of all sources are read",
        "write_command": "nobody writes quotations",
        "work": "quotations are written with their text",
        "check": "nothing can fail outside of a command",
        "write_routes": "nobody writes quotations",
    },
)  # fmt: skip
