"""Front pages: which articles a page showed, under which headlines, where and how long."""

from storage.capabilities.hooks import Capability, PageKind

FRONT_PAGES = Capability(
    name="front_pages",
    document="front-pages.md",
    record_tables=(),
    state_tables=(),
    views=("teasers", "fronts"),
    scopes={},
    commands=(),
    change_conditions=(),
    outgoing=(),
    source_options=(),
    page_kinds=(PageKind("front", "front pages", every_seconds=900.0),),
    templates=(),
    tabs={"fronts": "Front pages"},
    menu={"/front": "Front pages"},
    without={
        "tables": "the core follows headlines for redactions and restrictions",
        "speakers": "no order of it is about a speaker",
        "orders": "a headline is removed with its article",
        "version_facts": "a headline on a front page is no fact about a version",
        "check_facts": "a page of its own lists the teasers of a check",
        "source_options": "the type of an address is an option of each source",
        "change_panel": "a headline of a front page is no change of its article",
        "change_marks": "a headline of a front page is no change of its article",
        "wording_rows": "teasers follow from a page that lists articles, not from a text",
        "transfer": "another archive reads the captured page again",
        "figures": "`lesart stats` counts texts",
        "write_command": "front pages are watched and ingested like any address",
        "work": "front pages are checked like any address",
        "check": "nothing can fail outside of a command",
        "write_routes": "front pages are watched like any address",
    },
)  # fmt: skip
