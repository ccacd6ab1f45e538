"""The pictures that changed with a version, old and new side by side."""

from typing import Any

from storage.capabilities.pictures import answers
from storage.read.answers import VersionText
from storage.read.archive import ReadOnlyArchive
from storage.read.filters import Conditions
from storage.read.query.records import Part

TEMPLATE = "pictures/change_panel.html"
MOST_PICTURES = 50


def show_panel(archive: ReadOnlyArchive, version: VersionText) -> dict[str, Any]:
    """Return the changed pictures of the checks of a version, each with the one before."""
    criteria = Conditions().with_clause(
        "q.article = :article AND q.version = :number AND q.event NOT IN :unchanged",
        article=version.article, number=version.version, unchanged=[*answers.UNCHANGED],
    )  # fmt: skip
    found = list(archive.iterate(answers.find_pictures, criteria, Part(limit=MOST_PICTURES)))
    numbers = [each.before for each in found if each.before is not None]
    with archive.connect() as connection:
        before = answers.find_by_id(connection, numbers)
    return {"pairs": [(before.get(each.before or 0), each) for each in found]}
