"""Assistants: the read-only queries of the API as tools over MCP, by HTTP and by a command."""

from storage.capabilities.hooks import Capability, Command

ASSISTANTS = Capability(
    name="assistants",
    document="assistants.md",
    parts=("write_command", "mounts"),
    commands=(
        Command("Start here", "mcp", "Run a read-only server for assistants (MCP) on standard "
                "input and output."),
    ),
)  # fmt: skip
