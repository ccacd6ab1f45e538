"""Pages that a browser reads: their text exists only after scripts have run."""

from storage.capabilities.hooks import Capability, LogEntry, RecordTable, SourceOption

BROWSER_PAGES = Capability(
    name="browser_pages",
    document="browser.md",
    record_tables=(
        RecordTable(
            "page_resource", LogEntry(38, ("address", "location", "media_type")),
            in_bundle=True, transfer="none", known_at="recorded_at",
            emptied=("address", "location", "media_type"), shows_text="true",
            references={"observation_id": "observation", "capture_id": "capture"},
        ),
    ),
    views=("page_resources",),
    templates=("check_mark.html",),
    parts=(
        "tables", "view_sql", "answers", "doors", "pages", "check_files", "web_records",
        "source_options", "check", "renderer",
    ),
    source_options=(
        SourceOption(
            "browser", "--browser", "[auto|off]",
            "Read its pages by a browser: always, with auto only pages without a text, or off.",
            bare="always",
        ),
    ),
    without={
        "orders": "a resource is removed with the check of its page",
        "verify_checks": "its bytes are captures, whose digests are checked",
        "transfer": "another archive may not have its bytes",
    },
)  # fmt: skip
