"""Parts of redactions: the text without a passage, lists for a restored archive, completion."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storage.cli.exits import say
from storage.cli.progress import ProgressLine
from storage.values.failures import naming_file
from storage.values.lazy import LazyModule
from storage.values.messages import quantity

if TYPE_CHECKING:
    from storage.language.passage import Passage
    from storage.record import suppression
    from storage.record.reading import CapturedItem, Reading
    from storage.similarity import signature
    from storage.values.draft import Draft
    from storage.write.archive import Archive
    from storage.write.redaction import order_kinds, repeat, scrub
    from storage.write.redaction import plan as plans
    from storage.write.redaction import redact_articles as articles
    from storage.write.redaction.plan import RedactionTarget
    from worker.flow import prepare
else:
    suppression = LazyModule("storage.record.suppression")
    signature = LazyModule("storage.similarity.signature")
    order_kinds = LazyModule("storage.write.redaction.order_kinds")
    repeat = LazyModule("storage.write.redaction.repeat")
    scrub = LazyModule("storage.write.redaction.scrub")
    plans = LazyModule("storage.write.redaction.plan")
    articles = LazyModule("storage.write.redaction.redact_articles")
    prepare = LazyModule("worker.flow.prepare")

MOST_LISTED_BYTES = 256 * 1024 * 1024
"""Maximum size of a list of orders."""
HOW_LISTED = "create one with `lesart redact --list --format jsonl`"


def prepare_reading(captured: "CapturedItem", draft: "Draft", context: str) -> "Reading":
    """Return a text without its passage, prepared for full-text search and comparison."""
    return prepare.prepare(captured, draft, context, "UTC", sign=signature.signature)


def was_redacted(connection: Any, found: Sequence["RedactionTarget"], passage: "Passage") -> bool:
    """Check whether a passage was redacted in one of these articles before."""
    ids = [each.article_id for each in found if each.article_id is not None]
    lookup = suppression.SuppressionLookup(connection)
    places = plans.addresses_of(connection, ids)
    return lookup.passage_in([" ".join(passage.words)], places) is not None


def list_orders(archive: "Archive") -> list[dict[str, Any]]:
    """Return all orders as rows of a list: with their rows, and without content."""
    with archive.read_connection() as connection:
        own = repeat.archive_id(connection)
        return [
            {
                "archive": own, **each._asdict(), "at": each.at.isoformat(),
                "emptied": dict(Counter(table for table, _ in each.rows)),
                "rows": [f"{table} {number}" for table, number in each.rows],
            }
            for each in order_kinds.load_orders(connection)
        ]  # fmt: skip


def read_acts(listed: Path) -> list[dict[str, Any]]:
    """Read a list of orders, written by `lesart redact --list`.

    Raises: ReplayError.
    """
    if listed.stat().st_size > MOST_LISTED_BYTES:
        raise repeat.ReplayError(
            f"{listed} is larger than {MOST_LISTED_BYTES:,} bytes: it is not a list of redactions"
        )
    with naming_file(listed), listed.open("rb") as file:
        try:
            acts = [json.loads(line) for line in file if line.strip()]
        except ValueError as error:
            raise repeat.ReplayError(
                f"{listed} is not JSON Lines: {error}; {HOW_LISTED}"
            ) from error
    if not all(isinstance(each, dict) for each in acts):
        raise repeat.ReplayError(f"{listed} is not a list of redactions; {HOW_LISTED}")
    return acts


def redact_again(archive: "Archive", acts: Sequence[Mapping[str, Any]]) -> None:
    """Repeat the orders of a list in a restored archive. Raises: ReplayError."""
    done = repeat.repeat_orders(archive, acts, prepare_reading)
    say(f"repeated {order_kinds.count_orders(done)}")
    rewrite(archive)


def finish(archive: "Archive") -> None:
    """Complete interrupted redactions and rewrite the database."""
    with ProgressLine() as line:
        rows = articles.finish_redactions(archive, line.report)
    say("completed interrupted redactions: " + quantity("emptied {n} row|emptied {n} rows", rows))
    rewrite(archive)


def rewrite(archive: "Archive") -> None:
    """Rewrite the database without the deleted bytes."""
    with ProgressLine() as line:
        is_all = scrub.scrub(archive.engine, line.report)
    if not is_all:
        say(
            "planner statistics may still contain samples of it: the owner of the database has to "
            "run `VACUUM FULL pg_statistic`"
        )
    say("rewrote the database; earlier backups, archived logs and replicas still contain the texts")
