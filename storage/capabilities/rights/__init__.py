"""Rights of the day: what a site declared about the use of a text, and when this was seen.

The declarations are stored with the answers of servers, in a column of `transfer`.
"""

from storage.capabilities.hooks import Capability

RIGHTS = Capability(
    name="rights",
    document="rights.md",
    parts=("view_sql", "answers", "doors", "version_facts", "pages", "verify_checks"),
    views=("rights",),
    tabs={"rights": "Rights"},
    without={
        "orders": "declarations are read with each check",
        "transfer": "declarations are read again from answers",
    },
)  # fmt: skip
