"""Answers about one article, and the state of the work, read no table whole."""

from datetime import UTC, datetime

from sqlalchemy import Engine

from storage.read.archive import open_archive
from tests.database.test_plans import scanned, write
from tests.flow.driver import newsroom_at
from tests.plans import whole_scans_of

SMALL = frozenset({"restriction", "restriction_lifted", "watch"})
"""Restrictions are few, and each answer minds all; late addresses are counted each time."""


def test_no_answer_about_an_article_reads_a_whole_table(database_url, tmp_path):
    with newsroom_at(database_url, tmp_path) as room:
        for edit in (0, 1000):
            write(room, edit)
            room.scan(edit / 1000)
    with open_archive(database_url) as archive:
        line = next(archive.articles())
        article, origin = line.article, line.origin
        questions = {
            "article": lambda: archive.article(origin),
            "history": lambda: list(archive.history(article)),
            "show": lambda: archive.version(f"{article}@1"),
            "raw": lambda: archive.raw(article),
            "diff": lambda: archive.diff(article),
            "blame": lambda: list(archive.blame(article)),
            "changes": lambda: list(archive.changes(article)),
            "newest changes": lambda: list(archive.changes(limit=5)),
            "observations": lambda: list(archive.observations(article)),
            "search": lambda: list(archive.search("Pegel", limit=5)),
            "rights": lambda: list(archive.rights(article)),
            "entries": lambda: list(archive.entries(article)),
            "fronts": lambda: list(archive.fronts(article)),
            "relations": lambda: list(archive.relations(article)),
            "noise": lambda: list(archive.noise(article)),
            "pulse": lambda: archive.work_state(datetime.now(UTC)),
        }
        for name, ask in questions.items():
            with whole_scans_of(Engine) as scans:
                ask()
            assert scanned(scans, SMALL) == set(), name
