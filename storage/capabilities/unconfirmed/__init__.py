"""Unconfirmed readings: pages in place of an article that are held back until they are certain.

The readings are computed by `storage.history.unconfirmed` from the rows of these tables.
"""

from storage.capabilities.hooks import Capability, Command

_NO_PAGE = "it holds back pages of articles, and reads none as a list"
UNCONFIRMED = Capability(
    name="unconfirmed",
    document="unconfirmed.md",
    record_tables=(),
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
        "tables": "the core computes with them what is held back",
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
