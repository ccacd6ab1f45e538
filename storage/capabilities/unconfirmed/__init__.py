"""Unconfirmed readings: pages in place of an article that are held back until they are certain.

The readings are computed by `storage.history.unconfirmed` from the rows of these tables.
"""

from storage.capabilities.hooks import Capability, Command

UNCONFIRMED = Capability(
    name="unconfirmed",
    document="unconfirmed.md",
    parts=(
        "view_sql", "answers", "doors", "version_facts", "pages", "transfer", "figures",
        "write_command", "check", "write_routes",
    ),
    views=("unconfirmed",),
    scopes={"decide": "decisions on unconfirmed readings"},
    commands=(
        Command("Automate", "confirm", "Confirm an unconfirmed reading, or missing files."),
        Command("Automate", "dismiss", "Dismiss an unconfirmed reading of an article."),
    ),
    templates=("version_panel.html",),
    menu={"/unconfirmed": "Unconfirmed"},
    without={
        "orders": "a decision on a reading hides no text",
        "verify_checks": "the check of articles computes what is held back",
    },
)  # fmt: skip
