"""Reviews of changes: labels and notes by readers, which never change a text or a version."""

from storage.capabilities.hooks import (
    Capability,
    ChangeCondition,
    Command,
    LogEntry,
    RecordTable,
)

_READER = "the name of a token: whoever labels is told by it"
REVIEWS = Capability(
    name="reviews",
    document="review.md",
    parts=(
        "tables", "view_sql", "answers", "doors", "change_panel", "change_marks", "transfer",
        "figures", "write_command", "write_routes",
    ),
    record_tables=(
        RecordTable(
            "review", LogEntry(29, ("label", "note", "reviewer")),
            in_bundle=False, transfer="written", known_at="recorded_at", acts=("reviewed_at",),
            emptied=("note",),
            kept={"label": "a word of a scheme, not a text", "reviewer": _READER},
            references={"observation_id": "observation", "before_id": "observation"},
        ),
        RecordTable(
            "review_withdrawn", LogEntry(30, ("reviewer",)),
            in_bundle=False, transfer="written", known_at="recorded_at", acts=("withdrawn_at",),
            kept={"reviewer": _READER}, references={"review_id": "review"},
        ),
    ),
    views=("reviews",),
    scopes={"review": "reviews of changes"},
    commands=(Command("Automate", "review", "Add a label to a change, or withdraw one."),),
    change_conditions=(
        ChangeCondition(
            "label", "--label", "L",
            "Only changes with this label; repeatable (default: with any label or none).",
            "changes",
            "SELECT r.article_id, r.version FROM ({reviews}) r "
            "WHERE r.label IN :label AND r.withdrawn_at IS NULL",
        ),
    ),
    without={
        "orders": "a label hides nothing",
        "verify_checks": "its rows have no digests, and `references` checks what they name",
    },
)  # fmt: skip
