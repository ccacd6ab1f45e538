"""Answers about one article, and the state of the work, read no table whole."""

from datetime import UTC, datetime

from sqlalchemy import Engine

from storage.database.engine import database_url as parsed
from storage.database.engine import writing_engine
from storage.database.schema import upgrade
from storage.read.archive import open_archive
from storage.read.search import find_wordings_by_keys
from tests.database.test_plans import scanned, write
from tests.flow.driver import newsroom_at
from tests.plans import indexes_of, whole_scans_of

SMALL = frozenset({"restriction", "restriction_lifted", "watch"})
"""Restrictions are few, and each answer minds all; late addresses are counted each time."""


def test_sentences_are_looked_up_in_their_index_in_an_archive_of_any_size(postgres_url):
    engine = writing_engine(parsed(postgres_url))
    upgrade(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO sentence_text SELECT n, ARRAY[mod(n, 7), n, n + 1] FROM generate_series(1, 9000) n"
        )
        connection.exec_driver_sql("ANALYZE sentence_text")
    with engine.connect() as connection, indexes_of(engine) as indexes:
        found = find_wordings_by_keys(connection, [(("000z1",), 0), (("00001",), 0)], 70)
    engine.dispose()
    assert [len(each) for each in found] == [2, 70]
    assert indexes == {"sentence_text_keys"}


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
