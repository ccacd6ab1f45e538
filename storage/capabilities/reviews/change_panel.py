"""The labels of a change on its page, and a form for holders of a token."""

from typing import Any

from storage.capabilities.reviews.answers import find_reviews
from storage.read.answers import VersionText
from storage.read.archive import ReadOnlyArchive
from storage.read.filters import Conditions
from storage.read.query.records import Part

TEMPLATE = "reviews/change_panel.html"
MOST_REVIEWS = 100


def show_panel(archive: ReadOnlyArchive, version: VersionText) -> dict[str, Any]:
    """Return what the template needs for the change that created a version."""
    criteria = Conditions().with_clause(
        "q.article = :article AND q.version = :number AND q.withdrawn_at IS NULL",
        article=version.article, number=version.version,
    )  # fmt: skip
    reviews = list(archive.iterate(find_reviews, criteria, Part(limit=MOST_REVIEWS)))
    return {"change": f"{version.article}@{version.version}", "reviews": reviews}
