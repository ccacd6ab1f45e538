"""The pictures of articles: bytes, captions, and what became of a picture."""

from storage.capabilities.hooks import (
    Capability,
    ChangeCondition,
    LogEntry,
    OutgoingKind,
    RecordTable,
    StateTable,
)

_HOUR = 3600.0
PICTURES = Capability(
    name="pictures",
    document="article-pictures.md",
    record_tables=(
        RecordTable(
            "article_picture", LogEntry(37, ("address", "caption", "credit", "pdq")),
            in_bundle=True, transfer="none", known_at="recorded_at",
            emptied=("address", "caption", "credit", "pdq"), shows_text="event = 'screenshot'",
            references={
                "observation_id": "observation", "capture_id": "capture",
                "before_id": "article_picture",
            },
        ),
    ),
    state_tables=(
        StateTable(
            "picture_request", "the state of work, which nothing else records",
            is_secret=False, holds_text=False,
            references={
                "observation_id": "observation", "source_id": "source", "locator_id": "origin",
            },
            waits={"next_at": 24 * _HOUR, "lease_until": 300.0},
        ),
    ),
    views=("pictures",),
    change_conditions=(
        ChangeCondition(
            "picture", "--picture", "EVENT",
            "Only changes with a picture that was swapped, cropped, added, removed, scaled or got "
            "another caption, or any of these; repeatable (default: with or without).",
            "changes",
            "SELECT p.article_id, p.version FROM ({pictures}) p WHERE p.event IN :picture "
            "OR ('any' IN :picture AND p.event NOT IN ('first', 'same', 'unread', 'screenshot'))",
        ),
    ),
    outgoing=(
        OutgoingKind("pictures", "picture_request", ("waiting", "failed"), "done", "dropped"),
    ),
    tabs={"pictures": "Pictures"},
    templates=("check_mark.html", "refusal_mark.html"),
    parts=(
        "tables", "view_sql", "answers", "doors", "pages", "change_panel", "change_marks",
        "check_facts", "check_files", "web_records", "work", "check",
    ),
    without={
        "orders": "a picture is removed with the check that found it",
        "verify_checks": "its bytes are captures, whose digests are checked",
        "transfer": "another archive may not have its bytes",
    },
)  # fmt: skip
