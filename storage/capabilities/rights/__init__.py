"""Rights of the day: what a site declared about the use of a text, and when this was seen.

The declarations are stored with the answers of servers, in a column of `transfer`.
"""

from storage.capabilities.hooks import Capability

RIGHTS = Capability(
    name="rights",
    document="rights.md",
    record_tables=(),
    state_tables=(),
    views=("rights",),
    scopes={},
    commands=(),
    change_conditions=(),
    outgoing=(),
    source_options=(),
    page_kinds=(),
    templates=(),
    tabs={"rights": "Rights"},
    menu={},
    without={
        "speakers": "no order of it is about a speaker",
        "orders": "declarations are read with each check",
        "tables": "declarations are stored with the answer of a server",
        "check_facts": "a page of its own lists the periods of declarations",
        "page_list": "declarations come with the answer for any page",
        "page_reader": "declarations come with the answer for any page",
        "wording_rows": "declarations come with an answer, not with a text",
        "change_panel": "a declaration is about an article, not about a change",
        "change_marks": "a declaration says nothing about a change",
        "transfer": "declarations are read again from answers",
        "figures": "`lesart stats` counts texts",
        "write_command": "declarations are read with each check",
        "write_routes": "declarations are read with each check",
        "work": "declarations are read with each check",
        "source_options": "the declarations of all sources are read",
        "check": "a site may declare nothing",
    },
)
