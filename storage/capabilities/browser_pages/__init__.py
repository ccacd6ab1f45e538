"""Pages that a browser reads: their text exists only after scripts have run."""

from storage.capabilities.hooks import Capability, SourceOption

BROWSER_PAGES = Capability(
    name="browser_pages",
    document="browser.md",
    record_tables=(),
    state_tables=(),
    views=(),
    scopes={},
    commands=(),
    change_conditions=(),
    outgoing=(),
    source_options=(
        SourceOption(
            "browser", "--browser", "[auto|off]",
            "Read its pages by a browser: always, with auto only pages without a text, or off.",
            bare="always",
        ),
    ),
    page_kinds=(),
    templates=(),
    tabs={},
    menu={},
    further=("renderer",),
    without=dict.fromkeys(
        (
            "tables", "view_sql", "answers", "doors", "version_facts", "check_facts", "pages",
            "change_panel", "change_marks", "page_list", "page_reader", "wording_rows",
            "verify_checks", "transfer", "orders", "speakers", "figures", "write_command", "work",
            "write_routes",
        ),
        "a page that a browser reads is a text like any other",
    ),
)  # fmt: skip
