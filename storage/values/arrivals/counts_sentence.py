"""PURE: the counts of an ingestion as a sentence."""

from collections.abc import Mapping
from typing import Any

_COUNTED = (
    ("new_articles", "new article", "new articles"),
    ("new_versions", "new version", "new versions"),
    ("copies", "copy", "copies"),
    ("unchanged", "unchanged", "unchanged"),
    ("failed", "failed", "failed"),
)


def counts_sentence(counts: Mapping[str, Any]) -> str:
    """Return the counts of an ingestion or a job as a sentence.

    >>> counts_sentence({"seen": 19, "new_articles": 16, "new_versions": 2, "copies": 1})
    '19 documents read: 16 new articles, 2 new versions, 1 copy. Nothing refused.'
    >>> counts_sentence({"seen": 2, "unchanged": 1, "refused": 1, "gone": 3})
    '2 documents read: 1 unchanged. 3 gone. 1 refused.'
    >>> counts_sentence({"seen": 3, "unchanged": 3, "noise": 1})
    '3 documents read: 3 unchanged. 1 differs by noise only. Nothing refused.'
    >>> counts_sentence({"seen": 0, "passed_over": 2})
    'No documents read. 2 records without a text skipped. Nothing refused.'
    """
    parts = ", ".join(
        f"{number:,} {one if number == 1 else many}"
        for name, one, many in _COUNTED
        if (number := counts.get(name) or 0)
    )
    seen, refused = counts["seen"] or 0, counts.get("refused") or 0
    head = f"{seen:,} document{'' if seen == 1 else 's'} read" if seen else "No documents read"
    sentences = [f"{head}: {parts}" if parts else head]
    if noise := counts.get("noise"):
        sentences.append(f"{noise:,} differ{'s' if noise == 1 else ''} by noise only")
    if held := counts.get("unconfirmed"):
        sentences.append(f"{held:,} held back as unconfirmed")
    if gone := counts.get("gone"):
        sentences.append(f"{gone:,} gone")
    if skipped := counts.get("passed_over"):
        sentences.append(f"{skipped:,} record{'' if skipped == 1 else 's'} without a text skipped")
    sentences.append(f"{refused:,} refused" if refused else "Nothing refused")
    return ". ".join(sentences) + "."
