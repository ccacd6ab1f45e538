"""Assistants: the read-only queries of the API as tools over MCP, by HTTP and by a command."""

from storage.capabilities.hooks import PARTS, Capability, Command

ASSISTANTS = Capability(
    name="assistants",
    document="assistants.md",
    record_tables=(),
    state_tables=(),
    views=(),
    scopes={},
    commands=(
        Command("Start here", "mcp", "Run a read-only server for assistants (MCP) on standard "
                "input and output."),
    ),
    change_conditions=(),
    outgoing=(),
    source_options=(),
    page_kinds=(),
    templates=(),
    tabs={},
    menu={},
    without=dict.fromkeys(
        PARTS.keys() - {"write_command"}, "it answers with the lists of others, and stores nothing"
    ),
    further=("mounts",),
)  # fmt: skip
